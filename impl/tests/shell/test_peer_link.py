"""The control link between two daemons on loopback addresses."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from twinset.shell import control_channel, exchange
from twinset.shell.control_channel import Channel, ControlPort
from twinset.shell.links import LanPath
from twinset.shell.peer_link import LinkTimes, PeerLink
from twinset.wire.keyring import Keyring

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]

KEY = Keyring(b"k" * 32)
TIMES = LinkTimes(sign_of_life_s=0.05, silent_s=30.0, grace_s=30.0, connect_s=10.0, retry_s=0.02)
IMPATIENT = LinkTimes(sign_of_life_s=0.05, silent_s=30.0, grace_s=0.1, connect_s=10.0, retry_s=0.02)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.21", 0))
        return int(probe.getsockname()[1])


class End:
    """One daemon's end; server 1 listens."""

    def __init__(self, me: str, peer: str, port: int, keys: Keyring = KEY, times: LinkTimes = TIMES) -> None:
        self.got: list[dict[str, Any]] = []
        self.gone = 0
        self.problems: list[str] = []
        self.apart: list[str] = []
        self.port = port
        self.keys = keys
        self.link = PeerLink(
            keys=keys, me=me, peer=peer, received=self.got.append, unreachable=self._unreachable,
            problem=self.problems.append, times=times, apart=self.apart.append, port=port,
        )  # fmt: skip
        self.listener: ControlPort | None = None

    def _unreachable(self) -> None:
        self.gone += 1

    async def listen(self, addresses: list[str]) -> None:
        self.listener = ControlPort(
            self.keys,
            self.link.own_hello,
            {"link": self.link.serve},
            self.problems.append,
            30.0,
            self.apart.append,
        )
        await self.listener.listen(addresses, self.port)

    def connect(self, addresses: list[str]) -> None:
        self.link.start([LanPath(address, "127.0.0.1", address) for address in addresses])

    async def stop(self) -> None:
        if self.listener is not None:
            self.listener.close()
        await self.link.stop()


LANS = ["127.0.0.21", "127.0.0.22"]


async def connected(until: Until, times: LinkTimes = TIMES) -> tuple[End, End]:
    port = free_port()
    one, two = End("server1", "server2", port, times=times), End("server2", "server1", port, times=times)
    await one.listen(LANS)
    one.link.start([])
    two.connect(LANS)
    await until(lambda: one.link.connected and two.link.connected, "the link to open")
    return one, two


def test_messages_go_both_ways_once_and_in_order(until: Until) -> None:
    """Over two LANs at once, each message arrives once and in order."""

    async def scenario() -> None:
        one, two = await connected(until)
        for number in range(100):
            assert one.link.send({"a": number})
            assert two.link.send({"b": number})
        await until(lambda: len(one.got) >= 100 and len(two.got) >= 100, "all messages")
        assert two.got == [{"a": n} for n in range(100)]
        assert one.got == [{"b": n} for n in range(100)]
        await one.stop()
        await two.stop()

    asyncio.run(scenario())


def test_a_broken_connection_loses_nothing(until: Until) -> None:
    """Connections that break under traffic are replaced, and no message is lost or doubled."""

    async def scenario() -> None:
        one, two = await connected(until)
        for number in range(60):
            one.link.send({"n": number})
            if number % 20 == 10:
                for channel in list(two.link._channels):
                    channel.close()
            await until(lambda: one.link._session is not None, "the session")
        await until(lambda: len(two.got) >= 60, "all messages")
        assert two.got == [{"n": n} for n in range(60)]
        assert (one.gone, two.gone) == (0, 0)
        await one.stop()
        await two.stop()

    asyncio.run(scenario())


def test_a_restarted_daemon_is_told(until: Until) -> None:
    """A new run of the other daemon ends the old session: the core hears of it, and a new one begins."""

    async def scenario() -> None:
        one, two = await connected(until)
        await two.stop()
        again = End("server2", "server1", two.port)
        again.connect(LANS)
        await until(lambda: one.gone, "the report")
        await until(lambda: again.link.connected and one.link.send({"hello": 1}), "the new session")
        await until(lambda: again.got, "the message")
        assert again.got[0] == {"hello": 1}
        await one.stop()
        await again.stop()

    asyncio.run(scenario())


def test_a_link_without_connection_is_given_up_after_its_grace(until: Until) -> None:
    """When no LAN works any more, both cores hear that the other is unreachable."""

    async def scenario() -> None:
        one, two = await connected(until, IMPATIENT)
        assert one.listener is not None
        one.listener.close()
        await until(lambda: one.gone and two.gone, "both reports")
        assert not one.link.send({"lost": 1})
        await one.stop()
        await two.stop()

    asyncio.run(scenario())


def test_another_never_connects(until: Until) -> None:
    """A daemon with another key is refused, and both say why."""

    async def scenario() -> None:
        port = free_port()
        one, two = End("server1", "server2", port), End("server2", "server1", port, keys=Keyring(b"x" * 32))
        await one.listen(LANS)
        two.connect(LANS)
        await until(lambda: one.problems or two.problems, "a refusal")
        assert not one.link.connected
        await one.stop()
        await two.stop()

    asyncio.run(scenario())


def test_a_stranger_with_the_key_is_not_the_peer(until: Until) -> None:
    """A server of another name is refused even with the right key."""

    async def scenario() -> None:
        port = free_port()
        one, three = End("server1", "server2", port), End("server3", "server1", port)
        await one.listen(LANS)
        three.connect(LANS)
        await until(lambda: any("not the other server" in text for text in one.problems), "the refusal")
        assert not one.link.connected
        await one.stop()
        await three.stop()

    asyncio.run(scenario())


def test_garbage_on_the_port_harms_nobody(until: Until) -> None:
    """Random bytes, floods and half connections on the control port do not disturb an open link."""

    async def scenario() -> None:
        one, two = await connected(until)
        for data in (b"\x00" * 5000, b"GET / HTTP/1.0\r\n\r\n", b"{" * 900 + b"\n", b""):
            reader, writer = await asyncio.open_connection(LANS[0], one.port)
            writer.write(data)
            await writer.drain()
            writer.write_eof()
            async with asyncio.timeout(60):
                await reader.read()
            writer.close()
        one.link.send({"still": "there"})
        await until(lambda: two.got, "the message")
        await one.stop()
        await two.stop()

    asyncio.run(scenario())


def test_the_configure_kind_is_another_handler(until: Until) -> None:
    """A channel is handed to the handler of its kind; a kind nobody serves is refused with a word."""

    async def scenario() -> None:
        port = free_port()
        one = End("server1", "server2", port)
        seen: list[Channel] = []

        async def serve(channel: Channel) -> None:
            seen.append(channel)

        one.listener = ControlPort(KEY, one.link.own_hello, {"configure": serve}, one.problems.append, 30.0)
        await one.listener.listen(LANS, port)
        for kind in ("configure", "link"):
            hello = control_channel.hello(kind, "server2", "b" * 32)
            channel = await control_channel.connect(KEY, hello, None, LANS[0], 30.0, port)
            channel.close()
        await until(lambda: seen and one.problems, "both")
        assert "not served" in one.problems[0]
        await one.stop()

    asyncio.run(scenario())


def test_the_kernel_ends_a_connection_whose_other_end_is_gone(until: Until) -> None:
    """Both ends look after the other one, and give up long before an answer is late: nobody waits for a server
    without power, and no half of a connection stays.
    """

    async def scenario() -> None:
        port = free_port()
        end, seen, over = End("server1", "server2", port), list[Channel](), asyncio.Event()

        async def serve(channel: Channel) -> None:
            seen.append(channel)
            await over.wait()

        end.listener = ControlPort(KEY, end.link.own_hello, {"configure": serve}, end.problems.append, 30.0)
        await end.listener.listen(LANS[:1], port)
        hello = control_channel.hello("configure", "server2", "b" * 32)
        seen.append(await control_channel.connect(KEY, hello, None, LANS[0], 30.0, port))
        await until(lambda: len(seen) == 2, "both ends")
        for channel in seen:
            raw = channel._writer.get_extra_info("socket")
            assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) < control_channel.GONE_S
            told_ms = raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert 0 < told_ms < exchange.ANSWER_S * 1000 / 5
        over.set()
        await end.stop()
        seen[-1].close()

    asyncio.run(scenario())


@pytest.mark.parametrize("which", ["listener", "connector"])
def test_a_program_of_another_version_is_told_apart(which: str, until: Until) -> None:
    """On both servers it is no mere problem, and the reason names both programs (AUX-01)."""

    async def stranger(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"twinset": 7, "newest": 8, "release": "9.9"}\n')
        await writer.drain()

    async def scenario() -> None:
        port = free_port()
        end = End("server1", "server2", port)
        if which == "listener":
            await end.listen(LANS[:1])
            reader, writer = await asyncio.open_connection(LANS[0], port)
            await stranger(reader, writer)
        else:
            server = await asyncio.start_server(stranger, LANS[0], port)
            end.connect(LANS[:1])
        await until(lambda: end.apart, "the reason")
        assert "(twinset 9.9) speaks control versions 7 to 8, this one" in end.apart[0]
        assert not end.problems
        await end.stop()
        (writer if which == "listener" else server).close()

    asyncio.run(scenario())
