"""What the control messages of a session have to carry; what does not is refused before anything has changed.

`Side` acts only on messages that have passed `check`, so its handlers read fields without looking at them again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset.errors import ProtocolError

from .copy_mode import FULL, HIGH_SPEED, NONE, WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable

UUID_DIGITS: Final = 32
GENERATION_MAX: Final = (1 << 64) - 1
EPOCH_MAX: Final = (1 << 31) - 1  # the window holds epochs in 32 bits, and some are counted on from here


def _number(most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and 0 <= value <= most


def _uuid(value: Any) -> bool:
    return isinstance(value, str) and len(value) == UUID_DIGITS and set(value) <= set("0123456789abcdef")


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kind)


_generation, _epoch = _number(GENERATION_MAX), _number(EPOCH_MAX)
_text, _flag = _is(str), _is(bool)


def _lineage(value: Any) -> bool:
    return isinstance(value, list) and all(map(_generation, value))


def _mode(value: Any) -> bool:
    return value in (NONE, WINDOW, HIGH_SPEED, FULL)


FIELDS: Final[dict[str, dict[str, Callable[[Any], bool]]]] = {
    "attach": {"mode": _mode, "reason": _text, "cur": _generation, "set_uuid": _uuid, "epoch": _epoch},
    "attached": {"epoch": _epoch},
    "refused": {"reason": _text},
    "in_step": {},
    "finish": {
        "cur": _generation, "base": _generation, "history": _lineage, "disk_uuid": _uuid, "server_uuid": _uuid,
    },
    "finished": {"disk_uuid": _uuid, "server_uuid": _uuid},
    "stale": {"cur": _generation},
    "staled": {"cur": _generation},
    "want_source": {},
    "released": {"epoch": _epoch, "in_step": _flag},
    "target_faulty": {"cur": _generation},
    "source_faulty": {"cur": _generation},
    "good_solo": {"fresh": _flag, "epoch": _epoch},
    "verify_job": {"job": _is(dict)},
    "repair": {"ranges": _is(list)},
    "repairing": {},
}  # fmt: skip


def check(message: dict[str, Any]) -> str:
    """Return the type of a message that is whole. Raises ProtocolError with what is wrong in it."""
    kind = message.get("type")
    fields = FIELDS.get(kind) if isinstance(kind, str) else None
    if kind is None or fields is None:
        raise ProtocolError(f"unexpected control message {kind!r}")
    for name, sound in fields.items():
        if name not in message:
            raise ProtocolError(f"control message {kind!r} without {name!r}")
        if not sound(message[name]):
            raise ProtocolError(f"control message {kind!r} with {name!r} = {message[name]!r:.80}")
    return str(kind)
