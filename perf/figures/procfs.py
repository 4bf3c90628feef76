"""What /proc says: processor time, memory, the machine. Pure; the shell reads the files."""

from dataclasses import dataclass

from perf.errors import OutputError

UTIME, STIME = 11, 12  # positions after the command's closing parenthesis
IDLE, IOWAIT = 3, 4


def cpu_ticks(stat: str) -> int:
    """User and system time of a process from /proc/PID/stat; the command may contain anything."""
    fields = stat.rpartition(")")[2].split()
    if len(fields) <= STIME:
        raise OutputError(f"/proc/PID/stat cannot be read: {stat[:200]!r}")
    return int(fields[UTIME]) + int(fields[STIME])


def status_kib(status: str, field: str) -> int:
    """A field of /proc/PID/status that is given in kB (VmRSS, VmHWM), or MemTotal of /proc/meminfo."""
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    raise OutputError(f"/proc has no field {field}")


@dataclass(frozen=True)
class Processors:
    """The counters of all processors together, from /proc/stat."""

    busy: int
    total: int

    def busy_share_since(self, earlier: "Processors") -> float:
        """The share of all processors' time that was neither idle nor waiting for a disk."""
        total = self.total - earlier.total
        return (self.busy - earlier.busy) / total if total > 0 else 0.0


def processors(stat: str) -> Processors:
    """The first line of /proc/stat; guest time is contained in user time, so it is left out."""
    fields = stat.partition("\n")[0].split()
    if fields[:1] != ["cpu"]:
        raise OutputError(f"/proc/stat cannot be read: {stat[:80]!r}")
    counters = [int(field) for field in fields[1:9]]
    total = sum(counters)
    return Processors(total - counters[IDLE] - counters[IOWAIT], total)


def cpu_model(cpuinfo: str) -> str:
    """The processors' name."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Processor", "cpu"):
            return value.strip()
    return "unknown"


def file_system_of(path: str, mounts: str) -> str:
    """Device, type and options of the mount that holds an absolute path, from /proc/mounts."""
    best: dict[str, str] = {}
    for line in mounts.splitlines():
        device, point, kind, options = line.split()[:4]
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best.get("point", "")):
            best = {"point": point, "text": f"{kind} on {device} ({options})"}
    return best.get("text", "unknown")
