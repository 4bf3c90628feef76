"""One fact that a run is held to: what was seen, what was wanted. Pure."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Judged:
    """``met`` is None when it was not measured."""

    fact: str
    wanted: str
    observed: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        word = {None: "not measured", True: "met", False: "MISSED"}[self.met]
        return (
            f"{word:<12} {self.fact}: {self.observed}{'; ' if self.observed else ''}{self.wanted} is wanted"
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
