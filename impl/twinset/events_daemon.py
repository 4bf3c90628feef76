"""The event catalogue's entries about the daemon itself; see events_catalogue."""

from __future__ import annotations

from typing import Final

from twinset.events_resources import ERROR, INFO, WARNING, Entry

DAEMON: Final[dict[str, Entry]] = {
    "daemon_started": Entry("TS0101", INFO, "twinsetd was started"),
    "daemon_ended": Entry(
        "TS0102", INFO, "twinsetd ended in order: after a signal, or this server left the cluster"
    ),
    "orderly_end_failed": Entry(
        "TS0103",
        ERROR,
        "the groups of this server could not be stopped in time after SIGTERM",
        "look at the events of the groups before; the mirror processes go on until their lease runs out",
    ),
    "daemon_was_late": Entry(
        "TS0104",
        WARNING,
        "twinsetd did not run for a while: a paused or overloaded machine",
        "give the server more processor time; the other server may have taken over meanwhile",
    ),
    "memory_not_protected": Entry(
        "TS0105",
        WARNING,
        "the kernel refused to keep a process's memory safe from memory pressure",
        "run as root, with CAP_IPC_LOCK and CAP_SYS_RESOURCE",
    ),
    "configuration_refused": Entry(
        "TS0106",
        ERROR,
        "the stored configuration cannot be used",
        "twinset check shows why; create the cluster anew",
    ),
    "twinsetd_started": Entry("TS0107", INFO, "the cluster core was started or restarted"),
    "memory_not_durable": Entry(
        "TS0108",
        ERROR,
        "twinsetd cannot write what it has to remember, so this server stands still",
        "make room on the system disk, or replace it",
    ),
    "power_off_failed": Entry(
        "TS0109", ERROR, "the machine could not be switched off after ARMDOWN", "switch it off by hand"
    ),
}
