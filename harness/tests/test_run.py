import pytest

from harness.errors import CommandFailed
from harness.run import kill_group, popen, run


def test_a_failing_command_raises_with_all_it_said() -> None:
    """The exception carries the exit status and both outputs."""
    with pytest.raises(CommandFailed, match=r"(?s)exit status 3.*out.*err"):
        run(["sh", "-c", "echo out; echo err >&2; exit 3"])


def test_an_unchecked_failure_is_a_result() -> None:
    """check=False returns the status instead."""
    result = run(["sh", "-c", "cat; exit 4"], check=False, input_text="fed")
    assert (result.returncode, result.stdout, result.ok) == (4, "fed", False)


def test_past_its_time_a_command_and_its_children_are_killed() -> None:
    """A command that does not end is killed with its process group, and said so."""
    with pytest.raises(CommandFailed, match=r"no end within 0\.2 s"):
        run(["sh", "-c", "sleep 1000; true"], timeout_s=0.2)


def test_kill_group_may_be_called_twice() -> None:
    """Killing what is dead already is no error."""
    process = popen(["sleep", "1000"])
    kill_group(process)
    kill_group(process)
    assert process.returncode == -9
