"""``twinset doctor [FILE]``: both servers against what is needed and against the guide's advice, line by line.

Exit status 0 when nothing that is needed is missing (advice and lines for a person do not count), 1 otherwise.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.text import Text

from twinset import config as configuration
from twinset.advice import line as lines
from twinset.advice.examine import examine, failed
from twinset.advice.facts import ServerFacts
from twinset.errors import ConfigError, DaemonUnreachable, Refusal
from twinset.operator import local
from twinset.operator.check import run_check
from twinset.operator.client import Client
from twinset.shell import server_facts
from twinset.shell.paths import server_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from twinset.shell.paths import Paths

_STYLES: Final = {
    lines.OK: "green",
    lines.ADVICE: "yellow",
    lines.ERROR: "bold red",
    lines.UNKNOWN: "magenta",
    lines.PERSON: "cyan",
}
ANSWER_S: Final = 60.0


def run_doctor(file: Path | None, paths: Paths, *, as_json: bool) -> int:
    """Look, print, return the exit status."""
    path = file or paths.config
    try:
        text = path.read_text()
        config = configuration.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        help_text = "twinset doctor FILE" if file is None else ""
        raise Refusal("E_NOTFOUND", f"{path}: cannot be read: {error}", help=help_text) from None
    except ConfigError:
        return run_check(path, as_json)  # its findings say why
    servers, absent = _facts(text, config, paths)
    found = examine(config, configuration.check_file(path), servers, absent)
    if as_json:
        local.print_json(
            {"file": str(path), "fit": not failed(found), "lines": [each.as_json() for each in found]}
        )
    else:
        _show(found)
    return local.REFUSED if failed(found) else 0


def _facts(
    text: str, config: configuration.ClusterConfig, paths: Paths
) -> tuple[list[ServerFacts], dict[str, str]]:
    """Ask twinsetd for both servers; without it this command looks at this server by itself."""
    try:
        client = Client(paths.api)
        try:
            answer: dict[str, Any] = client.call("server.facts", ANSWER_S, text=text)
        finally:
            client.close()
    except DaemonUnreachable as error:
        me = server_name(paths)
        own = asyncio.run(server_facts.gather(config, me, paths.state))
        why = "twinsetd does not run on this server, so the other one was not asked"
        return [own], {own.server: str(error), config.peer_of(me).name: why}
    return [ServerFacts.from_json(each) for each in answer["servers"]], dict(answer["absent"])


def _show(found: Sequence[lines.Line]) -> None:
    console = Console()
    for each in found:
        text = Text(f"{each.status:<8}", style=_STYLES.get(each.status, ""))
        server = f"{each.server}: " if each.server else ""
        text.append(f"{each.code:<20}{server}{each.text} [{each.clause}]", style="default")
        console.print(text, soft_wrap=True)
        if each.remedy and each.status != lines.OK:
            console.print(Text(f"        next: {each.remedy}"), soft_wrap=True)
    counts = {status: sum(each.status == status for each in found) for status in _STYLES}
    console.print(
        Text(", ".join(f"{count} {status}" for status, count in counts.items() if count)), soft_wrap=True
    )
