"""How the demonstration speaks: numbered steps, one sentence each, figures beside them."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from harness.wait import now_s


class Narration:
    """Speaks to a person at a terminal, and as plainly to a log."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, width=None if console else _width())
        self._step = 0
        self._begun_s = now_s()

    def begin(self) -> None:
        """A new telling: steps and seconds from the start."""
        self._step, self._begun_s = 0, now_s()

    def title(self, text: str, below: str) -> None:
        """What is about to be shown."""
        self.console.print(Panel(below, title=f"[bold]{text}[/bold]", expand=False))

    def step(self, text: str) -> None:
        """A new step of the story."""
        self._step += 1
        elapsed = now_s() - self._begun_s
        self.console.print(f"\n[bold cyan]{self._step}. {text}[/bold cyan]  [dim]{elapsed:.0f} s[/dim]")

    def say(self, text: str) -> None:
        """A sentence of the story."""
        self.console.print(f"   {text}")

    def proved(self, text: str) -> None:
        """Something that was checked and holds."""
        self.console.print(f"   [green]✓[/green] {text}")

    def failed(self, text: str) -> None:
        """Something that was checked and does not hold."""
        self.console.print(f"   [bold red]✗ {text}[/bold red]")

    def table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = ""
    ) -> None:
        """Figures."""
        table = Table(title=title, title_justify="left", caption=note or None, caption_justify="left")
        for index, column in enumerate(columns):
            table.add_column(column, justify="left" if index == 0 else "right")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator["Bar"]:
        """A bar for a copy, in bytes."""
        columns = (
            TextColumn("   {task.description}"),
            BarColumn(bar_width=30),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, transient=False) as progress:
            progress.add_task(what, total=total)
            yield Bar(progress)


class Bar:
    """One moving bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def show(self, done: int, total: int) -> None:
        """How far the copy is."""
        self._progress.update(self._progress.task_ids[0], completed=done, total=total)


def _width() -> int | None:
    """A log has no width of its own; a terminal does."""
    return None if sys.stdout.isatty() else 110
