"""Day 2: what an operator meets after the first day, one chapter after the other, while a client goes on inserting."""

import json
from pathlib import Path

from harness.demo.scenario import ROWS_AFTER_FAILOVER, Demonstration
from harness.errors import CommandFailed
from harness.faults.disk import create_image
from harness.labs import joining, pair, releases
from harness.labs.host import PROGRAMS
from harness.labs.namespaces import TWINSETD, Lab
from harness.labs.server import Server
from harness.topology import FLOATING_IP
from harness.wait import wait_for

MORE_ADDRESS = "10.0.1.120"
OFFERING_ADDRESS = "10.10.10.2"
ROWS_BETWEEN = ROWS_AFTER_FAILOVER // 5


def former_programs() -> Path | None:
    """The release that the servers begin with; None in a clone without its history."""
    return None if releases.reason_to_skip(releases.FIRST) else releases.programs_of(releases.FIRST)


def strangers(scale: float, disk_mib: int, seed: int) -> Lab:
    """Two servers that share nothing yet, not even a key, with the former release."""
    programs = former_programs()
    lab = Lab.create(
        scale=scale, disk_mib=disk_mib, volatile_cache=True, seed=seed, name="day2", power_on=False, programs=programs
    )  # fmt: skip
    for server in lab.servers:
        (server.etc_directory / "cluster.key").unlink()
    for host in lab.hosts.values():
        lab.power_on(host)
    return lab


class Day2(Demonstration):
    """Join, upgrade, apply, isolate, replace."""

    def play(self) -> bool:
        """Tell it; True when everything that was claimed held."""
        one, two = self.lab.servers
        try:
            self.join()
            self.configure()
            self.create_mirror()
            self.start_group()
            self.start_client()
            self.upgrade()
            self.apply()
            self.isolate(two)
            self.replace(two)
            self.check_rows(one)
            self.compare_disks()
        finally:
            self.stop_client()
        return not self.failures

    def join(self) -> None:
        """Two servers that trust nobody come to hold one key."""
        one, two = self.lab.servers
        self.tell.step("Two new servers are joined (joining.md)")
        pair.await_daemons(self.lab)
        self.tell.say(
            f"`twinset join --offer` on {two.name}, `twinset join {OFFERING_ADDRESS}` on {one.name}."
        )
        fingerprint = joining.by_hand(one, two, OFFERING_ADDRESS)
        self.tell.proved(f"both show the fingerprint {fingerprint}; after two yes they hold one key")
        for server in self.lab.servers:
            wait_for(lambda s=server: "no cluster" in s.api("ping")["reason"], 60, "the key to be noticed")  # type: ignore[misc]

    def upgrade(self) -> None:
        """A new release, one server after the other."""
        one, two = self.lab.servers
        self.tell.step("A new release comes out: one server after the other is upgraded (upgrading.md)")
        self._upgrade(two)
        self._compare_programs(two, differ=one.programs != PROGRAMS)
        self.move(two)
        refused = two.twinset_result("upgrade", "check")
        said = [each["text"] for each in json.loads(refused.stdout)["obstacles"]]
        self._claim(
            bool(said) and not refused.ok, f"`twinset upgrade check` on {two.name} now: {'; '.join(said)}"
        )
        self._upgrade(one)
        self._compare_programs(two, differ=False)
        self.move(one)
        failed_over = [
            event["fields"]
            for server in self.lab.servers
            for event in server.events()
            if event["event"] == "group_fails_over"
        ]
        self._claim(not failed_over, f"no group has failed over by surprise{failed_over or ''}")

    def _upgrade(self, server: Server) -> None:
        other = self.lab.peer_of(server)
        other.twinset("server", "isolate", server.name)
        pair.await_server(other, server.name, "Od", 120)
        server.install(PROGRAMS, TWINSETD)
        pair.await_server(server, server.name, "Od", 120)
        self._return(server)
        self.tell.proved(f"{server.name}: isolated, upgraded, restarted, returned; the client went on")

    def _compare_programs(self, server: Server, *, differ: bool) -> None:
        shown = (server.status() or {})["programs"]
        text = "two releases work side by side" if differ else "both servers have one release"
        waits = f"; until both have it, this waits: {', '.join(shown['waits'])}" if shown["waits"] else ""
        self._claim(bool(shown["differ"]) == differ, text + waits)

    def apply(self) -> None:
        """A change of the configuration of a cluster at work."""
        one = self.lab.server1
        self.tell.step("The group gets another floating IP address while it works (changing.md)")
        text = str(one.api("cluster.configuration")["text"])
        own = f'[[group.floating_ip]]\naddress = "{FLOATING_IP}"\n'
        path = "/etc/twinset/changed.toml"
        one.write_file(path, text.replace(own, f'{own}[[group.floating_ip]]\naddress = "{MORE_ADDRESS}"\n'))
        shown = one.twinset("apply", path)["changes"]
        self.tell.say(
            f"`twinset apply` shows {len(shown)} change: {shown[0]['path']}; `--yes` carries it out."
        )
        one.twinset("apply", path, "--yes")
        ping = ["ping", "-n", "-c", "1", "-W", "1", MORE_ADDRESS]
        wait_for(lambda: self.lab.client.run(ping, check=False).ok, 60, "the new address to answer")
        self.await_rows("after the change", ROWS_BETWEEN)
        self.tell.proved(f"{MORE_ADDRESS} answers, and the client at {FLOATING_IP} noticed nothing")

    def isolate(self, server: Server) -> None:
        """The standby's copy is read, as a backup."""
        other = self.lab.peer_of(server)
        self.tell.step(f"{server.name} is isolated, and its copy is read for a backup (isolating.md)")
        other.twinset("server", "isolate", server.name)
        pair.await_server(other, server.name, "Od", 120)
        fault = (other.status() or {})["redundancy"]["next_faults"][0]
        self.tell.say(f"Meanwhile `twinset cluster status` says: {fault['fault']} {fault['does']}.")
        device = server.twinset("mirror", "read", pair.SET)["devices"]["E"]
        server.run(["mkdir", "-p", "/mnt/backup"])
        server.run(["mount", "-o", "ro,noload", device, "/mnt/backup"])
        size = server.run(["du", "-sm", "/mnt/backup"]).stdout.split()[0]
        database = server.run(["find", "/mnt/backup", "-name", "PG_VERSION", "-maxdepth", "3"]).stdout.split()
        server.run(["umount", "/mnt/backup"])
        self._claim(
            bool(database),
            f"{size} MiB read from {device}, the database's files among them; nothing can write to it",
        )
        self.await_rows("while the other server is isolated", ROWS_BETWEEN)
        server.twinset("mirror", "read", pair.SET, "--end")
        self._return(server)
        mode = other.status_of_set(pair.SET)["copy_mode_last"]
        self._claim(mode == "high-speed", "returned by a high-speed copy")

    def replace(self, server: Server) -> None:
        """A server is lost with its disk; a new machine takes its place."""
        other = self.lab.peer_of(server)
        self.tell.step(f"{server.name} is lost with its disk; a new machine takes its place (replacing.md)")
        self.lab.power_off(server)
        pair.await_server(other, server.name, "Xd", 120)
        server.forget()
        (server.etc_directory / "cluster.key").unlink()
        create_image(server.disk.image, server.disk.size_bytes >> 20, 0x7E170001)
        self.lab.power_on(server)
        wait_for(server.daemon_answers, 60, "twinsetd of the new machine")
        joining.by_hand(other, server, OFFERING_ADDRESS)

        def handed_over() -> bool:
            try:
                other.twinset("server", "replace", server.name)
            except CommandFailed:  # the new machine notices the key within a second
                return False
            return True

        wait_for(handed_over, 60, "the new machine to take the configuration", poll_s=0.3)
        self.tell.proved(
            "joined by a comparison of fingerprints; `twinset server replace` gave it the configuration"
        )
        self._return(server)
        mode = other.status_of_set(pair.SET)["copy_mode_last"]
        self._claim(mode == "full", "everything was copied to it, while the client went on")

    def _return(self, server: Server) -> None:
        other = self.lab.peer_of(server)
        pair.await_server(other, server.name, "Od", 120)
        pair.insist(other, "server.return", 120, server=server.name)
        self._watch_copy("copy", other)
        pair.await_both_normal(self.lab, 60)
        self.await_rows("after the return", ROWS_BETWEEN)
