"""fio job files: read, checked, and aimed at what is to be measured. Pure.

A file is complete by itself (a person can run it by hand); the suite replaces only the target, the time and
the seed, so every row of the table runs the very same job.
"""

import configparser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perf.errors import JobError

REQUIRED = ("ioengine", "filename", "direct", "rw", "bs", "iodepth")
WRITING = ("write", "randwrite", "rw", "readwrite", "randrw")
COMMENT = ";"


@dataclass(frozen=True)
class Target:
    """What a job runs on: a file by Linux AIO and direct I/O, or an NBD export."""

    filename: str = ""
    uri: str = ""

    def __post_init__(self) -> None:
        if bool(self.filename) == bool(self.uri):
            raise JobError(f"a target is a file or an NBD URI: {self.filename!r}, {self.uri!r}")


@dataclass(frozen=True)
class Job:
    """One job file."""

    name: str
    summary: str
    options: Mapping[str, str]

    @property
    def mixed(self) -> bool:
        """True when it reads too."""
        return self.options["rw"] in ("rw", "readwrite", "randrw")

    def aimed(self, targets: Sequence[Target], *, seed: int, seconds: float = 0.0, io_bytes: int = 0) -> str:
        """The file's text for these targets, one section each: for a time, or until so much is written."""
        if not targets or bool(seconds) == bool(io_bytes):
            raise JobError(f"{self.name}: {len(targets)} targets, {seconds} s, {io_bytes} bytes")
        sections = [f"{COMMENT} {self.summary}"]
        for number, target in enumerate(targets, 1):
            options = dict(self.options)
            for replaced in ("filename", "time_based", "runtime", "io_size"):
                options.pop(replaced, None)
            if target.uri:
                options |= {"ioengine": "nbd", "uri": target.uri}
                options.pop("direct")  # the server decides
            else:
                options["filename"] = target.filename
            if seconds:
                options |= {"time_based": "1", "runtime": f"{round(seconds * 1000)}ms"}
            else:
                options["io_size"] = str(io_bytes)
            options["randseed"] = str(seed)
            name = self.name if len(targets) == 1 else f"{self.name}-{number}"
            sections.append("\n".join([f"[{name}]", *(f"{key}={value}" for key, value in options.items())]))
        return "\n".join(sections) + "\n"


def parse(name: str, text: str) -> Job:
    """Read a job file; ``name`` is the file's, without its suffix."""
    parser = configparser.ConfigParser(
        interpolation=None, delimiters=("=",), comment_prefixes=(COMMENT, "#"), default_section="\0"
    )
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise JobError(f"{name}.fio: {error}") from None
    if parser.sections() != [name]:
        raise JobError(f"{name}.fio: sections {parser.sections()}; one of the file's name is expected")
    options = dict(parser[name])
    missing = [key for key in REQUIRED if not options.get(key)]
    if missing:
        raise JobError(f"{name}.fio lacks {', '.join(missing)}")
    if options["rw"] not in WRITING:
        raise JobError(f"{name}.fio: rw={options['rw']} does not write; mirroring costs on writes")
    summary = text.partition("\n")[0]
    if not summary.startswith(COMMENT):
        raise JobError(f"{name}.fio: the first line is the comment that says what the job shows")
    return Job(name, summary.lstrip(f"{COMMENT} "), options)
