#!/usr/bin/env python3
"""A port on paper: two servers, a client and their disks that exist only in this memory.

Speaks the pair tier of ../ADAPTER.md with nothing but the standard library, and keeps the rules of failover
and FastSync. Good for two things: as a worked example of what each verb has to bring about, and to try the
suite itself, whose pair cases all run against it in seconds. It proves nothing about any real cluster.

PAPER_FLAW=name makes it break one rule; the suite has to notice (see ../tests/test_paper_pair.py).
"""

import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from paper_names import Names  # type: ignore[import-not-found]  # beside this file, where Python looks first
from paper_returns import Returns  # type: ignore[import-not-found]

Args = dict[str, Any]

SERVERS = ("server1", "server2")
FIXED = {"server1": "10.0.1.1", "server2": "10.0.1.2"}
MACS = {"server1": "02:00:00:00:00:01", "server2": "02:00:00:00:00:02", "client": "02:00:00:00:00:50"}
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{word}{n}" for word in ("COM", "LPT") for n in range(1, 10))}
SIZE = 32 << 20
ACCOUNTS = {"root"}  # of the servers' system
NO_COPY = {"dirty_bytes": 0, "latest": None, "copy_mode_last": "", "copied_bytes_last": 0}
FLAW = os.environ.get("PAPER_FLAW", "")


class Answer(Exception):  # noqa: N818 - an answer that is not a result
    """One of the four errors of the contract."""

    def __init__(self, kind: str, code: str, message: str) -> None:
        super().__init__(message)
        self.error = {"kind": kind, "code": code, "message": message}


def refused(code: str, message: str) -> Answer:
    return Answer("refused", code, message)


class Paper(Returns):  # type: ignore[misc]
    """The whole world of this port."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.provision({})

    # -- the world

    def provision(self, _args: Args) -> Any:
        self.config: Args = {}
        self.status = dict.fromkeys(SERVERS, "O")
        self.power = set(SERVERS)
        self.groups: dict[str, str | None] = {}  # name -> server where it is active, or None
        self.failed: set[str] = set()
        self.names = Names(FIXED, FLAW)
        self.log: Any = {server: [] for server in SERVERS}  # what the scripts of each server noted
        self.files: Any = {server: {} for server in SERVERS}  # what lies on each copy of the disk
        self.record = dict.fromkeys(SERVERS, True)  # whether the CLUSTER partition is as it was left
        self.sets: dict[str, Args] = {}
        self.both_down = False
        self.entries: list[Args] = []
        self.frames: list[str] = []
        self.jobs: dict[str, int] = {}
        self.foreign: set[str] = set()  # addresses that the client took for itself
        return {
            "scratch": "/scratch",
            "servers": {server: {"public_address": FIXED[server]} for server in SERVERS},
            "client": {"interface": "public"},
            "networks": [
                self._network("public", ["public", "interconnect"], "10.0.1"),
                self._network("ic1", ["interconnect", "mirror"], "10.10.10"),
            ],
            "floating_ips": [f"10.0.1.{n}" for n in range(100, 108)],
        }

    def _network(self, name: str, roles: list[str], base: str) -> Any:
        addresses = {server: f"{base}.{n}/24" for n, server in enumerate(SERVERS, start=1)}
        return {"name": name, "interface": name, "roles": roles, "addresses": addresses}

    reset = provision

    def teardown(self, _args: Args) -> Any:
        return {}

    def apply(self, args: Args) -> Any:
        if {a["name"] for a in args["config"]["accounts"]} - ACCOUNTS and FLAW != "registers-anybody":
            raise refused("E_DENIED", "the system has no such account")
        fresh, self.config = not self.config, args["config"]
        if fresh:
            self.groups = {group["name"]: None for group in self.config["groups"]}
            self.status = dict.fromkeys(SERVERS, "X")
            for each in self.config["mirror_sets"]:
                fresh_set = {"state": "UNREGISTERED", "size_bytes": SIZE, "ready": False}
                self.sets[each["name"]] = fresh_set | NO_COPY
        for each in self.config["mirror_sets"]:
            found = self.sets[each["name"]]
            # FastSync added to a normal set is ready at once; added to a broken one, after a full rebuild.
            found["ready"] = each.get("fastsync", True) and (found["ready"] or found["state"] == "NORMAL")
        return {}

    # -- the operator

    def operate(self, args: Args) -> Any:
        if not self.config:
            raise refused("E_STATE", "there is no cluster")
        verb = getattr(self, "_" + args["op"].replace(".", "_"), None) if "." in args["op"] else None
        if verb is None:
            raise Answer("unsupported", "", f"no operation {args['op']}")
        verb(args)
        return {}

    def _cluster_start(self, _args: Args) -> Any:
        for server in self.power:
            self.status[server] = "O"
        for name, found in self.sets.items():
            if found["state"] == "INCONSISTENT" and found["latest"]:
                self._copy(name, next(server for server in SERVERS if server != found["latest"]))
        for name, found in self.sets.items():
            lost = [server for server in SERVERS if not self.record[server]]
            if lost and found["state"] == "NORMAL" and FLAW != "passes-over-lost-record":
                self._copy(name, lost[0], why="the record of the disk is lost")
            self.record = dict.fromkeys(SERVERS, True)
        self._start_automatic()

    def _start_automatic(self) -> Any:
        for group in self.config["groups"]:
            if group.get("startup", "automatic") == "automatic" or FLAW == "manual-starts":
                target = next((s for s in group["policy"] if self.status[s] == "O"), None)
                if target and self.groups[group["name"]] is None and self._usable(group, target):
                    self._activate(group, target, "START")

    def _usable(self, group: Args, server: str) -> Any:
        return all(
            self.sets[r["set"]]["state"] == "NORMAL" or self.sets[r["set"]]["latest"] == server
            for r in group["resources"]
            if r["kind"] == "mirror_disk"
        )

    def _cluster_stop(self, _args: Args) -> Any:
        for group in self.config["groups"]:
            self._deactivate(group)
        for server in SERVERS:
            if self.status[server] == "O":
                self.status[server] = "X"

    def _server_return(self, args: Args) -> Any:
        server = args["server"]
        if self.status[server] != "Od":
            raise refused("E_STATE", f"{server} is {self.status[server]}, not Od")
        self.status[server] = "O"
        for name, found in self.sets.items():
            if found["state"] != "NORMAL" and found["latest"] not in {None, server}:
                self._copy(name, server)
        self._start_automatic()
        for group in self.config["groups"]:
            self._recover(server, group)
            back = group.get("failback", False) or FLAW == "failback-always"
            away = self.groups[group["name"]] not in {None, server}
            if back and away and group["policy"][0] == server and self._usable(group, server):
                self._deactivate(group)
                self._activate(group, server, "START")

    def _mirror_create(self, args: Args) -> Any:
        self.sets[args["set"]]["latest"] = args["source"]
        first = self.sets[args["set"]]["state"] == "UNREGISTERED"
        target = next(server for server in SERVERS if server != args["source"])
        if first or self.status[target] == "O":
            self._copy(args["set"], target, why="first creation" if first else "both servers went down")
        if first:
            self._start_automatic()

    def _copy(self, name: str, target: str, why: str = "") -> Any:
        found = self.sets[name]
        source = next(server for server in SERVERS if server != target)
        if self.both_down and FLAW != "trusts-differences":
            why = "both servers went down"
        if not why and not found["ready"]:
            why = "high-speed copy is not set"
        found["copy_mode_last"] = "full" if why else "high-speed"
        found["copied_bytes_last"] = SIZE if why else min(SIZE, found["dirty_bytes"])
        if why and FLAW != "says-nothing":
            self._enter("full_copy", {"set": name, "reason": why})
        if FLAW != "copies-nothing":
            self.files[target] = dict(self.files[source])
        mode = next(s for s in self.config["mirror_sets"] if s["name"] == name).get("fastsync", True)
        found.update(state="NORMAL", dirty_bytes=0, latest=None, ready=mode)
        self.both_down = False

    def _enter(self, kind: str, fields: Args) -> Any:
        number = len(self.entries) + 1
        self.entries += [{"seq": number, "kind": kind, "server": "server1", "fields": fields}]

    # -- groups

    def _group(self, args: Args) -> Any:
        for group in self.config["groups"]:
            if group["name"].lower() == args["group"].lower():
                return group
        raise refused("E_NOTFOUND", f"no group {args['group']}")

    def _group_start(self, args: Args) -> Any:
        group = self._group(args)
        if group["name"].upper() in RESERVED and FLAW != "starts-prn":
            self.failed.add(group["name"])
            raise refused("E_RESERVED", f"{group['name']} is the name of a device")
        for address in self._addresses(group):
            if address in self.foreign and FLAW != "takes-used-address":
                self.failed.add(group["name"])
                raise refused("E_DUP", f"{address} is in use on the LAN")
        if self.names.in_use(group):
            self.failed.add(group["name"])
            raise refused("E_DUP", f"{self.names.in_use(group)} is in use on the LAN")
        target = args.get("to") or next(s for s in group["policy"] if self.status[s] == "O")
        self._activate(group, target, "START")

    def _group_stop(self, args: Args) -> Any:
        self._deactivate(self._group(args))

    def _group_move(self, args: Args) -> Any:
        group = self._group(args)
        self._deactivate(group)
        self._activate(group, args["to"], "START")

    def _addresses(self, group: Args) -> Any:
        return [r["address"] for r in group["resources"] if r["kind"] == "floating_ip"]

    def _activate(self, group: Args, server: str, event: str) -> Any:
        self.groups[group["name"]] = server
        self.failed.discard(group["name"])
        for address in self._addresses(group) if FLAW != "no-gratuitous-arp" else ():
            self.frames.append(
                f"{MACS[server]} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: "
                f"Request who-has {address} tell {address}, length 28"
            )
        place = "HOME" if group["policy"][0] == server else "OTHER"
        self._script(server, "start", group, event, place)

    def _deactivate(self, group: Args) -> Any:
        server = self.groups[group["name"]]
        self.failed.discard(group["name"])
        if server is not None:
            self._script(server, "stop", group, "START", "HOME" if group["policy"][0] == server else "OTHER")
            self.groups[group["name"]] = None

    def _script(self, server: str, kind: str, group: Args, event: str, place: str) -> Any:
        # What the suite's scripts would write, had this port a shell.
        if any(r["kind"] == "script" for r in group["resources"]):
            self.log[server].append(f"{kind}|{group['name']}|{event}|{place}|SUCCESS")

    # -- faults

    def power_verb(self, args: Args) -> Any:
        server = args["server"]
        other = next(s for s in SERVERS if s != server)
        if args["action"] == "on":
            self.power.add(server)
            if self.status[server] == "Xd":
                self.status[server] = "Od" if FLAW != "returns-by-itself" else "O"
            return {}
        self.power.discard(server)
        if self.status[server] == "X":
            return {}  # it was stopped: nothing of the cluster is lost with it
        was, self.status[server] = self.status[server], "Xd"
        if was in {"O", "Od"} and self.status[other] != "O":
            self.both_down = True
        for found in self.sets.values():
            if found["state"] == "NORMAL":
                found.update(state="INCONSISTENT", latest=other if self.status[other] == "O" else None)
        for group in self.config.get("groups", []):
            if self.groups[group["name"]] == server:
                self.groups[group["name"]] = None
                self._fail_over(group, other)
        return {}

    def _fail_over(self, group: Args, target: str) -> Any:
        operating = self.status[target] in ({"O", "Od"} if FLAW == "fails-over-to-isolated" else {"O"})
        busy = any(place == target for place in self.groups.values())
        exclusive = group.get("failover", "normal") == "exclusive" and FLAW != "exclusive-as-normal"
        if operating and target in group["policy"] and not (exclusive and busy) and FLAW != "no-failover":
            self._activate(group, target, "FAILOVER" if FLAW != "says-start" else "START")

    # -- what can be seen

    def status_verb(self, args: Args) -> Any:
        if args["seen_by"] not in self.power:
            raise Answer("failed", "", "no power")
        groups = {}
        for each in self.config.get("groups", []):
            place = self.groups[each["name"]]
            state = "active" if place else "start_failed" if each["name"] in self.failed else "inactive"
            described = self.names.described(each, state)
            groups[each["name"]] = {"state": state, "server": place, "virtual_computer_names": described}
        return {
            "servers": {server: {"status": self.status[server]} for server in SERVERS},
            "groups": groups,
            "mirror_sets": {name: dict(found) for name, found in self.sets.items()},
        }

    def events(self, args: Args) -> Any:
        return {"events": [entry for entry in self.entries if entry["seq"] > args.get("since", 0)]}

    def access(self, args: Args) -> Any:
        group = self._group(args)
        letter = next(r["letter"] for r in group["resources"] if r["kind"] == "mirror_disk")
        return {"mount": f"/mnt/{letter}", "uri": f"nbd+unix:///{letter}?socket=/run/{group['name']}"}

    def copies(self, _args: Args) -> Any:
        found = {}
        for server in SERVERS:
            path = Path(self.folder.name) / f"{server}.img"
            data = json.dumps(sorted(self.files[server].items())).encode()
            path.write_bytes(b"record".ljust(512, b"\0") + data)
            size = path.stat().st_size - 512
            found[server] = {
                "path": str(path),
                "device": f"/dev/{server}",
                "cluster_partition": {"offset_bytes": 0, "size_bytes": 512},
                "partitions": [{"offset_bytes": 512, "size_bytes": size}],
            }
        return {"copies": found}

    def run(self, args: Args) -> Any:
        host, argv = args["host"], args["argv"]
        if args.get("background"):
            job = f"job{len(self.jobs)}"
            self.jobs[job] = len(self.frames)
            if wanted := re.search(r"netbios name = ([\w-]+)", argv[-1]):
                self.names.taken[job] = wanted[1]
            return {"job": job}
        code, out = COMMANDS[argv[0]](self, host, argv)
        return {"returncode": code, "stdout": out, "stderr": ""}

    def job(self, args: Args) -> Any:
        if args["action"] == "stop":
            self.names.taken.pop(args["job"], None)
        return {"stdout": "\n".join(["listening on public", *self.frames[self.jobs[args["job"]] :]]) + "\n"}

    # -- the few commands that the suite runs on a host

    def _owner(self, address: str) -> Any:
        if address in self.foreign:
            return "client"
        for server, fixed in FIXED.items():
            if address == fixed and server in self.power:
                return server
        for group in self.config.get("groups", []):
            if address in self._addresses(group) and self.groups[group["name"]]:
                return self.groups[group["name"]]
        return None

    def c_sh(self, host: str, argv: list[str]) -> Any:
        return 0, "".join(f"{line}\n" for line in self.log[host]) if "scripts.log" in argv[2] else ""

    def c_ping(self, _host: str, argv: list[str]) -> Any:
        return (0 if self._owner(argv[-1]) else 1), ""

    def c_nmblookup(self, _host: str, argv: list[str]) -> Any:
        found = self.names.found(argv[-1], self.config.get("groups", []), self.groups)
        return (0 if found else 1), "".join(f"{address} {argv[-1]}<00>\n" for address in found)

    def c_arping(self, _host: str, argv: list[str]) -> Any:
        owner = self._owner(argv[-1])
        return (0, f"Unicast reply from {argv[-1]} [{MACS[owner].upper()}]  1ms\n") if owner else (1, "")

    def c_ip(self, _host: str, argv: list[str]) -> Any:
        address = argv[3].partition("/")[0]
        (self.foreign.add if argv[2] == "add" else self.foreign.discard)(address)
        return 0, ""

    def _mounted(self, host: str, path: str) -> Any:
        for group in self.config["groups"]:
            for resource in group["resources"]:
                if resource["kind"] == "mirror_disk" and path.startswith(f"/mnt/{resource['letter']}"):
                    return self.groups[group["name"]] == host or (
                        FLAW == "two-active" and bool(self.groups[group["name"]])
                    )
        return False

    def c_dd(self, host: str, argv: list[str]) -> Any:
        target = next(word for word in argv if word.startswith("of=")).removeprefix("of=")
        if target.startswith("/dev/"):
            self.record[host] = False
            return 0, ""
        if not self._mounted(host, target):
            return 1, ""
        found = next(iter(self.sets.values()))
        other = next(s for s in SERVERS if s != host)
        self.files[host][target] = os.urandom(8).hex()
        if found["state"] == "NORMAL" and FLAW != "mirrors-nothing":
            self.files[other][target] = self.files[host][target]
            self.frames += [f"{MACS[host]} > {MACS[other]}, ethertype IPv4 (0x0800), length 1500: data"] * 20
        elif FLAW != "counts-nothing":
            found["dirty_bytes"] += 1 << 20
        return 0, ""

    def c_sha256sum(self, host: str, argv: list[str]) -> Any:
        content = self.files[host].get(argv[1])
        if content is None or not self._mounted(host, argv[1]):
            return 1, ""
        return 0, f"{hashlib.sha256(content.encode()).hexdigest()}  {argv[1]}\n"

    def c_mountpoint(self, host: str, argv: list[str]) -> Any:
        return (0 if self._mounted(host, argv[-1]) else 1), ""

    def c_nbdinfo(self, host: str, argv: list[str]) -> Any:
        letter = argv[-1].partition("///")[2].partition("?")[0]
        served = self._mounted(host, f"/mnt/{letter}")
        return (0 if served else 1), json.dumps({"exports": [{"export-name": letter}]})

    def describe(self, _args: Args) -> Any:
        return {
            "contract": 0,
            "port": "paper",
            "version": "0",
            "time_scale": 0.001,
            "capabilities": ["reconfigure", "reconfigure_broken"],
            "tiers": {"pair": ""},
        }


COMMANDS = {name.removeprefix("c_"): method for name, method in vars(Paper).items() if name.startswith("c_")}
PLAIN = "describe provision reset teardown apply operate events access copies run job"
VERBS = {name: name for name in PLAIN.split()} | {"power": "power_verb", "status": "status_verb"}


def main() -> None:
    paper = Paper()
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"id": request["id"], "ok": True}
        try:
            if request["verb"] not in VERBS:
                raise Answer("unsupported", "", f"no verb {request['verb']}")  # noqa: TRY301 - the answer
            answer["result"] = getattr(paper, VERBS[request["verb"]])(request["args"])
        except Answer as said:
            answer = {"id": request["id"], "ok": False, "error": said.error}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
