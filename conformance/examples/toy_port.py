#!/usr/bin/env python3
"""The adapter of the toy port: a port of its own, a few hundred lines, written against ../ADAPTER.md alone.

toy_checker.py judges configurations, toy_installation.py what servers are, toy_server.py is one server of a pair,
toy_network.py the hosts that they run on. Nothing here is of the reference or its harness. What the toy cannot do it
answers with `unsupported`: virtual computer names, registry keys, access to its mirrored data, high-speed copies.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import toy_checker  # type: ignore[import-not-found]  # beside this file, where Python looks first
import toy_installation  # type: ignore[import-not-found]
from toy_network import HOSTS, LANS, Network, run  # type: ignore[import-not-found]

Args = dict[str, Any]
HERE = Path(__file__).resolve().parent
SERVERS = ("server1", "server2")
NEEDS = ("unshare", "nsenter", "ip", "arping")


class Answer(Exception):  # noqa: N818 - an answer that is no result
    """One of the four errors of the contract."""

    def __init__(self, kind: str, code: str, message: str) -> None:
        super().__init__(message)
        self.error = {"kind": kind, "code": code, "message": message}


def missing() -> str:
    """Why there can be no pair here; empty when there can."""
    lacks = [program for program in NEEDS if shutil.which(program) is None]
    return "needs root" if os.geteuid() else f"needs {', '.join(lacks)}" if lacks else ""


def judgement(findings: list[Args]) -> Args:
    """Findings as an answer."""
    return {"accepted": all(each["severity"] != "error" for each in findings), "findings": findings}


class Port:
    """The verbs. One network at a time, with up to two server processes on it."""

    def __init__(self) -> None:
        self.network: Any = None
        self.path: Path | None = (
            None  # the same after every reset, as what `provision` has answered stays true
        )
        self.servers: dict[str, Any] = {}  # programs that are spoken to line by line

    # -- static tier

    def describe(self, _args: Args) -> Args:
        return {
            "contract": 0, "port": "toy", "version": "1", "filesystem": "ext4", "capabilities": ["advise"],
            "timing_s": {"failover": 6.0}, "tiers": {"static": "", "pair": missing()},
        }  # fmt: skip

    def validate(self, args: Args) -> Args:
        for name in toy_checker.resources(args["config"], "virtual_computer_name"):
            if "floating_ip" in name:
                raise Answer("refused", "E_INEXPRESSIBLE", "a name cannot say which address it stands for")
        return judgement(toy_checker.check(args["config"]))

    def advise(self, args: Args) -> Args:
        found = toy_checker.check(args["config"]) + toy_installation.check(args["config"], args["servers"])
        return judgement(found)

    # -- the pair

    def provision(self, _args: Args) -> Args:
        self.teardown({})
        self.path = self.path or Path(tempfile.mkdtemp(prefix="toy-port-"))
        self.network = Network(self.path)
        for server in SERVERS:
            self._start(server)
        networks = [
            {
                "name": lan, "interface": lan,
                "roles": ["public", "interconnect"] if lan == "public" else ["interconnect", "mirror"],
                "addresses": {server: f"{base}.{HOSTS[server]}/24" for server in SERVERS},
            }
            for lan, base in LANS.items()
        ]  # fmt: skip
        return {
            "scratch": str(self.network.path / "scratch"),
            "servers": {
                server: {"public_address": f"{LANS['public']}.{HOSTS[server]}"} for server in SERVERS
            },
            "client": {"interface": "public"},
            "networks": networks,
            "floating_ips": [f"{LANS['public']}.{n}" for n in range(100, 108)],
        }

    reset = provision

    def _start(self, server: str) -> None:
        argv = [sys.executable, str(HERE / "toy_server.py"), server, str(self.network.path / server)]
        self.servers[server] = self.network.talk_to(server, argv)

    def _ask(self, server: str, do: str, **args: Any) -> Any:
        process = self.servers.get(server)
        if process is None or process.stdin is None or process.stdout is None:
            raise Answer("failed", "E_STATE", f"{server} has no power")
        process.stdin.write(json.dumps({"do": do, **args}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise Answer("failed", "", f"{server} has ended")
        said = json.loads(line)
        if "code" in said:
            kind = "failed" if said["code"] == "E_INTERNAL" else "refused"
            raise Answer(kind, said["code"], said["message"])
        return said["result"]

    def apply(self, args: Args) -> Args:
        config = args["config"]
        kinds = {resource["kind"] for group in config["groups"] for resource in group["resources"]}
        if kinds - toy_checker.RUNS:
            raise Answer("unsupported", "", f"cannot run {', '.join(sorted(kinds - toy_checker.RUNS))}")
        if any(each["severity"] == "error" for each in toy_checker.check(config)):
            raise Answer("refused", "E_RANGE", "the configuration has errors")
        for server in SERVERS:
            self._ask(server, "create", config=config)
        return {}

    def operate(self, args: Args) -> Args:
        given = {key: value for key, value in args.items() if key not in {"op", "on"}}
        known = {"cluster.start", "cluster.stop", "server.return", "mirror.create"}
        known |= {"group.start", "group.stop", "group.move"}
        if args["op"] not in known:
            raise Answer("unsupported", "", f"no operation {args['op']}")
        operating = [s for s in self.servers if self._ask(s, "status")["servers"][s]["status"] == "O"]
        return {
            "answer": self._ask(args.get("on") or (operating or list(self.servers))[0], args["op"], **given)
        }

    def status(self, args: Args) -> Args:
        return dict(self._ask(args["seen_by"], "status"))

    def events(self, args: Args) -> Args:
        found = [
            {**event, "server": server}
            for server in ([args["server"]] if "server" in args else list(self.servers))
            for event in self._ask(server, "events")
        ]
        found.sort(key=lambda event: float(event["time"]))
        numbered = [{**event, "seq": number} for number, event in enumerate(found, start=1)]
        return {"events": [event for event in numbered if event["seq"] > args.get("since", 0)]}

    def power(self, args: Args) -> Args:
        server = args["server"]
        if args["action"] == "cut":
            self.network.power_off(server)
            process = self.servers.pop(server)
            process.kill()
            process.wait()
        else:
            self.network.power_on(server)
            self._start(server)
        return {}

    def run(self, args: Args) -> Args:
        if args.get("background"):
            return {"job": self.network.start_job(args["host"], args["argv"])}
        ran = run(self.network.inside(args["host"], args["argv"]), float(args.get("timeout_s", 30)))
        return {"returncode": ran.code, "stdout": ran.out, "stderr": ran.err}

    def job(self, args: Args) -> Args:
        return {"stdout": self.network.read_job(args["job"], stop=args["action"] == "stop")}

    def copies(self, _args: Args) -> Args:
        areas = {
            "cluster_partition": {"offset_bytes": 0, "size_bytes": 1 << 20},
            "partitions": [{"offset_bytes": 1 << 20, "size_bytes": 7 << 20}],
        }
        paths = {server: str(self.network.path / server / "disk.img") for server in SERVERS}
        return {"copies": {server: {"path": path, "device": path, **areas} for server, path in paths.items()}}

    def teardown(self, _args: Args) -> Args:
        for process in self.servers.values():
            process.kill()
            process.wait()
        self.servers = {}
        if self.network is not None:
            self.network.close()
        self.network = None
        return {}


STATIC = ("describe", "validate", "advise", "teardown")
PAIR = ("provision", "reset", "apply", "operate", "status", "events", "power", "run", "job", "copies")


def answer(port: Port, line: str) -> Args:
    """The answer to one line, whatever the line is."""
    try:
        request = json.loads(line)
        number, verb, args = request["id"], request["verb"], request.get("args", {})
    except (ValueError, TypeError, KeyError) as wrong:
        error = {"kind": "failed", "code": "E_SYNTAX", "message": f"the line is no request: {wrong!r}"}
        return {"id": None, "ok": False, "error": error}
    try:
        if verb not in (*STATIC, *PAIR):
            raise Answer("unsupported", "", f"no verb {verb}")  # noqa: TRY301 - the answer
        return {"id": number, "ok": True, "result": getattr(port, verb)(args)}
    except Answer as said:
        return {"id": number, "ok": False, "error": said.error}
    except Exception as error:  # noqa: BLE001 - whatever it is, the suite has to get an answer
        return {"id": number, "ok": False, "error": {"kind": "failed", "code": "", "message": repr(error)}}


def main() -> None:
    port = Port()
    try:
        for line in sys.stdin:
            print(json.dumps(answer(port, line)), flush=True)
    finally:
        port.teardown({})


if __name__ == "__main__":
    main()
