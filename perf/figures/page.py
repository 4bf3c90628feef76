"""The report as one HTML page that needs nothing else: verdicts, plots, every figure, what was not measured. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from perf.figures import ahead, bars, latency, plots, report, verdicts
from perf.figures.results import ACTIVE, COPIES, IN_MACHINES, JOB_ROWS, NBDCOPY, ROUND_TRIP, STANDBY, Results

STYLE = """
:root{--paper:#fff;--ink:#1b1f24;--faint:#667;--rule:#dde;--good:#176b3a;--bad:#b3261e;--open:#8a5a00;
--c0:#3b6fb6;--c1:#e08a2b;--c2:#3f9a6d;--c3:#b0507d;--c4:#7a6cc4;--c5:#8c8c3a;--c6:#5aa9b8}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e6e8eb;--faint:#9aa;--rule:#333a42;
--good:#6fd49a;--bad:#ff8a80;--open:#f0c060}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:62rem;padding:1rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:.2rem 0}h2{margin:2.2rem 0 .4rem;font-size:1.25rem;border-bottom:1px solid var(--rule)}
h3{margin:1.4rem 0 .2rem;font-size:1.02rem}
p{margin:.3rem 0}figure{margin:0}.note,.tick{color:var(--faint)}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.86rem;margin:.5rem 0;min-width:100%}
th,td{padding:.22rem .6rem .22rem 0;text-align:right;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:600}th.text,td.text{text-align:left}td.nowrap{white-space:nowrap}.wide table{min-width:46rem}
.met,.ahead{color:var(--good)}.missed,.MISSED,.BEHIND{color:var(--bad);font-weight:600}.open,.level{color:var(--open);font-weight:600}
.warning{border-left:4px solid var(--open);padding-left:.7rem}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:1rem 1.6rem}
svg{width:100%;max-width:34rem;height:auto;font-size:12.5px}svg text{fill:var(--ink)}
svg .tick,svg .figure{fill:var(--faint);font-size:11.5px}
.grid{stroke:var(--rule)}.whisker{stroke:var(--ink);stroke-width:1.6}.line{fill:none;stroke-width:2.2}
.mark{stroke:var(--bad);stroke-dasharray:5 4}
.legend{font-size:.85rem}.key{margin-right:1rem;white-space:nowrap}.key i{display:inline-block;width:.8rem;
height:.8rem;margin-right:.3rem;vertical-align:-1px;border-radius:2px}
""" + "".join(
    f".c{n}{{fill:var(--c{n})}}.l{n}{{stroke:var(--c{n})}}.b{n}{{background:var(--c{n})}}" for n in range(7)
)
WHAT = {
    "raw": "fio on one plain image",
    "limit": "fio on two plain images at once, the slower counts",
    "nbd": "fio on qemu-nbd over a plain image: serving alone",
    "mirrored": "the mirrored disk, both servers in step",
    "sampled": f"mirrored, while the mirror processes stamp every {latency.EVERY}th operation",
    "qemu": "QEMU's network mirror",
    "drbd": "DRBD 8.4, protocol C",
    "md": "md RAID1 over NBD",
    "broken": "the other server is dead, differences are recorded",
    "failed-over": "the other server died while it served, this one took over",
    "rebuild": "during a full copy",
    "round-trip": "4 KiB to the other server and an answer, by plain TCP: no disk, no mirror",
    "rebuild-fast": "during a high-speed copy",
}


def page(results: Results, about: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The whole page."""
    title = f"What mirroring costs: {settings.get('matrix', 'chosen')} run of {about.get('when', '')}"
    body = "".join(
        [
            f"<h1>{escape(title)}</h1>",
            _about(about, settings),
            *(f'<p class="warning">{escape(text)}</p>' for text in results.warnings()),
            "<h2>The guide's figures</h2>",
            _findings(verdicts.judge(results)),
            "<h2>Our own bars</h2>",
            _list(
                [
                    *report.bar_lines(bars.judge(results)),
                    *report.growth_lines(results),
                    *latency.lines(results),
                ]
            ),
            "<h2>Beside the peers</h2>",
            _list(ahead.lines(ahead.judge(results))),
            "<h2>Plots</h2>",
            _plots(results),
            "<h2>Every figure</h2>",
            *_tables(results),
            "<h2>Not measured</h2>",
            "<p>Cells of the whole matrix that this run left out.</p>",
            _list(
                line.removeprefix("not measured ")
                for line in report.not_measured_lines(results, str(settings.get("matrix")))
            ),
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def _about(about: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    machine = dict.fromkeys(("processors", "processor", "memory_mib", "kernel", "file_system"), "?")
    machine |= about.get("machine", {})
    plan = dict.fromkeys(("rounds", "seconds", "disk_mib"), "?") | dict(settings)
    versions = ", ".join(
        f"{name} {version.removeprefix(name).lstrip(' -')}"
        for name, version in about.get("versions", {}).items()
    )
    lines = [
        "{processors} x {processor}, {memory_mib} MiB, kernel {kernel}, images on {file_system}.".format(
            **machine
        ),
        "{rounds} rounds of {seconds} s a cell, disks of {disk_mib} MiB.".format(**plan),
        f"Commit {about.get('commit', '?')}; {versions}.",
        "Both servers, both disks and the client share this machine. Compare ratios; absolute figures say little.",
    ]
    return "".join(f'<p class="note">{escape(line)}</p>' for line in lines)


def _list(lines: Iterable[str]) -> str:
    items = [f'<li class="{escape(line.partition(" ")[0])}">{escape(line)}</li>' for line in lines]
    return f"<ul>{''.join(items)}</ul>" if items else "<p>Nothing.</p>"


def _findings(findings: Sequence[verdicts.Finding]) -> str:
    rows = [
        f'<tr><td class="text nowrap">{escape(one.clause)}</td>'
        f'<td class="text nowrap {one.verdict.partition(" ")[0]}">{escape(one.verdict)}</td>'
        f'<td class="text">{escape(one.fact)}</td><td class="text">{escape(one.expected)}</td>'
        f'<td class="text">{escape(one.observed)}</td></tr>'
        for one in findings
    ]
    return _table(("clause", "verdict", "fact", "wanted", "seen"), rows, text=5)


def _table(titles: Sequence[str], rows: Sequence[str], text: int) -> str:
    head = "".join(
        f"<th{' class=text' if n < text else ''}>{escape(name)}</th>" for n, name in enumerate(titles)
    )
    return f'<div class="scroll{" wide" if text > 2 else ""}"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def _plots(results: Results) -> str:
    found = [
        f'<figure><h3>{escape(one.title)}</h3><p class="note">{escape(one.note)}</p>{one.drawing}</figure>'
        for one in plots.plots(results)
    ]
    return f'<div class="plots">{"".join(found)}</div>' if found else "<p>Nothing was measured to plot.</p>"


def _tables(results: Results) -> Iterator[str]:
    titles = (
        "job",
        "row",
        "IOPS",
        "MiB/s",
        "mean us",
        "p50 us",
        "p99 us",
        *(f"of {base}" for base in results.bases()),
        "CPU us/op",
    )
    rows = []
    for job, measured in results.jobs.items():
        for row in (name for name in JOB_ROWS if name in measured):
            cells = [report.span(results.spread(job, row, "iops"))]
            cells += [
                report.middle(results.spread(job, row, name))
                for name in ("mib_s", "mean_us", "p50_us", "p99_us")
            ]
            cells += [
                report.span(results.ratio(job, row, base)) if row not in (base, ROUND_TRIP) else ""
                for base in results.bases()
            ]
            cpu = [results.cpu(job, row, side) for side in (ACTIVE, STANDBY)]
            cells.append(" + ".join(f"{one.median:.0f}" for one in cpu if one))
            rows.append(
                f'<tr><td class="text nowrap">{escape(job)}</td>'
                f'<td class="text nowrap" title="{escape(WHAT.get(row, ""))}">{escape(row)}</td>'
                + "".join(f'<td class="nowrap">{escape(cell)}</td>' for cell in cells)
                + "</tr>"
            )
    if rows:
        yield (
            '<p class="note">Median (least to greatest of the rounds). '
            + escape("; ".join(f"{row}: {text}" for row, text in WHAT.items()))
            + ".</p>"
        )
        yield _table(titles, rows, text=2)
    copies = [
        f'<tr><td class="text">{escape(kind)}</td><td>{escape(report.span(results.copy_spread(kind)))}</td>'
        f"<td>{escape(report.span(results.copy_ratio(kind, NBDCOPY)) if kind != NBDCOPY else '')}</td></tr>"
        for kind in (*COPIES, *IN_MACHINES)
        if results.copies.get(kind)
    ]
    if copies:
        yield _table(("copy", "MiB/s", "of nbdcopy"), copies, text=1)
    stamped = [
        f'<tr><td class="text nowrap">{escape(job)}</td>'
        + "".join(f'<td class="text nowrap">{escape(cell)}</td>' for cell in (side, operation, stage))
        + "".join(f"<td>{escape(figure)}</td>" for figure in figures)
        + "</tr>"
        for job in latency.jobs(results)
        for side, operation, stage, figures in latency.rows(results, job)
    ]
    if stamped:
        figures = (f"{name} us" for name in latency.TITLES)
        yield _table(("job", "side", "operation, samples", "stage", *figures), stamped, text=4)
