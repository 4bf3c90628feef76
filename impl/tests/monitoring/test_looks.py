"""What a look calls for: several in a row, and the public LAN compared first."""

import pytest

from twinset.monitoring.looks import ACT, COMPARE, FINE, LOOKS, PUBLIC_LAN, WAIT, Seen, Subject


def verdicts(subject: Subject, looks: str) -> list[str]:
    """Return what each look calls for; "+" is a good one."""
    seen, found = Seen(), []
    for look in looks:
        verdict, seen = seen.look(subject, good=look == "+")
        found.append(verdict)
    return found


def test_it_takes_several_in_a_row() -> None:
    """A good one in between begins the streak anew; after acting it begins anew, too."""
    subject = Subject("process", 0, 3)
    assert verdicts(subject, "--+--") == [WAIT, WAIT, FINE, WAIT, WAIT]
    assert verdicts(subject, "------") == [WAIT, WAIT, ACT, WAIT, WAIT, ACT]


def test_a_public_lan_is_compared() -> None:
    """Leaving helps only when the other server is better off (6.3-19)."""
    assert verdicts(Subject(PUBLIC_LAN, 0, 2), "--+") == [WAIT, COMPARE, FINE]


@pytest.mark.parametrize("kind", ["mirror_disk_io", "process", "watch"])
def test_everything_else_acts(kind: str) -> None:
    """One look is enough where one is asked for."""
    assert verdicts(Subject(kind, 0, 1), "-") == [ACT]


def test_the_table_is_whole() -> None:
    """Every look that can be has its verdict: a good one is never enough to act."""
    assert set(LOOKS) == {
        (good, enough, compares)
        for good in (True, False)
        for enough in (True, False)
        for compares in (True, False)
        if not (good and enough)
    }
