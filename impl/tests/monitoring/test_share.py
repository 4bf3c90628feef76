"""When a share counts as lost, and when as back."""

import itertools

import pytest

from twinset.errors import UsageError
from twinset.monitoring import share
from twinset.monitoring.share import ACCESSIBLE, BACK, DOWN, INACCESSIBLE, LOST, NOTHING, Share, Watch

LETTERS = {"a": ACCESSIBLE, "i": INACCESSIBLE, "d": DOWN}


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ("aaa", "..."), ("iii", ".L."), ("iiaa", ".LB."), ("iaia", "...."), ("idi", "..."), ("idii", "...L"),
        ("iidda", ".L..B"), ("ddaii", "....L"), ("iiai", ".LB."),
    ],
)  # fmt: skip
def test_each_change_is_told_once(looks: str, told: str) -> None:
    """Lost after two failed looks in a row, back at the first good one; a server that is down ends the row (9.2-02)."""
    watch, said = Watch(2), ""
    for letter in looks:
        tells, watch = watch.look(LETTERS[letter])
        said += {LOST: "L", BACK: "B", NOTHING: "."}[tells]
    assert said == told


def test_the_first_failed_look_may_be_enough() -> None:
    """With one try there is nothing to wait for."""
    assert Watch(1).look(INACCESSIBLE)[0] == LOST


def test_no_look_tells_what_was_told() -> None:
    """In no state is the same thing told twice in a row."""
    for looks in itertools.product(LETTERS.values(), repeat=6):
        watch, said = Watch(2), []
        for found in looks:
            tells, watch = watch.look(found)
            said += [tells] * (tells != NOTHING)
        assert said == [LOST, BACK, LOST, BACK][: len(said)]


@pytest.mark.parametrize("text", [r"\\server2\share2", "//server2/share2"])
def test_a_share_is_read(text: str) -> None:
    """As the guide writes it, or with slashes; shown as the guide does (9.2-16)."""
    found = Share.parse(text, "9.2-16")
    assert (found.server, found.name, str(found)) == ("server2", "share2", r"\\server2\share2")


@pytest.mark.parametrize(
    "text", ["", "share2", r"\\server2", "\\\\server2\\", r"\\server2\a\b", r"\server2\share2", "/x/y"]
)
def test_what_is_no_share_is_refused(text: str) -> None:
    """A usage error with the clause."""
    with pytest.raises(UsageError, match=r"9\.2-16"):
        Share.parse(text, "9.2-16")


def test_the_reason_is_smbclient_s() -> None:
    """Its status code where it names one, else its last line."""
    assert share.reason("tree connect failed: NT_STATUS_BAD_NETWORK_NAME\n") == "NT_STATUS_BAD_NETWORK_NAME"
    assert share.reason("a\nno route\n") == "no route"
    assert share.reason("") == "no reason was given"
