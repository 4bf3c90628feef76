"""The daemons of both servers, as an oracle: who is down, who has returned, who serves, who holds a lease.

It never declares a server down that is alive and connected. Between daemon and mirror process nothing is
lost; between the daemons messages need the heartbeat path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from twinset.mirror import divergence, requests
from twinset.mirror.cluster_partition import State
from twinset.mirror.session import IN_STEP

if TYPE_CHECKING:
    from collections.abc import Callable

    from .mirror_process import Process
    from .mirror_server import Server
    from .mirror_world import World

LONE = -1  # the boot that a server knows of its peer after a lone start
ACTIVATE, DEACTIVATE, STALE, CLOSE, CREATE = "activate", "deactivate", "mark_stale", "close", "create"


class Membership:
    """One for both servers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.active = -1  # the server that the group belongs to
        self.asked = [False, False]  # an activation waits or was granted
        self.refused = 0
        self.moving = -1
        self.mail: list[tuple[int, str, int]] = []  # (to server, verb, cur)
        self.operator_calls = 0
        self.creating = -1
        self.created = [False, False]
        self.resolving = False  # what both have written since the split is to be copied, not everything
        self.resolved = 0
        self.shutdown = [0, 0]  # 1: asked to close, 2: closed
        self.stopping = 0  # 1: the group stops, 2: the mirror sets close
        self.right = 0

    # -- what the mirror processes say ------------------------------------------------------------------

    def need_peer_stale(self, index: int, cur: int) -> None:
        """Relay to the other daemon."""
        if self.world.heartbeat:
            self.mail.append((1 - index, "mark_stale", cur))

    def replied(self, process: Process, request: Any, error: tuple[str, str] | None) -> None:
        """An answer of a mirror process."""
        verb, cur = request
        index = process.index
        self.world.note(index, f"{verb}: {'ok' if error is None else error[1]}")
        if verb == ACTIVATE:
            if error is not None:
                self.asked[index] = False
                self.refused += 1
                if self.active == index:
                    self.active = -1
            else:
                self.refused = 0
        elif verb == DEACTIVATE:
            self.asked[index] = False
            if self.active == index:
                self.active = self.moving
            self.moving = -1
        elif verb == STALE and error is None and self.world.heartbeat:
            self.mail.append((1 - index, "peer_stale", cur))
        elif verb == CLOSE:
            self.shutdown[index] = 2
            process.server.right = error is None and self.right == index
        elif verb == CREATE:
            self.created[index] = True
            if error is not None:
                self.creating = -1  # one of them serves, or the rebuild already runs

    # -- events -----------------------------------------------------------------------------------------

    def started(self, process: Process) -> None:
        """Tell a new mirror process what the daemon knows."""
        server, world = process.server, self.world
        self.asked[server.index] = False
        self.created[server.index] = False
        self.shutdown[server.index] = 0
        if not server.leased:
            world.run(process, process.side.freeze, "no lease")
        if server.known_boot:
            world.run(process, lambda: requests.peer(process.side, down=self._is_told_down(server)))
            if server.member and not server.peer_down:
                world.run(process, requests.rebuild, process.side)

    def crashed(self, server: Server) -> None:
        """A server went down with its daemon."""
        server.member = False
        server.known_boot = 0
        server.peer_down = False
        server.leased = False
        self.asked[server.index] = False
        self.mail = [mail for mail in self.mail if mail[0] != server.index]

    # -- steps ------------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Do one thing that is due, chosen at random."""
        world = self.world
        index = world.rng.randrange(2)
        me, other = world.servers[index], world.servers[1 - index]
        if self.stopping == 2 and self._halt():
            return True
        if not me.up or me.paused:
            return False
        return world.rng.choice(self._STEPS)(self, me, other)

    def _deliver_mail(self, me: Server, _other: Server) -> bool:
        for mail in self.mail:
            to, verb, cur = mail
            if to == me.index and me.process is not None and self.world.heartbeat:
                self.mail.remove(mail)
                side = me.process.side
                if verb == "mark_stale":
                    self.world.run(me.process, requests.mark_stale, side, (STALE, cur), cur)
                elif not me.peer_down or side.record.cur == cur:
                    self.world.run(me.process, requests.peer_stale, side, cur)
                return True
        return False

    def _judge(self, me: Server, other: Server) -> bool:
        """Declare the other server down, when it is; or meet it again."""
        world = self.world
        if other.up and not other.paused and world.heartbeat:
            return self._meet(me, other)
        silent = not other.up or other.lease_out or not world.heartbeat
        if me.peer_down or not silent or (me.process and me.process.conn and not me.process.conn.dead):
            return False
        if not world.heartbeat and other.up:
            other.leased = other.leased and other.peer_down
        self._declare(me, other)
        return True

    def _is_told_down(self, me: Server) -> bool:
        """Not while the sets close: the other server may have closed with the right to start alone (R7)."""
        return me.peer_down and (self.stopping < 2 or self.right == me.index)

    def _declare(self, me: Server, other: Server) -> None:
        world = self.world
        world.note(me.index, "membership: the other server is down")
        me.peer_down = True
        me.leased = True
        other.declared_down = True
        self.asked[other.index] = False
        other.member = False
        if not me.known_boot:
            me.member, me.known_boot = True, LONE
        if other.index in (self.active, self.moving):  # a server that was never admitted takes nothing over
            self.active, self.moving = me.index if me.member else -1, -1
        if me.process is not None:
            down = self._is_told_down(me)
            world.run(me.process, lambda: requests.peer(me.process.side, down=down))  # type: ignore[union-attr]
        if me.process is not None and me.process.side.told.frozen != "":
            world.run(me.process, me.process.side.thaw)

    def _meet(self, me: Server, other: Server) -> bool:
        world = self.world
        if me.known_boot == other.boot and not me.peer_down and not me.declared_down:
            return False
        if me.known_boot not in (0, other.boot) and not me.peer_down and not me.declared_down:
            self._declare(me, other)  # R12: a new boot id is a server that went down
            return True
        if me.declared_down:
            # It wakes up and learns that it was given up: nothing old may be shown before it is revoked.
            if me.process is not None and me.process.side.serving:
                world.run(me.process, me.process.side.revoke, "declared down by the other server")
                return True
            me.declared_down = False
            self.asked[me.index] = False
        world.note(me.index, "membership: the other server is up")
        first = not me.known_boot
        me.known_boot = other.boot
        me.peer_down = False
        me.leased = True
        if first and not other.known_boot:
            me.member, me.right = True, False  # both start together
        if me.process is not None:
            world.run(me.process, lambda: requests.peer(me.process.side, down=False))  # type: ignore[union-attr]
        return True

    def _lease(self, me: Server, other: Server) -> bool:
        """Grant a lease while the other daemon answers, or once it has been down for the full time (R13)."""
        if me.process is None or me.declared_down or not me.known_boot:
            return False
        echoed = self.world.heartbeat and other.up and not other.paused and me.known_boot == other.boot
        if not (echoed or me.peer_down):
            return False
        me.leased = True
        if not me.process.side.told.frozen:
            return False
        self.world.run(me.process, me.process.side.thaw)
        return True

    def _return(self, me: Server, other: Server) -> bool:
        """Restore a server to the cluster: copying may begin on both."""
        world = self.world
        both = me.known_boot == other.boot and other.known_boot == me.boot
        if not both or me.peer_down or other.peer_down or me.member or not world.heartbeat:
            return False
        if me.declared_down or other.declared_down or not other.up or other.paused or self.stopping:
            return False
        if any(self._unaware(server) for server in (me, other)):
            return False
        me.member = other.member = True
        me.right = other.right = False
        world.note(me.index, "membership: returned to the cluster")
        for server in (me, other):
            if server.process is not None:
                world.run(server.process, requests.rebuild, server.process.side)
        return True

    def _unaware(self, server: Server) -> bool:
        """True while a server may not yet know that the other one went on alone without it."""
        mine, theirs = server.disk.record_latest, self.world.servers[1 - server.index].disk.record_latest
        return mine.state in (State.IN_SYNC, State.FINISHING) and theirs.state == State.SOLO

    @staticmethod
    def _revoked(process: Process) -> bool:
        """True when what was granted is gone: the daemon hears so and stops the group, which may start again."""
        side = process.side
        return not side.serving and side.activation is None and side.deactivation is None

    def _activate(self, me: Server, other: Server) -> bool:
        world = self.world
        if self.asked[me.index] and me.process is not None and self._revoked(me.process):
            self.asked[me.index] = False
            if self.active == me.index:
                self.active = -1
        if (
            self.active == -1
            and not self.stopping
            and not any(self.asked)
            and me.member
            and (other.member or me.peer_down)
        ):
            self.active = me.index
        if self.active != me.index or self.asked[me.index] or me.process is None or self.asked[other.index]:
            return False
        if not me.leased or self.stopping or self.creating >= 0 or me.declared_down:
            return False
        side = me.process.side
        if me.known_boot == LONE and side.record.clean and side.record.solo_right and not me.right:
            return False  # the shutdown that wrote this right broke off: the daemon does not remember it
        self.asked[me.index] = True
        world.run(me.process, lambda: requests.activate(side, (ACTIVATE, 0), peer_down=me.peer_down))
        return True

    def _move(self, me: Server, other: Server) -> bool:
        world = self.world
        process = me.process
        if self.stopping:
            return False
        if process is None or not process.side.serving or self.moving >= 0:
            return False
        if process.side.failed and process.side.record.state in (State.FAULTY, State.STALE) and other.member:
            self.moving = other.index  # 8.4: the group goes to the good disk
            world.run(process, requests.deactivate, process.side, (DEACTIVATE, 0))
            return True
        if world.rng.random() > 0.05:
            return False
        session = process.side.session
        if session is None or session.phase != IN_STEP or not other.member:
            return False
        self.moving = other.index
        world.run(process, requests.deactivate, process.side, (DEACTIVATE, 0))
        return True

    def _stop(self, me: Server, other: Server) -> bool:
        """Shut the cluster down: the group first, then both mirror sets, one of which may start alone (R7)."""
        world, process = self.world, me.process
        if process is None or (self.moving >= 0 and not self.stopping):
            return False
        if not self.stopping:
            session = process.side.session
            ready = process.side.serving and session is not None and session.phase == IN_STEP and other.member
            known = not me.declared_down  # else it has not heard yet that nobody follows it any more
            if not ready or not known or world.healing or world.rng.random() > world.faults.stops:
                return False
            world.note(me.index, "operator: cluster shutdown")
            self.stopping, self.moving, self.right = 1, -1, world.rng.randrange(2)
            world.run(process, requests.deactivate, process.side, (DEACTIVATE, 0))
            return True
        if self.stopping == 1 and not any(self.asked):
            self.stopping = 2
        if self.stopping != 2 or self.shutdown[me.index]:
            return False
        if not me.member:  # it came back meanwhile, and knows nothing of the shutdown
            self.shutdown[me.index] = 2
            return True
        self.shutdown[me.index] = 1
        right = self.right == me.index
        if world.rng.random() < 0.2:
            world.faults.crash_soon(process)
        world.run(process, lambda: requests.close(process.side, (CLOSE, 0), solo_right=right))
        return True

    def _halt(self) -> bool:
        world = self.world
        for server in world.servers:
            if server.process is not None and self.shutdown[server.index] != 2:
                return False
        world.note(0, "both servers halt")
        self.stopping, self.active, self.moving = 0, -1, -1
        self.shutdown = [0, 0]
        for server in world.servers:
            world.crash_server(server)
            server.peer_down = server.declared_down = False
        return True

    def _operate(self, me: Server, other: Server) -> bool:
        """Name the side to keep, where only an operator may (8.7-05)."""
        world = self.world
        if self.creating < 0:
            if self.stopping or not self._stuck(me, other) or world.rng.random() < 0.7:
                return False
            if me.process is None or other.process is None:
                return False
            useless = me.process.side.record.state in (State.INCONSISTENT, State.BLANK)
            if useless and me.process.side.record.state != other.process.side.record.state:
                return False
            self.creating = me.index
            self.created = [False, False]
            both_apart = all(divergence.apart(each.process.side) for each in (me, other))  # type: ignore[union-attr]
            self.resolving = both_apart and world.rng.random() < 0.9
            world.note(me.index, "operator: this side is to be kept")
            self.operator_calls += 1
        if all(self.created):
            self.creating = -1
            self.resolving = False
            self.refused = 0
            return True
        if me.process is None or self.created[me.index]:
            return False
        source = me.index == self.creating
        if source and not self.created[other.index]:  # in the order of the daemons: the target forgets first
            return False
        if source:
            world.client.excuse([world.best(me)])
            world.operator_chose(me)
        self.active = -1
        side = me.process.side
        if self.resolving:
            self.resolved += source
            world.run(me.process, divergence.keep if source else divergence.give_up, side, (CREATE, 0))
        else:
            world.run(me.process, lambda: requests.create(side, (CREATE, 0), source=source))
        return True

    def _stuck(self, me: Server, other: Server) -> bool:
        if (
            me.process is None
            or other.process is None
            or any(p.side.serving for p in (me.process, other.process))
        ):
            return False
        states = (me.process.side.record.state, other.process.side.record.state)
        if states == (State.BLANK, State.BLANK):
            return True
        if self.world.both_alone and len(self.world.diverged) < 2:
            return False
        if State.DIVERGED in states and self.world.partitioned:
            return True
        return self.refused >= 4 and self.world.operator_may_be_needed()

    _STEPS: ClassVar[tuple[Callable[[Any, Server, Server], bool], ...]] = (
        _deliver_mail,
        _deliver_mail,
        _judge,
        _judge,
        _lease,
        _return,
        _activate,
        _activate,
        _move,
        _operate,
        _stop,
    )


def quiet(process: Process) -> bool:
    """True when nothing is on its way inside the process."""
    side = process.side
    return side.path.idle and side.target.idle
