"""`mirror resolve`: an operator names the side to keep after both were written separately [2.2.1-11].

Order: the other side's blocks are kept in a file there (or expressly not), that side is given up, and only then the
named one goes on. Whatever breaks off in between leaves the set DIVERGED, or one side given up and its data as
it was; the command can be given again, for either side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal

from . import messages, mirror_functions, mirror_requests, mirrors, permits, report
from .mirror_functions import CREATE
from .outcomes import Outcome, server_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .events import StepDone
    from .server import Cluster

CLAUSE: Final = "2.2.1-11"
KEEP_BLOCKS, GIVE_UP, KEEP = "keep_blocks", "give_up", "keep"
STEPS: Final = frozenset({KEEP_BLOCKS, GIVE_UP, KEEP})


def mirror_resolve(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Show what a choice means, or carry it out."""
    name = mirrors.set_name(cluster, args)
    keep = server_name(cluster, str(args["keep"]))
    what = f"mirror resolve {name}"
    permits.require_none(cluster, what, (name,))
    rows = _apart(cluster, name, what)
    found = plan(cluster, name, keep, rows)
    if args.get("dry_run"):
        return found
    mirror_requests.require_both_alike(cluster, what)
    mirror_functions.require(cluster, name, CREATE)
    discard = bool(args.get("discard"))
    kept, loser = found["kept"], found["give_up"]
    if not discard and kept["room_bytes"] is not None and kept["bytes"] > kept["room_bytes"]:
        raise Refusal(
            "E_SPACE",
            f"{what}: {kept['bytes']} bytes of {loser} have to be kept, there is room for {kept['room_bytes']}",
            CLAUSE,
            f"make room on {loser}, or twinset {what} --keep {keep} --discard",
        )
    cluster.log("mirror_resolve", "warning", set=name, keep=keep, mode=found["mode"], discard=discard)
    return _Resolution(cluster, name, found, discard=discard).begin()


def _apart(cluster: Cluster, name: str, what: str) -> dict[str, Mapping[str, Any]]:
    """Return what each server says of its side; Refusal unless both have diverged and can be asked."""
    if not cluster.peer_reachable:
        raise Refusal(
            "E_STATE", f"{what}: {cluster.peer} cannot be reached", CLAUSE, "twinset cluster status"
        )
    mirror_requests.require_processes(cluster, name, what)
    rows = {cluster.me: cluster.mirrors[name].status, cluster.peer: cluster.told.sets[name]}
    for server, row in rows.items():
        told = row.get("diverged")
        if not told:
            state = report.set_state(cluster, name)
            text = f"{what}: it is {state}, the side on {server} is {row.get('state')}"
            raise Refusal("E_STATE", f"{text}; there is nothing to resolve", CLAUSE, "twinset mirror status")
        if told.get("forced"):
            text = f"{what}: the side on {server} was written under a forced permit"
            raise Refusal("E_STATE", text, "8.7-09", f"twinset mirror create {name} --source SERVER")
    return rows


def plan(cluster: Cluster, name: str, keep: str, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what keeping the side of `keep` would copy, discard and leave in a file; bytes and times."""
    loser = cluster.peer if keep == cluster.me else cluster.me
    lost, kept = rows[loser]["diverged"], rows[keep]["diverged"]
    doubt = str(kept["doubt"] or lost["doubt"])
    size = int(cluster.mirrors[name].status.get("size_bytes") or 0)
    return {
        "set": name,
        "keep": keep,
        "give_up": loser,
        "mode": "full" if doubt else "high-speed",
        "reason": doubt or "what both have written since the split is known",
        "copy_bytes": size if doubt else int(lost["keep_bytes"]),
        "servers": {server: row["diverged"] for server, row in rows.items()},
        "discards": {key: lost[key] for key in ("bytes", "known", "ranges_count", "since_s", "last_s")},
        "kept": {
            "bytes": int(lost["keep_bytes"]),
            "scope": lost["keep_scope"],
            "room_bytes": rows[loser].get("kept_room_bytes"),
        },
        "partitions": cluster.mirrors[name].status.get("partitions") or [],
    }


class _Resolution:
    """Keep the blocks, give the one side up, keep the other."""

    def __init__(self, cluster: Cluster, name: str, found: Mapping[str, Any], *, discard: bool) -> None:
        self.cluster, self.name, self.found, self.discard = cluster, name, found, discard
        self.keep, self.loser = str(found["keep"]), str(found["give_up"])
        self.outcome: Outcome | None = None
        self.keeping = False
        self.file = ""

    def begin(self) -> Callable[[], Outcome | None]:
        if self.discard or self._loser_row().get("diverged", {}).get("given_up"):
            self._give_up()
        else:
            step(self.cluster, self.loser, self.name, KEEP_BLOCKS, discard=False, then=self._keeps)
        return self.check

    def check(self) -> Outcome | None:
        cluster = self.cluster
        if self.outcome is None and not cluster.peer_reachable:
            self._end(f"{cluster.peer} was lost meanwhile")
        if self.outcome is None and self.keeping:
            told = self._loser_row().get("kept") or {}
            if told.get("failed"):
                self._end(f"{self.loser}: {told['failed']}")
            elif told.get("complete"):
                self.keeping, self.file = False, str(told.get("file", ""))
                self._give_up()
        return self.outcome

    def _loser_row(self) -> Mapping[str, Any]:
        cluster = self.cluster
        mine = self.loser == cluster.me
        return cluster.mirrors[self.name].status if mine else cluster.told.sets.get(self.name, {})

    def _keeps(self, ok: bool, reason: str) -> None:
        self.keeping = ok
        if not ok:
            self._end(f"{self.loser}: {reason}")

    def _give_up(self) -> None:
        step(self.cluster, self.loser, self.name, GIVE_UP, discard=self.discard, then=self._given_up)

    def _given_up(self, ok: bool, reason: str) -> None:
        if ok:
            step(self.cluster, self.keep, self.name, KEEP, discard=False, then=self._kept)
        else:
            self._end(f"{self.loser}: {reason}")

    def _kept(self, ok: bool, reason: str) -> None:
        if ok:
            found = {key: self.found[key] for key in ("set", "keep", "give_up", "mode", "reason")}
            self.outcome = True, {**found, "file": self.file}
        else:
            self._end(f"{self.keep}: {reason}")

    def _end(self, error: str) -> None:
        self.keeping = False
        refusal = Refusal("E_STATE", f"mirror resolve {self.name}: {error}", CLAUSE, "twinset mirror status")
        self.outcome = False, refusal.as_json()


def step(
    cluster: Cluster, server: str, name: str, verb: str, *, discard: bool, then: Callable[[bool, str], None]
) -> None:
    """Have one step carried out on a server; `then` gets whether it was, and why not."""
    if server == cluster.me:
        carry_out(cluster, name, verb, discard=discard, then=then)
        return
    number = cluster.action_id = cluster.action_id + 1
    cluster.creations[number] = then
    messages.send(cluster, "resolve", number=number, set=name, step=verb, discard=discard)


def carry_out(
    cluster: Cluster, name: str, verb: str, *, discard: bool, then: Callable[[bool, str], None]
) -> None:
    """Carry one step out here. The side that is kept needs a lease though nothing serves yet."""
    reason = "it is no step of this" if verb not in STEPS else mirror_requests.creation_refusal(cluster, name)
    if reason:
        then(False, reason)
        return
    side = cluster.mirrors[name]

    def done(answer: StepDone) -> None:
        if not answer.ok:
            side.creating = False
        then(answer.ok, answer.reason)

    if verb != KEEP_BLOCKS:
        side.creating = True
        mirrors.command(cluster, name, "peer", {"state": "up", "boot_id": cluster.life.peer_boot})
    mirrors.command(cluster, name, verb, {"discard": discard}, done)
