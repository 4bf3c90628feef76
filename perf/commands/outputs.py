"""What a run is turned into, by ``run`` and by ``report``: summary, page, the conformance suite's file, exit status."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from perf.figures import ahead, bars, coefficients, growth, latency, own_bars, page, report, verdicts
from perf.figures.results import Results
from perf.shell import files
from twinset.advice.coefficients import as_json

OK, MISSED = 0, 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """Their options."""
    parser.add_argument("--bars", action="store_true", help="exit status 1 when a figure misses its bar")
    parser.add_argument(
        "--guide", action="store_true", help="exit status 1 when a figure of the guide is missed or left open"
    )
    parser.add_argument(
        "--ahead",
        action="store_true",
        help="exit status 1 when a row is not ahead of QEMU's network mirror, or is behind DRBD",
    )
    parser.add_argument(
        "--growth",
        action="store_true",
        help="exit status 1 when a cost grows faster than linearly, or none was measured",
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="the report as one page")
    parser.add_argument("--text", type=Path, metavar="FILE", help="the summary, as it is printed")
    parser.add_argument(
        "--measured", type=Path, metavar="FILE", help="for `pytest conformance --measured FILE`"
    )
    parser.add_argument(
        "--coefficients", type=Path, metavar="FILE", help="for `twinset plan --measured FILE`"
    )


def conclude(
    options: argparse.Namespace, results: Results, about: Mapping[str, Any], settings: Mapping[str, Any]
) -> int:
    """Print the summary, write what was asked for, judge."""
    console = Console(
        width=None if sys.stdout.isatty() else 180, highlight=False, emoji=False, record=bool(options.text)
    )
    findings, judged = verdicts.judge(results), bars.judge(results)
    own = own_bars.judge(str(settings.get("matrix")), results)
    summarise(console, results, findings, [] if own else judged, str(settings.get("matrix")))
    for one in own:
        console.print(str(one), markup=False)
    if options.text:
        files.write_text(options.text, console.export_text())
    if options.html:
        files.write_text(options.html, page.page(results, about, settings))
    if options.measured:
        told = {name: about[name] for name in ("when", "machine", "commit") if name in about}
        files.write_json(options.measured, verdicts.measured_file(findings, told))
    if options.coefficients:
        files.write_json(options.coefficients, as_json(coefficients.measured(results, about)))
    missed = (
        options.bars and not all(verdict.met for verdict in own or judged),
        options.guide and not verdicts.passed(findings),
        options.ahead and not ahead.everywhere(ahead.judge(results)),
        options.growth and not growth.passed(results.growth),
    )
    return MISSED if any(missed) else OK


def summarise(
    console: Console,
    results: Results,
    findings: list[verdicts.Finding],
    judged: list[bars.Verdict],
    named: str,
) -> None:
    """Tables, warnings, what was not measured, verdicts."""
    for table in report.tables(results):
        console.print(table)
    for warning in results.warnings():
        console.print(f"warning: {warning}", markup=False, style="yellow")
    for line in (
        *report.not_measured_lines(results, named),
        *report.bar_lines(judged),
        *ahead.lines(ahead.judge(results)),
        *report.guide_lines(findings),
        *report.growth_lines(results),
        *latency.lines(results),
    ):
        console.print(line, markup=False)
