import pytest

from harness.demo.ledger import Acknowledged
from perf.errors import PerfError
from perf.shell.cluster import answered_again_s


def test_row_that_slips_through_while_the_power_goes_ends_no_outage() -> None:
    """The client's outage is its longest silence since the cut, not the time to its very next answer."""
    times = (9.98, 9.99, 10.01, 70.5, 70.51)
    rows = [Acknowledged(number, at_s) for number, at_s in enumerate(times)]
    assert answered_again_s(rows, 10.0) == 70.5


def test_client_that_is_never_answered_again_is_an_error() -> None:
    """No figure is made up."""
    with pytest.raises(PerfError, match="no answer"):
        answered_again_s([Acknowledged(1, 9.0)], 10.0)
