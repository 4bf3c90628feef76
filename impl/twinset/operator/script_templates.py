"""The guide's sample scripts in their shell form, with words to fill in (4.5.2, 9.2, 9.3), and file sharing."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

from twinset.errors import Refusal
from twinset.guide.names import GROUP, name_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

CLAUSE: Final = "4.5.2-04"
_WORD: Final = re.compile(r"@([A-Z]+)@")


@dataclass(frozen=True)
class Word:
    """Something to fill in; without a default it has to be given. A list stands as several words of the shell."""

    name: str
    what: str
    default: str | None = None
    list: bool = False


@dataclass(frozen=True)
class Template:
    """Scripts of a group that are made from a sample."""

    name: str
    what: str
    words: tuple[Word, ...] = ()
    parts: tuple[str, ...] = ("start", "stop")


TEMPLATES: Final = {
    template.name: template
    for template in (
        Template(
            "plain",
            "the sample of 4.5.2: a place for each occasion, and failover when the disk cannot be activated",
            parts=("start", "stop", "diskfail"),
        ),
        Template(
            "file-sharing",
            "a directory of the mirror disk as a share of Samba at the group's address",
            (
                Word("SHARE", "name of the share"),
                Word("PATH", "directory on the mirror disk"),
                Word("ADDRESS", "floating IP address of the group"),
                Word("GUEST", "yes: without an account too", "no"),
            ),
        ),
        Template(
            "watch-shares",
            "the sample of 9.2: shares of the other server are watched for a partial stall",
            (
                Word("SHARES", "such as //server2/share2; several with spaces between", list=True),
                Word("ADDRESS", "of the other server on the public LAN"),
                Word("WATCH", "what the watch IDs begin with", "W"),
                Word("USER", "account that looks, an [[account]] of the configuration", "root"),
            ),
        ),
        Template(
            "watch-application",
            "the sample of 9.3: a program that ends when the application does not answer",
            (
                Word("PROGRAM", "path of that program, with arguments", list=True),
                Word("WATCH", "its watch ID", "W1"),
            ),
        ),
    )
}


def render(name: str, group: str, directory: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the scripts of a group by file name; Refusal says which word is missing, unknown or impossible."""
    template = TEMPLATES.get(name)
    if template is None:
        raise Refusal("E_NOTFOUND", f"no template {name}; there are {', '.join(TEMPLATES)}", CLAUSE)
    for problem in name_problems(group, GROUP):
        raise Refusal(problem.code, f"group name: {problem.text}", problem.clause)
    known = {word.name: word for word in template.words}
    for key, text in given.items():
        if key not in known:
            raise Refusal(
                "E_NOTFOUND", f"{name} has no word {key}; it has {', '.join(known) or 'none'}", CLAUSE
            )
        if not text or not text.isprintable():
            raise Refusal("E_CHARSET", f"{key} is empty, or has characters that cannot be printed", CLAUSE)
    values = {"GROUP": group, "DIRECTORY": shlex.quote(directory)}
    for word in template.words:
        value = given.get(word.name, word.default)
        if value is None:
            raise Refusal("E_RANGE", f"{word.name} is missing: {word.what}", CLAUSE, f"--set {word.name}=...")
        values[word.name] = shlex.join(value.split()) if word.list else shlex.quote(value)
    return {f"{group}-{part}": _filled(f"{name}-{part}.sh", values) for part in template.parts}


def _filled(file: str, values: Mapping[str, str]) -> str:
    text = (resources.files("twinset.operator") / "templates" / file).read_text(encoding="utf-8")
    return _WORD.sub(lambda match: values[match[1]], text)
