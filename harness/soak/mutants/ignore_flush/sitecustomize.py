# ruff: noqa: INP001 - found by its directory
"""A bug put into twinset-mirrord: a flush of the own disk counts although it never reached it. The soak finds it.

Python imports this by itself when its directory is on PYTHONPATH; it needs an interpreted installation.
"""

import sys
from typing import Any

if any("twinset.shell.mirrord" in word for word in sys.orig_argv):
    from twinset.shell import aio

    _prepare = aio.AioContext.prepare

    def prepare(context: Any, slot: int, opcode: int, *words: int) -> None:
        """Describe an operation; a flush becomes a read of nothing, and nothing is written through."""
        if opcode == aio.FDSYNC:
            opcode = aio.PREAD
        _prepare(context, slot, opcode, *words[:3])

    aio.AioContext.prepare = prepare  # type: ignore[method-assign, assignment]
