"""What a whole conformance run on the machines has come to so far, file by file. Pure, but for its own file.

An entry is one file of the suite that ran to its end: which box, how long, and of every case its outcome, with the
reason where it did not pass.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePath
from typing import Any

FILE = Path(__file__).with_name("sections.json")
PASS, FAIL, BROKEN = "pass", "fail", "broken"
REASON_CHARACTERS_MAX = 240
# What tells most about two kernels under systemd comes first; the other files follow in the guide's order.
FIRST = (
    "6_2_5_walk_through", "4_3_4_fastsync", "4_3_1_mirror_break", "2_2_1_network_partition", "6_2_3_failover",
    "6_2_4_failback", "4_4_recovery", "9_2_partial_stall", "7_3_virtual_computer_names",
    "7_2_floating_ip_clients", "5_2_2_data", "6_3_monitoring", "6_3_services", "7_1_disk_resources",
    "8_7_mirror_disk_administrator", "8_4_disk_errors",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """Under what a piece was run."""

    box: str
    day: str
    scale: float  # of the time-outs: 1 is 3 s x 10


@dataclass(frozen=True)
class Ran:
    """One file's run to its end."""

    box: str
    day: str
    scale: float
    took_s: int  # its cases' own seconds and its share of what the run around them took
    pair_cases: int  # those that needed the machines; the others judge configurations alone
    outcomes: dict[str, str]  # case -> outcome
    reasons: dict[str, str] = field(default_factory=dict)  # of those that did not pass

    @property
    def shaky(self) -> bool:
        """True when a case failed or broke: worth another run."""
        return bool({FAIL, BROKEN} & set(self.outcomes.values()))


Record = dict[str, Ran]


def read(file: Path) -> Record:
    """The record; empty where there is none yet."""
    if not file.exists():
        return {}
    return {name: Ran(**entry) for name, entry in json.loads(file.read_text())["files"].items()}


def write(file: Path, record: Mapping[str, Ran]) -> None:
    """Keep the record, in the order of names, so that a run of one file changes only its own lines."""
    files = {name: asdict(record[name]) for name in sorted(record)}
    part = file.with_suffix(".part")
    part.write_text(json.dumps({"files": files}, indent=1) + "\n")
    part.replace(file)


def from_report(
    report: Mapping[str, Any], wanted: Mapping[str, int], made: Made, took_s: float
) -> dict[str, Ran]:
    """The entries of the files that ended, from the suite's own report; `wanted`: how many cases each file has."""
    of_file: dict[str, list[Mapping[str, Any]]] = {}
    for case in report["cases"]:
        of_file.setdefault(PurePath(case["node"].partition("::")[0]).stem.removeprefix("test_"), []).append(
            case
        )
    sum_s = sum(case["duration_s"] for case in report["cases"]) or 1.0
    return {
        name: Ran(
            made.box,
            made.day,
            made.scale,
            round(took_s * sum(case["duration_s"] for case in cases) / sum_s),
            sum(case["tier"] == "pair" for case in cases),
            {case["case"]: case["outcome"] for case in cases},
            {
                case["case"]: " ".join(case["reason"].split())[:REASON_CHARACTERS_MAX]
                for case in cases
                if case["outcome"] != PASS
            },
        )
        for name, cases in of_file.items()
        if len(cases) == wanted.get(name)
    }


def order(names: Iterable[str]) -> list[str]:
    """The files as they are to be run."""
    found = sorted(names)
    first = [name for name in FIRST if name in found]
    return first + [name for name in found if name not in FIRST]


def due(names: Iterable[str], record: Mapping[str, Ran], *, again: bool = False) -> list[str]:
    """Those that have not run yet; with `again` first those of which a case failed or broke."""
    ordered = order(names)
    shaky = [name for name in ordered if again and name in record and record[name].shaky]
    return shaky + [name for name in ordered if name not in record]


def said(outcomes: Iterable[str]) -> str:
    """How often each outcome occurs, the most frequent first."""
    return ", ".join(f"{number} {outcome}" for outcome, number in Counter(outcomes).most_common())


def summary(names: Sequence[str], record: Mapping[str, Ran]) -> list[str]:
    """The lines for people: counts, what did not pass and why, what a file takes."""
    ran = [name for name in names if name in record]
    counts = Counter(outcome for name in ran for outcome in record[name].outcomes.values())
    took_s = sum(record[name].took_s for name in ran)
    head = f"{len(ran)} of {len(names)} files, {sum(counts.values())} cases in {took_s / 60:.0f} min"
    lines = [f"{head}: {said(counts.elements()) or 'none'}"]
    boxes = sorted({record[name].box for name in ran})
    lines += [f"box: {', '.join(boxes)}"] if boxes else []
    lines += [
        f"  {outcome}: {case}: {record[name].reasons[case]}"
        for name in ran
        for case, outcome in record[name].outcomes.items()
        if outcome != PASS
    ]
    paired = [record[name].took_s for name in ran if record[name].pair_cases]
    if paired and len(ran) < len(names):
        each_s = sum(paired) / len(paired)
        lines.append(
            f"a file that needs the machines took {each_s / 60:.1f} min; {len(names) - len(ran)} files are left"
        )
    return lines
