"""The pair tier of the reference's adapter: the suite's verbs, carried out on the lab."""

import contextlib
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from harness.adapters import (
    advising,
    alerting,
    faults,
    neutral,
    on_server,
    operations,
    provisioned,
    registry,
)
from harness.adapters.lines import FAILED, REFUSED, UNSUPPORTED, Answer, Args, Verb, needed
from harness.errors import CommandFailed
from harness.faults.disk import create_image
from harness.faults.partition_table import Partition
from harness.labs.api import ApiRefused
from harness.labs.choice import AnyHost, AnyLab, AnyServer
from harness.labs.pair import await_answers, await_daemons
from harness.labs.server import Server
from harness.topology import SERVER
from harness.wait import wait_for

if TYPE_CHECKING:
    from harness.labs.asking import Job

# Set: operations go through the operator's command, configurations through `twinset check`.
CLI = "TWINSET_ADAPTER_CLI"
CONFIGURATION = "/etc/twinset/conformance.toml"
SCRATCH = "/var/lib/twinset/conformance"
SIGNATURE_OF_SPARES = 0x7E160000
# The reference's events by the kinds that the suite knows; other events pass under their own names.
KINDS = {
    "full_copy": "full_copy",
    "share_inaccessible": "share_inaccessible",
    "mirror_disk_forced": "isolation_failed",
}
# Operations of a server's own, which need no daemon.
BY_COMMAND = {"disk.partition": on_server.partition, "software.remove": on_server.may_be_removed}
OPERATE_S = 240.0
CONFIGURED_S = 60.0
SECOND_CLUSTER = "second_cluster"  # what `provision` may be asked for beside the pair


class PairVerbs:
    """The verbs that need two servers. One lab at a time; `reset` makes a new one."""

    # A suite need not wait five minutes for a peer, nor half a minute once the other server is silent.
    TIMING: ClassVar[dict[str, float]] = {"startup_wait_s": 60, "partition_wait_s": 10}

    def __init__(self, make: Callable[[int, bool], AnyLab]) -> None:
        self._make = make  # MiB of each disk, whether a second cluster is wanted -> a lab with blank disks
        self._lab: AnyLab | None = None
        self._wanted: Args = {}
        self._config: dict[str, Any] = {}
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self._memory = faults.Memory()
        self._new: set[str] = set()  # servers that are new machines, until they have the configuration
        self._behind: set[str] = set()  # servers that were away when it was changed, until they have it

    def table(self) -> dict[str, Verb]:
        """The verbs by name."""
        world = (
            "provision",
            "reset",
            "apply",
            "power",
            "link",
            "pause",
            "disk",
            "software",
            "operate",
            "status",
            "events",
            "replace",
            "service",
            "registry",
        )
        eyes = ("run", "job", "copies", "access", "read", "collect", "teardown")
        return {name: getattr(self, name) for name in (*world, *eyes)}

    @property
    def lab(self) -> AnyLab:
        """The lab that was provisioned."""
        if self._lab is None:
            raise Answer(FAILED, "nothing is provisioned", "E_STATE")
        return self._lab

    def _host(self, args: Args, key: str = "host") -> AnyHost:
        name = needed(args, key)
        if name not in self.lab.hosts:
            raise Answer(FAILED, f"no host {name!r}", "E_NOTFOUND")
        found: AnyHost = self.lab.hosts[name]
        return found

    def _server(self, args: Args, key: str = "server") -> AnyServer:
        host = self._host(args, key)
        if host.role != SERVER:
            raise Answer(FAILED, f"{host.name} is no server", "E_NOTFOUND")
        return self.lab.server(host.name)

    def _asked(self, args: Args) -> AnyServer:
        """The server a command is given on: the named one, or one that has power."""
        if "on" in args:
            return self._server(args, "on")
        found = next((server for server in self.lab.servers if server.powered), None)
        if found is None:
            raise Answer(FAILED, "no server has power", "E_STATE")
        return found

    # -- the world

    def provision(self, args: Args) -> dict[str, Any]:
        """Bring up two servers and a client; nothing of a cluster yet."""
        if args.get("disks", 1) != 1:
            raise Answer(UNSUPPORTED, "the lab has one disk a server")
        self.teardown({})
        self._wanted, self._config = args, {}
        self._lab = lab = self._make(int(args.get("disk_mib", 64)), SECOND_CLUSTER in args.get("beside", ()))
        for server in lab.servers:
            server.write_file(f"{SCRATCH}/.here", "")
        await_daemons(lab)
        await_answers(map(lab.server, provisioned.others(lab.topology)))
        services = {"define": [*faults.SERVICES, "define"], "pid": [*faults.SERVICES, "pid"]}
        return {
            "scratch": SCRATCH,
            "registry_get": list(registry.GET),
            "services": services,
            **provisioned.answer(lab.topology),
        }

    def reset(self, _args: Args) -> dict[str, Any]:
        """As after provisioning: blank disks, no cluster."""
        return self.provision(self._wanted)

    def teardown(self, _args: Args) -> dict[str, Any]:
        """End everything; may be called at any time, and twice."""
        for job in list(self._jobs.values()):
            with contextlib.suppress(Exception):
                job.stop()
        self._jobs.clear()
        lab, self._lab = self._lab, None
        if lab is not None:
            lab.destroy()
        self._memory.remove()
        return {}

    def collect(self, args: Args) -> dict[str, Any]:
        """Copy what the lab left for the reader."""
        target = Path(needed(args, "dir"))
        self.lab.collect(target)
        return {"dir": str(target)}

    # -- the cluster

    def apply(self, args: Args) -> dict[str, Any]:
        """Create the cluster of a configuration; an existing one is stopped for it and started again."""
        config = needed(args, "config", dict)
        servers = {name: self.lab.server(name) for name in self._meant(config)}
        first = next(iter(servers.values()))
        places = neutral.Places(
            disks={(name, 1): server.disk_path for name, server in servers.items()}, timing=self.TIMING
        )
        document = {**neutral.document(config, places), "alerts": alerting.CONFIGURATION}
        for path, text in {**neutral.scripts(config, places), alerting.HOOK: alerting.TEXT}.items():
            for server in servers.values():
                server.write_file(path, text, 0o755)
        text = neutral.toml(document)
        first.write_file(CONFIGURATION, text)
        ours = first.name == self.lab.server1.name
        runs = ours and bool(self._config) and self._operates()
        if runs:
            self.operate({"op": "cluster.stop"})
        try:
            away = {name for name, server in servers.items() if not server.powered}
            self._take(first, text, alone=bool(away))
            self._behind |= away
        except Answer:
            if runs:  # what is refused changes nothing
                self.operate({"op": "cluster.start"})
            raise
        self._config = config if ours else self._config
        for server in (server for server in servers.values() if server.powered):
            wait_for(lambda s=server: self._configured(s), CONFIGURED_S, f"{server.name} to take it up")  # type: ignore[misc]
        if runs:
            self.operate({"op": "cluster.start"})
        return {}

    def _take(self, server: AnyServer, text: str, *, alone: bool) -> None:
        """Have both servers take a configuration; one that is away gets it when it is back."""
        if os.environ.get(CLI):
            words = (
                ("apply", CONFIGURATION, "--yes", "--alone")
                if alone
                else ("cluster", "create", CONFIGURATION)
            )
            operations.required(server.twinset_result(*words))
        elif alone:
            self._call(server, "cluster.apply", {"text": text, "alone": True})
        else:
            self._call(server, "cluster.create", {"text": text})

    def _meant(self, config: dict[str, Any]) -> list[str]:
        """The servers of the configuration, when they are those of one cluster of the lab."""
        named = [str(server.get("name", "")) for server in config.get("servers", [])]
        second = provisioned.others(self.lab.topology)
        return second if second and named == second else [server.name for server in self.lab.servers]

    @staticmethod
    def _configured(server: AnyServer) -> bool:
        try:
            return bool(server.api("ping")["configured"])
        except CommandFailed:
            return False

    def _one_generation(self) -> bool:
        """True when both servers have one configuration, and have heard so of one another."""
        found = [(server.status() or {}).get("configuration", {}) for server in self.lab.servers]
        heard = not any(told.get("differs", True) for told in found)
        return heard and len({str(told.get("generation")) for told in found}) == 1

    def _operates(self) -> bool:
        states = (self._asked({}).status() or {}).get("servers", {})
        return any(server.get("status") == "O" for server in states.values())

    def replace(self, args: Args) -> dict[str, Any]:
        """Put a new disk into a server without power; its partition table has another signature."""
        server = self._server(args)
        if args.get("what") not in ("disk", "server"):
            raise Answer(UNSUPPORTED, f"cannot replace {args.get('what')!r}")
        if server.powered:
            raise Answer(FAILED, f"{server.name} has power", "E_STATE")
        if args["what"] == "server" and not isinstance(server, Server):
            raise Answer(UNSUPPORTED, "nothing of a virtual machine without power can be removed")
        disk_mib = server.disk.size_bytes >> 20
        create_image(server.disk.image, disk_mib, SIGNATURE_OF_SPARES + next(self._numbers))
        if isinstance(server, Server) and args["what"] == "server":
            # what a join would bring, the key and the name, its operator has put there
            server.forget()
            (server.state_directory / "conformance").mkdir(exist_ok=True)
            self._new.add(server.name)
        return {}

    def registry(self, args: Args) -> dict[str, Any]:
        """The registry keys of a server: the plain store, by its command."""
        return registry.carry_out(self._server(args), args, self._jobs)

    def operate(self, args: Args) -> dict[str, Any]:
        """An operator's command, given on a server that runs."""
        if args.get("op") in BY_COMMAND:
            return BY_COMMAND[args["op"]](self._server(args), args)
        if args.get("op") == "cluster.reboot":
            self.operate({"op": "cluster.stop"})
            return on_server.boot_both(self.lab)
        op, server = operations.known(args), self._asked(args)
        if os.environ.get(CLI):
            words = operations.words(op, args)
            return {"answer": operations.required(server.twinset_result(*words, timeout_s=OPERATE_S))}
        return {"answer": self._call(server, op, operations.arguments(op, args))}

    def service(self, args: Args) -> dict[str, Any]:
        """Whether the daemon starts with its server, or whether it runs."""
        return on_server.service(self._server(args), args)

    @staticmethod
    def _call(server: AnyServer, verb: str, given: dict[str, Any]) -> Any:
        """Ask the daemon itself: no interpreter is started for it, which a loaded machine feels."""
        try:
            return server.api(verb, OPERATE_S, **given)
        except ApiRefused as refused:
            text = str(refused.error.get("message", ""))
            raise Answer(REFUSED, text, str(refused.error.get("code", ""))) from refused

    def advise(self, args: Args) -> dict[str, Any]:
        """What the operator's check list says about both servers as they are."""
        return advising.here(self._asked(args))

    def status(self, args: Args) -> dict[str, Any]:
        """The reference's own status is in the suite's words already."""
        server = self._server(args, "seen_by")
        found = server.status()
        if found is None:
            raise Answer(FAILED, f"{server.name} cannot be asked")
        return {key: found[key] for key in ("servers", "groups", "mirror_sets")}

    def events(self, args: Args) -> dict[str, Any]:
        """The event logs of the servers, merged in time, numbered from 1."""
        servers = [self._server(args)] if "server" in args else self.lab.servers
        found = [event for server in servers for event in alerting.marked(server)]
        found.sort(key=lambda event: float(event.get("time", 0)))
        numbered = [_event(number, event) for number, event in enumerate(found, start=1)]
        return {"events": [event for event in numbered if event["seq"] > int(args.get("since", 0))]}

    # -- faults

    def power(self, args: Args) -> dict[str, Any]:
        """Cut or give a server's power."""
        server = self._server(args)
        match needed(args, "action"):
            case "cut":
                with self._during(server, args.get("during")):
                    self.lab.power_off(server)
            case "on":
                if "memory_mib" in args:
                    self._memory.power_on(self.lab, server, needed(args, "memory_mib", int))
                else:
                    self.lab.power_on(server)
                wait_for(server.daemon_answers, 60, f"twinsetd on {server.name} to answer")
                if server.name in self._new:
                    self._new.discard(server.name)
                    self._call(self.lab.peer_of(server), "server.replace", {"server": server.name})
                    wait_for(lambda: self._configured(server), CONFIGURED_S, f"{server.name} to take it up")
                if server.name in self._behind:
                    self._behind.discard(server.name)
                    wait_for(self._one_generation, CONFIGURED_S, f"{server.name} to take the change over")
            case other:
                raise Answer(UNSUPPORTED, f"no power action {other!r}")
        return {}

    @staticmethod
    def _during(server: AnyServer, operation: Args | None) -> contextlib.AbstractContextManager[None]:
        if operation is None:
            return contextlib.nullcontext()
        op = operations.known(operation)
        return faults.under_way(server, op, operations.arguments(op, operation))

    def software(self, args: Args) -> dict[str, Any]:
        """End the port's own software on a server that goes on."""
        server = self._server(args)
        if needed(args, "action") != "end":
            raise Answer(UNSUPPORTED, f"no software action {args['action']!r}")
        faults.end_software(server)
        return {}

    def link(self, args: Args) -> dict[str, Any]:
        """Cut or heal a network, for one server or both."""
        hosts = [self._server(args)] if "server" in args else None
        match needed(args, "action"):
            case "cut":
                self.lab.cut(needed(args, "network"), hosts)
            case "heal":
                self.lab.heal(args.get("network"), hosts)
            case other:
                raise Answer(UNSUPPORTED, f"no link action {other!r}")
        return {}

    def disk(self, args: Args) -> dict[str, Any]:
        """Let the data partition of a server's disk fail some requests, or none."""
        fault = args.get("fault")
        if fault not in ("write", "read", "flush", None):
            raise Answer(UNSUPPORTED, f"no disk fault {fault!r}")
        self._server(args).fail_disk(fault, partition=2)
        return {}

    def pause(self, args: Args) -> dict[str, Any]:
        """Stop a server's processes, or let them continue."""
        server = self._server(args)
        if needed(args, "action") == "pause":
            server.pause()
        else:
            server.resume()
        return {}

    # -- the suite's eyes

    def run(self, args: Args) -> dict[str, Any]:
        """Run a command on a host: to its end, or in the background as a job."""
        host, argv = self._host(args), [str(word) for word in needed(args, "argv", list)]
        if not host.powered:
            raise Answer(FAILED, f"{host.name} has no power", "E_STATE")
        if args.get("background"):
            name = f"job{next(self._numbers)}"
            self._jobs[name] = host.start_job(argv)
            return {"job": name}
        result = host.run(argv, check=False, timeout_s=float(args.get("timeout_s", 30)))
        return {"returncode": result.returncode, "stdout": result.stdout, "stderr": result.stderr}

    def job(self, args: Args) -> dict[str, Any]:
        """What a job in the background has printed; `stop` ends it."""
        name = needed(args, "job")
        if name not in self._jobs:
            raise Answer(FAILED, f"no job {name!r}", "E_NOTFOUND")
        job = self._jobs[name]
        if args.get("action") == "stop":
            self._jobs.pop(name).stop()
        return {"stdout": job.output()}

    def copies(self, args: Args) -> dict[str, Any]:
        """Where the raw copies lie for the suite to read, once nobody writes."""
        needed(args, "set")
        partitions = {
            server.name: {
                "path": str(server.disk.image),
                "device": server.disk_path,
                "cluster_partition": _range(server.disk.partitions[0]),
                "partitions": [_range(partition) for partition in server.disk.partitions[1:]],
            }
            for server in self.lab.servers
        }
        return {"copies": partitions}

    def read(self, args: Args) -> dict[str, Any]:
        """Attach the copy of an isolated server as read-only devices, or detach it."""
        server, name = self._server(args), needed(args, "set")
        return dict(
            self._call(server, "mirror.read_end" if args.get("end") else "mirror.read", {"set": name})
        )

    def access(self, args: Args) -> dict[str, Any]:
        """The ways to a group's data on a server; whether they lead anywhere is for the suite to try."""
        group = needed(args, "group")
        self._server(args)
        for found in self._config.get("groups", []):
            for resource in found["resources"] if found["name"] == group else ():
                if resource["kind"] == "mirror_disk":
                    letter = resource["letter"]
                    uri = f"nbd+unix:///{letter}?socket=/run/twinset/nbd-{resource['set']}.sock"
                    return {"mount": neutral.mount_point(letter), "uri": uri}
        raise Answer(FAILED, f"group {group!r} has no mirror disk", "E_NOTFOUND")


def _range(partition: Partition) -> dict[str, int]:
    return {"offset_bytes": partition.offset_bytes, "size_bytes": partition.size_bytes}


def _event(number: int, event: dict[str, Any]) -> dict[str, Any]:
    name = str(event.get("name", event.get("event", "")))
    fields = event.get("fields", {})
    return {
        "seq": number,
        "kind": KINDS.get(name, name),
        "server": event["server"],
        "severity": str(event.get("severity", "")),
        "alert": event["alert"],
        "fields": fields if isinstance(fields, dict) else {},
    }
