"""What scripts and programs of groups say is kept in files of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LOG_BYTES_MAX: Final = 1024 * 1024


def begin_log(log: Path, variables: object, program: str) -> None:
    """Write what is going to run, and with what."""
    log.parent.mkdir(parents=True, exist_ok=True)
    trim_log(log)
    with log.open("a") as file:
        file.write(f"--- {program} {variables}\n")


def trim_log(log: Path) -> None:
    """Keep the newest half when the log grows too long; who writes it appends, so cutting is safe."""
    try:
        size = log.stat().st_size
        if size > LOG_BYTES_MAX:
            with log.open("rb") as file:
                file.seek(size - LOG_BYTES_MAX // 2)
                kept = file.read(LOG_BYTES_MAX // 2)
            with log.open("r+b") as file:
                file.truncate(0)
                file.write(b"--- older output was cut\n" + kept)
    except OSError:
        return
