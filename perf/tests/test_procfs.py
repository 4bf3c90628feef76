import pytest

from perf.errors import OutputError
from perf.figures import procfs

STAT = (
    "812 (odd) name (x) S 1 812 812 0 -1 4194560 1534 0 0 0 421 79 0 0 20 0 1 0 428112 30208000 5723 "
    "18446744073709551615 1 1 0 0 0 0 0 16781312 2 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0"
)
STATUS = "Name:\tpython\nVmPeak:\t   30720 kB\nVmHWM:\t   22724 kB\nVmRSS:\t   20000 kB\n"
PROC_STAT = "cpu  100 5 50 800 45 1 2 3 40 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"
MOUNTS = (
    "/dev/vda / ext4 rw,relatime 0 0\n"
    "tmpfs /dev/shm tmpfs rw 0 0\n"
    "/dev/vdb /var xfs rw,noatime 0 0\n"
    "/dev/vdc /var/tmpfiles ext4 rw 0 0\n"
)


def test_processor_time_is_user_and_system_whatever_the_command_is_called() -> None:
    """utime 421 and stime 79; parentheses and spaces in the command do not shift the fields."""
    assert procfs.cpu_ticks(STAT) == 500


def test_short_stat_is_refused() -> None:
    """A process that is going away leaves a line that cannot be read."""
    with pytest.raises(OutputError):
        procfs.cpu_ticks("812 (x) Z 1")


def test_memory_field_is_read_in_kib() -> None:
    """The field asked for, and an error for one that is not there."""
    assert procfs.status_kib(STATUS, "VmHWM") == 22724
    with pytest.raises(OutputError, match="VmSwap"):
        procfs.status_kib(STATUS, "VmSwap")


def test_busy_share_leaves_out_idle_time_and_guest_time() -> None:
    """100 + 5 + 50 + 1 + 2 + 3 of 1006 ticks; waiting for a disk is not being busy."""
    first = procfs.processors(PROC_STAT)
    assert (first.busy, first.total) == (161, 1006)
    later = procfs.processors("cpu  150 5 50 850 45 1 2 3 40 0\n")
    assert later.busy_share_since(first) == 0.5
    assert first.busy_share_since(first) == 0.0
    with pytest.raises(OutputError):
        procfs.processors("intr 1 2 3\n")


def test_processor_name_is_found_or_unknown() -> None:
    """Other architectures call it otherwise, or not at all."""
    assert procfs.cpu_model("processor\t: 0\nmodel name\t: AMD EPYC\n") == "AMD EPYC"
    assert procfs.cpu_model("") == "unknown"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/srv/x", "ext4 on /dev/vda (rw,relatime)"),
        ("/var/tmp/x", "xfs on /dev/vdb (rw,noatime)"),
        ("/var/tmpfiles/x", "ext4 on /dev/vdc (rw)"),
        ("/dev/shm", "tmpfs on tmpfs (rw)"),
    ],
)
def test_file_system_is_that_of_the_innermost_mount(path: str, text: str) -> None:
    """Whole names count: /var/tmp is not below /var/tmpfiles."""
    assert procfs.file_system_of(path, MOUNTS) == text
