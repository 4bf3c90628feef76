"""The name service on loopback: claims, defence, name servers, adoption, and nothing left open."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from twinset.errors import StepFailed
from twinset.resources.virtual_computer_name.plan import Attachment, Place
from twinset.shell import clock
from twinset.shell import name_service as module
from twinset.shell.name_service import NameService
from twinset.wire import nbns, nbns_claim, nbns_packets, nbns_wins
from twinset.wire.nbns import AA, RA, RD, Message

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]

BROADCAST = "127.255.255.255"
WINS = "127.0.0.53"
NAME = nbns.Name.of("DBSERVER", nbns.WORKSTATION)


QUICK_MS = 20


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The times of the RFC are proved where the protocol is; here only where a test says so."""
    if "rfc_times" not in request.fixturenames:
        monkeypatch.setattr(nbns_claim, "BCAST_REQ_RETRY_TIMEOUT_MS", QUICK_MS)
        monkeypatch.setitem(nbns_wins.ASKING, nbns_wins.REGISTERING, (3, QUICK_MS))


@pytest.fixture
def rfc_times() -> None:
    """Keep the times of the RFC."""


def place(local: str = "127.0.0.1", address: str = "127.0.0.100", **more: Any) -> Place:
    return Place("DbServer", (Attachment("lo", local, address, BROADCAST),), **more)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("0.0.0.0", 0))
        return int(probe.getsockname()[1])


class Host:
    """A socket of another machine: sends packets and keeps what it hears."""

    def __init__(self, address: str, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.socket.bind((address, port))
        self.socket.setblocking(False)
        self.heard: list[Message] = []
        self.senders: list[tuple[str, int]] = []
        self.replies: Callable[[Message], Message | None] = lambda _: None
        asyncio.get_running_loop().add_reader(self.socket, self._read)

    def say(self, message: Message | bytes, to: str, port: int) -> None:
        packet = message if isinstance(message, bytes) else nbns.encode(message)
        self.socket.sendto(packet, (to, port))

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def _read(self) -> None:
        data, sender = self.socket.recvfrom(4096)
        message = nbns.decode(data)
        self.heard.append(message)
        self.senders.append(sender)
        reply = self.replies(message)
        if reply is not None:
            self.say(reply, *sender)


class World:
    """Two servers on one LAN, a host, a name server that says yes."""

    def __init__(self) -> None:
        self.port = free_port()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.bugs: list[str] = []
        self.lease_s = 10.0
        self.one, self.two = self._service(), self._service()
        self.host = Host("127.0.0.60", 0)
        self.wins = Host(WINS, self.port)
        self.wins.replies = yes

    def _service(self) -> NameService:
        return NameService(
            lambda name, _, fields: self.events.append((name, dict(fields))),
            lambda: self.lease_s,
            lambda where, error: self.bugs.append(f"{where}: {error!r}"),
            self.port,
        )

    def told(self) -> list[str]:
        return [name for name, _ in self.events]

    async def ask(self, until: Until, message: Message, to: str = BROADCAST) -> Message:
        """Send a packet; return the answer."""
        before = len(self.host.heard)
        self.host.say(message, to, self.port)
        await until(lambda: len(self.host.heard) > before, "an answer")
        return self.host.heard[-1]

    async def silence(self, message: Message, to: str = BROADCAST) -> None:
        """Send a packet; nobody answers it before the other server's answer to a later one could have come."""
        before = len(self.host.heard)
        self.host.say(message, to, self.port)
        await clock.pause(0.1)
        assert len(self.host.heard) == before


def yes(request: Message) -> Message:
    record = request.additional[0]
    return Message(request.trn_id, request.opcode, response=True, flags=AA | RD | RA, answers=(record,))


def no(request: Message) -> Message:
    answer = yes(request)
    return Message(
        answer.trn_id, answer.opcode, response=True, flags=AA | RD | RA, rcode=nbns.ACT_ERR,
        answers=answer.answers,
    )  # fmt: skip


def scenario(work: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        world = World()
        try:
            await work(world)
        finally:
            await world.one.close()
            await world.two.close()
            world.host.close()
            world.wins.close()
        assert world.bugs == []

    asyncio.run(run())


def query() -> Message:
    return nbns_packets.query(77, NAME, broadcast=True)


def test_a_free_name_is_taken_and_answered_for(until: Until, rfc_times: None) -> None:
    """After the claim everybody who asks by broadcast, or alone, is told the floating IP address."""

    async def work(world: World) -> None:
        await world.silence(query())
        began = clock.now_ms()
        assert await world.one.take("DBSERVER", place()) == ""
        assert clock.now_ms() - began >= 750
        answer = await world.ask(until, query())
        assert (answer.trn_id, answer.answers[0].owners()) == (77, ((0, "127.0.0.100"),))
        assert world.host.senders[-1] == ("127.0.0.100", world.port)
        alone = await world.ask(until, nbns_packets.query(78, NAME, broadcast=False), "127.0.0.100")
        assert alone.answers[0].owners()[0][1] == "127.0.0.100"

    scenario(work)


def test_the_limited_broadcast_is_heard_too(until: Until) -> None:
    """A client that does not know its network's broadcast address asks 255.255.255.255."""

    async def work(world: World) -> None:
        await world.one.take("DBSERVER", place())
        world.host.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        answer = await world.ask(until, query(), "255.255.255.255")
        assert answer.answers[0].owners()[0][1] == "127.0.0.100"

    scenario(work)


def test_a_name_in_use_is_refused_with_the_holder(until: Until) -> None:
    """Another node that holds the name defends it: its address, the clause; and an event over there."""
    del until

    async def work(world: World) -> None:
        assert await world.one.take("DBSERVER", place()) == ""
        reason = await world.two.take("DBSERVER", place("127.0.0.2", "127.0.0.101"))
        assert reason.startswith("DbServer belongs to the host at 127.0.0.100")
        assert reason.endswith("[7.3.1.1-02]")
        assert not world.two.holds("DBSERVER")
        assert world.told() == ["virtual_computer_name_defended"]

    scenario(work)


def test_a_released_name_is_free_again(until: Until) -> None:
    """Nobody answers for it, its sockets are closed, and the other server may take it."""
    del until

    async def work(world: World) -> None:
        await world.one.take("DBSERVER", place())
        await world.one.release("DBSERVER")
        await world.silence(query())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as alone:
            alone.bind(("127.0.0.100", world.port))
        assert await world.two.take("DBSERVER", place("127.0.0.2")) == ""
        await world.one.release("DBSERVER")

    scenario(work)


def test_a_prepared_claim_costs_the_start_nothing(until: Until, rfc_times: None) -> None:
    """A claim that ran beside other steps is over when the name is taken; preparing twice claims once. One that is
    abandoned ends at once, and nothing is left of it.
    """

    async def work(world: World) -> None:
        world.one.prepare("DBSERVER", place())
        world.one.abandon("DBSERVER")
        assert not list(world.one._lans)
        world.one.prepare("DBSERVER", place())
        first = world.one._attempts["DBSERVER"]
        world.one.prepare("DBSERVER", place())
        assert world.one._attempts["DBSERVER"] is first
        await until(first.over.is_set, "the claim to end")
        began = clock.now_ms()
        assert await world.one.take("DBSERVER", place()) == ""
        assert clock.now_ms() - began < 700
        world.one.prepare("DBSERVER", place())
        assert not world.one._attempts

    scenario(work)


def test_an_old_claim_is_made_again(until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was free a while ago may have been taken since."""
    monkeypatch.setattr(module, "CLAIM_FRESH_MS", -1)

    async def work(world: World) -> None:
        world.one.prepare("DBSERVER", place())
        first = world.one._attempts["DBSERVER"]
        await until(first.over.is_set, "the claim to end")
        world.one.prepare("DBSERVER", place())
        assert world.one._attempts["DBSERVER"] is not first
        assert await world.one.take("DBSERVER", place()) == ""

    scenario(work)


def test_a_claim_that_nobody_takes_up_leaves_no_socket(until: Until) -> None:
    """A start that failed before its name leaves nothing open once the claim is over."""

    async def work(world: World) -> None:
        world.one.prepare("DBSERVER", place())
        await until(lambda: not list(world.one._lans), "the sockets to be closed")

    scenario(work)


def test_a_name_is_registered_with_its_name_servers_and_released(until: Until) -> None:
    """Both NetBIOS names are registered when the name is taken, and released when it is given back."""

    async def work(world: World) -> None:
        assert await world.one.take("DBSERVER", place(wins_servers=(WINS,))) == ""
        assert [message.opcode for message in world.wins.heard] == [nbns.REGISTRATION] * 2
        assert {sender[0] for sender in world.wins.senders} == {"127.0.0.100"}
        await until(lambda: world.told() == ["name_server_registered"], "the event")
        await world.one.release("DBSERVER")
        assert [message.opcode for message in world.wins.heard[2:]] == [nbns.RELEASE] * 2

    scenario(work)


def test_what_the_other_server_had_registered_is_released_first(until: Until) -> None:
    """An unassociated name changes its address: the former one is released, then the new one registered."""
    del until

    async def work(world: World) -> None:
        own = place(address="127.0.0.1", wins_servers=(WINS,), former="127.0.0.2")
        assert await world.one.take("DBSERVER", own) == ""
        asked = [(m.opcode, m.additional[0].owners()[0][1]) for m in world.wins.heard]
        assert sorted(asked) == sorted([(nbns.RELEASE, "127.0.0.2"), (nbns.REGISTRATION, "127.0.0.1")] * 2)

    scenario(work)


def test_a_name_server_that_refuses_fails_the_start(until: Until) -> None:
    """A name that a remote host has is not taken: the reason names the name server and the clause."""
    del until

    async def work(world: World) -> None:
        world.wins.replies = lambda m: no(m) if m.opcode == nbns.REGISTRATION else yes(m)
        reason = await world.one.take("DBSERVER", place(wins_servers=(WINS,)))
        assert reason == (
            "name server 127.0.0.53 refuses DbServer: the name is active elsewhere [2.2.2.3-26]"
        )
        assert not world.one.holds("DBSERVER")
        await world.silence(query())

    scenario(work)


def test_a_silent_name_server_is_not_waited_for(until: Until) -> None:
    """Clients on the LAN are served while a name server is down; that it is, is told."""

    async def work(world: World) -> None:
        world.wins.replies = lambda _: None
        assert await world.one.take("DBSERVER", place(wins_servers=(WINS,))) == ""
        await world.ask(until, query())
        await until(lambda: "name_server_silent" in world.told(), "the event")

    scenario(work)


def test_a_resumed_name_is_answered_for_at_once(until: Until) -> None:
    """A restarted daemon does not wait for a claim, but makes one, and tells who objects."""

    async def work(world: World) -> None:
        await world.two.take("DBSERVER", place("127.0.0.2", "127.0.0.101"))
        world.one.resume("DBSERVER", place())
        world.one.resume("DBSERVER", place())
        assert world.one.holds("DBSERVER")
        alone = await world.ask(until, nbns_packets.query(78, NAME, broadcast=False), "127.0.0.100")
        assert alone.answers[0].owners()[0][1] == "127.0.0.100"
        await until(lambda: "virtual_computer_name_conflict" in world.told(), "the event")
        assert world.one.holds("DBSERVER")

    scenario(work)


def test_without_a_lease_nothing_is_said(until: Until) -> None:
    """A server that stood still does not speak for a name that the other one may have; later it does again."""

    async def work(world: World) -> None:
        await world.one.take("DBSERVER", place())
        world.lease_s = 0.0
        await world.silence(query())
        await world.silence(nbns_packets.claim(5, NAME, nbns_packets.Owner("127.0.0.60")))
        world.lease_s = 10.0
        await world.ask(until, query())

    scenario(work)


def test_malformed_packets_are_told_and_harm_nothing(until: Until) -> None:
    """Noise on port 137 is one event, and the name is answered for as before."""

    async def work(world: World) -> None:
        await world.one.take("DBSERVER", place())
        for noise in (b"", b"noise", bytes(4096), bytes(5000)):
            world.host.say(noise, BROADCAST, world.port)
        await world.ask(until, query())
        assert world.told().count("input_dropped") == 1

    scenario(work)


def test_two_names_share_a_lan(until: Until) -> None:
    """Each name answers from its own address; giving one back leaves the other."""

    async def work(world: World) -> None:
        other = Place("WEB-1", (Attachment("lo", "127.0.0.1", "127.0.0.102", BROADCAST),))
        taken = await asyncio.gather(world.one.take("DBSERVER", place()), world.one.take("WEB-1", other))
        assert taken == ["", ""]
        await world.one.release("DBSERVER")
        await world.silence(query())
        web = nbns_packets.query(79, nbns.Name.of("WEB-1", nbns.SERVER), broadcast=True)
        assert (await world.ask(until, web)).answers[0].owners()[0][1] == "127.0.0.102"

    scenario(work)


def test_beside_another_name_service_ours_takes_nothing_away(until: Until) -> None:
    """On the server's own address another program keeps its packets; our answers still come from port 137."""

    async def work(world: World) -> None:
        samba = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        samba.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        samba.bind(("127.0.0.1", world.port))
        samba.settimeout(10)
        await world.one.take("DBSERVER", place(address="127.0.0.1"))
        await world.ask(until, query())
        assert world.host.senders[-1] == ("127.0.0.1", world.port)
        world.host.say(query(), "127.0.0.1", world.port)
        assert nbns.decode(samba.recv(4096)) == query()
        samba.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        rival = nbns_packets.claim(5, NAME, nbns_packets.Owner("127.0.0.9"))
        samba.sendto(nbns.encode(rival), (BROADCAST, world.port))
        refusal = await asyncio.to_thread(samba.recv, 4096)
        assert nbns.decode(refusal).rcode == nbns.ACT_ERR
        samba.close()

    scenario(work)


def test_a_dead_name_server_beside_a_living_one_costs_little(until: Until) -> None:
    """With a name server on each server, that of the dead one is silent: the start waits for the other one."""
    del until

    async def work(world: World) -> None:
        both = place(wins_servers=("127.0.0.54", WINS))
        world.one.prepare("DBSERVER", both)
        await world.one._attempts["DBSERVER"].over.wait()
        began = clock.now_ms()
        assert await world.one.take("DBSERVER", both) == ""
        assert clock.now_ms() - began < 400

    scenario(work)


def test_63_names_are_claimed_side_by_side(until: Until) -> None:
    """As many names as the guide allows beside an address take about as long as one: their waits do not add up."""

    async def work(world: World) -> None:
        places = [
            Place(f"NAME{n}", (Attachment("lo", "127.0.0.1", f"127.0.1.{n}", BROADCAST),))
            for n in range(1, 64)
        ]
        began = clock.now_ms()
        taken = await asyncio.gather(*(world.one.take(each.name, each) for each in places))
        assert clock.now_ms() - began < 5_000
        assert set(taken) == {""}
        asked = nbns_packets.query(80, nbns.Name.of("NAME63", nbns.SERVER), broadcast=True)
        assert (await world.ask(until, asked)).answers[0].owners()[0][1] == "127.0.1.63"

    scenario(work)


def test_a_port_that_cannot_be_had_is_a_reason(until: Until) -> None:
    """An interface that does not exist fails the step with its name, and leaves nothing open."""
    del until

    async def work(world: World) -> None:
        nowhere = Place("X", (Attachment("gone0", "127.0.0.1", "127.0.0.1", BROADCAST),))
        with pytest.raises(StepFailed, match=r"gone0 cannot be used"):
            await world.one.take("X", nowhere)
        assert not list(world.one._lans)

    scenario(work)
