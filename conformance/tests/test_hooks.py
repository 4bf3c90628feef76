"""Commands in the place of verbs: what is hooked, how it is called, what its end means."""

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.suite import hooks
from conformance.suite.adapter import Adapter
from conformance.suite.errors import AdapterError, ConformanceError, Unsupported
from conformance.suite.wait import wait_for
from conformance.tests.test_adapter import FAKE


def written(tmp_path: Path, text: str) -> hooks.Hooks:
    file = tmp_path / "hooks.toml"
    file.write_text(f"[hooks]\n{text}\n")
    return hooks.load(file)


def test_a_fault_is_done_by_its_command(tmp_path: Path) -> None:
    """Words in braces are those of the request; what it leaves out is empty; 0 means done."""
    log = tmp_path / "log"
    found = written(tmp_path, f"link = ['sh', '-c', 'echo {{network}}/{{server}}/{{action}} > {log}']")
    assert found.request("link", {"network": "ic1", "action": "cut"}) == {}
    assert log.read_text() == "ic1//cut\n"


@pytest.mark.parametrize(("status", "error"), [(3, Unsupported), (1, AdapterError), (2, AdapterError)])
def test_the_exit_status_of_a_fault(tmp_path: Path, status: int, error: type[Exception]) -> None:
    """3 is `unsupported`, another one breaks the case: the port is not to blame, and standard error says why."""
    found = written(tmp_path, f"power = ['sh', '-c', 'echo no such plug >&2; exit {status}']")
    with pytest.raises(error, match="no such plug"):
        found.request("power", {"server": "server1", "action": "cut"})


def test_a_command_on_a_host_ends_as_it_ends(tmp_path: Path) -> None:
    """`run` appends the words, nothing splits them again, and the exit status is no error of the hook."""
    found = written(tmp_path, "run = ['env', 'HOST={host}']")
    ran = found.request(
        "run", {"host": "client", "argv": ["sh", "-c", 'echo "$HOST $1"; exit 7', "x", "a b"]}
    )
    assert ran == {"returncode": 7, "stdout": "client a b\n", "stderr": ""}


def test_a_command_in_the_background_is_a_job_of_the_hooks(tmp_path: Path) -> None:
    """What it prints can be read while it runs; stopped, it and its children are gone."""
    found = written(tmp_path, "run = ['env']")
    argv = ["sh", "-c", "echo listening on x; sleep 1000; echo never"]
    job = found.request("run", {"host": "client", "argv": argv, "background": True})["job"]
    assert found.takes("job", {"job": job})
    assert not found.takes("job", {"job": "job1"})
    read = {"job": job, "action": "read"}
    wait_for(lambda: found.request("job", read)["stdout"], lambda text: "listening" in text, 10, "its words")
    assert found.request("job", {"job": job, "action": "stop"})["stdout"] == "listening on x\n"
    assert not found.takes("job", {"job": job})


def test_what_is_hooked_is_not_asked_of_the_adapter(tmp_path: Path) -> None:
    """A hooked verb works although the adapter does not have it; the others go to the adapter."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE.replace("BODY", "pass"))
    argv = [sys.executable, str(script)]
    adapter = Adapter(argv, tmp_path / "log", written(tmp_path, "pause = ['true']\nrun = ['env']"))
    try:
        assert adapter.request("pause", {"server": "server1", "action": "pause"}) == {}
        job = adapter.request("run", {"host": "x", "argv": ["sleep", "1000"], "background": True})["job"]
        assert adapter.request("job", {"job": job, "action": "read"}) == {"stdout": ""}
        assert adapter.validate({})["accepted"]
        with pytest.raises(Unsupported):
            adapter.request("link", {"action": "heal"})
    finally:
        adapter.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("validate = ['true']", "cannot be hooked"),
        ("power = 'true'", "list of words"),
        ("power = []", "list of words"),
        ("power = ['plug', '{host}']", "known here: {server}, {action}"),
        ("power = ['plug', '{']", "known here"),
        ("power = [", "hooks.toml"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """A verb that the port itself must answer, no list of words, unknown words and broken TOML, each by name."""
    with pytest.raises(ConformanceError, match=message):
        written(tmp_path, text)


def test_without_a_file_nothing_is_hooked() -> None:
    """Every verb goes to the adapter."""
    assert not any(hooks.load(None).takes(verb, {}) for verb in (*hooks.HOOKABLE, "job"))


def test_raw_copies_of_a_remote_server_are_read_there(tmp_path: Path) -> None:
    """Without a path that the suite can open, the bytes are read on the server: the same checksum as here."""
    from conformance.suite.observers import Observers

    disk = tmp_path / "a disk"
    disk.write_bytes(bytes(range(256)) * 2 * 8)
    area = {"offset_bytes": 512, "size_bytes": 1024}
    raw = {
        "device": str(disk),
        "cluster_partition": {"offset_bytes": 0, "size_bytes": 512},
        "partitions": [area, area],
    }

    class Remote:
        """An adapter of which only the raw copies matter."""

        def __init__(self, path: str | None) -> None:
            self.copies = {"copies": {"server1": {**raw, "path": path}}}

        def request(self, verb: str, args: dict[str, Any]) -> Any:
            return self.copies if verb == "copies" else written(tmp_path, "run = ['env']").request(verb, args)

    provisioned = {"scratch": "/x", "servers": {}, "client": {"interface": "e"}}
    here, there = (Observers(Remote(path), provisioned) for path in (str(disk), None))  # type: ignore[arg-type]
    assert there.copies("set1") == here.copies("set1")
    assert there.cluster_partition("set1", "server1") == here.cluster_partition("set1", "server1")
    assert shlex.quote(str(disk)) != str(disk)
