"""The lab's end of the connection to the agent in a virtual machine (labs/guest_agent.py)."""

import itertools
import json
import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import CommandFailed, LabError
from harness.run import PIPE, Process, kill_group, popen
from harness.wait import PATIENCE

SOURCE = Path(__file__).with_name("guest_agent.py")
# What the guest's interpreter is given as its program: it reads the agent's text, whose length comes first.
BOOTSTRAP = "import sys; exec(compile(sys.stdin.read(int(sys.stdin.readline())), 'guest_agent', 'exec'))"
HELLO_S = 60.0
SLACK_S = 20.0  # emulated machines start programs slowly


class Guest:
    """One connection; it ends with the machine's power, or when the machine is silent for too long."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._process: Process = popen([*argv, f'python3 -I -S -u -c "{BOOTSTRAP}"'], stdin=PIPE)
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            text = SOURCE.read_text()
            self._send(f"{len(text)}\n{text}")
            self.boot_id = str(self.order("ping", timeout_s=HELLO_S)["boot_id"])
        except BaseException:
            self.close()
            raise

    def _read(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._answers.put(line)
        self._answers.put("")

    def _send(self, text: str) -> None:
        if self._process.stdin is None:
            raise LabError("no way to the agent")
        try:
            self._process.stdin.write(text)
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise CommandFailed(f"the connection to the machine is gone: {error}") from error

    def order(self, verb: str, *, timeout_s: float = 20.0, **arguments: Any) -> dict[str, Any]:
        """Give an order and wait for its answer; CommandFailed when it is refused, late, or nobody is there."""
        number = next(self._numbers)
        self._send(json.dumps({"id": number, "verb": verb, "timeout_s": timeout_s, **arguments}) + "\n")
        while True:
            try:
                line = self._answers.get(timeout=(timeout_s + SLACK_S) * PATIENCE)
            except queue.Empty:
                raise CommandFailed(f"no answer to {verb} within {timeout_s + SLACK_S:g} s") from None
            if not line:
                self._answers.put("")
                raise CommandFailed(f"the connection to the machine ended: {self._last_words()}")
            body = json.loads(line)
            if body.get("id") != number:
                continue  # of an order that was given up
            if not body["ok"]:
                raise CommandFailed(f"{verb}: {body['error']}")
            result: dict[str, Any] = body["result"]
            return result

    def _last_words(self) -> str:
        if self._process.poll() is None or self._process.stderr is None:
            return "closed"
        return self._process.stderr.read()[-500:].strip()

    @property
    def alive(self) -> bool:
        """True while the connection stands."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the connection."""
        kill_group(self._process)
