"""Measured figures as the tables of a README, each by its name. Pure.

A README has ``<!-- figures: FILE NAME -->``, the table, ``<!-- end of figures -->``: what stands between is made from
the file and never written by hand (`perf.figures.provenance` puts it there, a test holds it there).
"""

from collections.abc import Callable, Iterator, Sequence

from perf.figures import ahead, bars, baseline, growth, own_bars, report, spreads, verdicts
from perf.figures.matrix import JOBS
from perf.figures.results import (
    ACTIVE,
    COPIES,
    DRBD,
    DRBD_FULL,
    FULL,
    LIMIT,
    MD,
    MIRRORED,
    NBDCOPY,
    QEMU,
    RAW,
    STANDBY,
    Results,
)
from perf.figures.stored import Stored

Maker = Callable[[Stored], Iterator[str]]


def made(name: str, found: Stored) -> str:
    """A table or a paragraph by its name; KeyError for a name that there is not."""
    return "\n".join(MAKERS[name](found))


def missed(results: Results) -> list[str]:
    """The subjects whose bar is missed, or that are not ahead of QEMU's mirror, in the words of the tables."""
    below = [one.bar.subject for one in bars.judge(results) if one.measured is not None and not one.met]
    behind = [one.job for one in ahead.judge(results) if not one.enough]
    return list(dict.fromkeys([*below, *behind]))


def _run(found: Stored) -> Iterator[str]:
    """What was run where, and what makes it doubtful."""
    yield f"Measured: {baseline.described(found)}."
    warnings = found.results.warnings()
    yield ""
    yield "Warnings of the run: none." if not warnings else "Warnings of the run:"
    yield from (f"- {warning}" for warning in warnings)
    lacking = baseline.left_out(found)
    if lacking:
        yield f"\nNot measured: {', '.join(lacking)}."


def _rows(found: Stored) -> Iterator[str]:
    """The basics: each job mirrored, against the other rows, with the verdict beside QEMU."""
    results = found.results
    peers = {one.job: one for one in ahead.judge(results) if one.peer.row == QEMU}
    yield _row(
        "mirrored", "of limit", "of raw", "limit, of raw", "of QEMU's mirror, 90 % interval", "beside QEMU",
        "CPU us an operation, active + standby",
    )  # fmt: skip
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for job in JOBS:
        if not results.measured(job, MIRRORED):
            continue
        shares = [report.span(results.ratio(job, MIRRORED, base)) or "not measured" for base in (LIMIT, RAW)]
        shares.append(report.span(results.ratio(job, LIMIT, RAW)) or "not measured")
        peer = peers.get(job)
        beside = (peer.shown, _strong(peer.word)) if peer else ("not measured", "not measured")
        cpu = [results.cpu(job, MIRRORED, side) for side in (ACTIVE, STANDBY)]
        used = " + ".join(f"{one.median:.0f}" for one in cpu if one)
        yield _row(f"`{job}`", *shares, *beside, used)


def _bars(found: Stored) -> Iterator[str]:
    """Each bar, and whether it is met."""
    yield "| | at least | measured, median | |"
    yield "| --- | --- | --- | --- |"
    for one in bars.judge(found.results):
        word = "not measured" if one.measured is None else "met" if one.met else "missed"
        figure = "" if one.measured is None else f"{one.measured:.2f}"
        yield _row(f"`{one.bar.subject}`", f"{one.bar.at_least:.2f} of {one.bar.base}", figure, _strong(word))


def _bars_line(found: Stored) -> Iterator[str]:
    """The same in a sentence, for the front page."""
    judged = bars.judge(found.results)
    below = [f"`{one.bar.subject}` ({one.measured:.2f} of {one.bar.base}, {one.bar.at_least:.2f} is wanted)"
             for one in judged if one.measured is not None and not one.met]  # fmt: skip
    behind = [f"`{one.job}` ({one.shown})" for one in ahead.judge(found.results) if not one.enough]
    doubt = (
        " (measured on a machine that was not quiet: see the warnings there)"
        if found.results.warnings()
        else ""
    )
    yield f"- Bars of `perf/README.md` that are missed{doubt}: {', '.join(below) or 'none'}."
    yield f"  Not ahead of QEMU's network mirror (times its rate, 90 % interval): {', '.join(behind) or 'nothing'}."


def _guide(found: Stored) -> Iterator[str]:
    """Every figure of the guide with its verdict."""
    yield "| clause | fact | wanted | seen | |"
    yield "| --- | --- | --- | --- | --- |"
    for one in verdicts.judge(found.results):
        yield _row(one.clause, one.fact, one.expected, one.observed, _strong(one.verdict))


def _copies(found: Stored) -> Iterator[str]:
    """Copies while nobody writes."""
    results = found.results
    yield "| copy | MiB/s | of nbdcopy |"
    yield "| --- | --- | --- |"
    for kind in (kind for kind in COPIES if results.copies.get(kind)):
        share = "" if kind == NBDCOPY else report.span(results.copy_ratio(kind, NBDCOPY))
        yield _row(kind, report.span(results.copy_spread(kind)), share)


def _situations(found: Stored) -> Iterator[str]:
    """Every other job and condition: each row against its own raw row, or as the machine has it."""
    results = found.results
    yield "| job | row | IOPS | of raw |"
    yield "| --- | --- | --- | --- |"
    for job, rows in results.jobs.items():
        for row in rows:
            if job in JOBS and row in (RAW, LIMIT, MIRRORED, QEMU):
                continue
            ratios = spreads.paired(results.iops(job, row), results.iops(results.raw_of(job), RAW))
            ratio = report.span(spreads.spread(ratios)) if ratios and row != RAW else ""
            yield _row(f"`{job}`", row, report.span(results.spread(job, row, "iops")), ratio)


def _growth(found: Stored) -> Iterator[str]:
    """Costs over sizes, and whether they grow no faster than linearly."""
    yield "| cost | over | at each size | no faster than linearly |"
    yield "| --- | --- | --- | --- |"
    for one in growth.judge(found.results.growth):
        yield _row(growth.KINDS[one.kind], one.size, one.shown, _strong("met" if one.linear else "missed"))


def _own_bars(found: Stored) -> Iterator[str]:
    """The bars that its matrix has for itself."""
    yield "| | what | wanted | median (extremes) |"
    yield "| --- | --- | --- | --- |"
    for one in own_bars.judge(str(found.settings.get("matrix")), found.results):
        word = {None: "not measured", True: "met", False: "missed"}[one.met]
        yield _row(_strong(word), one.fact, one.wanted, one.observed)


def _machines(found: Stored) -> Iterator[str]:
    """In virtual machines: each row against the raw disk, and this mirror against DRBD."""
    results = found.results
    judged = {one.job: one for one in ahead.judge(results) if one.peer.row == DRBD}
    yield _row("", "DRBD", "md over NBD", "twinset", "twinset over DRBD, 90 % interval", "")
    yield "| --- | --- | --- | --- | --- | --- |"
    for job, one in judged.items():
        if job in results.jobs:
            shown = [report.span(results.ratio(job, row, RAW)) for row in (DRBD, MD, MIRRORED)]
        else:
            shown = [report.span(results.copy_spread(kind)) for kind in (job.replace(FULL, DRBD_FULL), job)]
            shown.insert(1, "")
        yield _row(
            f"`{job}`" + ("" if job in results.jobs else ", MiB/s"), *shown, one.shown, _strong(one.word)
        )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _strong(word: str) -> str:
    return word if word in (verdicts.MET, verdicts.TOLD, ahead.AHEAD, ahead.LEVEL) else f"**{word}**"


MAKERS: dict[str, Maker] = {
    "run": _run, "rows": _rows, "bars": _bars, "bars-line": _bars_line, "guide": _guide, "copies": _copies,
    "situations": _situations, "growth": _growth, "own-bars": _own_bars,
    "machines": _machines,
}  # fmt: skip


def everything(found: Stored) -> str:
    """All of them, each under its name."""
    return "\n\n".join(f"<!-- {name} -->\n{made(name, found)}" for name in MAKERS)


def names() -> Sequence[str]:
    """What a marker may name."""
    return tuple(MAKERS)
