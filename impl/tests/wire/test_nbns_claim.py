"""The claim by broadcast: three times, 250 ms apart, and the first objection ends it."""

from dataclasses import replace

import pytest

from twinset.wire import nbns, nbns_packets
from twinset.wire.nbns import Name
from twinset.wire.nbns_claim import CLAIMING, FREE, STATES, TAKEN, Claim
from twinset.wire.nbns_packets import Owner

NAMES = {7: Name.of("DBSERVER", nbns.WORKSTATION), 8: Name.of("DBSERVER", nbns.SERVER)}
OWNER, RIVAL = Owner("10.0.1.100"), Owner("10.0.1.60")


def objection(trn_id: int) -> nbns.Message:
    request = nbns_packets.claim(trn_id, NAMES[trn_id], OWNER)
    return nbns_packets.registration_refused(request, NAMES[trn_id], RIVAL)


def test_three_requests_250_ms_apart_then_the_names_are_free() -> None:
    """Silence after the third request makes the names free, 750 ms after the first and not before."""
    claim, sent, now = Claim(NAMES, OWNER, 1000), [], 1000
    while claim.state == CLAIMING:
        due = claim.due(now)
        sent += [(now, message.trn_id) for message in due]
        assert claim.wake_ms is None or claim.wake_ms > now or claim.state != CLAIMING
        now += 1
    assert sent == [(at, trn_id) for at in (1000, 1250, 1500) for trn_id in (7, 8)]
    assert (claim.state, claim.ended_ms, claim.wake_ms, claim.holder) == (FREE, 1750, None, "")


def test_the_requests_are_claims_for_the_address() -> None:
    """What is broadcast asks for both names of the computer, with the address that it shall have."""
    [first, second] = Claim(NAMES, OWNER, 0).due(0)
    assert (first, second) == tuple(nbns_packets.claim(trn, name, OWNER) for trn, name in NAMES.items())


@pytest.mark.parametrize("trn_id", [7, 8])
def test_an_objection_to_either_name_ends_the_claim(trn_id: int) -> None:
    """The host that objects is known, and nothing more is sent."""
    claim = Claim(NAMES, OWNER, 0)
    claim.due(0)
    assert claim.receive(objection(trn_id), "10.0.1.60", 3)
    assert (claim.state, claim.holder, claim.ended_ms, claim.wake_ms) == (TAKEN, "10.0.1.60", 3, None)
    assert claim.due(250) == []


def test_a_second_objection_changes_nothing() -> None:
    """Who objected first is named."""
    claim = Claim(NAMES, OWNER, 0)
    claim.due(0)
    claim.receive(objection(7), "10.0.1.60", 3)
    assert claim.receive(objection(8), "10.0.1.61", 4)
    assert claim.holder == "10.0.1.60"


@pytest.mark.parametrize(
    "change",
    [
        {"trn_id": 9},
        {"response": False},
        {"opcode": nbns.RELEASE},
        {"answers": ()},
        {"answers": (OWNER.record(Name.of("OTHER", 0), 0),)},
    ],
)
def test_what_is_no_response_to_the_claim_is_passed_on(change: dict[str, object]) -> None:
    """A wrong id, kind or name is somebody else's business."""
    claim = Claim(NAMES, OWNER, 0)
    claim.due(0)
    assert not claim.receive(replace(objection(7), **change), "10.0.1.60", 3)  # type: ignore[arg-type]
    assert claim.state == CLAIMING


def test_a_positive_response_decides_nothing() -> None:
    """Consent is silence: a name server's yes to a broadcast does not end the claim."""
    claim = Claim(NAMES, OWNER, 0)
    claim.due(0)
    assert claim.receive(replace(objection(7), rcode=0), "10.0.1.60", 3)
    assert claim.state == CLAIMING


def test_the_table_has_no_way_back() -> None:
    """A claim ends once; another attempt is another claim."""
    assert {state for state, _ in STATES} == {CLAIMING}
    assert set(STATES.values()) == {FREE, TAKEN}
