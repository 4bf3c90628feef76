from harness.demo.timeline import Stage, ends, recovery_ms, rows
from harness.wait import boot_s


def test_each_row_says_when_a_stage_ended_and_how_long_it_took() -> None:
    """The durations of the stages add up to the whole."""
    table = rows([Stage("down", 3000.4), Stage("mounted", 3500.0), Stage("first row", 4200.0)])
    assert table == [("down", "3,000", "3,000"), ("mounted", "3,500", "500"), ("first row", "4,200", "700")]


LOG = """\
waiting for server to start....1795625928.810 [34] LOG:  starting PostgreSQL 15.18
1795625928.820 [34] LOG:  database system is ready to accept connections
waiting for server to start....1795625929.673 [14] LOG:  starting PostgreSQL 15.18
1795625929.682 [17] LOG:  database system was interrupted; last known up at 2026-11-25 16:58:48 UTC
1795625929.764 [17] LOG:  redo starts at 0/1500790
1795625929.810 [14] LOG:  database system is ready to accept connections
"""


def test_the_recovery_is_taken_from_postgresqls_own_log() -> None:
    """From being interrupted to being open; an ordinary start is no recovery."""
    took = recovery_ms(LOG)
    assert took is not None
    assert round(took) == 128
    assert recovery_ms(LOG.splitlines()[1]) is None


def test_a_stage_ends_with_its_first_event_after_the_cut() -> None:
    """Events from before the cut, and stages without an event, are left out."""
    base = 1_000_000.0
    events = [
        {"time": base + at, "event": name} for at, name in [(-5, "server_down"), (3, "server_down"), (9, "x")]
    ]
    stages = ends(events, boot_s(base))
    assert [round(stage.end_ms - boot_s(base)) for stage in stages] == [3]
