"""Two servers in the hands of the suite: set up, operated, observed."""

import contextlib
import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from conformance.suite import clusters
from conformance.suite.adapter import Adapter, Answer, shaped
from conformance.suite.errors import AdapterError, ConformanceError, Failed, Refused, TimedOut, WaitTimeout
from conformance.suite.observers import Observers
from conformance.suite.wait import stays, wait_for

T = TypeVar("T")
SERVERS = ("server1", "server2")
SET_UP_TRIES = 2
DEADLINE_S = 60.0  # for anything the port does by itself; costs nothing when it is quick


@dataclass(frozen=True)
class Snapshot:
    """The port's own status, normalised. It synchronises; it judges only clauses about status itself."""

    servers: dict[str, str]
    groups: dict[str, Answer]
    sets: dict[str, Answer]

    def place(self, group: str) -> str | None:
        """Where a group is active; None when it is active nowhere."""
        found = self.groups.get(group, {})
        return found.get("server") if found.get("state") == "active" else None

    def state(self, group: str) -> str:
        """The state of a group."""
        return str(self.groups.get(group, {}).get("state", "missing"))

    def settled(self) -> bool:
        """No group is on its way anywhere."""
        return all(g.get("state") not in {"starting", "stopping"} for g in self.groups.values())


UNKNOWN = Snapshot({}, {}, {})


@dataclass
class Session:
    """What the pair is set up as at present."""

    cluster: str = ""
    config: Answer = field(default_factory=dict)
    creation: Answer = field(default_factory=dict)  # the set's status right after its first creation
    created_at: int = 0  # the number of the latest event at that time
    powered: set[str] = field(default_factory=set)
    # How many script runs a server had noted when it was last asked; one without power cannot be asked.
    noted: dict[str, int] = field(default_factory=dict)


class Pair:
    """The pair of servers; every wait has a deadline and says what it waited for."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.now = Session()
        self.wanted = ""  # the configuration of the present case
        self.memory: dict[object, Any] = {}  # what a walk recorded, by cluster configuration
        self.provisioned: Answer = {}
        self.beside: list[str] = []  # what was provisioned beside two servers and a client
        self._observers: Observers | None = None

    @property
    def see(self) -> Observers:
        """The suite's own eyes."""
        if self._observers is None:
            raise AdapterError("the pair is not provisioned")
        return self._observers

    # -- setting up

    def use(self, cluster: str) -> None:
        """Have the named cluster configuration created and running; as it is when it is there already.

        A set-up that failed twice is not tried again: every case that needs it would only wait as long.
        """
        self.wanted = cluster
        if self.now.cluster == cluster or ("story", cluster) in self.memory:
            return
        failures = self.memory.setdefault(("set-up", cluster), [])
        if len(failures) >= SET_UP_TRIES:
            raise failures[-1]
        try:
            self.set_up(cluster)
        except ConformanceError as error:
            failures.append(error)
            raise

    def set_up(self, cluster: str) -> None:
        """Begin anew: blank disks, the configuration applied, its mirror created, both servers operating."""
        self.now = Session()
        wanted = list(clusters.BESIDE.get(cluster, ()))
        if not self.provisioned or wanted != self.beside:
            self.beside = wanted
            asked = {"disk_mib": clusters.DISK_MIB, "disks": 1, **({"beside": wanted} if wanted else {})}
            self.provisioned = self.adapter.request("provision", asked)
            self._observers = Observers(self.adapter, self.provisioned)
        else:
            self.adapter.request("reset")
        self.now.powered = set(SERVERS)
        if cluster in clusters.NAME_SERVERS:
            client = self.provisioned["client"]
            client.setdefault("address", self.see.address_of("client", client["interface"]))
        self.now.config = clusters.build(cluster, self.provisioned)
        self.adapter.request("apply", {"config": self.now.config})
        self.operate("cluster.start")
        self.wait(lambda s: set(s.servers.values()) == {"O"}, "both servers to operate")
        for each in self.now.config["mirror_sets"]:
            self.create_mirror(each["name"])
        self.now.created_at = self.events_now()
        self._start_groups()
        self.wait_groups_started()
        self.now.cluster = cluster

    def create_mirror(self, name: str) -> None:
        """The first creation of a set, from server 1, to its end."""
        self.until_accepted("mirror.create", set=name, source="server1")
        self.now.creation[name] = self.wait_set(name, "NORMAL").sets[name]

    def until_accepted(self, op: str, **args: Any) -> None:
        """Repeat an operation that the port refuses while it, or a server, is still busy with its start."""

        def refusal() -> str:
            try:
                self.operate(op, **args)
            except Refused as refused:
                return str(refused)
            return ""

        wait_for(refusal, lambda said: not said, DEADLINE_S, f"{op} to be accepted")

    def _start_groups(self) -> None:
        """Groups whose disk was created only just now need not have started by themselves: start them."""
        seen = self.wait(Snapshot.settled, "the groups to be at rest")
        for each in clusters.starting(self.now.config):
            if seen.place(each["name"]) is None:
                self.operate("group.start", group=each["name"])

    def wait_groups_started(self) -> Snapshot:
        """Groups that start with the cluster are active where their policy says."""
        wanted = {g["name"]: g["policy"][0] for g in clusters.starting(self.now.config)}
        return self.wait(
            lambda s: all(s.place(name) == server for name, server in wanted.items()),
            f"groups to start: {wanted}",
        )

    def once(self, watch: Callable[["Pair"], T]) -> T:
        """What a story saw that uses its configuration up; played for the first case, and its failure is kept too.

        The other cases of that configuration judge the same observation, so nothing is set up for them.
        """

        def played(pair: "Pair") -> T:
            try:
                return watch(pair)
            finally:
                pair.spoil()

        return self.remembered(("story", self.wanted), played)

    def remembered(
        self,
        key: object,
        observe: Callable[["Pair"], T],
        kept: type[ConformanceError] = ConformanceError,
    ) -> T:
        """What was observed once; an ending of the kind `kept` too: the next case would only come to it as slowly."""
        if key not in self.memory:
            try:
                with self.spoiled_on_error():
                    self.memory[key] = observe(self)
            except kept as error:
                self.memory[key] = error
        seen = self.memory[key]
        if isinstance(seen, ConformanceError):
            raise seen
        return cast("T", seen)

    def spoil(self) -> None:
        """The next case gets a pair set up anew: this one leaves it in a state that is nobody's start."""
        self.now.cluster = ""

    @contextlib.contextmanager
    def spoiled_on_error(self) -> Iterator[None]:
        """What ends badly leaves a pair that the next case cannot build upon."""
        try:
            yield
        except BaseException:
            self.spoil()
            raise

    # -- operating

    def operate(self, op: str, **args: Any) -> Answer:
        """An operator's command; the port's refusal is raised."""
        return self.adapter.request("operate", {"op": op, **args})

    def crash(self, server: str) -> None:
        """Cut the power of a server."""
        self.adapter.request("power", {"server": server, "action": "cut"})
        self.now.powered.discard(server)

    def crash_during(self, server: str, operation: Answer) -> None:
        """Cut the power of a server while it carries an operation out that it was given."""
        self.adapter.request("power", {"server": server, "action": "cut", "during": operation})
        self.now.powered.discard(server)

    def power_on(self, server: str, **limits: int) -> None:
        """Give a server its power back; with `memory_mib` it has no more memory than that."""
        self.adapter.request("power", {"server": server, "action": "on", **limits})
        self.now.powered.add(server)

    def fault_disk(self, server: str, fault: str | None) -> None:
        """Let the data partition of a server's first disk fail "write", "read" or "flush" requests, or none."""
        self.adapter.request("disk", {"server": server, "fault": fault})

    # -- observing

    def status(self, seen_by: str | None = None) -> Snapshot:
        """The status as a server sees it; UNKNOWN while it cannot be asked."""
        server = seen_by or next((s for s in SERVERS if s in self.now.powered), "server1")
        try:
            answer = self.adapter.request("status", {"seen_by": server})
        except (Failed, Refused, TimedOut):
            return UNKNOWN
        shaped("status", answer, servers=dict, groups=dict, mirror_sets=dict)
        servers = {
            name: shaped(f"status: {name}", each, status=str) for name, each in answer["servers"].items()
        }
        for name, each in answer["groups"].items():
            shaped(f"status: group {name}", each, state=str)
        for name, each in answer["mirror_sets"].items():
            shaped(f"status: mirror set {name}", each, state=str)
        statuses = {name: str(each["status"]) for name, each in servers.items()}
        return Snapshot(statuses, answer["groups"], answer["mirror_sets"])

    def wait(
        self,
        accept: Callable[[Snapshot], bool],
        what: str,
        *,
        seen_by: str | None = None,
        timeout_s: float = DEADLINE_S,
    ) -> Snapshot:
        """Wait until the status is as wanted."""
        try:
            return wait_for(
                lambda: self.status(seen_by), lambda s: s is not UNKNOWN and accept(s), timeout_s, what
            )
        except WaitTimeout:
            self.spoil()
            raise

    def wait_set(self, name: str, state: str, *, seen_by: str | None = None) -> Snapshot:
        """Wait until a mirror set is in a state."""
        what = f"mirror set {name} to be {state}"
        return self.wait(lambda s: s.sets.get(name, {}).get("state") == state, what, seen_by=seen_by)

    def wait_place(self, group: str, server: str | None) -> Snapshot:
        """Wait until a group is active on a server, or (None) nowhere and at rest."""
        return self.wait(
            lambda s: s.place(group) == server and s.settled(), f"{group} to be active on {server}"
        )

    def settle(self, accept: Callable[[Snapshot], bool], *, seen_by: str | None = None) -> Snapshot:
        """Watch for as long as a failover would take; the first status that is not accepted, or the last."""

        def acceptable(snapshot: Snapshot) -> bool:
            return snapshot is UNKNOWN or accept(snapshot)

        return stays(lambda: self.status(seen_by), acceptable, self.adapter.timing_s("failover", 60.0) + 1.0)

    def events(self, since: int = 0, server: str | None = None) -> list[Answer]:
        """Entries of the event log, in the kinds of ADAPTER.md."""
        args = {"since": since, **({"server": server} if server else {})}
        found = shaped("events", self.adapter.request("events", args), events=list)["events"]
        return [shaped("events: an entry", each, seq=int, kind=str, fields=dict) for each in found]

    def events_now(self) -> int:
        """The number of the latest entry, for `events(since=...)`."""
        return max((int(event["seq"]) for event in self.events()), default=0)

    def access(self, group: str, server: str) -> Answer:
        """Ways to the data of a group's disk on a server: mount, device, uri; what does not exist is null."""
        return self.adapter.request("access", {"group": group, "server": server})

    def write_file(self, group: str, server: str, name: str, mib: int = 1) -> str:
        """Write random data into a file of the group's disk, flushed; return its checksum."""
        path = f"{self.access(group, server)['mount']}/{name}"
        there = self.mounted(group, server)
        argv = ["dd", "if=/dev/urandom", f"of={path}", "bs=1M", f"count={mib}", "conv=fsync"]
        ran = self.see.run(server, argv, timeout_s=120)
        # What goes into the bare directory below a mount point that was just released would count as lost later.
        if ran.returncode or not there or not self.mounted(group, server):
            raise Failed("write", "", f"{' '.join(argv)}: {ran.stderr.strip()}, mounted before: {there}")
        return self.see.checksum(server, path)

    def checksum(self, group: str, server: str, name: str) -> str:
        """The checksum of a file of the group's disk; empty when it cannot be read there."""
        mount = self.access(group, server).get("mount")
        return self.see.checksum(server, f"{mount}/{name}") if mount else ""

    def mounted(self, group: str, server: str) -> bool:
        """Whether the group's disk is mounted on the server."""
        mount = self.access(group, server).get("mount")
        return bool(mount) and self.see.run(server, ["mountpoint", "-q", str(mount)]).returncode == 0

    def served(self, group: str, server: str) -> bool:
        """Whether a standard client can open the group's disk on the server."""
        self.see.need(server, "nbdinfo")
        uri = self.access(group, server).get("uri")
        return bool(uri) and self.see.run(server, ["nbdinfo", "--size", str(uri)]).returncode == 0

    def exports(self, group: str, server: str) -> list[str]:
        """The names under which the group's disk is served on the server."""
        self.see.need(server, "nbdinfo")
        uri = str(self.access(group, server).get("uri") or "")
        ran = self.see.run(server, ["nbdinfo", "--list", "--json", uri])
        if ran.returncode:
            raise Failed("access", "", f"nbdinfo --list {uri}: {ran.stderr.strip()}")
        return [str(export.get("export-name")) for export in json.loads(ran.stdout)["exports"]]

    def replace_fip(self, group: str, address: str) -> str:
        """Add a floating IP address to a group, then delete its old one; return that."""
        found = next(g for g in self.now.config["groups"] if g["name"] == group)
        old = next(r for r in found["resources"] if r["kind"] == "floating_ip")
        self.spoil()
        found["resources"].append({"kind": "floating_ip", "address": address})
        self.adapter.request("apply", {"config": self.now.config})
        found["resources"].remove(old)
        self.adapter.request("apply", {"config": self.now.config})
        self.wait(lambda s: set(s.servers.values()) == {"O"} and s.settled(), "both servers to be O")
        return str(old["address"])

    def without_disk(self, group: str) -> Answer:
        """The configuration as it is, with the switch-mirror disk taken out of a group."""
        config = copy.deepcopy(self.now.config)
        found = next(each for each in config["groups"] if each["name"] == group)
        found["resources"] = [each for each in found["resources"] if each["kind"] != "mirror_disk"]
        return config

    def erase_cluster_partition(self, set_name: str, server: str) -> None:
        """Overwrite the CLUSTER partition of a server's disk with zeros, from that server."""
        raw = self.adapter.request("copies", {"set": set_name})["copies"][server]
        area = raw["cluster_partition"]
        first, count = area["offset_bytes"] // 512, area["size_bytes"] // 512
        argv = ["dd", "if=/dev/zero", f"of={raw['device']}", "bs=512", f"seek={first}", f"count={count}"]
        ran = self.see.run(server, [*argv, "conv=notrunc,fsync"], timeout_s=60)
        if ran.returncode:
            raise AdapterError(f"{' '.join(argv)}: {ran.stderr.strip()}")
