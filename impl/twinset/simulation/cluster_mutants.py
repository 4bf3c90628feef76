"""Rules dropped one at a time: what the simulation of the cluster has to find.

Each mutant replaces one decision of the core by the one a careless version would take. A mutant that no seed
finds would mean that an invariant does not look, or that no fault leads there.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from twinset.cluster import failback, messages, mirrors, placement, requests, running, verdicts
from twinset.cluster.effects import GrantLease
from twinset.cluster.groups import GroupRecord
from twinset.cluster.heartbeat import NEWEST, HeartbeatBook
from twinset.cluster.membership import OPERATING, PeerWatch
from twinset.cluster.server import Cluster
from twinset.cluster.view import Timing

from .cluster import play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Mutant:
    """A dropped rule: what it is, and the attributes that are replaced."""

    name: str
    rule: str
    changes: tuple[tuple[Any, str, Any], ...]
    hint: int = 1  # a seed that once found it: tried first

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The rule is dropped inside the block."""
        kept = [(owner, name, owner.__dict__[name]) for owner, name, _ in self.changes]
        try:
            for owner, name, value in self.changes:
                setattr(owner, name, value)
            yield
        finally:
            for owner, name, value in kept:
                setattr(owner, name, value)


def _blind_to_restarts() -> tuple[tuple[Any, str, Any], ...]:
    judge_member, new_run = verdicts._judge_member, verdicts.new_run  # noqa: SLF001

    def judge(cluster: Cluster, says: str, held: str, *, outcast: bool) -> None:
        if says in ("O", "X"):
            judge_member(cluster, says, held, outcast=outcast)

    def run(cluster: Cluster, heartbeat: Any, *, new_boot: bool) -> None:
        del new_boot
        new_run(cluster, heartbeat, new_boot=False)
        cluster.life.peer_boot = heartbeat.boot_id

    return ((verdicts, "_judge_member", judge), (verdicts, "new_run", run))


def _lease_by_own_clock(cluster: Cluster) -> None:
    if cluster.phase in OPERATING:
        cluster.granted_until_ms = cluster.now_ms + cluster.view.timing.lease_ms
        cluster.out.append(GrantLease(cluster.granted_until_ms))


def _endless_lease(cluster: Cluster) -> None:
    if cluster.phase in OPERATING and cluster.book.echoed_ms >= 0:
        cluster.granted_until_ms = cluster.book.echoed_ms + 100 * cluster.view.timing.lease_ms
        cluster.out.append(GrantLease(cluster.granted_until_ms))


def _confirm_at_once(cluster: Cluster, name: str, cur: str) -> None:
    mirrors.command(cluster, name, "mark_stale", {"cur": cur})
    mirrors.confirm_stale(cluster, name, cur)


def _hand_over_first() -> Callable[..., None]:
    move = running.move

    def moved(cluster: Cluster, run: Any, server: str, event: str, reason: str) -> None:
        move(cluster, run, server, event, reason)
        run.move_to = ""
        cluster.set_record(run.view.name, owner=server, wanted=True, event=event)

    return moved


def _any_server(
    group: Any, operating: Any, _occupied: Any, able: Any = lambda _server: True
) -> tuple[str, str]:
    return _destination(replace(group, exclusive=False), operating, (), able)


_destination = placement.destination
_judge = HeartbeatBook._judge  # noqa: SLF001


def _believes_recordings(book: HeartbeatBook, heartbeat: Any, now_ms: int) -> str:
    if heartbeat.incarnation == book.peer_run:
        book.newest_seq = max(book.newest_seq, heartbeat.seq)
        return NEWEST
    return _judge(book, heartbeat, now_ms)


def _adopt_anything(cluster: Cluster, records: Any, *, unconditionally: bool) -> None:
    del unconditionally
    for name, (owner, version, wanted, event) in records.items():
        cluster.records[name] = GroupRecord(owner, version, wanted, event)
    cluster.dirty = True


def _always_right(cluster: Cluster, rights: Any) -> bool:
    return _close_all(cluster, dict.fromkeys(rights, True))


_close_all = mirrors.close_all
_tick = PeerWatch.tick


def _tick_without_phase(watch: PeerWatch, now_ms: int) -> list[str]:
    whole, watch.timing = watch.timing, replace(watch.timing, partition_wait_ms=0)
    try:
        return _tick(watch, now_ms)
    finally:
        watch.timing = whole


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    return None


MUTANTS = (
    Mutant(
        "reboot-unnoticed",
        "R12: a new boot id means that the server went down",
        _blind_to_restarts(),
        hint=23,
    ),
    Mutant(
        "lease-by-own-clock",
        "R13: a lease is anchored at what the peer has echoed",
        ((Cluster, "grant_lease", _lease_by_own_clock),),
        hint=50,
    ),
    Mutant(
        "endless-lease",
        "R13: a lease ends before the peer can take over",
        ((Cluster, "grant_lease", _endless_lease),),
        hint=50,
    ),
    Mutant(
        "pause-counts",
        "R13: timers count only time the observer ran",
        ((Timing, "tick_gap_ms", property(lambda _self: 1 << 40)),),
        hint=40,
    ),
    Mutant(
        "no-partition-phase",
        "9.1-04: the partition phase follows the time-out",
        ((PeerWatch, "tick", _tick_without_phase),),
        hint=1,
    ),
    Mutant(
        "lone-start-unproven",
        "R7: a lone start needs proof",
        ((mirrors, "lone_refusal", lambda *_: ""),),
        hint=112,
    ),
    Mutant(
        "stale-not-durable",
        "R1: STALE is durable before it is confirmed",
        ((mirrors, "serve_mark_stale", _confirm_at_once),),
        hint=17,
    ),
    Mutant(
        "exclusive-ignored",
        "6.2.3-02: Exclusive only where no group runs",
        ((placement, "destination", _any_server),),
        hint=4,
    ),
    Mutant(
        "failback-to-stale",
        "6.2.4-02: failback waits for the mirror",
        ((failback, "due", lambda groups, armed, _normal: [g.name for g in groups if g.name in armed]),),
        hint=9,
    ),
    Mutant(
        "no-doubt",
        "R13: a server that stood still decides nothing by silence",
        ((verdicts, "notice_gap", _nothing),),
        hint=174,
    ),
    Mutant(
        "deaf-to-verdicts",
        "a server declared down stops",
        ((verdicts, "expel", _nothing),),
        hint=34,
    ),
    Mutant(
        "two-solo-rights",
        "R7: exactly one server may start alone",
        ((mirrors, "close_all", _always_right),),
        hint=13,
    ),
    Mutant(
        "partition-unsettled",
        "2.2.1-11: both settle a double activation",
        ((verdicts, "resolve", _nothing),),
        hint=30,
    ),
    Mutant(
        "hand-over-first",
        "6-04: a group stops before it starts elsewhere",
        ((running, "move", _hand_over_first()),),
        hint=79,
    ),
    Mutant(
        "older-records",
        "the newer record of a group wins",
        ((messages, "adopt_records", _adopt_anything),),
        hint=3,
    ),
    Mutant(
        "replay-believed",
        "5.14: heartbeats are replay-proof",
        ((HeartbeatBook, "_judge", _believes_recordings),),
        hint=12,
    ),
    Mutant(
        "lost-answers",
        "every request is answered",
        ((requests, "fail_forwarded", _nothing),),
        hint=25,
    ),
    Mutant(
        "no-takeover",
        "6.2.3-03: failover is automatic",
        ((running, "take_over", _nothing),),
        hint=3,
    ),
    Mutant(
        "no-verdict-to-mirrors",
        "R1: membership's verdict permits solo",
        ((mirrors, "peer_verdict", _nothing),),
        hint=117,
    ),
    Mutant(
        "shutdown-not-followed",
        "6.2.5-12: a cluster shutdown stops both",
        ((messages, "STOPPING", "never"),),
        hint=13,
    ),
)


def find(mutant: Mutant, seeds: range) -> tuple[int, str]:
    """Play seeds until one finds the mutant; returns the seed and what it found, or -1 and "" for none."""
    with mutant.applied():
        for seed in (mutant.hint, *seeds):
            found = play(seed).found
            if found:
                return seed, found
    return -1, ""


def main() -> int:
    """Report for every mutant which seed finds it."""
    alive = 0
    for mutant in MUTANTS:
        seed, found = find(mutant, range(1, 1001))
        alive += seed < 0
        first = found.strip().splitlines()[-1] if found else "NOT FOUND"
        print(f"{mutant.name:24} seed {seed:4}  {first[:110]}")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
