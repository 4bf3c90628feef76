"""Runs fio on a server of the lab, through ``sh``; job file and output stay with the artefacts."""

import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import sh

from harness.labs.server import Server
from harness.wait import wait_for
from perf.errors import PerfError
from perf.figures import fio_output, jobs
from perf.figures.fio_output import Figures

JOBS = Path(__file__).resolve().parents[1] / "jobs"
END_S = 120.0
INTERRUPTED = 128  # fio's own exit status after a signal; its figures are complete up to then


def load(name: str) -> jobs.Job:
    """A job by its file's name."""
    file = JOBS / f"{name}.fio"
    if not file.exists():
        raise PerfError(f"no job {name!r}; there are {', '.join(names())}")
    return jobs.parse(name, file.read_text())


def names() -> list[str]:
    """All jobs."""
    return sorted(file.stem for file in JOBS.glob("*.fio"))


def of_disks() -> list[str]:
    """Those that run on a disk, not in a mounted file system."""
    return [name for name in names() if not load(name).of_files]


def digests() -> dict[str, str]:
    """Each workload with the digest of its file."""
    return {name: load(name).digest for name in names()}


class Place(Protocol):
    """Where fio runs: a server, and a command line that ends up there."""

    active: Server

    def argv(self, argv: Sequence[str]) -> list[str]:
        """Return the command line that runs ``argv`` on the active server."""


class Fio:
    """One run of fio; ``figures`` waits for its end."""

    def __init__(self, place: Place, text: str, stem: Path) -> None:
        self._server = server = place.active
        self._output = stem.with_suffix(".json")
        job_file = stem.with_suffix(".fio")
        job_file.write_text(text)
        argv = place.argv(
            ["fio", "--output-format=json", f"--output={self._output}", "--eta=never", str(job_file)]
        )
        self._process: Any = sh.Command(argv[0])(
            *argv[1:], _bg=True, _bg_exc=False, _env=server.env, _ok_code=[0, INTERRUPTED], _new_session=True
        )

    @property
    def ended(self) -> bool:
        """True once fio has gone."""
        return not self._process.is_alive()

    def stop(self) -> None:
        """End it early, as Ctrl-C would: what was measured so far is reported."""
        for pid in self._server.pids_of("fio"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)

    def figures(self, limit_s: float) -> list[Figures]:
        """Wait for the end and return one entry a job section."""
        try:
            wait_for(lambda: self.ended, limit_s + END_S, "fio to end", poll_s=0.02)
            self._process.wait()
        except sh.ErrorReturnCode as error:
            said = error.stderr.decode(errors="replace").strip()[-2000:]
            raise PerfError(f"fio ended with {error.exit_code}: {said}\n{self._printed()[-500:]}") from error
        return fio_output.parse(self._printed())

    def kill(self) -> None:
        """End it without figures; for the way out of an error."""
        for pid in self._server.pids_of("fio"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _printed(self) -> str:
        return self._output.read_text(errors="replace") if self._output.exists() else ""
