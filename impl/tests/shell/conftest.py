"""Waiting in asyncio tests: for a fact, long enough for any machine."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from twinset.shell import clock

from .programs_world import World, player

LONG_S = 60.0

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]


async def until_true(predicate: Callable[[], Any], what: str) -> Any:
    """Return the first truthy value of the predicate; AssertionError when there is none for very long."""
    try:
        async with asyncio.timeout(LONG_S):
            while not (value := predicate()):
                await clock.pause(0.005)
            return value
    except TimeoutError:
        raise AssertionError(f"never happened: {what}") from None


@pytest.fixture
def until() -> Until:
    """Wait for a fact."""
    return until_true


@pytest.fixture
def scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[World], Awaitable[None]]], None]:
    """Play a scenario of programs."""
    return player(tmp_path, monkeypatch)
