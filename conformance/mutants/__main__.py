"""The command: `python -m conformance.mutants [--section 6.2] [--tier static] [--quick] [--only ID] [--json FILE]`."""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from conformance.mutants import catalogue, record
from conformance.mutants.alteration import copy_of_the_tree, in_process
from conformance.mutants.catalogue import PAIR, STATIC, Change, Mutant
from conformance.mutants.trial import Seen, verdicts, warm_up
from conformance.suite.cases import in_section
from conformance.suite.verdicts import FAIL, PASS

KILLED, SURVIVED, BROKEN = "killed", "survived", "broken"
STATIC_S, PAIR_S = 60.0, 600.0
REASON_CHARACTERS_MAX = 200


@dataclass(frozen=True)
class Result:
    """What became of a mutant."""

    id: str
    clause: str
    tier: str
    result: str
    what: str
    reason: str
    duration_s: float


def judged(mutant: Mutant, seen: Seen, duration_s: float) -> Result:
    """A mutant is killed by a failure of its clause and by nothing else."""
    word = {FAIL: KILLED, PASS: SURVIVED}.get(seen.verdict, BROKEN)
    reason = "" if word == SURVIVED else " ".join(seen.reason.split())
    if word == BROKEN:
        reason = f"{mutant.clause} is `{seen.verdict}`: {reason}"
    return Result(mutant.id, mutant.clause, mutant.tier, word, mutant.what, reason, round(duration_s, 2))


def alike(mutants: list[Mutant]) -> list[list[Mutant]]:
    """Mutants of one and the same change, which differ in the clause that has to notice: they need one run."""
    found: dict[tuple[str, tuple[Change, ...]], list[Mutant]] = {}
    for mutant in mutants:
        found.setdefault((mutant.tier, mutant.changes), []).append(mutant)
    return list(found.values())


def tried(mutants: list[Mutant], log: Path | None) -> list[Result]:
    """Run the cases of the clauses of mutants that are alike against the altered reference."""
    begun, clauses = time.monotonic(), {mutant.clause for mutant in mutants}
    if mutants[0].tier == STATIC:
        found = verdicts(clauses, STATIC, in_process(mutants[0]), timeout_s=STATIC_S, log=log)
    else:
        with tempfile.TemporaryDirectory(prefix="mutant-tree-") as folder:
            os.chmod(folder, 0o755)  # noqa: PTH101, S103 - read by every server of the lab
            prepare = _with_path(copy_of_the_tree(mutants[0], Path(folder)))
            found = verdicts(clauses, PAIR, prepare, timeout_s=PAIR_S, log=log)
    share_s = (time.monotonic() - begun) / len(mutants)
    return [judged(mutant, found[mutant.clause], share_s) for mutant in mutants]


def _with_path(tree: Path) -> Callable[[], None]:
    def prepare() -> None:
        os.environ["PYTHONPATH"] = str(tree)

    return prepare


def baseline(clauses: set[str]) -> dict[str, Seen]:
    """The same cases against the reference as it is: what fails there kills nobody."""
    return verdicts(clauses, STATIC, in_process(None), timeout_s=STATIC_S)


def selected(arguments: argparse.Namespace) -> list[Mutant]:
    """The mutants that are asked for."""
    tiers = (STATIC,) if arguments.quick else (arguments.tier,) if arguments.tier else (STATIC, PAIR)
    found = [mutant for tier in tiers for mutant in catalogue.load(tier)]
    if arguments.section:
        found = [mutant for mutant in found if in_section(mutant.clause, tuple(arguments.section))]
    if arguments.only:
        found = [mutant for mutant in found if mutant.id in arguments.only]
        unknown = set(arguments.only) - {mutant.id for mutant in found}
        if unknown:
            raise SystemExit(f"no such mutant: {', '.join(sorted(unknown))}")
    return found


def run_all(mutants: list[Mutant], log: Path | None) -> Iterator[Result]:
    """Try each, and say how it went while it goes."""
    for result in chain.from_iterable(tried(each, log) for each in alike(mutants)):
        shown = result.reason if len(result.reason) <= REASON_CHARACTERS_MAX else result.reason[:197] + "..."
        line = f"{result.result:<9} {result.id:<34} {result.clause:<12} {result.duration_s:6.2f} s  {result.what}"
        print(line if result.result == KILLED else f"{line}\n          {shown}".rstrip(), flush=True)
        yield result


def _noted(mutants: list[Mutant], results: list[Result]) -> dict[str, record.Entry]:
    """What record.json keeps of pair mutants."""
    known = {mutant.id: mutant for mutant in mutants if mutant.tier == PAIR}
    today = datetime.now(UTC).date().isoformat()
    return {
        each.id: record.Entry(
            each.clause,
            each.result,
            each.reason.rpartition(" fact ")[2][
                :REASON_CHARACTERS_MAX
            ],  # the registry has the clause's words
            each.duration_s,
            today,
            record.digest(known[each.id]),
        )
        for each in results
        if each.id in known
    }


def parsed(argv: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m conformance.mutants", description=__doc__)
    parser.add_argument("--section", action="append", metavar="N", help="only mutants of this section")
    parser.add_argument("--tier", choices=[STATIC, PAIR], help="only mutants of this tier")
    parser.add_argument("--quick", action="store_true", help="the static ones: no lab, no root, some seconds")
    parser.add_argument("--only", action="append", metavar="ID", help="only this mutant")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what became of each")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append what pytest prints")
    parser.add_argument(
        "--record", action="store_true", help="note what became of the pair mutants in mutants/record.json"
    )
    parser.add_argument("--list", action="store_true", help="list them and run nothing")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Exit status 0 when every mutant was killed."""
    arguments = parsed(argv)
    mutants = selected(arguments)
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant.tier:<7} {mutant.id:<34} {mutant.clause:<12} {mutant.what}")
        return 0
    begun = time.monotonic()
    warm_up()
    static = {mutant.clause for mutant in mutants if mutant.tier == STATIC}
    unwell = {
        name: seen for name, seen in (baseline(static) if static else {}).items() if seen.verdict != PASS
    }
    for name, seen in sorted(unwell.items()):
        print(f"without any mutant {name} is `{seen.verdict}`: {' '.join(seen.reason.split())}")
    results = []
    for result in run_all(mutants, arguments.log):
        results.append(result)
        if arguments.record:  # at once: a run of an hour may be broken off
            record.write(_noted(mutants, [result]))
    counts = Counter(result.result for result in results)
    took = time.monotonic() - begun
    print(
        f"{counts[KILLED]} of {len(results)} killed, {counts[SURVIVED]} survived, {counts[BROKEN]} broken"
        f" ({took:.1f} s)"
    )
    if arguments.json:
        summary = {"killed": counts[KILLED], "survived": counts[SURVIVED], "broken": counts[BROKEN]}
        written = {**summary, "mutants": [asdict(result) for result in results]}
        arguments.json.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    return int(bool(unwell) or not results or counts[KILLED] != len(results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
