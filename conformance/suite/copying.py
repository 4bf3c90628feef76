"""Breaks and rebuilds of a mirror set, each observed once and remembered: they are what 4.3.4 is about."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.suite.adapter import Answer
from conformance.suite.errors import WaitTimeout
from conformance.suite.pair import SERVERS, Pair
from conformance.suite.wait import wait_for

SET, GROUP = "set1", "db"
FULL_COPY = "full_copy"
WRITTEN = 1 << 20  # what `write_file` writes while the mirror is broken
SHOWN_S = 10.0


@dataclass(frozen=True)
class Rebuild:
    """One copy as it was observed."""

    mode: str
    copied: int
    size: int
    state: str
    announced: tuple[Answer, ...] = ()  # entries of the event log about a full copy
    dirty_normal: int = 0  # differences counted while the set was normal
    dirty_broken: int = 0  # differences counted after a write to the broken set
    broken: str = ""  # the state of the set while the other server was lost

    @property
    def amounts(self) -> dict[str, int]:
        """The evidence: how much was copied of how much."""
        return {"copied_bytes": self.copied, "size_bytes": self.size}


class Copying:
    """The pair with one group on one mirror set."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def _once(self, name: str, observe: Callable[[], Rebuild], *, again: bool = False) -> Rebuild:
        key = ("copy", self.pair.now.cluster, name)
        if again or key not in self.pair.memory:
            self.pair.memory[key] = observe()
        found = self.pair.memory[key]
        if not isinstance(found, Rebuild):
            raise TypeError(f"{key} holds {found!r}")
        return found

    def set_now(self) -> Answer:
        """The set's status as it is."""
        return self.pair.status().sets[SET]

    def created(self) -> Rebuild:
        """The first creation, which set-up has done."""
        return self._rebuild(self.pair.now.creation[SET], since=0, until=self.pair.now.created_at)

    def rebuilt(self, *, again: bool = False) -> Rebuild:
        """The standby server is lost, 1 MiB is written, the server returns."""
        return self._once("rebuilt", self._standby_lost_and_back, again=again)

    def rebuilt_after_both_down(self) -> Rebuild:
        """Both servers are lost at once; an operator names server 1's copy as the good one."""
        return self._once("both-down", self._both_lost_and_back)

    def rebuilt_after_replacing(self, what: str) -> Rebuild:
        """The standby server is lost and comes back with something of it replaced."""

        def replace() -> None:
            self.pair.adapter.request("replace", {"server": "server2", "what": what})

        return self._once(f"replaced-{what}", lambda: self._standby_lost_and_back(replace))

    def _standby_lost_and_back(self, meanwhile: Callable[[], object] = lambda: None) -> Rebuild:
        pair = self.pair
        with pair.spoiled_on_error():
            dirty_normal = self._settled_dirty()
            broken = self._lose_standby()
            pair.write_file(GROUP, "server1", "difference")
            dirty_broken = self._dirty_at_least(WRITTEN)
            meanwhile()
            since = pair.events_now()
            self._bring_back()
            return self._rebuild(
                self.set_now(),
                since=since,
                broken=broken,
                dirty_normal=dirty_normal,
                dirty_broken=dirty_broken,
            )

    def _lose_standby(self) -> str:
        self.pair.crash("server2")
        lost = self.pair.wait(
            lambda s: s.servers["server2"] == "Xd" and s.sets[SET]["state"] == "INCONSISTENT",
            "the mirror to break",
        )
        return str(lost.sets[SET]["state"])

    def _bring_back(self) -> None:
        self.pair.power_on("server2")
        self.pair.wait(lambda s: s.servers["server2"] == "Od", "server 2 to be Od")
        self.pair.until_accepted("server.return", server="server2")
        self.pair.wait(lambda s: s.servers["server2"] == "O", "server 2 to be O")
        self.pair.wait_set(SET, "NORMAL")

    def _dirty_at_least(self, wanted: int) -> int:
        """Differences as the status shows them, which may be a moment late; the last ones when they do not come."""

        def shown() -> int:
            return int(self.set_now()["dirty_bytes"])

        try:
            return wait_for(shown, lambda dirty: dirty >= wanted, SHOWN_S, "the differences to be shown")
        except WaitTimeout:
            return shown()

    def _settled_dirty(self) -> int:
        """Differences of the normal set, after a write to it has come to rest."""
        self.pair.write_file(GROUP, "server1", "normal")
        return int(self.set_now()["dirty_bytes"])

    def _both_lost_and_back(self) -> Rebuild:
        pair = self.pair
        pair.wait_set(SET, "NORMAL")
        for server in SERVERS[::-1]:
            pair.crash(server)
        pair.spoil()
        for server in SERVERS:
            pair.power_on(server)
        for server in SERVERS:
            pair.wait(lambda s: set(s.servers.values()) == {"Od"}, "both servers to be Od", seen_by=server)
        since = pair.events_now()
        pair.until_accepted("mirror.create", set=SET, source="server1")
        pair.operate("cluster.start")
        pair.wait(lambda s: set(s.servers.values()) == {"O"}, "both servers to be O")
        return self._rebuild(pair.wait_set(SET, "NORMAL").sets[SET], since=since)

    def _rebuild(
        self, seen: Answer, *, since: int, until: int | None = None, broken: str = "", **dirty: int
    ) -> Rebuild:
        announced = [
            event
            for event in self.pair.events(since)
            if event["kind"] == FULL_COPY and (until is None or event["seq"] <= until)
        ]
        return Rebuild(
            mode=str(seen["copy_mode_last"]),
            copied=int(seen["copied_bytes_last"]),
            size=int(seen["size_bytes"]),
            state=str(seen["state"]),
            announced=tuple(announced),
            broken=broken,
            **dirty,
        )

    def compared_after_rebuild(self) -> dict[str, str]:
        """Checksums of both raw copies after `rebuilt`, read once."""
        self.rebuilt()
        key = ("compared", self.pair.now.cluster)
        if key not in self.pair.memory:
            self.pair.memory[key] = self._compared()
        return dict(self.pair.memory[key])

    def _compared(self) -> dict[str, str]:
        """Checksums of both raw copies, read while the cluster is stopped."""
        pair = self.pair
        with pair.spoiled_on_error():
            pair.operate("cluster.stop")
            pair.wait(lambda s: set(s.servers.values()) == {"X"}, "both servers to be X")
            sums = pair.see.copies(SET)
            pair.operate("cluster.start")
            pair.wait_groups_started()
            pair.wait_set(SET, "NORMAL")
            return sums

    # -- FastSync switched on later

    def switch_on(self) -> None:
        """Apply the same configuration with the high-speed mode set."""
        self._apply(fastsync=True)
        self._at_rest()

    def switched_on_while_broken(self) -> tuple[Rebuild, Rebuild]:
        """The mode is set between break and return; the rebuild of that return, and of the next."""
        self._apply(fastsync=False)
        self._at_rest()
        first = self._standby_lost_and_back(lambda: self._apply(fastsync=True))
        self.pair.spoil()
        return first, self._standby_lost_and_back()

    def _apply(self, **fields: Any) -> None:
        config = copy.deepcopy(self.pair.now.config)
        config["mirror_sets"][0].update(fields)
        self.pair.spoil()
        self.pair.adapter.request("apply", {"config": config})
        self.pair.now.config = config

    def _at_rest(self) -> None:
        """After a change of configuration, which may stop and start the cluster."""
        self.pair.wait(lambda s: set(s.servers.values()) == {"O"}, "both servers to be O")
        self.pair.wait_set(SET, "NORMAL")
        self.pair.wait_place(GROUP, "server1")
