"""A twinsetd that answers from a table, for commands that run in this process."""

from collections.abc import Callable
from typing import Any

import pytest

from twinset.commands import frame

Answer = Any | Callable[[dict[str, Any]], Any]


class FakeDaemon:
    """Keeps what it was asked; an answer that is an exception is raised."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Answer] = {}

    def ask(self, verb: str, **args: Any) -> Any:
        self.asked.append((verb, {name: value for name, value in args.items() if value is not None}))
        answer = self.answers.get(verb, {})
        if callable(answer):
            answer = answer(args)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture()
def daemon(monkeypatch: pytest.MonkeyPatch) -> FakeDaemon:
    fake = FakeDaemon()
    monkeypatch.setattr(frame, "ask", fake.ask)
    monkeypatch.delenv("ARMS_GROUPNAME", raising=False)
    return fake


@pytest.fixture()
def call(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a command's main with these words."""

    def run(main: Callable[[], int], *words: str) -> int:
        monkeypatch.setattr("sys.argv", ["command", *words])
        return main()

    return run
