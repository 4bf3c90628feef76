"""fio job files: read, checked, and aimed at what is to be measured. Pure.

A file is complete by itself (a person can run it by hand); the suite replaces only the target, the time and
the seed, so every row of the table runs the very same job.
"""

import configparser
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perf.errors import JobError

REQUIRED = ("ioengine", "filename", "direct", "rw", "bs", "iodepth")
REQUIRED_OF_FILES = ("ioengine", "directory", "rw", "bs", "nrfiles", "filesize")  # of a mounted file system
READING, WRITING = ("read", "randread"), ("write", "randwrite")
MIXED = ("rw", "readwrite", "randrw")
COMMENT = ";"


@dataclass(frozen=True)
class Target:
    """What a job runs on: a file by Linux AIO and direct I/O, an NBD export, or a directory for its own files."""

    filename: str = ""
    uri: str = ""
    directory: str = ""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.filename, self.uri, self.directory))) != 1:
            raise JobError(
                f"a target is a file, an NBD URI or a directory: {self.filename!r}, {self.uri!r}, {self.directory!r}"
            )


@dataclass(frozen=True)
class Job:
    """One job file."""

    name: str
    summary: str
    options: Mapping[str, str]
    digest: str = ""  # of the file: figures of another text are figures of another job

    @property
    def mixed(self) -> bool:
        """True when it reads too."""
        return self.options["rw"] in MIXED

    @property
    def of_files(self) -> bool:
        """True when it makes files in a mounted file system."""
        return "directory" in self.options

    def aimed(
        self,
        targets: Sequence[Target],
        *,
        seed: int,
        seconds: float = 0.0,
        io_bytes: int = 0,
        offered_iops: tuple[int, int] = (0, 0),
        list_file: str = "",
    ) -> str:
        """The file's text for these targets, one section each: for a time, or until so much is written.

        ``offered_iops``: what the client asks for at most, reads and writes; (0, 0) as much as goes.
        ``list_file``: where fio lists each write with offset and length.
        """
        if self.of_files != all(target.directory for target in targets):
            raise JobError(
                f"{self.name}: a job of files wants directories, any other job wants files or exports"
            )
        if not targets or bool(seconds) == bool(io_bytes):
            raise JobError(f"{self.name}: {len(targets)} targets, {seconds} s, {io_bytes} bytes")
        sections = [f"{COMMENT} {self.summary}"]
        for number, target in enumerate(targets, 1):
            options = dict(self.options)
            for replaced in ("filename", "directory", "time_based", "runtime", "io_size"):
                options.pop(replaced, None)
            if target.directory:
                options["directory"] = target.directory
            elif target.uri:
                options |= {"ioengine": "nbd", "uri": target.uri}
                options.pop("direct")  # the server decides
            else:
                options["filename"] = target.filename
            if seconds:
                options |= {"time_based": "1", "runtime": f"{round(seconds * 1000)}ms"}
            else:
                options["io_size"] = str(io_bytes)
            if any(offered_iops):
                options["rate_iops"] = ",".join(str(iops) for iops in offered_iops)
            if list_file:
                options["write_iolog"] = list_file
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
    required = REQUIRED_OF_FILES if "directory" in options else REQUIRED
    missing = [key for key in required if not options.get(key)]
    if missing:
        raise JobError(f"{name}.fio lacks {', '.join(missing)}")
    if options["rw"] not in (*READING, *WRITING, *MIXED):
        raise JobError(f"{name}.fio: rw={options['rw']} neither reads nor writes")
    summary = text.partition("\n")[0]
    if not summary.startswith(COMMENT):
        raise JobError(f"{name}.fio: the first line is the comment that says what the job shows")
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Job(name, summary.lstrip(f"{COMMENT} "), options, digest)
