"""`cluster create`: both servers or none."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from twinset.advice.facts import ServerFacts
from twinset.config import lineage, password
from twinset.errors import Refusal
from twinset.mirror.cluster_partition import Record, State
from twinset.shell import control_channel, disk_registration, latch, own_accounts, server_facts
from twinset.shell.configure import Asked
from twinset.shell.disk import Disk
from twinset.shell.exchange import CONFIG_BYTES_MAX, validated

from .configure_world import KEY, Line, Server, make_disk, text


@pytest.fixture
def servers(tmp_path: Path) -> tuple[Server, Server]:
    """Return both servers."""
    return Server(tmp_path, "server1"), Server(tmp_path, "server2")


def create(
    servers: tuple[Server, Server], config: str, monkeypatch: pytest.MonkeyPatch, **change: Any
) -> dict[str, Any]:
    """Ask server 1; server 2 answers over a line in this process."""
    one, two = servers

    async def scenario() -> dict[str, Any]:
        lines: list[Line] = []

        async def connect(*_: Any) -> Line:
            lines.append(Line(two))
            return lines[-1]

        monkeypatch.setattr(control_channel, "connect", connect)
        try:
            own = control_channel.hello("configure", "server1", "a" * 32)
            return await one.configure.change(Asked(config, resolve=True, **change), KEY, own)
        finally:
            for line in lines:
                line.close()
                await line.serving

    return asyncio.run(scenario())


def test_both_servers_get_it(
    servers: tuple[Server, Server], tmp_path: Path, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a success both hold the text, both were told, and nothing is left beside."""
    make_disk(tmp_path / "disk", table)
    result = create(servers, text(str(tmp_path / "disk")), monkeypatch)
    assert (result["cluster"], result["servers"]) == ("demo", ["server1", "server2"])
    assert (result["applied"], result["generation"], result["waits_for"]) == (True, 1, "")
    for server in servers:
        assert lineage.body(server.paths.config.read_text()) == text(str(tmp_path / "disk"))
        assert server.left() == ["cluster.toml"]
        assert server.commits == 1


@pytest.mark.parametrize("busy", [0, 1])
def test_a_running_server_keeps_its_configuration(
    servers: tuple[Server, Server], tmp_path: Path, table: Any, monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    """While either server operates, neither changes."""
    make_disk(tmp_path / "disk", table)
    servers[busy].why_not = "the cluster operates"
    with pytest.raises(Refusal, match="the cluster operates"):
        create(servers, text(str(tmp_path / "disk")), monkeypatch)
    assert [server.left() for server in servers] == [[], []]
    assert [server.commits for server in servers] == [0, 0]


def test_a_configuration_that_breaks_rules_goes_nowhere(
    servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Findings are told before the other server is asked."""
    with pytest.raises(Refusal) as caught:
        create(servers, "format = 1\n", monkeypatch)
    assert caught.value.code == "E_CONFIG"
    assert [server.left() for server in servers] == [[], []]


def test_a_peer_that_cannot_be_reached_changes_nothing(
    servers: tuple[Server, Server], tmp_path: Path, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no LAN leads to the other server, the refusal names them all and nothing is changed."""
    make_disk(tmp_path / "disk", table)

    async def connect(*_: Any) -> None:
        raise OSError("no route")

    monkeypatch.setattr(control_channel, "connect", connect)
    own = control_channel.hello("configure", "server1", "a" * 32)
    with pytest.raises(Refusal) as caught:
        asyncio.run(servers[0].configure.change(Asked(text(str(tmp_path / "disk"))), KEY, own))
    assert "10.0.0.2" in caught.value.message
    assert "10.0.1.2" in caught.value.message
    assert servers[0].left() == []


def test_the_servers_keep_and_exchange_a_hash(
    servers: tuple[Server, Server], tmp_path: Path, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the password; the same one given again is no change, another one is."""
    make_disk(tmp_path / "disk", table)
    plain = text(str(tmp_path / "disk")).replace('"demo"', '"demo"\npassword = "sesame"', 1)
    create(servers, plain, monkeypatch)
    texts = [server.paths.config.read_text() for server in servers]
    assert texts[0] == texts[1]
    assert "sesame" not in texts[0]
    hash_ = servers[0].configure._configured().cluster.password_hash
    assert password.matches("sesame", hash_)
    for same in (plain, password.masked(texts[0]), texts[0]):
        assert create(servers, same, monkeypatch, live=True)["changes"] == []
    more = password.masked(texts[0]).replace("auto_return = false", "auto_return = true")
    assert [each["path"] for each in create(servers, more, monkeypatch, live=True)["changes"]] == [
        "cluster.auto_return"
    ]
    assert servers[1].configure._configured().cluster.password_hash == hash_
    other = create(servers, plain.replace("sesame", "tahini"), monkeypatch, live=True)
    assert [(each["path"], each["before"], each["after"]) for each in other["changes"]][-1:] == [
        ("cluster.password_hash", "***", "***")
    ]
    assert password.matches("tahini", servers[1].configure._configured().cluster.password_hash)


def test_what_the_other_server_is_asked_of_has_no_password(
    servers: tuple[Server, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`twinset doctor FILE` takes a file with passwords; both servers look at themselves without them."""
    looked: list[Any] = []
    sent: list[dict[str, Any]] = []

    async def gather(config: Any, name: str, _state: Path) -> ServerFacts:
        looked.append(config)
        return ServerFacts(server=name)

    async def connect(*_: Any) -> Line:
        line = Line(servers[1])
        monkeypatch.setattr(line, "send", lambda frame: (sent.append(frame), Line.send(line, frame)))
        return line

    monkeypatch.setattr(server_facts, "gather", gather)
    monkeypatch.setattr(control_channel, "connect", connect)
    plain = text("/dev/null").replace('"demo"', '"demo"\npassword = "sesame"', 1)
    own = control_channel.hello("configure", "server1", "a" * 32)
    found = asyncio.run(servers[0].configure.facts(plain, KEY, own))
    assert found["absent"] == {}
    assert len(looked) == 2
    assert "demo" in repr(sent)
    assert "sesame" not in repr(sent)


@pytest.mark.parametrize("unfit", [0, 1])
def test_an_account_that_a_system_does_not_have_is_refused(
    servers: tuple[Server, Server], tmp_path: Path, table: Any, monkeypatch: pytest.MonkeyPatch, unfit: int
) -> None:
    """On either server, and neither changes (2.2.2.3-16)."""
    make_disk(tmp_path / "disk", table)

    def look(_old: Any, _new: Any, me: str) -> None:
        if me == f"server{unfit + 1}":
            raise Refusal("E_DENIED", f"{me}: the system has no account stranger", "2.2.2.3-16")

    monkeypatch.setattr(own_accounts, "refuse_unknown", look)
    with pytest.raises(Refusal, match="no account stranger"):
        create(servers, text(str(tmp_path / "disk")), monkeypatch)
    assert [server.left() for server in servers] == [[], []]


@pytest.mark.parametrize("unfit", [0, 1])
def test_a_disk_that_cannot_be_a_mirror_disk_is_refused(
    servers: tuple[Server, Server], tmp_path: Path, table: Any, monkeypatch: pytest.MonkeyPatch, unfit: int
) -> None:
    """On either server: the reason and its clause are told, and neither changes (4.1.2-01)."""
    make_disk(tmp_path / "disk", table)
    looked: list[str] = []

    def look(config: Any, me: str, state: Path) -> None:
        looked.append(me)
        if me == f"server{unfit + 1}":
            raise Refusal("E_DISK", f"{me}: a GPT disk cannot be a mirror disk", "4.1.2-06")

    monkeypatch.setattr(disk_registration, "refuse_unfit", look)
    with pytest.raises(Refusal) as caught:
        create(servers, text(str(tmp_path / "disk")), monkeypatch)
    assert (caught.value.code, caught.value.clause) == ("E_DISK", "4.1.2-06")
    assert looked == ["server1", "server2"][: unfit + 1]
    assert [server.left() for server in servers] == [[], []]


def test_a_set_that_a_change_drops_is_noted_on_both_servers(
    servers: tuple[Server, Server], tmp_path: Path, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it was dropped, each server notes its own disk, whose record is to be forgotten (8.3-02)."""
    make_disk(tmp_path / "disk", table)
    whole = text(str(tmp_path / "disk"))
    create(servers, whole, monkeypatch)
    left = (
        whole[: whole.index("[[mirror_set]]")] + '[[group]]\nname = "db"\npolicy = ["server1", "server2"]\n'
    )
    create(servers, left, monkeypatch)
    for server in servers:
        assert server.left() == ["cancelled.json", "cluster.toml"]
        assert str(tmp_path / "disk") in (server.paths.state / "cancelled.json").read_text()


@pytest.mark.parametrize("known", [True, False])
def test_a_disk_with_a_record_is_not_registered(
    servers: tuple[Server, Server], tmp_path: Path, table: Any, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """Not even one of a set of this name: it would call two disks equal that anybody may have written (8.6-02)."""
    make_disk(tmp_path / "disk", table)
    disk = Disk(tmp_path / "disk")
    disk.write_record(Record(state=State.IN_SYNC, cur=5, disk_uuid=b"d" * 16, size_bytes=4 << 20))
    disk.close()
    for server in servers if known else ():
        latch.write(
            latch.path_of(server.paths.state, "set1"), state=State.IN_SYNC, cur=5, disk_uuid=b"d" * 16
        )
    with pytest.raises(Refusal) as caught:
        create(servers, text(str(tmp_path / "disk")), monkeypatch, register="set1")
    assert caught.value.clause == "8.6-02"
    assert [server.commits for server in servers] == [0, 0]


def test_a_missing_disk_is_refused(tmp_path: Path) -> None:
    """A disk that is not there is named before anything is stored."""
    with pytest.raises(Refusal, match="does not exist on server1"):
        validated(text(str(tmp_path / "none")), "server1")


def test_a_server_that_is_not_in_it_refuses(tmp_path: Path, table: Any) -> None:
    """A configuration for other servers is refused."""
    make_disk(tmp_path / "disk", table)
    with pytest.raises(Refusal, match="server9"):
        validated(text(str(tmp_path / "disk")), "server9")


def test_a_giant_is_refused() -> None:
    """The text of a configuration is bounded."""
    with pytest.raises(Refusal) as caught:
        validated("#" * (CONFIG_BYTES_MAX + 1), "server1")
    assert caught.value.code == "E_LIMIT"


@pytest.mark.parametrize("frame", [{}, {"t": "commit"}, {"t": "offer"}, {"t": "offer", "text": 3}])
def test_a_senseless_request_is_refused(servers: tuple[Server, Server], frame: dict[str, Any]) -> None:
    """A commit without an offer, and anything else that makes no sense, is answered with a refusal."""

    async def scenario() -> dict[str, Any] | None:
        line = Line(servers[1])
        line.send(frame)
        answer = await line.to_client.get()
        line.close()
        await line.serving
        return answer

    answer = asyncio.run(scenario())
    assert answer is not None
    assert answer["t"] == "refused"
    assert servers[1].commits == 0
