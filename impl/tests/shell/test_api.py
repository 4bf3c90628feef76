"""The daemon's socket: errors are answers, never the end."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.errors import Refusal
from twinset.shell.api import LINE_BYTES_MAX, ApiServer, parse_request


async def handler(verb: str, args: dict[str, Any]) -> Any:
    if verb == "refuse":
        raise Refusal("E_STATE", "no", "6.2", "yes")
    if verb == "bug":
        raise KeyError("oops")
    return {"verb": verb, **args}


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


def with_server(tmp_path: Path, talk: Talk) -> tuple[Any, list[str]]:
    """Run a conversation with a server; return its value and the bugs that were logged."""
    bugs: list[str] = []

    async def scenario() -> Any:
        server = ApiServer(tmp_path / "s", handler, lambda verb, _: bugs.append(verb))
        await server.start()
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"), limit=4 * LINE_BYTES_MAX)
        async with asyncio.timeout(60):
            value = await talk(reader, writer)
        writer.close()
        await server.stop()
        return value

    return asyncio.run(scenario()), bugs


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> Any:
    writer.write(line)
    return json.loads(await reader.readline())


def test_an_answer_carries_the_id(tmp_path: Path) -> None:
    """A result comes back under the id of its request."""
    answer, _ = with_server(tmp_path, lambda r, w: ask(r, w, b'{"id": 7, "verb": "v", "args": {"a": 1}}\n'))
    assert answer == {"id": 7, "ok": True, "result": {"verb": "v", "a": 1}}


def test_a_refusal_carries_all_that_helps(tmp_path: Path) -> None:
    """Code, message, clause and help of a refusal reach the client."""
    answer, _ = with_server(tmp_path, lambda r, w: ask(r, w, b'{"id": 1, "verb": "refuse"}\n'))
    assert answer["error"] == {"code": "E_STATE", "message": "no", "clause": "6.2", "help": "yes"}


def test_a_bug_is_logged_and_hidden(tmp_path: Path) -> None:
    """An exception in a handler is an answer without traceback, and a log entry."""
    answer, bugs = with_server(tmp_path, lambda r, w: ask(r, w, b'{"id": 1, "verb": "bug"}\n'))
    assert answer["error"]["code"] == "E_INTERNAL"
    assert "oops" not in json.dumps(answer)
    assert bugs == ["bug"]


@pytest.mark.parametrize(
    "line",
    [b"nonsense\n", b"[]\n", b"3\n", b'{"id": 1}\n', b'{"verb": 3}\n', b'{"verb": "v", "args": []}\n',
     b'{"id": [], "verb": "v"}\n', b"\xff\xfe\n", b"[" * 100_000 + b"\n"],
)  # fmt: skip
def test_a_bad_line_is_answered_and_the_next_one_too(tmp_path: Path, line: bytes) -> None:
    """A line that is no request gets an error, and the connection goes on."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        return await ask(reader, writer, line), await ask(reader, writer, b'{"id": 2, "verb": "v"}\n')

    (bad, good), bugs = with_server(tmp_path, talk)
    assert bad["ok"] is False
    assert bad["error"]["code"] == "E_RANGE"
    assert good["ok"] is True
    assert bugs == []


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    """A line longer than the limit is refused, and the daemon serves the next client."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        writer.write(b"x" * (LINE_BYTES_MAX + 10))
        refused = json.loads(await reader.readline())
        other_reader, other_writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        good = await ask(other_reader, other_writer, b'{"id": 1, "verb": "v"}\n')
        other_writer.close()
        return refused, good

    (refused, good), _ = with_server(tmp_path, talk)
    assert "longer" in refused["error"]["message"]
    assert good["ok"] is True


def test_requests_run_side_by_side(tmp_path: Path) -> None:
    """Many requests on one connection are all answered, each under its id."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        for number in range(100):
            writer.write(b'{"id": %d, "verb": "v"}\n' % number)
        return [json.loads(await reader.readline())["id"] for _ in range(100)]

    ids, _ = with_server(tmp_path, talk)
    assert sorted(ids) == list(range(100))


def test_the_socket_is_private(tmp_path: Path) -> None:
    """Only its owner may operate the cluster."""

    async def talk(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> Any:
        return (tmp_path / "s").stat().st_mode & 0o777

    assert with_server(tmp_path, talk)[0] & 0o077 == 0


@given(st.binary(max_size=2000))
def test_any_line_is_parsed_or_refused(line: bytes) -> None:
    """The parser of requests never raises."""
    _, verb, args, fault = parse_request(line)
    assert fault or (verb and isinstance(args, dict))
