"""What goes wrong: crashes of processes and servers at any step, cuts, pauses, lost leases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinset.mirror.cluster_partition import State

if TYPE_CHECKING:
    from .mirror_process import Process
    from .mirror_world import World


ALWAYS = ("heal", "long pause", "resume", "technician", "partition", "disk")


class Faults:
    """Chooses faults; how many depends on the seed."""

    def __init__(self, world: World) -> None:
        self.world = world
        rng = world.rng
        self.rate = rng.choice((0.004, 0.01, 0.02, 0.03))
        # A swarm: each seed has its own mixture, so that rare combinations are common somewhere.
        kinds = {name for name, _ in self._FAULTS if name in ALWAYS or rng.random() < 0.5}
        self.mixture = [entry for entry in self._FAULTS if entry[0] in kinds]
        self.slow_disks = rng.random() < 0.3
        self.stops = rng.choice((0.0, 0.02, 0.02, 0.3))
        self.count = 0
        self.heals = True  # a total partition, by itself
        self.disks_fail = world.rng.random() < world.DISKS_FAIL
        if world.DISKS_FAIL == 1:
            self.rate = 0.03
            self.mixture += [
                entry for entry in self._FAULTS if entry[0] in ("disk", "technician", "connection")
            ] * 3
        if world.PATHS_BREAK:
            self.rate = 0.06
            self.mixture += [("path", Faults._cut_path), ("path back", Faults._path_back)] * 4
        self.partitions = world.rng.random() < 0.1
        self.kinds: dict[str, int] = {}

    def step(self) -> None:
        """Let one thing fail or come back."""
        world = self.world
        name, fault = world.rng.choice(self.mixture)
        if fault(self, world.rng.randrange(2)):
            self.count += 1
            self.kinds[name] = self.kinds.get(name, 0) + 1

    def _process_crash(self, index: int) -> bool:
        process = self.world.servers[index].process
        if process is None:
            return False
        process.crash_in = self.world.rng.choice((0, 1, 2, 4, 8, 15))
        process.crash_server = False
        process.maps_lost = self.world.rng.random() < 0.1
        return True

    def _server_crash(self, index: int) -> bool:
        world = self.world
        server = world.servers[index]
        if not server.up or self.protected(index):
            return False
        if server.process is not None and world.rng.random() < 0.6:
            server.process.crash_in = world.rng.choice((0, 1, 2, 4, 8, 15))
            server.process.crash_server = True
        else:
            world.crash_server(server)
        return True

    def crash_soon(self, process: Process) -> None:
        """Let a process, or its server, die in the middle of what it does next."""
        rng = self.world.rng
        process.crash_in = rng.choice((1, 2, 3, 4, 6, 8))
        process.crash_server = rng.random() < 0.6 and not self.protected(process.index)
        self.count += 1

    def protected(self, index: int) -> bool:
        """A survivor does not die before a server that was paused has heard from it: that would be a split."""
        other = self.world.servers[1 - index]
        return other.declared_down and other.up

    def _cut_connection(self, _index: int) -> bool:
        for server in self.world.servers:
            if (
                server.process is not None
                and server.process.conn is not None
                and not server.process.conn.dead
            ):
                self.world.note(server.index, "connection cut")
                server.process.conn.cut(self.world.rng)
                return True
        return False

    def _cut_path(self, index: int) -> bool:
        """One of the two mirror connects breaks, or the session is moved to the other one while both work."""
        world = self.world
        conn = next((each.process.conn for each in world.servers if each.process and each.process.conn), None)
        if conn is None:
            return False
        if world.rng.random() < 0.3:
            return conn.change()
        return conn.cut_path(world.rng, index)

    def _path_back(self, index: int) -> bool:
        process = self.world.servers[index].process
        if process is not None and process.conn is not None and not process.conn.dead:
            process.conn.new_path()
        return False

    def cut_link(self, index: int) -> bool:
        """Cut both mirror connects."""
        if not self.world.link:
            return False
        self.world.link = False
        self.world.note(index, "mirror connects cut")
        self._cut_connection(index)
        return True

    def heal_link(self, index: int) -> bool:
        """Let both mirror connects work again, while heartbeats do."""
        if self.world.link or not self.world.heartbeat:
            return False
        self.world.link = True
        self.world.note(index, "mirror connects healed")
        return False

    def _pause(self, index: int) -> bool:
        server = self.world.servers[index]
        other = self.world.servers[1 - index]
        if not server.up or server.paused or other.paused or other.declared_down or not other.up:
            return False
        server.paused = True
        self.world.note(index, "paused")
        if self.world.rng.random() < 0.5:
            self.long_pause(index)
        return True

    def long_pause(self, index: int) -> bool:
        """Let a pause outlast the lease."""
        server = self.world.servers[index]
        if not server.paused or server.lease_out:
            return False
        server.lease_out = True
        server.leased = False
        self.world.note(index, "its lease has run out")
        if server.process is not None and server.process.conn is not None:
            server.process.conn.cut(self.world.rng)
        return False

    def resume(self, index: int) -> bool:
        """End a pause; a long one, mostly, after the other server has noticed."""
        server = self.world.servers[index]
        if not server.paused:
            return False
        early = server.lease_out and (not server.declared_down or self.world.rng.random() < 0.7)
        if early and not self.world.healing:
            return False
        self.world.note(index, "resumed")
        if server.lease_out and server.process is not None:
            self.world.run(server.process, server.process.side.freeze, "the lease has run out")
        server.paused = server.lease_out = False
        return False

    def _lease_lost(self, index: int) -> bool:
        server = self.world.servers[index]
        if server.process is None or server.paused:
            return False
        self.world.run(server.process, server.process.side.freeze, "the lease has run out")
        return True

    def _disk(self, index: int) -> bool:
        """From now on flushes, writes or reads of a disk fail, where the other side has everything."""
        world = self.world
        server = world.servers[index]
        if not self.disks_fail or not self.spares_a_disk(index) or world.rng.random() < 0.5:
            return False
        world.note(index, "its disk fails")
        server.disk.bad = True
        server.disk.bad_writes = world.rng.random() < 0.6
        server.disk.bad_reads = world.rng.random() < 0.6
        return True

    def spares_a_disk(self, index: int) -> bool:
        """True while this disk may fail: the other side has everything, and its disk works."""
        server, other = self.world.servers[index], self.world.servers[1 - index]
        mine, theirs = server.disk.record_latest, other.disk.record_latest
        in_step = State.IN_SYNC == mine.state == theirs.state and not (server.lossy or other.lossy)
        return in_step and not (server.disk.bad or other.disk.bad)

    def _total_partition(self, index: int) -> bool:
        """Every path between the servers is cut: promises 1, 3 and 5 do not hold any more."""
        world = self.world
        if not self.partitions or not world.heartbeat:
            return False
        world.note(index, "total partition")
        world.heartbeat = world.link = False
        world.partitioned = True
        self._cut_connection(index)
        return True

    def _heal_partition(self, index: int) -> bool:
        if self.heals and not self.world.heartbeat and self.world.rng.random() < 0.3:
            self.world.note(index, "total partition healed")
            self.world.heartbeat = self.world.link = True
        return False

    def _technician(self, index: int) -> bool:
        """Replace a failed disk, or find it in order, once it is known to be FAULTY."""
        world = self.world
        server = world.servers[index]
        if (
            not server.disk.bad
            or server.latch is None
            or server.latch.state not in (State.FAULTY, State.STALE)
        ):
            return False
        if server.process is not None:
            server.process.crash_server = False
            world.kill(server.process)
        if world.rng.random() < 0.5:
            world.note(index, "its disk is replaced")
            server.replace_disk()
            world.replaced = True
        else:
            world.note(index, "its disk works again")
            server.disk.bad = False
        return False

    _FAULTS = (
        ("process", _process_crash), ("process", _process_crash), ("server", _server_crash), ("server", _server_crash),
        ("connection", _cut_connection), ("link", cut_link), ("heal", heal_link), ("heal", heal_link),
        ("pause", _pause), ("pause", _pause), ("long pause", long_pause), ("long pause", long_pause),
        ("resume", resume),
        ("lease", _lease_lost), ("disk", _disk), ("disk", _disk), ("technician", _technician),
        ("partition", _total_partition), ("heal", _heal_partition),
    )  # fmt: skip

    def split(self, index: int) -> None:
        """Cut every path between the servers."""
        if self._total_partition(index):
            self.count += 1

    def gentle(self, index: int) -> None:
        """Cut a connection or the link, heal it, or let a process die: nothing that a disk would notice."""
        kind = self.world.rng.randrange(4)
        (self._cut_connection, self.cut_link, self.heal_link, self._process_crash)[kind](index)
        process = self.world.servers[index].process
        if process is not None:
            process.maps_lost = False

    def technician(self) -> None:
        """Look after failed disks."""
        for index in (0, 1):
            self._technician(index)

    def repair(self) -> None:
        """Undo everything that a technician would."""
        world = self.world
        world.note(0, "everything is repaired")
        world.link = world.heartbeat = True
        for server in world.servers:
            server.stays_off = False
            if server.process is not None:
                server.process.crash_in = -1
            self.resume(server.index)
