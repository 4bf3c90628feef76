from typing import Any

from twinset.shell.memory_claims import PROMISED_MS, MemoryClaims

NEED = 18432


class Machine:
    def __init__(self, left_kib: int | None) -> None:
        self.left, self.now = left_kib, 0
        self.claims = MemoryClaims(lambda: self.left, lambda: self.now)

    def admit(self, name: str, **options: Any) -> str:
        return self.claims.admit({"set": name, "max_io_kib": 64, "max_io_count": 64, **options})


def test_a_set_gets_what_the_formula_says() -> None:
    """Exactly enough is enough; a KiB less is refused with need, formula and what is there (4.5.1-01)."""
    assert Machine(NEED).admit("set1") == ""
    assert Machine(NEED - 1).admit("set1") == (
        "mirror set set1 needs (64 x (64 + 64) + 1024) x 2 KiB = 18432 KiB of memory, 18431 KiB are available"
    )


def test_larger_options_need_more() -> None:
    """The set's own size and number count."""
    assert Machine(NEED).admit("set1", max_io_kib=128) != ""
    assert Machine(34816).admit("set1", max_io_kib=128) == ""


def test_sets_that_start_together_do_not_get_the_same_memory() -> None:
    """A process takes its memory only when it is used: what was promised lately is not available."""
    machine = Machine(2 * NEED)
    assert machine.admit("set1") == ""
    assert machine.admit("set2") == ""
    assert f"{2 * NEED} of them promised to other sets" in machine.admit("set3")


def test_a_set_does_not_stand_in_its_own_way() -> None:
    """One that died and starts again has its promise still."""
    machine = Machine(NEED)
    assert machine.admit("set1") == ""
    assert machine.admit("set1") == ""


def test_a_promise_ends() -> None:
    """By then it shows in what the system calls available."""
    machine = Machine(NEED)
    machine.admit("set1")
    machine.now = PROMISED_MS - 1
    assert machine.admit("set2") != ""
    machine.now = PROMISED_MS
    assert machine.admit("set2") == ""


def test_a_refused_set_keeps_nothing() -> None:
    """What it did not get is there for the next one."""
    machine = Machine(NEED)
    assert machine.admit("set1", max_io_kib=1024) != ""
    assert machine.admit("set2") == ""


def test_when_nobody_knows_nothing_is_refused() -> None:
    """A guess must not keep a service down."""
    assert Machine(None).admit("set1") == ""
