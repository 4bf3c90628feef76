"""A name at a name server: registered, refreshed at half of its life, released, and what silence does."""

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.wire import nbns, nbns_packets, nbns_wins
from twinset.wire.nbns import AA, RA, RD, Message, Name, Record
from twinset.wire.nbns_packets import Owner
from twinset.wire.nbns_wins import Registration

NAME = Name.of("DBSERVER", nbns.WORKSTATION)
OWNER, FORMER = Owner("10.0.1.2", nbns.H_NODE), Owner("10.0.1.1", nbns.H_NODE)
SERVER = "10.0.1.53"


def registration(former: Owner | None = None) -> Registration:
    numbers = count(1)
    return Registration(SERVER, NAME, OWNER, lambda: next(numbers), 0, former)


def answer(request: Message | None, rcode: int = 0, ttl_s: int = 60) -> Message:
    assert request is not None
    record = OWNER.record(NAME, ttl_s)
    return Message(
        request.trn_id, request.opcode, response=True, flags=AA | RD | RA, rcode=rcode, answers=(record,)
    )


def wack(request: Message | None, ttl_s: int) -> Message:
    record = Record(NAME, nbns.NULL, ttl_s, b"\x29\x00")
    return replace(answer(request), opcode=nbns.WACK, answers=(record,))


def registered(ttl_s: int = 60) -> Registration:
    made = registration()
    assert made.receive(answer(made.due(0), ttl_s=ttl_s), 0)
    assert made.state == nbns_wins.REGISTERED
    return made


def test_a_name_is_registered_with_the_first_answer() -> None:
    """The request asks for the longest life; the server's word counts."""
    made = registration()
    request = made.due(0)
    assert request == nbns_packets.registration(1, NAME, OWNER, nbns_wins.TTL_WANTED_S)
    assert not made.settled
    assert made.receive(answer(request, ttl_s=60), 5)
    assert (made.state, made.ttl_s, made.settled) == (nbns_wins.REGISTERED, 60, True)


def test_a_name_is_refreshed_at_half_of_its_life() -> None:
    """30 s after it was registered for 60 s, not before, a refresh goes out; its answer starts the next half."""
    made = registered(60)
    assert (made.wake_ms, made.due(29_999)) == (30_000, None)
    request = made.due(30_000)
    assert request is not None
    assert (request.opcode, made.state) == (nbns.REFRESH, nbns_wins.REFRESHING)
    made.receive(answer(request, ttl_s=20), 30_100)
    assert (made.state, made.wake_ms) == (nbns_wins.REGISTERED, 40_100)


def test_an_endless_life_is_not_refreshed() -> None:
    """A life of 0 means for ever."""
    assert registered(0).wake_ms is None


def test_silence_is_asked_three_times_and_again_later() -> None:
    """After three requests 1.5 s apart the server counts as out of reach, and is asked again 30 s later."""
    made, sent, now = registration(), [], 0
    while now < 40_000:
        if made.due(now) is not None:
            sent.append(now)
        now += 100
    assert sent == [0, 1500, 3000, 34_500, 36_000, 37_500]


def test_a_silent_server_is_told_as_unreachable() -> None:
    """Between two attempts the state says so; that is news enough for a start that waits."""
    made = registration()
    for now in (0, 1500, 3000, 4500):
        made.due(now)
    assert (made.state, made.settled) == (nbns_wins.UNREACHABLE, True)


def test_a_refusal_is_kept_with_its_reason_and_tried_again() -> None:
    """Another host has the name: the reason is known, and the next attempt comes 30 s later."""
    made = registration()
    made.receive(answer(made.due(0), rcode=nbns.ACT_ERR), 10)
    assert (made.state, made.rcode, made.settled) == (nbns_wins.REFUSED, nbns.ACT_ERR, True)
    assert made.due(30_009) is None
    assert made.due(30_010) is not None


def test_a_refused_refresh_registers_anew() -> None:
    """A server that has lost its memory learns the name again at once."""
    made = registered(60)
    made.receive(answer(made.due(30_000), rcode=nbns.NAM_ERR), 30_010)
    request = made.due(30_010)
    assert request is not None
    assert (request.opcode, made.state) == (nbns.REGISTRATION, nbns_wins.REGISTERING)


def test_patience_is_as_long_as_the_server_says() -> None:
    """After a WACK of 20 s nothing is sent, and the late answer counts; without one the server is silent."""
    made = registration()
    request = made.due(0)
    made.receive(wack(request, 20), 0)
    assert (made.state, made.due(19_999)) == (nbns_wins.WAITING, None)
    made.receive(answer(request, ttl_s=60), 19_999)
    assert made.state == nbns_wins.REGISTERED
    made = registration()
    made.receive(wack(made.due(0), 20), 0)
    made.due(20_000)
    assert made.state == nbns_wins.UNREACHABLE


def test_patience_has_an_end() -> None:
    """No server makes a node wait for longer than two minutes."""
    made = registration()
    made.receive(wack(made.due(0), 1_000_000), 0)
    assert made.wake_ms == nbns_wins.WACK_MS_MAX


def test_a_challenge_is_no_consent() -> None:
    """A response that asks the node itself to look for the owner does not register the name."""
    made = registration()
    made.receive(replace(answer(made.due(0)), flags=RD), 0)
    assert made.state == nbns_wins.WAITING


def test_a_release_is_confirmed_or_ends_soon() -> None:
    """A release waits for the server's word, but no longer than three requests of 250 ms."""
    made = registered()
    made.release(1000)
    request = made.due(1000)
    assert request is not None
    assert (request.opcode, made.state) == (nbns.RELEASE, nbns_wins.RELEASING)
    made.receive(answer(request), 1001)
    assert (made.state, made.wake_ms) == (nbns_wins.RELEASED, None)
    made = registered()
    made.release(0)
    assert [now for now in range(0, 2000, 50) if made.due(now)] == [0, 250, 500]
    assert made.state == nbns_wins.RELEASED


@pytest.mark.parametrize("rcode", [nbns.ACT_ERR, None])
def test_what_is_not_registered_needs_no_release(rcode: int | None) -> None:
    """A server that refused the name, or that is out of reach, is not waited for when the name is given up."""
    made = registration()
    for now in (0, 1500, 3000, 4500):
        request = made.due(now)
        if rcode and request is not None:
            made.receive(answer(request, rcode=rcode), now)
    made.release(5000)
    assert (made.state, made.due(5000)) == (nbns_wins.RELEASED, None)


def test_a_release_is_asked_for_once() -> None:
    """Releasing again, or after the end, starts nothing new."""
    made = registered()
    made.release(0)
    made.release(0)
    made.receive(answer(made.due(0)), 1)
    made.release(2)
    assert made.state == nbns_wins.RELEASED


@pytest.mark.parametrize("rcode", [0, nbns.NAM_ERR])
def test_a_predecessors_address_is_released_first(rcode: int) -> None:
    """What the other server had registered is given back, then the name is registered, whatever the answer."""
    made = registration(FORMER)
    request = made.due(0)
    assert request == nbns_packets.release(1, NAME, FORMER, broadcast=False)
    made.receive(answer(request, rcode=rcode), 3)
    assert made.due(3) == nbns_packets.registration(2, NAME, OWNER, nbns_wins.TTL_WANTED_S)


def test_a_silent_server_does_not_keep_the_predecessor_for_long() -> None:
    """One release goes out; 250 ms later the registration follows without an answer."""
    made = registration(FORMER)
    made.due(0)
    request = made.due(250)
    assert request is not None
    assert request.opcode == nbns.REGISTRATION


@pytest.mark.parametrize(
    "change", [{"trn_id": 99}, {"response": False}, {"opcode": nbns.RELEASE}, {"answers": ()}]
)
def test_what_is_no_answer_is_passed_on(change: dict[str, object]) -> None:
    """A wrong id, kind or name is somebody else's business."""
    made = registration()
    assert not made.receive(replace(answer(made.due(0)), **change), 0)  # type: ignore[arg-type]
    assert made.state == nbns_wins.REGISTERING


@given(
    st.lists(
        st.tuples(st.sampled_from(["due", "yes", "no", "wack", "release"]), st.integers(0, 200_000)),
        max_size=40,
    )
)
def test_no_order_of_events_leaves_the_table(steps: list[tuple[str, int]]) -> None:
    """Whatever comes in whatever order, the state is one of the table's, and a released name stays released."""
    made, now, request, released = registration(FORMER), 0, None, False
    for step, wait_ms in steps:
        now += wait_ms
        if step == "due":
            request = made.due(now) or request
        elif step == "release":
            made.release(now)
        elif request is not None:
            made.receive(
                {"yes": answer(request), "no": answer(request, rcode=6), "wack": wack(request, 5)}[step], now
            )
        released = released or made.state == nbns_wins.RELEASED
        assert made.state == nbns_wins.RELEASED or not released
        assert made.state in set(nbns_wins.STATES.values()) | {nbns_wins.CLEARING}
