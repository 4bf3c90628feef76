"""Known bugs, put back into the mirror core one at a time: the simulated world has to find each of them.

Every mutant breaks one rule of docs/mirror-rules.md. `start` is a seed from which it was found quickly; a
test searches on from there, so a change of the world only makes it slower.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import mirror_mutant_disks as disk_bugs
from . import mirror_mutant_divergence as divergence_bugs
from . import mirror_mutant_patches as bugs
from . import mirror_mutant_verify as verify_bugs
from .mirror import DiskWorld, PathWorld, play
from .mirror_permits import PermitWorld
from .mirror_split import SplitWorld
from .mirror_verify import VerifyWorld
from .mirror_world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Mutant:
    """One bug: the rule it breaks, what it does, and how to put it in."""

    rule: str
    what: str
    patches: Callable[[], list[Any]]
    start: int = 1
    world: type[World] = World

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Keep the bug in while the block runs."""
        with ExitStack() as stack:
            for each in self.patches():
                stack.enter_context(each)
            yield


MUTANTS = {
    "solo-without-proof": Mutant(
        "R1", "a lost session alone permits to go on alone", bugs.solo_without_proof, 17
    ),
    "stale-only-said": Mutant("R1", "STALE is confirmed and not recorded", bugs.stale_is_only_said, 25),
    "stale-serves": Mutant("R1", "a STALE side may serve", bugs.stale_serves, 25),
    "not-outdated": Mutant(
        "R1", "the other side's newer generation is not believed", bugs.not_outdated_by_the_other, 10
    ),
    "solo-recorded-late": Mutant(
        "R2", "the first write alone comes before the record", bugs.solo_recorded_late, 13
    ),
    "solo-same-generation": Mutant("R2", "going on alone keeps `cur`", bugs.solo_keeps_its_generation),
    "parallel-write": Mutant(
        "R3", "the own disk is written before the receipt", bugs.local_write_in_parallel
    ),
    "mark-without-flush": Mutant("R3", "written counts as durable", bugs.marked_without_flush),
    "mark-before-writes": Mutant(
        "R3", "an epoch is marked while its writes run", bugs.mark_does_not_wait_for_writes
    ),
    "window-dropped": Mutant("R3", "the window is dropped at receipt", bugs.window_dropped_at_receipt),
    "acknowledged-at-receipt": Mutant("R3", "received counts as written", bugs.acknowledged_at_receipt),
    "mark-in-window-copy": Mutant(
        "R3", "marks go on while a window is copied", bugs.marks_during_a_window_copy, 147
    ),
    "resumed-in-step": Mutant("R4", "a new session is taken to be in step", bugs.resumed_as_if_in_step, 4),
    "not-drained": Mutant(
        "R4", "a new session begins over the old one's writes", bugs.old_session_not_drained, 160
    ),
    "difference-late": Mutant(
        "R5", "a write alone is noted after its submission", bugs.difference_noted_after_the_write, 45
    ),
    "lost-maps-count": Mutant("R5", "maps made anew count as if they were old", bugs.lost_maps_count, 2),
    "inconsistent-unwritten": Mutant(
        "R6", "a target does not record INCONSISTENT", bugs.inconsistent_not_written
    ),
    "cleared-when-sent": Mutant(
        "R6", "difference is cleared when it is sent", bugs.difference_cleared_when_sent, 2
    ),
    "copied-is-durable": Mutant(
        "R6", "what was copied does not enter the window", bugs.copied_is_durable_at_once
    ),
    "full-copy-late": Mutant(
        "R6", "a full copy fills the map after the target agreed", bugs.full_copy_counts_late, 2490
    ),
    "ended-copy-clears": Mutant(
        "R6", "a piece of an ended copy clears difference", bugs.ended_copy_clears, 846
    ),
    "beside-a-copy": Mutant(
        "R6", "writes to an extent half copied stay local", bugs.writes_beside_a_copy_stay_local, 11
    ),
    "clean-without-proof": Mutant(
        "R7", "CLEAN without knowing the sides equal", bugs.clean_without_proof, 274
    ),
    "lone-start": Mutant("R7", "a lone server starts without the right", bugs.lone_start_without_right, 563),
    "crash-unnoticed": Mutant("R8", "a changed boot id does not matter", bugs.crash_not_noticed, 563),
    "open-unrecorded": Mutant("R8", "OPEN is not recorded", bugs.open_not_recorded, 27),
    "local-error-ignored": Mutant(
        "R10", "a failed write of the own disk counts", disk_bugs.local_error_ignored, 54
    ),
    "flush-error-ignored": Mutant(
        "R10", "a failed flush of the own disk counts", disk_bugs.flush_error_ignored, 284
    ),
    "error-shown": Mutant(
        "R10", "with the own disk failed, clients see errors", disk_bugs.error_shown, world=DiskWorld
    ),
    "read-error-shown": Mutant(
        "R10", "a read of a failed disk is not asked elsewhere", disk_bugs.read_error_shown, 60, DiskWorld
    ),
    "lost-disk-read": Mutant(
        "R10", "a held side reads its failed disk", disk_bugs.lost_disk_read, 425, DiskWorld
    ),
    "no-range-lock": Mutant("R11", "overlapping writes run at the same time", bugs.no_range_lock),
    "copy-without-lock": Mutant("R11", "a copy does not exclude writes", bugs.copy_takes_no_lock),
    "nothing-sent-again": Mutant(
        "R11", "a new session takes the unfinished for written", bugs.nothing_sent_again, 38
    ),
    "nothing-again": Mutant(
        "R11", "what a lost path carried is not sent again", disk_bugs.nothing_again, world=PathWorld
    ),
    "taken-twice": Mutant("R11", "a frame is taken over both paths", disk_bugs.taken_twice, world=PathWorld),
    "old-path-read": Mutant(
        "R11", "frames of a path that was left are taken", disk_bugs.old_path_read, world=PathWorld
    ),
    "lease-ignored": Mutant("R13", "an expired lease stops nothing", bugs.lease_is_ignored, 141),
    "reads-without-lease": Mutant("R13", "reads go on without a lease", bugs.reads_without_lease, 40),
    "served-undrained": Mutant(
        "R13", "a side serves before received writes are on its disk", bugs.served_before_drained, 160
    ),
    "permit-unproven": Mutant(
        "R1", "a side is permitted without a proof", bugs.permitted_without_proof, world=PermitWorld
    ),
    "permit-equal": Mutant(
        "R2", "an equal side is permitted as it is", bugs.permitted_while_equal, world=PermitWorld
    ),
    "forced-unrecorded": Mutant(
        "R9", "a forced permit leaves the record as it is", bugs.forced_not_recorded, world=PermitWorld
    ),
    "forced-rebuilt": Mutant(
        "R9", "a forced side counts as the target of a rebuild", bugs.forced_is_a_target, world=PermitWorld
    ),
    "forced-drags": Mutant(
        "R9", "whoever meets a forced side is DIVERGED too", bugs.forced_drags_the_other, world=PermitWorld
    ),
    "verify-in-flight": Mutant(
        "R15", "an unequal look counts without another one", verify_bugs.looked_at_once, world=VerifyWorld
    ),
    "verify-unlocked": Mutant(
        "R15",
        "the second look does not hold the range",
        verify_bugs.looked_at_again_unlocked,
        world=VerifyWorld,
    ),
    "verify-in-copies": Mutant(
        "R15",
        "a comparison goes on while differences are known",
        verify_bugs.compares_out_of_step,
        world=VerifyWorld,
    ),
    "verify-skips": Mutant(
        "R15",
        "an interrupted piece counts as compared",
        verify_bugs.cursor_passes_what_was_begun,
        world=VerifyWorld,
    ),
    "union-one-sided": Mutant(
        "R9", "only what the kept side wrote is copied", divergence_bugs.one_sided, world=SplitWorld
    ),
    "union-late": Mutant(
        "R9", "the union is taken after the target has agreed", divergence_bugs.union_late, world=SplitWorld
    ),
    "union-of-lost-maps": Mutant(
        "R9", "a lost difference map counts as whole", divergence_bugs.union_of_lost_maps, world=SplitWorld
    ),
    "flush-here": Mutant("R14", "a FLUSH covers the own disk only", bugs.flush_only_here),
    "flush-there": Mutant("R14", "a FLUSH covers the other disk only", bugs.flush_only_there),
}


def find(mutant: Mutant, seeds: int) -> tuple[int, str]:
    """Return the first of `seeds` seeds that finds the mutant, with what it found, or (0, "")."""
    with mutant.applied():
        for seed in range(mutant.start, mutant.start + seeds):
            _world, violation = play(seed, world_type=mutant.world)
            if violation:
                return seed, violation
    return 0, ""
