"""The steps of a printer: a scheduler of its own, found again, ended with its group."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from twinset.config.cluster import Printer, PrintQueue
from twinset.errors import StepFailed
from twinset.resources.printer import plan
from twinset.resources.printer.resource import PrinterResource

RESOURCE = PrinterResource()
PID = 4711


class Scheduler:
    """A scheduler as the recording world has it: alive once spawned, answering when asked."""

    def __init__(self, system: Any, where: plan.Files) -> None:
        self.system, self.where = system, where
        self.alive = False
        self.spawned: list[bool] = []
        system.spawn = self.spawn
        system.is_alive = lambda pid: self.alive and pid == PID
        system.command_line = lambda _pid: tuple(plan.scheduler(where))

    def spawn(self, argv: list[str], _log: Path, *, protected: bool = True) -> int:
        assert argv == plan.scheduler(self.where)
        self.spawned.append(protected)
        self.alive = True
        return PID


@pytest.fixture()
def ctx(make_context: Any, tmp_path: Path) -> Any:
    printer = Printer(
        spool=str(tmp_path / "spool"), queues=(PrintQueue(name="office", device="socket://10.0.1.50:9100"),)
    )
    return make_context(group=make_context().group.model_copy(update={"printers": (printer,)}))


@pytest.fixture()
def scheduler(ctx: Any, answer: Any) -> Scheduler:
    where = plan.files(ctx.run_dir, "db", ctx.group.printers[0].spool)
    ctx.system.answers = {"lpstat": answer("scheduler is running\n")}
    return Scheduler(ctx.system, where)


def test_a_start_runs_a_scheduler_over_the_spool_and_makes_its_queues(ctx: Any, scheduler: Scheduler) -> None:
    """It listens at the group's address; it is an application, so it has no protection of the data path."""
    asyncio.run(RESOURCE.start(ctx))
    assert scheduler.spawned == [False]
    assert all(directory.is_dir() for directory in scheduler.where.directories)
    assert "Listen 10.0.1.100:631" in scheduler.where.settings.read_text()
    assert ctx.system.programs() == ["lpstat", "lpadmin"]


def test_a_start_finds_the_scheduler_that_runs(ctx: Any, scheduler: Scheduler, answer: Any) -> None:
    """After a restart of the daemon nothing is started twice, and queues that are right are left alone."""
    asyncio.run(RESOURCE.start(ctx))
    ctx.system.answers = {
        "lpstat": answer("scheduler is running\ndevice for office: socket://10.0.1.50:9100\n")
    }
    ctx.system.ran.clear()
    asyncio.run(RESOURCE.start(ctx))
    assert (len(scheduler.spawned), ctx.system.programs()) == (1, ["lpstat"])


def test_a_scheduler_that_ends_at_once_fails_the_start_with_its_last_words(
    ctx: Any, scheduler: Scheduler, answer: Any
) -> None:
    """The reason is what it wrote into its log."""

    def ends(argv: Any) -> Any:
        scheduler.alive = False
        scheduler.where.log.write_text("cups-files.conf contains errors.\nNo such directory.\n")
        return answer("", 1)(argv)

    ctx.system.answers = {"lpstat": ends}
    with pytest.raises(StepFailed, match=r"did not start: No such directory\.$"):
        asyncio.run(RESOURCE.start(ctx))


def test_a_scheduler_that_is_not_heard_at_the_groups_address_fails_the_start(
    ctx: Any, scheduler: Scheduler, answer: Any
) -> None:
    """It would go on without: another scheduler has the port at every address. Recorded from cupsd 2.4.2."""

    def answers(argv: Any) -> Any:
        at = "E [29/Nov/2026:12:16:33 +0000]"
        said = "Unable to open listen socket for address 10.0.1.100:631 - Address already in use."
        scheduler.where.log.write_text(f"{at} {said}\nW later\n")
        return answer("scheduler is running\n")(argv)

    ctx.system.answers = {"lpstat": answers}
    with pytest.raises(StepFailed, match=r"not heard: .*10\.0\.1\.100:631 - Address already in use\.$"):
        asyncio.run(RESOURCE.start(ctx))


def test_a_queue_that_cannot_be_set_up_fails_the_start(ctx: Any, scheduler: Scheduler, answer: Any) -> None:
    """With the tool's reason."""
    ctx.system.answers["lpadmin"] = answer("", 1, "lpadmin: Unable to connect")
    with pytest.raises(StepFailed, match=r"a queue of db could not be set up: .*Unable to connect"):
        asyncio.run(RESOURCE.start(ctx))


def test_without_the_disk_there_is_no_scheduler_and_the_start_goes_on(make_context: Any, ctx: Any) -> None:
    """The start script has to see ARMS_DISK=FAILURE (4.5.2-01); a check then misses nothing."""
    bare = make_context(group=ctx.group, environment={"ARMS_DISK": "FAILURE"})
    asyncio.run(RESOURCE.start(bare))
    asyncio.run(RESOURCE.check(bare))
    assert ctx.system.ran == []
    assert [name for name, *_ in ctx.system.events] == ["printer_without_disk"]


def test_a_stop_ends_the_scheduler_and_leaves_nothing_but_the_spool(ctx: Any, scheduler: Scheduler) -> None:
    """It and what is printing just then. Jobs stay on the mirror disk; a second stop has nothing to do."""
    asyncio.run(RESOURCE.start(ctx))
    ctx.system.families = {PID: [4712]}
    asyncio.run(RESOURCE.stop(ctx))
    assert [argv[1] for argv in ctx.system.ran if argv[0] == "end"] == [str(PID), "4712"]
    assert not scheduler.where.run.exists()
    assert scheduler.where.spool.exists()
    ctx.system.ran.clear()
    asyncio.run(RESOURCE.stop(ctx))
    assert ctx.system.ran == []


def test_a_scheduler_that_does_not_end_fails_the_stop(ctx: Any, scheduler: Scheduler) -> None:
    """It is named, and found again by the next stop."""
    asyncio.run(RESOURCE.start(ctx))

    async def stays(*_args: Any, **_kwargs: Any) -> bool:
        return False

    ctx.system.end_process = stays
    with pytest.raises(StepFailed, match=rf"process {PID}\) could not be ended"):
        asyncio.run(RESOURCE.stop(ctx))
    assert scheduler.where.record.exists()


def test_a_check_finds_a_scheduler_that_has_ended(ctx: Any, scheduler: Scheduler) -> None:
    """Then the group fails over (6.3-19); another process with its pid is not taken for it."""
    asyncio.run(RESOURCE.start(ctx))
    asyncio.run(RESOURCE.check(ctx))
    ctx.system.command_line = lambda _pid: ("sleep", "1")
    with pytest.raises(StepFailed, match="the print scheduler of db has ended"):
        asyncio.run(RESOURCE.check(ctx))
