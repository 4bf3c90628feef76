import configparser
from typing import Any

import pytest

from perf.errors import JobError
from perf.figures import jobs
from perf.figures.growth import GROWTH
from perf.figures.jobs import Target
from perf.figures.matrix import EXHAUSTIVE, JOBS, PGBENCH
from perf.figures.results import COPY, SWITCHING
from perf.shell import fio
from perf.shell.copies import DIFFERENCE, SHAPES

TEXT = """; What it shows.
[small]
ioengine=libaio
filename=${FILE}
direct=1
rw=randwrite
bs=4k
iodepth=16
time_based=1
runtime=10s
"""


def sections(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, comment_prefixes=(";",))
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


@pytest.mark.parametrize("name", fio.names())
def test_every_job_file_is_complete(name: str) -> None:
    """Each file of jobs/ passes the suite's rules, and names the way to run it by hand."""
    job = fio.load(name)
    assert job.name == name
    text = (fio.JOBS / f"{name}.fio").read_text()
    if job.of_files:
        assert job.options["directory"] == "${DIRECTORY}"
        assert f"DIRECTORY=/mnt/db/small fio {name}.fio" in text
        return
    assert job.options["filename"] == "${FILE}"
    assert job.options["direct"] == "1"
    assert f"FILE=/path/to/an/image/written/once fio {name}.fio" in text


def test_each_file_is_either_measured_or_a_difference() -> None:
    """No job file lies there unused, and none that is used is missing."""
    used = {cell.workload for cell in EXHAUSTIVE.cells()} - {COPY, SWITCHING, GROWTH, PGBENCH}
    assert set(fio.names()) == {*used, DIFFERENCE, *SHAPES.values()}


@pytest.mark.parametrize("name", fio.of_disks())
def test_name_of_a_job_file_says_what_it_does(name: str) -> None:
    """Block size and depth in the name are those in the file: figures are known by the name."""
    options = fio.load(name).options
    words = name.split("-")
    assert options["bs"] in words
    assert f"qd{options['iodepth']}" in words
    assert ("fsync" in words) == (options.get("fsync") == "1")


@pytest.mark.parametrize("name", JOBS)
def test_fsync_variant_is_the_same_job_but_for_the_flush(name: str) -> None:
    """An -fsync job differs from its base by fsync=1 and by an engine that does not block on a flush."""
    base, variant = dict(fio.load(name).options), dict(fio.load(f"{name}-fsync").options)
    assert variant.pop("fsync") == "1"
    assert (base.pop("ioengine"), variant.pop("ioengine")) == ("libaio", "io_uring")
    assert base == variant


def test_parsed_job_keeps_options_and_summary() -> None:
    """The first comment line is the summary, the options stay as written."""
    job = jobs.parse("small", TEXT)
    assert job.summary == "What it shows."
    assert job.options["bs"] == "4k"
    assert not job.mixed
    assert jobs.parse("small", TEXT.replace("randwrite", "randrw")).mixed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TEXT.replace("[small]", "[other]"), "one of the file's name"),
        (TEXT + "[more]\nrw=write\n", "one of the file's name"),
        (TEXT.replace("iodepth=16\n", ""), "lacks iodepth"),
        (TEXT.replace("bs=4k\n", "bs=\n"), "lacks bs"),
        (TEXT.replace("randwrite", "trim"), "neither reads nor writes"),
        (TEXT.replace("; What it shows.\n", ""), "first line is the comment"),
        (TEXT + "no option at all\n", "small.fio"),
        ("", "one of the file's name"),
    ],
)
def test_job_that_breaks_a_rule_is_refused_with_the_reason(text: str, reason: str) -> None:
    """Each rule of job files can fail, and says so."""
    with pytest.raises(JobError, match=reason):
        jobs.parse("small", text)


def test_job_aimed_at_a_file_changes_only_target_time_and_seed() -> None:
    """A row runs the file's job: target, time and seed are set, all else is kept."""
    aimed = sections(jobs.parse("small", TEXT).aimed([Target("/x.img")], seed=3, seconds=0.5))
    assert aimed == {
        "small": {
            "ioengine": "libaio", "filename": "/x.img", "direct": "1", "rw": "randwrite", "bs": "4k",
            "iodepth": "16", "time_based": "1", "runtime": "500ms", "randseed": "3",
        }
    }  # fmt: skip


def test_job_aimed_at_two_files_has_a_section_each() -> None:
    """The limit row is one fio with the same job on both files at once."""
    aimed = sections(jobs.parse("small", TEXT).aimed([Target("/a"), Target("/b")], seed=1, seconds=10))
    assert {name: options["filename"] for name, options in aimed.items()} == {
        "small-1": "/a",
        "small-2": "/b",
    }


def test_job_aimed_at_an_export_uses_the_nbd_engine() -> None:
    """On an export there is no file and no direct I/O of the client's own."""
    aimed = sections(
        jobs.parse("small", TEXT).aimed([Target(uri="nbd+unix:///E?socket=/s")], seed=1, seconds=1)
    )
    assert aimed["small"]["ioengine"] == "nbd"
    assert aimed["small"]["uri"] == "nbd+unix:///E?socket=/s"
    assert not {"filename", "direct"} & set(aimed["small"])


def test_job_until_so_much_is_written_has_no_time() -> None:
    """A job by size ends when the size is written."""
    aimed = sections(jobs.parse("small", TEXT).aimed([Target("/x")], seed=1, io_bytes=65536))["small"]
    assert aimed["io_size"] == "65536"
    assert not {"time_based", "runtime"} & set(aimed)


@pytest.mark.parametrize(
    ("targets", "extent"),
    [([], {"seconds": 1}), ([Target("/x")], {}), ([Target("/x")], {"seconds": 1, "io_bytes": 1})],
)
def test_job_without_a_target_or_an_end_is_refused(targets: list[Target], extent: dict[str, Any]) -> None:
    """A job has a target, and one of time and size."""
    with pytest.raises(JobError):
        jobs.parse("small", TEXT).aimed(targets, seed=1, **extent)


def test_offered_load_is_a_rate_for_reads_and_writes() -> None:
    """A client that asks for less than the disk gives: fio's own rate, reads first."""
    aimed = sections(
        jobs.parse("small", TEXT).aimed([Target("/x")], seed=1, seconds=1, offered_iops=(250, 125))
    )
    assert aimed["small"]["rate_iops"] == "250,125"


def test_job_of_files_wants_a_directory_and_only_it() -> None:
    """A job that makes its own files is aimed at a directory; no other job is."""
    job = fio.load("smallfiles")
    aimed = sections(job.aimed([Target(directory="/mnt/x")], seed=1, seconds=1))["smallfiles"]
    assert aimed["directory"] == "/mnt/x"
    assert "filename" not in aimed
    with pytest.raises(JobError, match="directories"):
        job.aimed([Target("/x")], seed=1, seconds=1)
    with pytest.raises(JobError, match="directories"):
        jobs.parse("small", TEXT).aimed([Target(directory="/mnt/x")], seed=1, seconds=1)


def test_digest_follows_the_text() -> None:
    """Another text is another workload."""
    digests = {jobs.parse("small", text).digest for text in (TEXT, TEXT, TEXT.replace("4k", "8k"))}
    assert len(digests) == 2


@pytest.mark.parametrize(
    "both", [{}, {"filename": "/x", "uri": "nbd://y"}, {"uri": "nbd://y", "directory": "/d"}]
)
def test_target_is_one_of_file_export_and_directory(both: dict[str, str]) -> None:
    """Neither and both are refused."""
    with pytest.raises(JobError):
        Target(**both)
