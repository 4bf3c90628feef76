"""The active server is short of memory while the kernel writes back to the disk that its own processes serve.

Memory control groups of the kernel make the shortage, so that it stays theirs. Two arrangements:

- *apart*: the processes of the server (PID 1, twinsetd, twinset-mirrord, block device) in one small group, the
  application in another, as service managers do it. Both groups are full, and each has processes killed for it.
- *together*: all of them in one small group. There a process of the data path meets, whenever it needs memory, the
  dirty pages that only it can write. A version-1 group lets it wait for them, which is for ever, unless it has
  declared itself an I/O flusher; without CAP_SYS_RESOURCE the kernel refuses that declaration (seen: twinsetd,
  twinset-mirrord and the block device all in folio_wait_writeback). So there it is not run, and the reason is told.

Likewise only CAP_SYS_RESOURCE makes the daemons' oom_score_adj -1000. With it the processes to be killed are
smaller than the daemons; without, the kernel prefers the largest, and these are larger than the daemons.

Not shown: a whole machine without memory (the tests share it).
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.faults.memory import MemoryGroup, reason_to_skip
from harness.labs import pair
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.run import PIPE, Process, kill_group
from harness.wait import now_s, wait_for

PROGRAMS = ("twinsetd", "twinset-mirrord", "twinset.shell.block_device")
CAP_SYS_RESOURCE = 24
NEVER_KILLED = -1000
DISK_MIB = 384
FILE_MIB = 256
APPLICATION_MIB = 48  # a fifth of the file: the rest is written back before more can be dirtied
WRITTEN_S = 150.0

NO_GROUP = reason_to_skip()


def own_status(name: str, pid: int | str = "self") -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith(name + ":")).split()[1]


PRIVILEGED = bool(int(own_status("CapEff"), 16) >> CAP_SYS_RESOURCE & 1)
ROOM_MIB = 16 if PRIVILEGED else 64  # beside the daemons, of which the largest takes about 40


def why_not_together() -> str:
    """Only what has been seen to be a deadlock is left out."""
    if NO_GROUP or PRIVILEGED:
        return NO_GROUP
    with MemoryGroup() as group:
        return (
            ""
            if group.version != 1
            else (
                "no CAP_SYS_RESOURCE, so PR_SET_IO_FLUSHER is refused; a version-1 memory group then deadlocks"
            )
        )


NOT_TOGETHER = why_not_together()
APART = pytest.param(False, id="apart", marks=pytest.mark.skipif(bool(NO_GROUP), reason=NO_GROUP))
TOGETHER = pytest.param(
    True, id="together", marks=pytest.mark.skipif(bool(NOT_TOGETHER), reason=NOT_TOGETHER)
)


@pytest.mark.parametrize("running", [{"lab": {"disk_mib": DISK_MIB}}], indirect=True, ids=[""])
@pytest.mark.parametrize("together", [APART, TOGETHER])
def test_full_memory_neither_blocks_write_back_nor_costs_a_daemon(running: Pair, together: bool) -> None:
    """A file of many times the limit is written, what is killed is never a daemon, and both sides are equal."""
    active = running.active
    with contextlib.ExitStack() as stack:
        server_group = stack.enter_context(MemoryGroup())
        groups = [server_group] if together else [server_group, stack.enter_context(MemoryGroup())]
        application = groups[-1]
        start_anew_inside(running, active, server_group)
        before = daemons(active)
        assert_protected(active, before)
        room = (ROOM_MIB + APPLICATION_MIB * together) << 20
        server_group.limit(server_group.usage_bytes + room)
        if not together:
            application.limit(APPLICATION_MIB << 20)
        source = running.lab.directory / "source"
        source.write_bytes(b"".join(index.to_bytes(8, "big") * 512 for index in range(FILE_MIB << 8)))
        target = f"{pair.MOUNT_POINT}/copy"
        writer = active.popen(application.argv(["cp", str(source), target]))
        killed = kill_hogs_until(active, groups, writer)
        assert writer.wait() == 0, writer.stderr
        active.run(["sync", "-f", target], timeout_s=WRITTEN_S)
        active.run(application.argv(["cmp", str(source), target]), timeout_s=WRITTEN_S)
        assert sum(group.oom_kills for group in groups) == killed
        assert daemons(active) == before
    running.await_normal()
    assert running.active is active
    running.stop_and_compare()


def daemons(server: Server) -> dict[str, list[int]]:
    found = {program: server.pids_of(program) for program in PROGRAMS}
    assert all(len(pids) == 1 for pids in found.values()), found
    return found


def start_anew_inside(running: Pair, server: Server, group: MemoryGroup) -> None:
    """Only what a process takes inside the group counts there: the daemons and the block device start again."""
    group.add(server.pids())
    pair.insist(server, "group.stop", LATE_S, group=pair.GROUP)
    pair.await_group(server, "inactive", SOON_S)
    server.kill_program("twinset-mirrord")
    server.kill_program("twinsetd")
    wait_for(lambda: server.daemon_status()["starts"] >= 2 and server.status(), SOON_S, "the new twinsetd")
    wait_for(lambda: server.pids_of("twinset-mirrord"), SOON_S, "the new mirror process")
    running.await_normal()
    pair.insist(server, "group.start", LATE_S, group=pair.GROUP)
    pair.await_group(server, "active", SOON_S, on=server.name)


def assert_protected(server: Server, found: dict[str, list[int]]) -> None:
    """Memory is locked; the kernel never kills one of them, or the event log says that it does not promise that."""
    refused = {
        str(event["fields"]["reason"]).partition(":")[0]
        for event in server.events()
        if event["event"] == "memory_not_protected"
    }
    for program, (pid,) in found.items():
        assert int(own_status("VmLck", pid)) >= int(own_status("RssAnon", pid)), program
        score = int(Path(f"/proc/{pid}/oom_score_adj").read_text())
        assert not PRIVILEGED or score == NEVER_KILLED, (program, score)
    assert PRIVILEGED or refused >= {"oom_score_adj", "PR_SET_IO_FLUSHER"}


def kill_hogs_until(server: Server, groups: Sequence[MemoryGroup], writer: Process) -> int:
    """While the writer runs, fill each group once and again; return how many processes the kernel killed."""
    killed = 0
    deadline = now_s() + WRITTEN_S
    while not killed or writer.poll() is None:
        assert now_s() < deadline, f"{FILE_MIB} MiB not written within {WRITTEN_S:g} s"
        for group in groups:
            hog = server.popen(group.hog_argv(1024), stdin=PIPE)
            try:
                assert hog.wait(max(1.0, deadline - now_s())) == -9, hog.stderr
            finally:
                kill_group(hog)
            killed += 1
    return killed
