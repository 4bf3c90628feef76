"""The configuration of a cluster as a typed, frozen model.

Types and defaults only: what the guide allows is judged by twinset.config.rules, so that one look at a file
reports everything at once. Attribute names are those of the file, in the plural where it repeats a table.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from twinset.errors import Refusal
from twinset.guide import limits

Role = Literal["public", "interconnect", "mirror"]
Startup = Literal["automatic", "manual"]
Failover = Literal["normal", "exclusive"]
OperationForm = Literal["", "uni-directional", "multi-directional"]
RegistryStore = Literal["twinset", "samba"]
MonitorType = Literal["public_lan", "floating_ip", "mount", "mirror_disk_io", "process"]
WatchAction = Literal["failover", "shutdown"]
RuleAction = Literal["failover", "shutdown", "alert"]
MONITOR_TYPES: tuple[MonitorType, ...] = (
    "public_lan",
    "floating_ip",
    "mount",
    "mirror_disk_io",
    "process",
)
EventSeverity = Literal["info", "warning", "error"]
TrapVersion = Literal["2c", "3"]


class Table(BaseModel):
    """A table of the file: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_by_name=True, validate_by_alias=True
    )


class ClusterSettings(Table):
    """What holds for the cluster as a whole."""

    name: str
    auto_return: bool = False
    fastsync: bool = True
    preferred_survivor: str = ""
    operation_form: OperationForm = ""  # of standby (3.1); "": not said
    # The addresses that groups may have, where an operator keeps such a list (2.3.1-11); empty: any that fits.
    floating_ips: tuple[str, ...] = ()
    # What stands between silence and a take-over (cluster/arbitration.py); both off by default (4.2.3-01).
    ping_targets: tuple[str, ...] = ()
    fence: str = ""
    fence_timeout_s: float = 60.0
    # Never kept: dump leaves it out, repr hides it. What is kept of it is its hash (config/password.py).
    password: str = Field(default="", repr=False, exclude=True)
    password_hash: str = Field(default="", repr=False)


class Timing(Table):
    """Durations in seconds, before the time scale of a lab."""

    # The guide fixes it; the key exists so that an attempt to change it is told so.
    heartbeat_interval_s: float = Field(default=float(limits.HEARTBEAT_INTERVAL_S), exclude=True)
    heartbeat_timeout_count: int = int(limits.HEARTBEAT_TIMEOUT_COUNT_DEFAULT)
    partition_wait_s: float = 30.0
    startup_wait_s: float = 300.0
    mirror_timeout_s: float = 10.0
    lease_s: float = 27.0
    disk_timeout_s: float = 30.0
    disk_io_wait_s: float = float(limits.DISK_IO_WAIT_S_DEFAULT)
    script_timeout_s: float = 1800.0

    @property
    def heartbeat_timeout_s(self) -> float:
        """How long every interconnect has to be silent before the other server counts as silent."""
        return int(limits.HEARTBEAT_INTERVAL_S) * self.heartbeat_timeout_count


class NameService(Table):
    """The NetBIOS name service that virtual computer names use beside broadcasts on their LAN."""

    # Addresses of name servers (WINS): both servers of the cluster, or one outside of it (7.3.2.3).
    wins_servers: tuple[str, ...] = ()


class Server(Table):
    """One of the two servers."""

    name: str
    system_letter: str = "C"
    fixed_addresses: tuple[str, ...] = ()
    domain: str = ""
    # Interfaces bound to the NetBIOS name service client (2.2.2.3-22, 7.3.3-10).
    name_service_interfaces: int = 1


class Endpoint(Table):
    """Where a server is attached to a LAN."""

    server: str
    interface: str
    address: str  # with its prefix length: 10.0.1.1/24

    @property
    def ip(self) -> str:
        """The address without the prefix length."""
        return self.address.partition("/")[0]


class Lan(Table):
    """One network that joins the servers."""

    name: str
    roles: tuple[Role, ...]
    endpoints: tuple[Endpoint, ...]
    priority: int | None = None

    def endpoint(self, server: str) -> Endpoint:
        """Return the attachment of a server; Refusal when it has none."""
        for endpoint in self.endpoints:
            if same_name(endpoint.server, server):
                return endpoint
        raise Refusal("E_NOTFOUND", f"server {server} is not attached to LAN {self.name}")


class Disk(Table):
    """The disk of a mirror set on one server: a block device, or an image file."""

    server: str
    path: str


class Partition(Table):
    """A data partition, under the same number and letter on both servers."""

    number: int
    letter: str


class MirrorSet(Table):
    """Two disks, one on each server, that hold the same data."""

    name: str
    disks: tuple[Disk, ...]
    partitions: tuple[Partition, ...]
    max_io_kib: int = int(limits.MAX_IO_KIB_DEFAULT)
    max_io_count: int = int(limits.MAX_IO_COUNT_DEFAULT)
    fastsync: bool = True

    def disk_path(self, server: str) -> str:
        """Return the path of the disk on a server; Refusal when the set has none there."""
        for disk in self.disks:
            if same_name(disk.server, server):
                return disk.path
        raise Refusal("E_NOTFOUND", f"mirror set {self.name} has no disk on server {server}", "7.1.1-01")


class Mount(Table):
    """Where a data partition is mounted while its group is active."""

    letter: str
    path: str
    filesystem: str = "ext4"
    options: str = ""


class MirrorDisk(Table):
    """The switch-mirror disk of a group: a mirror set with its mounts."""

    set: str
    mounts: tuple[Mount, ...] = ()
    # Processes outside of the group that keep a file system busy: left alone, and the stop fails (5.2.2-18), or ended.
    end_processes: bool = False


class FloatingIp(Table):
    """A floating IP address; its prefix is that of the public LAN it lies in."""

    address: str


class VirtualIp(Table):
    """A virtual IP address: of no network of the servers, reached by a route that RIP announces."""

    address: str


class VirtualComputerName(Table):
    """A virtual computer name. `associate` allows the automatic association with a floating IP address."""

    name: str
    associate: bool = True


class RegistryKey(Table):
    """A key that follows the group: of twinset's own store, or of Samba's registry."""

    key: str
    store: RegistryStore = "twinset"


class PrintQueue(Table):
    """A queue of a group's print scheduler. `device` is a URI of CUPS; `model` a driver, "" for data as it comes."""

    name: str
    device: str
    model: str = ""


class Printer(Table):
    """The print scheduler of a group: jobs and queues lie in the spool, a directory on the group's mirror disk."""

    spool: str
    queues: tuple[PrintQueue, ...]


class Script(Table):
    """The start and stop script of a group."""

    start: str
    stop: str
    timeout_s: float | None = None  # None: timing.script_timeout_s


class Monitor(Table):
    """What of a running group is watched; a type that is not listed is deselected (6.1-09, 9.2-05)."""

    types: tuple[MonitorType, ...] = MONITOR_TYPES
    public_lan_targets: tuple[str, ...] = ()  # one of them has to answer; without any, links count
    pid_files: tuple[str, ...] = ()  # each names a process that has to run
    interval_s: float = 30.0
    looks: int = 3  # failed ones in a row, before the group fails over


class Watch(Table):
    """A command that has to end well in time; when it does not, its software has stalled (6.3-20)."""

    command: str
    action: WatchAction = "failover"
    interval_s: float = 30.0
    timeout_s: float = 10.0
    looks: int = 3


class Group(Table):
    """A failover group."""

    name: str
    policy: tuple[str, ...]
    startup: Startup = "automatic"
    failover: Failover = "normal"
    failback: bool = False
    application: str = ""  # what it runs, where several groups may run the same (3.1)
    logical_service_names: tuple[str, ...] = ()
    mirror_disks: tuple[MirrorDisk, ...] = Field(
        default=(), validation_alias="mirror_disk", serialization_alias="mirror_disk"
    )
    floating_ips: tuple[FloatingIp, ...] = Field(
        default=(), validation_alias="floating_ip", serialization_alias="floating_ip"
    )
    virtual_ips: tuple[VirtualIp, ...] = Field(
        default=(), validation_alias="virtual_ip", serialization_alias="virtual_ip"
    )
    virtual_computer_names: tuple[VirtualComputerName, ...] = Field(
        default=(), validation_alias="virtual_computer_name", serialization_alias="virtual_computer_name"
    )
    registry_keys: tuple[RegistryKey, ...] = Field(
        default=(), validation_alias="registry_key", serialization_alias="registry_key"
    )
    printers: tuple[Printer, ...] = Field(
        default=(), validation_alias="printer", serialization_alias="printer"
    )
    scripts: tuple[Script, ...] = Field(default=(), validation_alias="script", serialization_alias="script")
    monitor: Monitor = Monitor()
    watches: tuple[Watch, ...] = Field(default=(), validation_alias="watch", serialization_alias="watch")

    @property
    def associable_address(self) -> str:
        """The floating IP address that the group's only name can stand for; "" when there is none (7.3.1.3-01).

        Always the first one, so that it is the same after a failover (7.3.1.3-05).
        """
        possible = len(self.virtual_computer_names) == 1 and self.floating_ips
        return self.floating_ips[0].address if possible else ""

    @property
    def associated_address(self) -> str:
        """The address that the group's only name does stand for; "" without association."""
        address = self.associable_address
        return address if address and self.virtual_computer_names[0].associate else ""

    def with_association(self, *, associate: bool) -> "Group":
        """Return the group as ARMVCSET wants it (7.3.1.4-01)."""
        names = [item.model_copy(update={"associate": associate}) for item in self.virtual_computer_names]
        return self.model_copy(update={"virtual_computer_names": tuple(names)})


class EventRule(Table):
    """A line of a log, or an event of twinset's own, that counts as a reason to act (6.3-16, 9.4-01).

    One of `file`, `journal` and `event`. `match` is a regular expression that is searched in each new line of the file;
    in messages of the systemd journal that came from that unit, identifier or program ("*": from any); in the fields
    of entries of the event log with that id or name.
    """

    name: str
    file: str = ""
    journal: str = ""
    event: str = ""
    match: str = ""
    action: RuleAction = "failover"
    group: str = ""  # which fails over; "": every group that runs on the server
    pause_s: float = 60.0  # before the same rule acts again


class Alerts(Table):
    """Programs that are told of events, one a severity; paths on both servers."""

    hook_info: str = ""
    hook_warning: str = ""
    hook_error: str = ""
    hook_timeout_s: float = 30.0


class Trap(Table):
    """A receiver of SNMP notifications."""

    address: str
    port: int = 162
    severity: EventSeverity = "warning"  # the least grave that is sent
    version: TrapVersion = "2c"
    community: str = Field(default="public", repr=False)
    user: str = ""  # version 3: the user who signs
    password: str = Field(default="", repr=False)  # version 3: at least 8 bytes; authentication by SHA-256


class Account(Table):
    """A registered user account; the password is judged for its length and never kept."""

    name: str
    password: str = Field(default="", repr=False, exclude=True)


class ClusterConfig(Table):
    """The whole file."""

    format: int = 1
    cluster: ClusterSettings
    timing: Timing = Timing()
    name_service: NameService = NameService()
    alerts: Alerts = Alerts()
    traps: tuple[Trap, ...] = Field(default=(), validation_alias="trap", serialization_alias="trap")
    servers: tuple[Server, ...] = Field(validation_alias="server", serialization_alias="server")
    lans: tuple[Lan, ...] = Field(validation_alias="lan", serialization_alias="lan")
    mirror_sets: tuple[MirrorSet, ...] = Field(
        default=(), validation_alias="mirror_set", serialization_alias="mirror_set"
    )
    groups: tuple[Group, ...] = Field(default=(), validation_alias="group", serialization_alias="group")
    event_rules: tuple[EventRule, ...] = Field(
        default=(), validation_alias="event_rule", serialization_alias="event_rule"
    )
    accounts: tuple[Account, ...] = Field(
        default=(), validation_alias="account", serialization_alias="account"
    )

    def server(self, name: str) -> Server:
        """Return the server of that name, in any case; Refusal when there is none."""
        for server in self.servers:
            if same_name(server.name, name):
                return server
        known = ", ".join(server.name for server in self.servers)
        raise Refusal("E_NOTFOUND", f"no server {name}; the cluster has {known}", "2.2.2.3-06")

    def server_index(self, name: str) -> int:
        """Return 0 for server 1 and 1 for server 2."""
        return self.servers.index(self.server(name))

    def peer_of(self, name: str) -> Server:
        """Return the other server."""
        return self.servers[1 - self.server_index(name)]

    def interconnects(self) -> tuple[Lan, ...]:
        """Return the interconnects by priority: the first is the primary interconnect.

        `priority` orders them; without it, dedicated ones come before public LANs (2.1.4-04).
        """
        lans = [lan for lan in self.lans if "interconnect" in lan.roles]
        return tuple(sorted(lans, key=_priority))

    def mirror_lans(self) -> tuple[Lan, ...]:
        """Return the mirror connects, in the order of the interconnects: the first carries the data."""
        lans = [lan for lan in self.lans if "mirror" in lan.roles]
        return tuple(sorted(lans, key=_priority))

    def public_lans(self) -> tuple[Lan, ...]:
        """Return the LANs that clients use, in the order of the file."""
        return tuple(lan for lan in self.lans if "public" in lan.roles)

    def group(self, name: str) -> Group:
        """Return the group of that name, in any case; Refusal when there is none."""
        for group in self.groups:
            if same_name(group.name, name):
                return group
        raise Refusal(
            "E_NOTFOUND", f"no group {name} in cluster {self.cluster.name}", "6.2.1-02", "group list"
        )

    def mirror_set(self, name: str) -> MirrorSet:
        """Return the mirror set of that name, in any case; Refusal when there is none."""
        for mirror_set in self.mirror_sets:
            if same_name(mirror_set.name, name):
                return mirror_set
        raise Refusal("E_NOTFOUND", f"no mirror set {name} in the configuration", "7.1.1-08", "mirror status")

    def mirror_set_index(self, name: str) -> int:
        """Return the position of a mirror set in the file, which fixes its port."""
        return self.mirror_sets.index(self.mirror_set(name))

    def group_of_set(self, name: str) -> Group | None:
        """Return the group that owns a mirror set, or None."""
        for group in self.groups:
            if any(same_name(disk.set, name) for disk in group.mirror_disks):
                return group
        return None


def same_name(left: str, right: str) -> bool:
    """True when the guide sees one name in both: without regard to case (2.2.2.3-02, -06, -10)."""
    return left.casefold() == right.casefold()


def _priority(lan: Lan) -> tuple[bool, int, bool]:
    return (lan.priority is None, lan.priority or 0, "public" in lan.roles)
