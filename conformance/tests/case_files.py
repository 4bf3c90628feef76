"""Every case of the suite, read from its files as pytest would."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from conformance.suite.cases import case_id

HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Case:
    """One test function of a case file."""

    file: str
    name: str
    clauses: tuple[str, ...]
    doc: str
    function: Callable[..., object]
    cluster: str = ""  # the cluster configuration of a pair case
    needs: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Its case id."""
        return case_id(self.name, self.clauses)


@cache
def every_case() -> tuple[Case, ...]:
    """All cases, those without clauses too, so that a test can find them."""
    return tuple(case for path in sorted(HERE.glob("test_*.py")) for case in _cases_of(path))


def _cases_of(path: Path) -> Iterator[Case]:
    module = importlib.import_module(f"conformance.{path.stem}")
    common = getattr(module, "pytestmark", [])
    for name, function in vars(module).items():
        if name.startswith("test_") and callable(function):
            marks = [
                *(common if isinstance(common, list) else [common]),
                *getattr(function, "pytestmark", []),
            ]

            def named(mark: str, marks: Any = marks) -> tuple[str, ...]:
                return tuple(arg for each in marks if each.name == mark for arg in each.args)

            cluster = "".join(named("cluster"))
            yield Case(
                path.name, name, named("clause"), function.__doc__ or "", function, cluster, named("needs")
            )
