"""The event catalogue's entries about registry keys, virtual IP addresses and associations; see events_catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

INFO, WARNING, ERROR = "info", "warning", "error"


@dataclass(frozen=True)
class Entry:
    """What an operator can look up about an event."""

    id: str
    severity: str
    cause: str
    remedy: str = "none needed"


RESOURCES: Final[dict[str, Entry]] = {
    "public_lan_lost": Entry(
        "TS0384",
        ERROR,
        "the public LAN of a running group is lost here, and the other server is no better off: it stays",
        "look at the public LAN of both servers",
    ),
    "event_rule_matched": Entry(
        "TS0385",
        WARNING,
        "a line of a log, or an event, fits a rule of the configuration; its action follows (error: an alert)",
        "look at what was found",
    ),
    "event_rule_refused": Entry(
        "TS0386", ERROR, "the action of an event rule was refused", "the event names the reason"
    ),
    "event_rule_log_unreadable": Entry(
        "TS0387",
        WARNING,
        "a log that event rules watch could not be read, or grew too fast to be read whole",
        "let the logging service write it where the rule says",
    ),
    "virtual_computer_name_association": Entry(
        "TS0379", INFO, "ARMVCSET changed whether a name stands for its group's floating IP address"
    ),
    "registry_key_start_failed": Entry(
        "TS0350", ERROR, "a registry key could not be taken into care", "the event names the reason"
    ),
    "registry_key_started": Entry("TS0352", INFO, "a registry key is watched while its group runs here"),
    "registry_key_stopped": Entry("TS0353", INFO, "a registry key is watched no longer"),
    "registry_key_stop_failed": Entry(
        "TS0354", ERROR, "a registry key could not be let go", "the event names the reason"
    ),
    "registry_key_restored": Entry(
        "TS0355", INFO, "the last version that the other server sent is in the store of this server"
    ),
    "registry_key_restore_failed": Entry(
        "TS0356",
        ERROR,
        "a registry key could not be restored: the group started with the old content",
        "close the key in the program that the event names, then stop and start the group",
    ),
    "registry_key_failed": Entry(
        "TS0357",
        ERROR,
        "a registry key of a running group cannot be read or kept, so changes do not follow the group",
        "the event names the reason; it is tried again",
    ),
    "registry_key_refused": Entry(
        "TS0358",
        WARNING,
        "the other server does not take a version of a registry key",
        "the event names the reason",
    ),
    "registry_key_not_sent": Entry(
        "TS0359",
        WARNING,
        "a group stopped and the last version of a registry key is not on the other server yet",
    ),
    "registry_hive_damaged": Entry(
        "TS0380",
        ERROR,
        "the file with the last version of a registry key is damaged and not used",
        "the next version replaces it; look at the system disk",
    ),
    "virtual_ip_started": Entry(
        "TS0336", INFO, "a virtual IP address is on this server; its route is announced by RIP"
    ),
    "virtual_ip_stopped": Entry("TS0337", INFO, "the route to a virtual IP address was withdrawn"),
    "virtual_ip_start_failed": Entry(
        "TS0338", ERROR, "a virtual IP address could not be added", "the event names the reason"
    ),
    "virtual_ip_stop_failed": Entry(
        "TS0339",
        ERROR,
        "a virtual IP address could not be removed",
        "remove it from the interface lo by hand",
    ),
    "virtual_ip_restored": Entry("TS0381", WARNING, "a virtual IP address was missing and was added again"),
    "printer_started": Entry(
        "TS0388", INFO, "the print scheduler of a group runs here; its spool is on the mirror disk"
    ),
    "printer_stopped": Entry(
        "TS0389", INFO, "the print scheduler of a group has ended; jobs not printed stay in the spool"
    ),
    "printer_start_failed": Entry(
        "TS0390",
        ERROR,
        "the print scheduler of a group could not be started, or a queue not be set up",
        "the event names the reason; another scheduler must not listen at every address of the server",
    ),
    "printer_stop_failed": Entry(
        "TS0391",
        ERROR,
        "the print scheduler of a group could not be ended",
        "end the process that the event names",
    ),
    "printer_without_disk": Entry(
        "TS0392",
        WARNING,
        "a group started without its disk, so without its print scheduler (4.5.2-01)",
        "see the reason that the group's disk has",
    ),
    "share_inaccessible": Entry(
        "TS0382",
        ERROR,
        "a share that ARMWHSR watches is not accessible although its server answers: it may have stalled in part",
        "look at that server; ARMDOWN on it, or switching it off, lets its groups fail over",
    ),
    "share_accessible": Entry("TS0383", INFO, "a share that was not accessible is again"),
}
