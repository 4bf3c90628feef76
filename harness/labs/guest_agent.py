"""The lab's hand inside a virtual machine: takes orders on standard input, one JSON object a line.

It comes over ssh as text and runs with the guest's own interpreter (-I -S: standard library only), so nothing of the
harness has to be installed there. Each order is carried out in a thread of its own; its answer repeats the number.

    {"id": 1, "verb": "run", "argv": [...], "timeout_s": 30}  ->  {"id": 1, "ok": true, "result": {...}}
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

ANSWER_BYTES_MAX = 16 << 20
JOBS = Path("/run/twinset-lab")

_output = threading.Lock()
_jobs: dict[int, Any] = {}


def call(order: dict[str, Any]) -> Any:
    """Pass one request to a daemon's socket, return its whole answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(float(order["timeout_s"]))
        connection.connect(order["path"])
        if "message" not in order:
            return {}
        connection.sendall(json.dumps({"id": 1, **order["message"]}).encode() + b"\n")
        pending = b""
        while len(pending) < ANSWER_BYTES_MAX:
            part = connection.recv(1 << 16)
            if not part:
                raise ConnectionResetError("closed without an answer")
            *lines, pending = (pending + part).split(b"\n")
            for line in lines:
                body = json.loads(line)
                if isinstance(body, dict) and body.get("id") == 1:
                    return body
    raise OSError("an answer without end")


def _start(order: dict[str, Any], output: Any, errors: Any, given: Any) -> Any:
    return subprocess.Popen(
        order["argv"], stdin=given, stdout=output, stderr=errors, start_new_session=True, cwd="/",
        env={**os.environ, **order.get("env", {})},
    )  # fmt: skip


def run(order: dict[str, Any]) -> Any:
    """Run a command to its end; past its time it and its process group are killed."""
    text = order.get("input")
    given = subprocess.DEVNULL if text is None else subprocess.PIPE
    try:
        process = _start(order, subprocess.PIPE, subprocess.PIPE, given)
    except OSError as error:
        return {
            "returncode": 127,
            "stdout": "",
            "stderr": f"{order['argv'][0]}: {error.strerror}\n",
            "late": False,
        }
    late = False
    try:
        out, err = process.communicate(
            None if text is None else text.encode(), timeout=float(order["timeout_s"])
        )
    except subprocess.TimeoutExpired:
        late = True
        _kill(process)
        out, err = process.communicate()
    return {
        "returncode": process.returncode, "late": late,
        "stdout": out.decode(errors="replace"), "stderr": err.decode(errors="replace"),
    }  # fmt: skip


def _kill(process: Any) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def start(order: dict[str, Any]) -> Any:
    """Start a command in the background."""
    JOBS.mkdir(exist_ok=True)
    number = len(_jobs) + 1
    with (JOBS / f"job{number}.out").open("wb") as output:
        _jobs[number] = _start(order, output, output, subprocess.DEVNULL)
    return {"job": number}


def job(order: dict[str, Any]) -> Any:
    """What a job has printed; ``stop`` ends it first."""
    process = _jobs[order["job"]]
    if order.get("stop"):
        _kill(process)
        process.wait()
    text = (JOBS / f"job{order['job']}.out").read_text(errors="replace")
    return {"stdout": text, "returncode": process.poll()}


def write(order: dict[str, Any]) -> Any:
    """Write a file, its directory as well; a power cut after the answer does not take it back."""
    path = Path(order["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        file.write(order["text"])
        file.flush()
        os.fsync(file.fileno())
    path.chmod(order["mode"])
    return {}


def read(order: dict[str, Any]) -> Any:
    """The text of a file; null when there is none."""
    try:
        return {"text": Path(order["path"]).read_text(errors="replace")}
    except OSError:
        return {"text": None}


def names(order: dict[str, Any]) -> Any:
    """The names in a directory; none when there is no such directory."""
    try:
        return {"names": sorted(os.listdir(order["path"]))}  # noqa: PTH208 - plain names
    except OSError:
        return {"names": []}


def ping(_order: dict[str, Any]) -> Any:
    """It is there, in this boot."""
    return {"boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip()}


VERBS = {
    "call": call,
    "run": run,
    "start": start,
    "job": job,
    "write": write,
    "read": read,
    "names": names,
    "ping": ping,
}


def carry_out(order: dict[str, Any]) -> None:
    """Do what one line asks and print the answer."""
    try:
        answer = {"id": order["id"], "ok": True, "result": VERBS[order["verb"]](order)}
    except Exception as error:  # noqa: BLE001 - every order is answered
        answer = {"id": order.get("id"), "ok": False, "error": f"{type(error).__name__}: {error}"}
    with _output:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Serve until the connection ends; jobs that still run end with it."""
    for line in sys.stdin:
        threading.Thread(target=carry_out, args=(json.loads(line),), daemon=True).start()
    for process in _jobs.values():
        _kill(process)


if __name__ == "__main__":
    main()
