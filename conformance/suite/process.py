"""The one place of the suite that starts programs: the adapter, one JSON object a line each way, and hooks."""

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from conformance.suite.errors import AdapterError

LINE_BYTES_MAX = 16 * 1024 * 1024
END_S = 30.0


class LineProcess:
    """A program that answers a line for a line. Its standard error goes to a file for humans."""

    def __init__(self, argv: Sequence[str], log: Path) -> None:
        self.argv = tuple(argv)
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log.open("ab") as stderr:
                self._process = subprocess.Popen(
                    self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, bufsize=0
                )
        except OSError as error:
            raise AdapterError(f"cannot start the adapter {' '.join(argv)}: {error}") from error
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._given_up = ""  # why nothing more is asked
        self._endless = False
        self._reader = threading.Thread(target=self._read, name="adapter-reader", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        stdout = self._process.stdout
        if stdout is None:
            return
        pending = bytearray()
        while chunk := stdout.read(65536):
            begun = len(pending)
            pending += chunk
            if b"\n" in chunk:
                *lines, rest = pending.split(b"\n")
                for line in lines:
                    self._lines.put(bytes(line))
                pending = rest
            self._endless = begun > LINE_BYTES_MAX and bool(pending)
            if self._endless:
                stdout.close()  # or the program would wait for ever until somebody reads the rest
                break
        self._lines.put(None)

    def send(self, line: bytes) -> None:
        """Write one line; raise at once when the program was given up."""
        if self._given_up:
            raise AdapterError(f"not asked any more: {self._given_up}")
        try:
            if self._process.stdin is None:
                raise BrokenPipeError
            self._process.stdin.write(line + b"\n")
        except OSError as error:
            raise self._give_up(f"the adapter no longer reads ({self._end()})") from error

    def receive(self, timeout_s: float) -> bytes:
        """Return the next line, without its end.

        A program that was silent is given up: its late answer would pass for that of another request, and every
        further case would wait as long.
        """
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise self._give_up(f"the adapter was silent for {timeout_s:g} s") from None
        if line is None:
            how = f"a line of more than {LINE_BYTES_MAX} bytes" if self._endless else "its end"
            raise self._give_up(f"instead of an answer came {how} ({self._end()})")
        return line

    def _give_up(self, why: str) -> AdapterError:
        self._given_up = f"{why}; see {self.log}"
        return AdapterError(self._given_up)

    def _end(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return f"exit status {self._process.wait(timeout=1)}"
        return "still running"

    def close(self) -> None:
        """End the adapter: end of input first, then terminate, then kill."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        for end in (None, self._process.terminate, self._process.kill):
            if end is not None:
                end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=END_S if end is None else 5)
                break
        self._reader.join(timeout=5)
        if self._process.stdout is not None:
            self._process.stdout.close()


def run_command(argv: Sequence[str], timeout_s: float) -> tuple[int, str, str]:
    """Run a program to its end: exit status, standard output, standard error. AdapterError when it cannot be."""
    try:
        ran = subprocess.run(
            argv, capture_output=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AdapterError(f"{' '.join(argv)}: {error}") from error
    return ran.returncode, ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace")


class Job:
    """A program in the background whose output grows in a file, in a folder of its own."""

    def __init__(self, argv: Sequence[str], output: Path) -> None:
        self.output = output
        try:
            with output.open("wb") as file:
                self._process = subprocess.Popen(
                    argv,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
        except OSError as error:
            raise AdapterError(f"cannot start {' '.join(argv)}: {error}") from error

    def text(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def end(self) -> str:
        """End it and everything it started; return what it printed."""
        for ending in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, ending)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
                break
        text = self.text()
        shutil.rmtree(self.output.parent, ignore_errors=True)
        return text
