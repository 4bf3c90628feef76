"""``builds``: two installations of the mirror side by side, by the processor time of an operation.

A pair on loopback addresses for each, the same jobs in turns. Processor time survives other load far better than
throughput does: this tells what a change to the data path brought where the machine is never quiet.
"""

import argparse
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.labs.loopback import MirrorPair
from harness.run import run
from perf.errors import PerfError
from perf.figures import fio_output
from perf.figures.jobs import Target
from perf.shell import fio, machine

HELP = "compare two installations by the processor time of an operation, on loopback"
OK = 0
JOBS = ("randwrite-4k-qd16", "readwrite-4k-qd16", "seqwrite-1m-qd4")
SAMPLED = "@"
Sample = tuple[float, float, float]
"""Processor time of an operation, us, on the active and on the standby side; operations a second."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "builds",
        nargs="+",
        metavar="NAME=PYTHON[@N]",
        help="an installation's interpreter, named; @N: it samples latencies of every Nth operation",
    )
    parser.add_argument("--jobs", default=",".join(JOBS), help="files of perf/jobs, without .fio")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each job")
    parser.add_argument("--disk-mib", type=int, default=256)
    parser.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="where the images lie")


def command(options: argparse.Namespace) -> int:
    """Print a line for each job and installation."""
    builds = dict(word.partition("=")[::2] for word in options.builds)
    parts = [word.partition(SAMPLED) for word in builds.values()]
    if not all(Path(python).is_file() and (every.isdecimal() or not at) for python, at, every in parts):
        raise PerfError(
            f"NAME=PYTHON or NAME=PYTHON@N, each the interpreter of an installation: {' '.join(options.builds)}"
        )
    for (job, name), samples in measure(builds, options).items():
        print(line(job, name, samples), flush=True)
    return OK


def line(job: str, name: str, samples: list[Sample]) -> str:
    """The medians of one job on one installation, and how far both sides together ranged."""
    active, standby, rate = (statistics.median(column) for column in zip(*samples, strict=True))
    both = [one[0] + one[1] for one in samples]
    return (
        f"{job:20} {name:12} {active:8.1f} + {standby:7.1f} us an operation "
        f"({min(both):.1f} to {max(both):.1f} together), {rate:8.0f} a second"
    )


def measure(builds: Mapping[str, str], options: argparse.Namespace) -> dict[tuple[str, str], list[Sample]]:
    """All rounds; in each every job on every installation, who begins changes."""
    found: dict[tuple[str, str], list[Sample]] = {}
    pairs: dict[str, MirrorPair] = {}
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="twinset-builds-") as base:
        try:
            for name, python in builds.items():
                (Path(base) / name).mkdir()
                pairs[name] = _begin(Path(base) / name, python, options.disk_mib)
            for number in range(options.rounds):
                for job in options.jobs.split(","):
                    turn = number % len(pairs)
                    for name in [*pairs][turn:] + [*pairs][:turn]:
                        sample = _sample(pairs[name], job, options.seconds, number)
                        found.setdefault((job, name), []).append(sample)
        finally:
            for pair in pairs.values():
                pair.end()
    return dict(sorted(found.items()))


def _begin(base: Path, build: str, disk_mib: int) -> MirrorPair:
    """A mirror in normal operation, every block of it written once."""
    pair = MirrorPair(base, disk_mib, time_scale=1.0)
    python, _, every = build.partition(SAMPLED)
    pair.one.python = pair.two.python = python
    pair.create()
    pair.activate(pair.one)
    run(["fio", "--name=fill", "--ioengine=nbd", f"--uri={pair.one.uri}", "--rw=write", "--bs=1m"])
    if every:
        for server in (pair.one, pair.two):
            server.ask("latency", every=int(every))
    return pair


def _sample(pair: MirrorPair, job: str, seconds: float, seed: int) -> Sample:
    file = pair.one.base / f"{job}.fio"
    file.write_text(fio.load(job).aimed([Target(uri=pair.one.uri)], seed=seed + 1, seconds=seconds))
    before = _used_s(pair)
    printed = run(["fio", "--output-format=json", "--eta=never", str(file)], timeout_s=seconds + 60).stdout
    figures = fio_output.parse(printed)[0]
    active, standby = (
        (now - then) * 1e6 / figures.ops for now, then in zip(_used_s(pair), before, strict=True)
    )
    return active, standby, figures.iops


def _used_s(pair: MirrorPair) -> list[float]:
    return [machine.cpu_seconds(server.process.pid) for server in (pair.one, pair.two) if server.process]
