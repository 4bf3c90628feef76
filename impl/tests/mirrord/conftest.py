"""Two twinset-mirrord processes on loopback for each test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.labs.loopback import MirrorPair


@pytest.fixture()
def pair(tmp_path: Path) -> Iterator[MirrorPair]:
    made = MirrorPair(tmp_path, 16)
    try:
        yield made
    finally:
        made.end()


@pytest.fixture()
def make_pair(tmp_path: Path) -> Iterator[Any]:
    made: list[MirrorPair] = []

    def make(disk_mib: int = 16, **options: Any) -> MirrorPair:
        made.append(MirrorPair(tmp_path / str(len(made)), disk_mib, **options))
        return made[-1]

    try:
        yield make
    finally:
        for each in made:
            each.end()
