from harness.demo.ledger import Acknowledged, lost, outage, parse


def test_only_whole_lines_with_a_number_and_a_time_are_rows() -> None:
    """Remarks and a line cut off by the end of the client are no acknowledgement."""
    assert parse(["# connected 1.0\n", "1 2.5\n", "2 2.6\n", "3 2."]) == [
        Acknowledged(1, 2.5),
        Acknowledged(2, 2.6),
    ]


def test_the_outage_is_the_longest_gap_that_ends_after_the_cut() -> None:
    """A pause before the cut is not the failover's."""
    rows = [Acknowledged(n, at) for n, at in enumerate([0.0, 5.0, 5.1, 6.1, 6.2])]
    gap = outage(rows, 5.05)
    assert gap is not None
    assert round(gap.duration_s, 3) == 1.0
    assert outage(rows, 7.0) is None


def test_what_is_acknowledged_and_absent_is_lost() -> None:
    """A row that was sent and not acknowledged may be in the table; an acknowledged one must be."""
    assert lost([Acknowledged(1, 0.0), Acknowledged(2, 0.0)], [1, 3]) == [2]
