"""Defence, queries and node status: what is answered, to whom, and what is not."""

from dataclasses import replace

import pytest

from twinset.wire import nbns, nbns_packets, nbns_responder
from twinset.wire.nbns import Message, Name, Question
from twinset.wire.nbns_packets import Owner
from twinset.wire.nbns_responder import Note, Responder

FIP, RIVAL = Owner("10.0.1.100", nbns.H_NODE), Owner("10.0.1.60")
NAME, FILES, OTHER = Name.of("DBSERVER", 0), Name.of("DBSERVER", 0x20), Name.of("OTHER", 0)
HOST = "10.0.1.60"


@pytest.fixture()
def responder() -> Responder:
    made = Responder(b"\x02abcde")
    made.hold((NAME, FILES), FIP)
    return made


def heard(responder: Responder, message: Message, to: str = "") -> tuple[Message | None, Note | None]:
    return responder.answer(message, HOST, to=to, broadcast=not to)


def status(name: Name) -> Message:
    return Message(5, nbns.QUERY, questions=(Question(name, nbns.NBSTAT),))


@pytest.mark.parametrize("name", [NAME, FILES])
@pytest.mark.parametrize("make", [nbns_packets.claim, nbns_packets.overwrite_demand])
def test_a_held_name_is_defended(responder: Responder, name: Name, make: object) -> None:
    """A claim and a demand for a held name are refused, and noted with the host."""
    request = make(3, name, RIVAL)  # type: ignore[operator]
    refusal, note = heard(responder, request)
    assert refusal == nbns_packets.registration_refused(request, name, FIP)
    assert note == Note(nbns_responder.DEFENDED, name, HOST)


def test_a_multihomed_claim_is_a_claim(responder: Responder) -> None:
    """The kind of registration that a host with several addresses sends is refused like any other."""
    request = replace(nbns_packets.claim(3, NAME, RIVAL), opcode=nbns.MULTIHOMED)
    refusal, _ = heard(responder, request)
    assert refusal is not None
    assert (refusal.opcode, refusal.rcode) == (nbns.REGISTRATION, nbns.ACT_ERR)


def test_other_names_are_not_defended(responder: Responder) -> None:
    """What is not held, or not any more, may be claimed by anybody."""
    assert heard(responder, nbns_packets.claim(3, OTHER, RIVAL)) == (None, None)
    responder.drop((NAME, FILES))
    assert heard(responder, nbns_packets.claim(3, NAME, RIVAL)) == (None, None)


def test_a_claim_for_the_same_address_is_no_rivals(responder: Responder) -> None:
    """Who claims the name for the very address that it has is not refused."""
    assert heard(responder, nbns_packets.claim(3, NAME, FIP)) == (None, None)


def test_queries_are_answered_with_the_address(responder: Responder) -> None:
    """By broadcast and alone, the answer is the floating IP address, to be kept for a short time."""
    for broadcast, to in ((True, ""), (False, "10.0.1.100")):
        query = nbns_packets.query(4, NAME, broadcast=broadcast)
        answer, note = heard(responder, query, to)
        assert answer == nbns_packets.found(query, NAME, FIP, nbns_responder.ANSWER_TTL_S)
        assert note is None


def test_an_unknown_name_is_denied_only_to_who_asks_this_node_alone(responder: Responder) -> None:
    """Everybody hears a broadcast; only the owner speaks."""
    query = nbns_packets.query(4, OTHER, broadcast=True)
    assert heard(responder, query) == (None, None)
    assert heard(responder, query, "10.0.1.100") == (nbns_packets.not_found(query, OTHER), None)


def test_a_node_status_lists_the_names_of_the_address(responder: Responder) -> None:
    """Each address is a computer of its own: names of another floating IP address are not listed."""
    responder.hold((OTHER,), Owner("10.0.1.101"))
    request = status(nbns.WILDCARD)
    names = [(NAME, nbns.H_NODE), (FILES, nbns.H_NODE)]
    expected = nbns_packets.node_status(request, nbns.WILDCARD, names, b"\x02abcde")
    assert heard(responder, request, "10.0.1.100") == (expected, None)


def test_a_node_status_for_a_held_name_is_answered_by_broadcast_too(responder: Responder) -> None:
    """The name says which node is meant; the wildcard in a broadcast means nobody."""
    answer, _ = heard(responder, status(FILES))
    assert answer is not None
    assert answer.answers[0].data[0] == 2
    assert heard(responder, status(nbns.WILDCARD)) == (None, None)
    assert heard(responder, status(OTHER), "10.0.1.100") == (None, None)


def test_a_conflict_demand_does_not_take_the_name(responder: Responder) -> None:
    """Anybody can send one: it is noted, and the name is answered for as before."""
    demand = replace(
        nbns_packets.registration_refused(nbns_packets.claim(3, NAME, RIVAL), NAME, RIVAL), rcode=nbns.CFT_ERR
    )
    assert heard(responder, demand) == (None, Note(nbns_responder.CONFLICT, NAME, HOST))
    assert heard(responder, nbns_packets.query(4, NAME, broadcast=True))[0] is not None


def test_a_release_by_somebody_else_does_not_take_the_name(responder: Responder) -> None:
    """A release of a held name is noted, and the name is answered for as before."""
    release = nbns_packets.release(3, NAME, RIVAL, broadcast=True)
    assert heard(responder, release) == (None, Note(nbns_responder.FORGED_RELEASE, NAME, HOST))
    assert heard(responder, nbns_packets.query(4, NAME, broadcast=True))[0] is not None


@pytest.mark.parametrize(
    "message",
    [
        Message(1, nbns.QUERY),
        Message(1, nbns.QUERY, questions=(Question(NAME, 0x1234),)),
        Message(1, 3, questions=(Question(NAME),)),
        Message(1, nbns.QUERY, response=True, answers=(RIVAL.record(NAME, 0),)),
        replace(
            nbns_packets.registration_refused(nbns_packets.claim(3, OTHER, RIVAL), OTHER, RIVAL),
            rcode=nbns.CFT_ERR,
        ),
    ],
)
def test_everything_else_is_passed_over(responder: Responder, message: Message) -> None:
    """No question, unknown kinds, responses to others: silence."""
    assert heard(responder, message) == (None, None)
