"""What the status says of a group: the description of its virtual computer names (7.3.1.3-07 to -09)."""

from __future__ import annotations

import pytest

from twinset.cluster import report
from twinset.cluster.view import GroupView, Resource

ASSOCIATED = Resource("virtual_computer_name", 0, name="DbServer", description="10.0.1.100")
UNASSOCIATED = Resource("virtual_computer_name", 0, name="DbServer")


@pytest.mark.parametrize(
    ("state", "reason", "shown"),
    [
        ("active", "", "10.0.1.100"),
        ("start_failed", "virtual_computer_name 0: ...", "10.0.1.100"),
        ("start_failed", "floating_ip 0: another host answers", ""),
        ("inactive", "", ""),
        ("starting", "", ""),
        ("stop_failed", "virtual_computer_name 0: ...", ""),
    ],
)
def test_the_address_is_shown_while_in_use_or_failed(state: str, reason: str, shown: str) -> None:
    """The description is the associated address while the group is active, or when the name was the failure."""
    row = report._group_row(GroupView("db", ("server1",), resources=(ASSOCIATED,)), _row(state, reason), "s")
    assert row["virtual_computer_names"] == {"DbServer": shown}


def test_without_association_nothing_is_shown() -> None:
    """The description of an unassociated name is empty also while it is in use."""
    row = report._group_row(GroupView("db", ("server1",), resources=(UNASSOCIATED,)), _row("active", ""), "s")
    assert row["virtual_computer_names"] == {"DbServer": ""}


def _row(state: str, reason: str) -> dict[str, str]:
    return {"state": state, "reason": reason}
