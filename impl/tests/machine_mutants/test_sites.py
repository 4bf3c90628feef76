"""Where a module can be broken by a machine: every kind of change is found, and what is broken still compiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from impl.tests.machine_mutants.sites import ARITHMETIC, BOOLEAN, COMPARISONS, mutants

MIRROR = Path(__file__).parents[2] / "twinset" / "mirror"


def changed(text: str) -> dict[str, str]:
    """Return the broken texts of a module by their change."""
    return {mutant.change: mutant.applied(text) for mutant in mutants("m.py", text)}


@pytest.mark.parametrize(
    ("old", "new"), [*COMPARISONS.values(), *ARITHMETIC.values(), *BOOLEAN.values()], ids=" -> ".join
)
def test_an_operator_becomes_its_neighbour(old: str, new: str) -> None:
    """Every comparison, arithmetic or boolean operator of the tables, between its operands and nowhere else."""
    assert changed(f"x = (a) {old} f(b)\n") == {f"{old} -> {new}": f"x = (a) {new} f(b)\n"}


@pytest.mark.parametrize(
    ("text", "change", "broken"),
    [
        ("x = not a", "no not", "x = a"),
        ("x = True", "False", "x = False"),
        ("x = 7", "7 -> 8", "x = 8"),
        ("if a:\n    b = c", "negated", "if not (a):\n    b = c"),
        ("x = a if b else c", "negated", "x = a if not (b) else c"),
        ("while a:\n    b = c", "negated", "while not (a):\n    b = c"),
        ("def f():\n    return a", "return None", "def f():\n    return None"),
        ("f(a)", "dropped", "pass"),
        ("raise f(a)", "dropped", "pass"),
        ("x += a", "dropped", "pass"),
        ("for a in b:\n    continue", "break", "for a in b:\n    break"),
        ("for a in b:\n    break", "continue", "for a in b:\n    continue"),
    ],
)
def test_every_kind_of_change_is_found(text: str, change: str, broken: str) -> None:
    """One small change of the text each; the rest of the module stays as it is."""
    assert changed(text) == {change: broken}


def test_what_decides_nothing_at_run_time_is_left_alone() -> None:
    """Annotations, decorators, base classes, texts, the words of errors, and what is imported for types."""
    text = (
        "if TYPE_CHECKING:\n    import x\n"
        '@f(1)\ndef g(a: x[1]) -> y[2]:\n    """Text."""\n    b: z[3] = f"{a + 4}"\n    raise E(5)\n'
    )
    assert list(changed(text)) == ["dropped"]


def test_names_are_unique_and_know_no_line_numbers() -> None:
    """Two changes of one line are told apart, and a line that moves keeps its name."""
    text = "def f():\n    return g(a + b, c + d)\n"
    names = [mutant.key for mutant in mutants("m.py", text)]
    line = "m.py f: return g(a + b, c + d)"
    assert names == [f"{line} [return None]", f"{line} [+ -> -]", f"{line} [+ -> -, 2]"]
    assert [mutant.key for mutant in mutants("m.py", "\n\n" + text)] == names


@pytest.mark.parametrize("path", sorted(MIRROR.glob("*.py")), ids=lambda path: path.name)
def test_what_is_broken_still_compiles(path: Path) -> None:
    """A mutant that no interpreter takes would count as killed by anybody. Every tenth is tried: all take long."""
    text = path.read_text()
    found = mutants(path.name, text)
    assert len({mutant.key for mutant in found}) == len(found)
    for mutant in found[::10]:
        broken = mutant.applied(text)
        assert broken != text
        compile(broken, mutant.key, "exec")
