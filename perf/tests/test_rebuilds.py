import pytest

from perf.shell.rebuilds import MIB, Window, summed
from perf.tests.factory import measurement

FIGURES = measurement(100).figures


def test_windows_add_up_and_the_rest_tells_the_idle_rate() -> None:
    """Bytes over time of all windows; the idle rate only of what came after the client."""
    first = Window(
        FIGURES, 2.0, 20 * MIB, {"active": 1.0}, ended=False, idle={"seconds": 1.0, "bytes": 40.0 * MIB}
    )
    second = Window(FIGURES, 8.0, 40 * MIB, {"active": 1.0})
    found = summed([first, second])
    assert found.rebuild == {"share": 0.5, "mib_s": 6.0, "windows": 2.0, "ended": 0.0, "idle_mib_s": 40.0}
    assert found.cpu_us_per_op["active"] == pytest.approx(2e6 / found.figures.ops)


def test_a_copy_that_ended_beside_the_client_has_no_idle_rate() -> None:
    """Nothing is made up where nothing was measured."""
    found = summed([Window(FIGURES, 2.0, 20 * MIB, {})])
    assert found.rebuild["ended"] == 1.0
    assert "idle_mib_s" not in found.rebuild
