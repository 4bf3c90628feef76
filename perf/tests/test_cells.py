from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from perf.errors import PerfError
from perf.figures.conditions import CONDITIONS
from perf.figures.jobs import Target
from perf.shell import cells
from perf.shell.cells import Cells
from perf.tests.factory import measurement

if TYPE_CHECKING:
    from perf.shell.bench import Bench, Others

HALF = CONDITIONS["disk-5000-half"]


@pytest.fixture
def ran() -> tuple[Cells, list[str], list[float]]:
    """Cells on a made-up pair under half load; the job files as they ran, and the IOPS of the runs to come."""
    texts: list[str] = []
    coming: list[float] = []

    class Ran:
        def __init__(self, text: str, _stem: Path) -> None:
            texts.append(text)

        def figures(self, _limit_s: float) -> list[Any]:
            return [measurement(coming.pop(0)).figures]

    raw = (Target("raw1.img"), Target("raw2.img"))
    pair = SimpleNamespace(condition=HALF, raw=raw, directory=Path(), fio=Ran)
    return Cells(cast("Bench", pair), cast("Others", None), 2.0), texts, coming


def test_throttle_is_proved_by_a_client_that_asks_for_everything(
    ran: tuple[Cells, list[str], list[float]],
) -> None:
    """At half load a client never shows what the disk gives; the measurements themselves do ask for half."""
    measured, texts, coming = ran
    coming += [4990.0, 5020.0, 2500.0]
    assert (
        measured.prove(HALF) == 5020
    )  # reads and writes are limited apart: the one that is further off counts
    assert "rate_iops" not in texts[0] + texts[1]
    measured.warm_up()
    assert "rate_iops=2500,1250" in texts[2]


def test_throttle_is_proved_again_before_it_is_given_up(ran: tuple[Cells, list[str], list[float]]) -> None:
    """One slow moment of the machine does not cost the whole run its throttled rows; three do."""
    measured, _, coming = ran
    coming += [5000.0, 4000.0, 5000.0, 5100.0]
    assert measured.prove(HALF) == 5100
    coming += [5000.0, 4000.0] * cells.PROOFS_MAX
    with pytest.raises(PerfError, match="does 5000 reads or 4000 writes: more than 5% off, 3 times"):
        measured.prove(HALF)
