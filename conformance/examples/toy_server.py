"""One server of the toy port: heartbeats, groups and a mirror that copies everything every time.

`toy_server.py NAME FOLDER`: a line of JSON on standard input asks for something, a line on standard output answers;
the other server asks in the same words over TCP. What has to outlive a power cut lies in FOLDER.

It is a toy: no clock is trusted but its own, nothing arbitrates between two servers that cannot hear each other,
and its mirror serves nobody. What it lacks, the suite's verdict about it shows.
"""

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from toy_checker import DEVICES  # type: ignore[import-not-found]  # beside this file
from toy_network import LANS, run  # type: ignore[import-not-found]

Args = dict[str, Any]
PORT, BEAT_S, SILENT_S, RPC_S = 7007, 0.1, 2.0, 20.0
NUMBERS = {"server1": 1, "server2": 2}
IMAGE_BYTES, CLUSTER_BYTES, PIECE_BYTES = 8 << 20, 1 << 20, 1 << 16


class Refused(Exception):  # noqa: N818 - an answer
    """What the server does not do, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Server:
    """State that both servers know travels with every heartbeat; what is told about the peer is what it said last."""

    def __init__(self, name: str, folder: Path) -> None:
        self.me, self.peer = name, next(other for other in NUMBERS if other != name)
        self.folder, self.file, self.image = folder, folder / "state.json", folder / "disk.img"
        saved = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.config: Args = saved.get("config", {})
        self.phase = "Od" if saved.get("phase") in {"O", "Od"} else saved.get("phase", "")
        self.sets: Args = saved.get("sets", {})
        self.groups: dict[str, str] = {}  # state of the groups that are up here, or failed here
        self.events: list[Args] = []
        self.heard: Args = {}
        self.heard_at = 0.0
        self.peer_status = ""
        self.work = threading.RLock()  # one thing at a time is done to groups and disks
        if not self.image.exists():
            with self.image.open("wb") as image:
                image.truncate(IMAGE_BYTES)

    def save(self) -> None:
        new = self.file.with_suffix(".new")
        with new.open("w") as file:
            json.dump({"config": self.config, "phase": self.phase, "sets": self.sets}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.file)

    # -- heartbeats

    def beat(self) -> None:
        """Say and hear what there is, for ever; decide when the other one has been silent for too long."""
        ears = [self._ear(lan) for lan in LANS]
        while True:
            said = {"phase": self.phase, "groups": self.groups, "sets": self.sets}
            for ear, base in ears:
                try:
                    ear.sendto(json.dumps(said).encode(), (f"{base}.{NUMBERS[self.peer]}", PORT))
                    ear.settimeout(BEAT_S / len(ears))
                    self.hear(json.loads(ear.recv(65000)))
                except (OSError, ValueError):
                    continue
            if self.heard_at and time.monotonic() - self.heard_at > SILENT_S:
                self.heard_at = 0.0
                threading.Thread(target=self.lost, daemon=True).start()

    def _ear(self, lan: str) -> tuple[socket.socket, str]:
        ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ear.bind((f"{LANS[lan]}.{NUMBERS[self.me]}", PORT))
        return ear, LANS[lan]

    def hear(self, said: Args) -> None:
        self.heard, self.heard_at = said, time.monotonic()
        if said["phase"]:
            self.peer_status = said["phase"]
        for name, theirs in said["sets"].items():
            if name in self.sets and theirs["version"] > self.sets[name]["version"]:
                self.sets[name] = theirs

    def lost(self) -> None:
        """The other server is down; where this one operates it takes over."""
        with self.work:
            before, theirs = self.peer_status, self.heard.get("groups", {})
            if before in {"", "X"} or self.heard_at:
                return
            self.peer_status, self.heard = "Xd", {}
            for found in self.sets.values():
                if found["state"] == "NORMAL":
                    self.change(found, state="INCONSISTENT", latest=self.me if self.phase == "O" else "")
            for group in self.config.get("groups", []):
                if self.phase == "O" and theirs.get(group["name"]) == "active" and self.me in group["policy"]:
                    busy = "active" in self.groups.values()
                    if not (group.get("failover") == "exclusive" and busy):
                        self.start(group, "FAILOVER")
            self.save()

    def change(self, found: Args, **fields: Any) -> None:
        found.update(fields, version=found["version"] + 1)

    # -- what is asked

    def ask_peer(self, do: str, **args: Any) -> Any:
        """Have the other server do something; Refused when it cannot be reached."""
        address = (f"{LANS['ic1']}.{NUMBERS[self.peer]}", PORT)
        try:
            with socket.create_connection(address, timeout=RPC_S) as line:
                line.sendall(json.dumps({"do": do, **args}).encode() + b"\n")
                said = json.loads(line.makefile().readline())
        except (OSError, ValueError) as error:
            raise Refused("E_STATE", f"{self.peer} cannot be reached: {error}") from error
        if "code" in said:
            raise Refused(said["code"], said["message"])
        return said["result"]

    def answer(self, request: Args) -> Args:
        try:
            return {"result": getattr(self, "do_" + request.pop("do").replace(".", "_"))(**request)}
        except Refused as refused:
            return {"code": refused.code, "message": str(refused)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the line has to be answered
            return {"code": "E_INTERNAL", "message": repr(error)}

    def do_status(self) -> Args:
        """Both servers as this one sees them."""
        theirs = self.heard.get("groups", {})
        groups: Args = {}
        for group in self.config.get("groups", []):
            name = group["name"]
            mine, other = self.groups.get(name, "inactive"), theirs.get(name, "inactive")
            state = mine if mine != "inactive" else other
            place = {"active": self.me if mine == "active" else self.peer}.get(state)
            groups[name] = {"state": state, "server": place, "virtual_computer_names": {}}
        servers = {self.me: {"status": self.phase}, self.peer: {"status": self.peer_status}}
        return {"servers": servers, "groups": groups, "mirror_sets": self.sets}

    def do_events(self) -> list[Args]:
        return self.events

    def do_create(self, config: Args) -> Args:
        """A new configuration: the cluster is stopped."""
        with self.work:
            self.config, self.phase, self.groups = config, "X", {}
            size = IMAGE_BYTES - CLUSTER_BYTES
            blank = {
                "state": "UNREGISTERED",
                "size_bytes": size,
                "dirty_bytes": 0,
                "latest": "",
                "version": 0,
            }
            blank |= {"copy_mode_last": "", "copied_bytes_last": 0}
            self.sets = {each["name"]: dict(blank) for each in config["mirror_sets"]}
            self.save()
            return {}

    def enter(self, phase: str) -> None:
        self.phase = phase
        self.save()

    def do_cluster_start(self, first: bool = True) -> Args:
        with self.work:
            if self.phase not in {"X", "Od"}:
                raise Refused("E_STATE", f"{self.me} is {self.phase or 'without a cluster'}")
            if not first:
                self.enter("O")
                return {}
            if self.phase == "Od" and self.peer_status != "Od":
                raise Refused("E_STATE", f"{self.peer} is {self.peer_status}; return {self.me} instead")
            self.ask_peer("cluster.start", first=False)
            self.enter("O")
            self.peer_status = "O"
            for name, found in self.sets.items():
                if found["state"] == "INCONSISTENT" and found["latest"]:
                    self.copy(name, found["latest"], "what differs is not known")
            self.start_automatic()
            return {}

    def start_automatic(self) -> None:
        for group in self.config["groups"]:
            usable = all(
                self.sets[r["set"]]["state"] == "NORMAL"
                for r in group["resources"]
                if r["kind"] == "mirror_disk"
            )
            if group.get("startup", "automatic") == "automatic" and usable:
                self.on(group["policy"][0], group["name"])

    def on(self, server: str, group: str) -> None:
        """Start a group on one of the servers."""
        if server == self.me:
            self.start(self.group(group), "START")
        else:
            self.ask_peer("start_here", group=group)

    def do_start_here(self, group: str) -> Args:
        with self.work:
            self.start(self.group(group), "START")
            return {}

    def do_stop_here(self, group: str) -> Args:
        with self.work:
            self.stop(self.group(group))
            return {}

    def do_cluster_stop(self, first: bool = True) -> Args:
        with self.work:
            for group in self.config["groups"]:
                self.stop(group)
            if self.phase == "O":
                self.enter("X")
            if first and self.peer_status == "O":
                self.ask_peer("cluster.stop", first=False)
            return {}

    def do_server_return(self, server: str) -> Args:
        if server == self.me and self.phase == "Od":
            return dict(self.ask_peer("admit"))
        if server == self.peer:
            return self.do_admit()
        raise Refused("E_STATE", f"{server} is {self.phase}, not Od")

    def do_admit(self) -> Args:
        """The other server takes part again: its mirrors first, then the groups that want to go home."""
        with self.work:
            if self.phase != "O" or self.peer_status != "Od":
                raise Refused("E_STATE", f"{self.me} is {self.phase}, {self.peer} is {self.peer_status}")
            self.ask_peer("join")
            self.peer_status = "O"
            for name, found in self.sets.items():
                if found["state"] == "INCONSISTENT":
                    self.copy(name, self.me, "what differs is not known")
            for group in self.config["groups"]:
                home = group["policy"][0] == self.peer and group.get("failback", False)
                if home and self.groups.get(group["name"]) == "active":
                    self.stop(group)
                    self.on(self.peer, group["name"])
            return {}

    def do_join(self) -> Args:
        self.peer_status = "O"
        self.enter("O")
        return {}

    # -- groups

    def group(self, name: str) -> Args:
        for group in self.config.get("groups", []):
            if group["name"].lower() == name.lower():
                return dict(group)
        raise Refused("E_NOTFOUND", f"no group {name}")

    def do_group_start(self, group: str, to: str = "") -> Args:
        found = self.group(group)
        if self.phase != "O":
            raise Refused("E_STATE", f"{self.me} is {self.phase or 'without a cluster'}")
        places = [server for server in found["policy"] if server == self.me or self.peer_status == "O"]
        with self.work:
            self.on(to or places[0], found["name"])
            return {}

    def do_group_stop(self, group: str) -> Args:
        found = self.group(group)
        with self.work:
            self.stop(found)
            if self.heard.get("groups", {}).get(found["name"]):
                self.ask_peer("stop_here", group=found["name"])
            return {}

    def do_group_move(self, group: str, to: str) -> Args:
        self.do_group_stop(group)
        self.on(to, group)
        return {}

    def start(self, group: Args, event: str) -> None:
        name = group["name"]
        self.groups[name] = "starting"
        failed = name.upper() in DEVICES
        for resource in group["resources"] if not failed else ():
            if resource["kind"] == "floating_ip" and not self.take(resource["address"]):
                failed = True
                break
            if resource["kind"] == "script":
                self.script(group, resource["start"], event)
        self.groups[name] = "start_failed" if failed else "active"

    def stop(self, group: Args) -> None:
        if self.groups.get(group["name"]) == "active":
            self.groups[group["name"]] = "stopping"
            for resource in reversed(group["resources"]):
                if resource["kind"] == "script":
                    self.script(group, resource["stop"], "START")
                if resource["kind"] == "floating_ip":
                    run(["ip", "address", "delete", f"{resource['address']}/24", "dev", "public"])
        self.groups.pop(group["name"], None)

    def take(self, address: str) -> bool:
        """Unless somebody on the LAN has the address, have it and say so."""
        if run(["arping", "-D", "-q", "-I", "public", "-c", "1", "-w", "1", address]).code:
            return False
        run(["ip", "address", "add", f"{address}/24", "dev", "public"])
        run(["arping", "-U", "-q", "-I", "public", "-c", "1", "-w", "1", "-s", address, address])
        return True

    def script(self, group: Args, text: str, event: str) -> None:
        place = "HOME" if group["policy"][0] == self.me else "OTHER"
        words = {"EVENT": event, "SERVER": place, "DISK": "SUCCESS", "GROUPNAME": group["name"]}
        run(["env", *(f"ARMS_{key}={value}" for key, value in words.items()), "sh", "-c", text])

    # -- the mirror

    def do_mirror_create(self, set: str, source: str) -> Args:  # noqa: A002 - the contract's word
        if set not in self.sets:
            raise Refused("E_NOTFOUND", f"no mirror set {set}")
        with self.work:
            theirs = self.heard.get("groups", {})
            for group in self.config["groups"]:
                uses = any(r["kind"] == "mirror_disk" and r["set"] == set for r in group["resources"])
                if uses and "active" in {self.groups.get(group["name"]), theirs.get(group["name"])}:
                    raise Refused("E_STATE", f"its group {group['name']} is active")
            self.copy(set, source, "the mirror is created")
            return {}

    def copy(self, name: str, source: str, reason: str) -> None:
        """Copy the whole data partition, piece by piece, and say that nothing less was possible."""
        found = self.sets[name]
        self.change(found, state="UNDER_CONSTRUCTION")
        if source == self.me:
            with self.image.open("rb") as image:
                for at in range(CLUSTER_BYTES, IMAGE_BYTES, PIECE_BYTES):
                    image.seek(at)
                    self.ask_peer("write", at=at, data=image.read(PIECE_BYTES).hex())
        else:
            for at in range(CLUSTER_BYTES, IMAGE_BYTES, PIECE_BYTES):
                self.do_write(at, self.ask_peer("read", at=at))
        self.events.append(
            {"time": time.time(), "kind": "full_copy", "fields": {"set": name, "reason": reason}}
        )
        self.change(
            found, state="NORMAL", latest="", copy_mode_last="full", copied_bytes_last=found["size_bytes"]
        )
        self.save()

    def do_read(self, at: int) -> str:
        with self.image.open("rb") as image:
            image.seek(at)
            return image.read(PIECE_BYTES).hex()

    def do_write(self, at: int, data: str) -> Args:
        with self.image.open("r+b") as image:
            image.seek(at)
            image.write(bytes.fromhex(data))
            image.flush()
            os.fsync(image.fileno())
        return {}

    # -- lines

    def serve_peer(self) -> None:
        listener = socket.create_server((f"{LANS['ic1']}.{NUMBERS[self.me]}", PORT))
        while True:
            line, _ = listener.accept()
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line:
            text = line.makefile().readline()
            if text:
                line.sendall(json.dumps(self.answer(json.loads(text))).encode() + b"\n")


def main() -> None:
    server = Server(sys.argv[1], Path(sys.argv[2]))
    for work in (server.serve_peer, server.beat):
        threading.Thread(target=work, daemon=True).start()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(server.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
