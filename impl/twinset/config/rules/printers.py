"""Printers of groups (6.1-06): the guide only names the kind, so these rules are what the print scheduler needs."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from twinset.config.cluster import ClusterConfig, Group, Printer
from twinset.config.rules.common import absolute_path, duplicates
from twinset.config.rules.rule import Rule
from twinset.config.structure import shown
from twinset.finding import Finding, error

CLAUSE = "6.1-06"
PRINTERS_MAX = 1
QUEUE_CHARS_MAX = 127
_QUEUE = re.compile(r"[A-Za-z0-9._-]+")
_DEVICE = re.compile(r"[a-z][a-z0-9+.-]*:\S+")


def _printers(config: ClusterConfig) -> Iterator[tuple[str, Group, Printer]]:
    for i, group in enumerate(config.groups):
        for j, printer in enumerate(group.printers):
            yield f"group[{i}].printer[{j}]", group, printer


def one_scheduler(config: ClusterConfig) -> Iterator[Finding]:
    """A group has one print scheduler, which listens at its addresses."""
    for i, group in enumerate(config.groups):
        path = f"group[{i}].printer"
        count = len(group.printers)
        if count > PRINTERS_MAX:
            text = f"{count} print schedulers in one group; one has as many queues as are wanted"
            yield error("E_LIMIT", path, text, clause=CLAUSE, value=count, limit=PRINTERS_MAX)
        if count and not group.floating_ips:
            text = "the group has no floating IP address at which clients could print"
            yield error("E_TOPOLOGY", path, text, clause=CLAUSE, value=group.name)


def spools(config: ClusterConfig) -> Iterator[Finding]:
    """A spool lies in a file system of its group's own mirror disk, below the mount point."""
    for path, group, printer in _printers(config):
        place, spool = f"{path}.spool", printer.spool
        yield from absolute_path(place, spool, code="E_RANGE", clause=CLAUSE)
        if set(spool) & set("# \t"):
            text = f"{shown(spool)} contains a space or #, which the settings of a print scheduler cannot say"
            yield error("E_CHARSET", place, text, clause=CLAUSE, value=spool)
        mounts = [mount.path for disk in group.mirror_disks for mount in disk.mounts]
        parents = {str(parent) for parent in PurePosixPath(spool).parents}
        if ".." in PurePosixPath(spool).parts or not any(mount.rstrip("/") in parents for mount in mounts):
            text = f"{shown(spool)} lies below no mount point of the group ({', '.join(mounts) or 'it has none'})"
            yield error("E_TOPOLOGY", place, text, clause=CLAUSE, value=spool, limit=mounts)


def queues(config: ClusterConfig) -> Iterator[Finding]:
    """Queues have names of their own, and devices that both servers reach."""
    for path, _, printer in _printers(config):
        if not printer.queues:
            yield error("E_RANGE", f"{path}.queues", "names no queue", clause=CLAUSE, value=[], limit=1)
        named = [(f"{path}.queues[{k}].name", queue.name) for k, queue in enumerate(printer.queues)]
        for place, name in named:
            if not 1 <= len(name) <= QUEUE_CHARS_MAX:
                text = f"{len(name)} characters, 1 to {QUEUE_CHARS_MAX} are allowed"
                yield error("E_LENGTH", place, text, clause=CLAUSE, value=name, limit=QUEUE_CHARS_MAX)
            elif not _QUEUE.fullmatch(name):
                text = f"{shown(name)} has other characters than letters, digits and . _ -"
                yield error("E_CHARSET", place, text, clause=CLAUSE, value=name)
        yield from duplicates(named, what="queue", clause=CLAUSE)
        for k, queue in enumerate(printer.queues):
            if not _DEVICE.fullmatch(queue.device) or queue.device.startswith("file:"):
                text = f"{shown(queue.device)} is no device that both servers reach, such as socket://10.0.1.50:9100"
                yield error("E_RANGE", f"{path}.queues[{k}].device", text, clause=CLAUSE, value=queue.device)


RULES = (
    Rule(one_scheduler, (CLAUSE,), needs=("group.printer", "group.floating_ip")),
    Rule(spools, (CLAUSE,), needs=("group.mirror_disk", "group.mirror_disk.mounts.path")),
    Rule(queues, (CLAUSE,)),
)
