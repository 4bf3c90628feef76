"""The walk-through as data."""

import pytest

from conformance.suite.pictures import ARROWS, PICTURES, arrow, picture_of, route


@pytest.mark.parametrize("failback", ARROWS)
def test_every_picture_can_be_reached_from_every_other(failback: str) -> None:
    """No arrow leads into a place without a way out."""
    for source in PICTURES:
        for target in set(PICTURES) - ({"P7"} if failback == "YES" else set()):
            assert route(failback, source, target) is not None, (source, target)


@pytest.mark.parametrize("failback", ARROWS)
def test_a_route_joins_arrows(failback: str) -> None:
    """Each arrow of a route begins where the one before ended, and nothing is walked for nothing."""
    for source in PICTURES:
        way = route(failback, source, "P4")
        assert way is not None
        ends = [source, *(step.target for step in way)]
        assert [step.source for step in way] == ends[:-1]
        assert ends[-1] == "P4"
    assert route(failback, "P1", "P1") == []


@pytest.mark.parametrize("number", [str(n) for n in range(1, 10)])
@pytest.mark.parametrize("failback", ARROWS)
def test_every_number_of_the_guide_is_an_arrow(failback: str, number: str) -> None:
    """(1) to (9) exist for failback No and YES, between known pictures."""
    found = arrow(failback, number)
    assert found.source in PICTURES
    assert found.target in PICTURES


def test_pictures_are_told_apart() -> None:
    """No two pictures look the same, so a status shows one picture at most."""
    assert len({picture.facts for picture in PICTURES.values()}) == len(PICTURES)
    assert picture_of(PICTURES["P4"].facts) is PICTURES["P4"]
    assert picture_of(("?", "?", None, None)) is None
