"""A running pair as tests use it: who is active, writers on it, and the ways back to normal."""

from dataclasses import dataclass, field

from harness import audits
from harness.errors import LabError, WaitTimeout
from harness.labs import pair
from harness.labs.namespaces import Lab
from harness.labs.scribe import Scribe
from harness.labs.server import Server
from harness.wait import wait_for

# Deadlines are for machines under load: a fact that needs longer than this is not coming.
SOON_S = 60.0
LATE_S = 180.0


@dataclass
class Pair:
    """A running pair, and the writers that tests set on it."""

    lab: Lab
    scribes: list[Scribe] = field(default_factory=list)

    @property
    def active(self) -> Server:
        """The server that runs the group."""
        for server in self.lab.servers:
            status = server.status()
            name = (status or {}).get("groups", {}).get(pair.GROUP, {}).get("server")
            if name:
                return self.lab.server(name)
        raise LabError("no server says who runs the group")

    @property
    def standby(self) -> Server:
        """The other one."""
        return self.lab.peer_of(self.active)

    def write(self) -> Scribe:
        """Start a verifying writer on the active server."""
        scribe = Scribe(self.lab, self.active, seed=len(self.scribes) + 1)
        self.scribes.append(scribe)
        return scribe

    def await_normal(self, timeout_s: float = LATE_S) -> None:
        """Both servers operate normally and the mirror set is whole again, as both see it."""
        pair.await_both_normal(self.lab, timeout_s)
        for server in self.lab.servers:
            pair.await_set(server, "NORMAL", timeout_s)

    def await_active_on(self, server: Server, timeout_s: float = LATE_S) -> None:
        """The group runs on that server."""
        pair.await_group(server, "active", timeout_s, on=server.name)

    def give_back(self, server: Server) -> None:
        """Return a server that is isolated after down, and wait for the set to be whole."""
        observer = self.lab.peer_of(server)
        pair.await_server(observer, server.name, "Od", LATE_S)
        pair.insist(
            observer, "server.return", LATE_S, server=server.name
        )  # its control link may not be up yet
        self.await_normal()

    def await_one_active(self, timeout_s: float = LATE_S) -> None:
        """At most one server holds file system and address; a time-out says who holds what."""
        findings: list[str] = []

        def holds() -> bool:
            findings[:] = audits.one_active(self.lab).findings
            return not findings

        try:
            wait_for(holds, timeout_s, "one of the servers to let go", poll_s=0.2)
        except WaitTimeout as error:
            raise WaitTimeout(f"{error}: {'; '.join(findings)}") from None

    def await_break(self, observer: Server) -> None:
        """The observer shows the mirror set as no longer whole."""
        wait_for(
            lambda: observer.status_of_set(pair.SET).get("state") not in ("NORMAL", None),
            LATE_S,
            f"{observer.name} to show the mirror break",
        )

    def stop_and_compare(self) -> None:
        """A clean end: both data partitions hold the same bytes."""
        self.lab.server1.api("cluster.stop", LATE_S)
        pair.await_stopped(self.lab, SOON_S)
        audits.same_data(self.lab).require()
