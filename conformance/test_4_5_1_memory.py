"""4.5.1: the memory that mirroring needs."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.static import Static

KIB_DEFAULT = 18432


def formula_kib(max_io_kib: int, max_io_count: int) -> int:
    """What the guide gives as the rough need of one mirror set."""
    return (max_io_kib * (max_io_count + 64) + 1024) * 2


@clause("4.5.1-02", "4.5.1-03")
@pytest.mark.parametrize(
    ("max_io_kib", "max_io_count", "expected"),
    [(64, 64, 18432), (128, 64, 34816), (64, 128, 26624), (256, 64, 67584), (64, 1024, 141312), (4, 1, 2568)],
)
def test_memory_follows_the_formula(
    static: Static, max_io_kib: int, max_io_count: int, expected: int
) -> None:
    """A set needs (size x (number + 64) + 1024) x 2 KB, for whatever size and number it is given."""
    answer = static.memory_kib(max_io_kib=max_io_kib, max_io_count=max_io_count)
    kept = (answer["max_io_kib"], answer["max_io_count"])
    static.judge.equal(
        "4.5.1-03", "the options are those given", expected=(max_io_kib, max_io_count), observed=kept
    )
    static.judge.equal(
        "4.5.1-02", "the formula as worked by hand", expected=expected, observed=answer["memory_kib"]
    )
    static.judge.equal(
        "4.5.1-02",
        "the formula",
        expected=formula_kib(max_io_kib, max_io_count),
        observed=answer["memory_kib"],
    )


@clause("4.5.1-04", "4.5.1-05")
def test_the_defaults_need_18_mb(static: Static) -> None:
    """Without options a transfer is 64 KB, 64 of them are under way, and a set needs 18 MB."""
    answer = static.memory_kib()
    defaults = (answer["max_io_kib"], answer["max_io_count"])
    static.judge.equal("4.5.1-04", "the defaults", expected=(64, 64), observed=defaults)
    static.judge.equal("4.5.1-05", "memory in KB", expected=KIB_DEFAULT, observed=answer["memory_kib"])
    static.judge.equal("4.5.1-05", "memory in MB", expected=18.0, observed=answer["memory_kib"] / 1024)
