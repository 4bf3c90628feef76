"""HTML and XML that cannot be broken by what stands in them: every text is escaped, only elements are not."""

import html
from collections.abc import Iterable

_VOID = frozenset({"meta", "input", "br", "hr"})


class Markup(str):
    """Text that is markup already. Only this module, and constants of the program, make it."""

    __slots__ = ()


def tag(element: str, /, *children: object, **attributes: object) -> Markup:
    """An element. Children are texts (escaped), markup, or lists of them; None and attributes of None are left out.

    An attribute's name may end in an underscore (`class_`), and inner ones become hyphens (`data_verdict`).
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if element in _VOID:
        return Markup(f"<{element}{said}>")
    return Markup(f"<{element}{said}>{join(children)}</{element}>")


def join(children: Iterable[object]) -> Markup:
    """Children one after the other, each escaped unless it is markup."""
    return Markup("".join(_text(child) for child in children))


def _text(child: object) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, list | tuple):
        return join(child)
    return html.escape(str(child), quote=True)
