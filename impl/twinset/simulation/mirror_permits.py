"""The world of `mirror_world.py` with an operator who gives access to sides beside the group (mirror/permits.py).

A plain permit is asked of any side at any time while its server is no member: the core itself has to refuse
where the side is not the latest, so the client may use what it opens, and is promised as much as ever. A forced
one is asked while the other side serves nobody, as the daemons see to; under it somebody writes of whom no other
side knows, and whose writes no copy may bring over or take away without an operator's word.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from twinset.mirror import permits, requests
from twinset.mirror.cluster_partition import State
from twinset.mirror.operations import WRITE, Op

from .mirror_membership import CREATE, DEACTIVATE, Membership
from .mirror_world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from twinset.mirror.cluster_partition import Record

    from .mirror_process import Process
    from .mirror_server import Server

PERMIT, RESTRICT, OUTDATE = "permit", "restrict", "outdate"
PLAIN, FORCED = "plain", "forced"
RATE = 0.2


class PermitMembership(Membership):
    """The daemons with their rules about permits, and the operator who asks for them."""

    world: PermitWorld

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.permits = ["", ""]
        self.choosing = False  # the group is stopped until the good side has been named
        self.operator = Random(world.seed)
        self.granted = {PLAIN: 0, FORCED: 0}

    def step(self) -> bool:
        """Let the operator do something now and then; else as ever."""
        if self.operator.random() < RATE:
            index = self.operator.randrange(2)
            return self._ask(self.world.servers[index], self.world.servers[1 - index])
        return super().step()

    # -- the operator -----------------------------------------------------------------------------------

    def _ask(self, me: Server, other: Server) -> bool:
        process = me.process
        if process is None or me.paused:
            return False
        if self.permits[me.index]:
            return self._use(process)
        idle = not (
            me.member or me.declared_down or self.stopping or self.choosing or self.permits[other.index]
        )
        if not idle or self.world.healing or self.creating >= 0 or any(self.asked):
            return False
        if self.operator.random() < 0.5:
            return self._force(process, other)
        side, theirs = process.side, other.process
        reachable = theirs is not None and not other.paused and self.world.heartbeat
        if side.record.state == State.IN_SYNC and side.view.sound and reachable and not other.member:
            cur = side.record.cur
            self.world.run(theirs, requests.mark_stale, theirs.side, (OUTDATE, cur), cur)  # type: ignore[union-attr,arg-type]
            return True
        self._permit(process, PLAIN, 0)
        return True

    def _force(self, process: Process, other: Server) -> bool:
        heard = other.up and self.world.heartbeat and not other.paused
        if heard and other.process is not None and other.process.side.serving:
            return False
        self._permit(process, FORCED, 0)
        return True

    def _permit(self, process: Process, kind: str, peer_stale: int) -> None:
        self.permits[process.index] = kind
        right = not self.world.faults.count  # the records of the beginning are those of a whole shutdown
        self.world.run(
            process,
            lambda: permits.permit(
                process.side, (PERMIT, 0), forced=kind == FORCED, peer_stale=peer_stale, right=right
            ),
        )

    def _use(self, process: Process) -> bool:
        """Write under a forced permit; or withdraw the permit."""
        world, side = self.world, process.side
        if self.operator.random() < (0.5 if world.healing else 0.15):
            world.run(process, permits.restrict, side, (RESTRICT, 0))
            return True
        if side.told.frozen:  # the permitted server gives itself a lease
            world.run(process, side.thaw)
            return True
        if not (side.serving and self.forced(process)):
            return False
        world.client.version += 1
        world.private[process.index] = True
        offset = self.operator.randrange(world.size)
        slot = process.take([world.client.version])
        world.note(process.index, f"forced write v{world.client.version} 1@{offset}")
        world.run(process, side.path.write, Op(WRITE, offset, 1, slot, "forced"))
        return True

    def forced(self, process: Process) -> bool:
        """True for a side that was opened by force; force is not used where the side is the latest."""
        return self.permits[process.index] == FORCED and process.side.record.state != State.SOLO

    # -- what the daemons know and refuse -----------------------------------------------------------------

    def replied(self, process: Process, request: Any, error: tuple[str, str] | None) -> None:
        """Take answers about permits; the others as ever."""
        verb, cur = request
        if verb == PERMIT:
            if error is not None:
                self.permits[process.index] = ""
            else:
                self.granted[FORCED if process.side.record.forced else PLAIN] += 1
        elif verb == RESTRICT:
            self.permits[process.index] = ""
        elif verb == OUTDATE:
            asking = self.world.servers[1 - process.index].process
            if error is None and asking is not None and not self.permits[asking.index]:
                self._permit(asking, PLAIN, cur)
        else:
            super().replied(process, request, error)

    def started(self, process: Process) -> None:
        """A permit outlives its mirror process, not its boot."""
        super().started(process)
        kind = self.permits[process.index]
        if kind:
            self._permit(process, kind, 0)

    def crashed(self, server: Server) -> None:
        """A server went down."""
        super().crashed(server)
        self.permits[server.index] = ""

    def _judge(self, me: Server, other: Server) -> bool:
        if self.permits[me.index]:  # it does not operate: it judges nobody, and has nothing to lose
            me.declared_down = False
            return False
        return super()._judge(me, other)

    def _return(self, me: Server, other: Server) -> bool:
        return not any(self.permits) and super()._return(me, other)

    def _activate(self, me: Server, other: Server) -> bool:
        return not any(self.permits) and not self.choosing and super()._activate(me, other)

    def _operate(self, me: Server, other: Server) -> bool:
        apart = any(server.disk.record_latest.forced for server in self.world.servers)
        if any(self.permits):
            return False
        if not apart and self.creating < 0:
            self.choosing = False
        if apart and not self.choosing:
            if not self.world.healing and self.operator.random() < 0.9:
                return False
            self.choosing = True
        if self.choosing and me.process is not None and self.asked[me.index] and me.process.side.serving:
            self.moving = -1
            self.world.run(me.process, requests.deactivate, me.process.side, (DEACTIVATE, 0))
            return True
        if not self.choosing:
            return super()._operate(me, other)
        return self._create(me, other) if self.creating >= 0 else self._choose(me, other)

    def _choose(self, me: Server, other: Server) -> bool:
        """The operator names the side here as the good one, whichever it is."""
        useless = me.disk.record_latest.state in (State.INCONSISTENT, State.BLANK)
        if useless or not self._stuck(me, other):
            return False
        self.world.note(me.index, "operator: this side is to be kept")
        self.creating, self.created = me.index, [False, False]
        self.operator_calls += 1
        return True

    def _create(self, me: Server, other: Server) -> bool:
        """Carry the operator's word out in the order of the daemons: the target forgets its data first."""
        source, world = me.index == self.creating, self.world
        if all(self.created):
            self.creating, self.refused = -1, 0
            return True
        if me.process is None or self.created[me.index] or (source and not self.created[other.index]):
            return False
        if source:
            world.client.excuse([world.best(me)])
            world.operator_chose(me)
        self.active = -1
        world.client.lost(me.process)  # its clients were disconnected when the group was stopped
        world.run(me.process, lambda: requests.create(me.process.side, (CREATE, 0), source=source))  # type: ignore[union-attr]
        return True

    def _stuck(self, me: Server, other: Server) -> bool:
        if self.choosing and me.process is not None and other.process is not None:
            return not any(self.asked) and not (me.process.side.serving or other.process.side.serving)
        return super()._stuck(me, other)

    _STEPS: ClassVar[tuple[Callable[[Any, Server, Server], bool], ...]] = (
        *(Membership._deliver_mail,) * 2,  # noqa: SLF001 - the same steps, in this class's words
        _judge,
        _judge,
        Membership._lease,  # noqa: SLF001
        _return,
        _activate,
        _activate,
        Membership._move,  # noqa: SLF001
        _operate,
        Membership._stop,  # noqa: SLF001
    )


class PermitWorld(World):
    """The same disks, links and faults, and what else has to hold under permits."""

    MEMBERSHIP: ClassVar[type[Membership]] = PermitMembership
    membership: PermitMembership

    def __init__(self, seed: int, **options: Any) -> None:
        self.private = [False, False]  # sides with writes of which nobody else knows
        super().__init__(seed, **options)

    def serving_process(self) -> Process | None:
        """Return the process that clients reach; what was forced open is not theirs."""
        for server in self.servers:
            process = server.process
            if (
                process is not None
                and process.export
                and not server.paused
                and not self.membership.forced(process)
            ):
                return process
        return None

    def persisted(self, process: Process, before: Record, record: Record) -> None:
        """Judge a record: only an operator's word ends what a forced permit began (promise 8)."""
        index = process.index
        if self.membership.creating >= 0 or before.state == State.BLANK:
            self.private[index] = False
        if self.private[index] and record.state in (State.IN_SYNC, State.SOLO):
            self.violation(
                "8 forced", f"{process.server.name} is {record.state.name} without an operator's word"
            )
        if record.forced:
            self.replaced = True  # an operator may be needed
            return
        super().persisted(process, before, record)
