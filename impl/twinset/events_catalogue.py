"""The event catalogue: every name in the event log, with a stable id, its usual severity, cause and remedy.

Ids are minted once and never reused; a retired one keeps its line. Severity error is an alert.
Hundreds: 1 daemon, 2 servers and networks, 3 groups and resources, 4 mirror sets, 5 bad input and bugs,
6 operating (events_operating.py).
"""

from __future__ import annotations

from typing import Final

from twinset.events_mirrors import MIRRORS
from twinset.events_operating import OPERATING
from twinset.events_resources import ERROR, INFO, RESOURCES, WARNING, Entry

UNKNOWN_ID: Final = "TS0000"

CATALOGUE: Final[dict[str, Entry]] = {
    # 1xx: the daemon
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
    # 2xx: servers and networks
    "server_down": Entry(
        "TS0201",
        ERROR,
        "no heartbeat of the other server on any network for the whole time-out",
        "find out why it went down; twinset server return brings it back",
    ),
    "server_left": Entry(
        "TS0222",
        WARNING,
        "the other server has left the cluster in order: a shutdown of it, its isolation, or the end of its twinsetd",
        "none needed when it was meant; twinset server return brings it back",
    ),
    "server_phase": Entry("TS0203", INFO, "this server's part in the cluster changed"),
    "server_restarted": Entry(
        "TS0204",
        WARNING,
        "the other server, or its twinsetd, was started anew",
        "twinset cluster status shows both",
    ),
    "server_returned": Entry("TS0205", INFO, "a server returned to the cluster"),
    "return_refused": Entry(
        "TS0206",
        WARNING,
        "a server could not return to the cluster",
        "the event names the reason",
    ),
    "declared_down": Entry(
        "TS0207",
        ERROR,
        "the other server counts this server as down; it may have taken over",
        "twinset server return, after the cause was found",
    ),
    "lone_start": Entry(
        "TS0208",
        WARNING,
        "this server started the cluster without the other one",
        "start the other server",
    ),
    "cluster_stopped": Entry("TS0209", INFO, "the cluster was shut down; no group was failed over"),
    "interconnect_lost": Entry(
        "TS0210",
        WARNING,
        "no heartbeat on one network while another still works",
        "check cable, switch and card",
    ),
    "interconnect_restored": Entry("TS0211", INFO, "heartbeats arrive again on a network"),
    "heartbeat_lost": Entry(
        "TS0212",
        WARNING,
        "no heartbeat on any network; the network-partition phase began",
        "check the other server and the networks",
    ),
    "peer_heard_again": Entry(
        "TS0213", WARNING, "a server that counted as down is heard again", "see declared_down"
    ),
    "partition_healed": Entry("TS0214", WARNING, "the servers hear each other again after a partition"),
    "double_activation": Entry(
        "TS0215",
        ERROR,
        "both servers ran groups during a total partition; their data went apart",
        "decide which server has the good data: twinset mirror resolve SET --keep SERVER --dry-run",
    ),
    "message_refused": Entry(
        "TS0217", WARNING, "a message of the other server made no sense", "same version on both?"
    ),
    "network_trouble": Entry(
        "TS0218",
        WARNING,
        "a network cannot be used from this server",
        "check interface, address and cable",
    ),
    "server_shutdown": Entry(
        "TS0219",
        WARNING,
        "this server leaves the cluster as asked; its groups fail over",
    ),
    "server_stood_still": Entry(
        "TS0220",
        WARNING,
        "this server did not run for so long that the other one may have taken over",
        "give the server more processor time; do not pause it",
    ),
    "in_doubt": Entry(
        "TS0221",
        ERROR,
        "this server stood still and the other one is silent: nobody can tell who has the newest data",
        "look at both servers; twinset server return, or start the cluster anew",
    ),
    # 3xx: groups and resources
    "group_starting": Entry("TS0301", INFO, "a group begins to start here"),
    "group_stopping": Entry("TS0302", INFO, "a group begins to stop here"),
    "group_state": Entry("TS0303", INFO, "a group changed its state"),
    "group_moving": Entry("TS0304", INFO, "a group moves to the other server"),
    "group_fails_over": Entry(
        "TS0305", WARNING, "a group starts here because its server went down or it failed there"
    ),
    "group_not_failed_over": Entry(
        "TS0306",
        ERROR,
        "no server may run the group",
        "the event names the reason; twinset group start when it is gone",
    ),
    "group_not_started": Entry("TS0307", ERROR, "a group could not be started", "the event names the reason"),
    "group_start_refused": Entry("TS0308", ERROR, "a group may not start here", "the event names the reason"),
    "group_move_undone": Entry(
        "TS0309", WARNING, "a move failed and the group went back", "see the event before"
    ),
    "resource_lost": Entry(
        "TS0310",
        ERROR,
        "monitoring found a resource of a running group gone",
        "look at the resource named",
    ),
    "recover_script": Entry(
        "TS0311", INFO, "the start script ran with ARMS_EVENT=RECOVER on a returned server"
    ),
    "group_scripts_again": Entry(
        "TS0312", WARNING, "the stop and start scripts of a group run again, its other resources stay"
    ),
    "mirror_disk_started": Entry("TS0320", INFO, "the file systems of a mirror disk are mounted"),
    "mirror_disk_stopped": Entry("TS0321", INFO, "the file systems of a mirror disk are unmounted"),
    "mirror_disk_start_failed": Entry(
        "TS0322",
        ERROR,
        "a mirror disk could not be mounted",
        "the event names device and reason",
    ),
    "mirror_disk_stop_failed": Entry(
        "TS0323",
        ERROR,
        "a mirror disk had to be released by force",
        "stop the processes named in the stop script",
    ),
    "filesystem_made": Entry("TS0324", INFO, "a blank partition got its file system"),
    "mirror_disk_forced": Entry(
        "TS0325",
        WARNING,
        "a mirror disk was taken from the processes that used it",
        "stop them in the stop script",
    ),
    "mirror_disk_users_ended": Entry(
        "TS0326",
        WARNING,
        "processes that kept a file system of a stopping group busy were ended, as the configuration wants it",
        "end them in the stop script, in order",
    ),
    "floating_ip_started": Entry("TS0330", INFO, "a floating IP address is on this server"),
    "floating_ip_stopped": Entry("TS0331", INFO, "a floating IP address was taken from this server"),
    "floating_ip_start_failed": Entry(
        "TS0332",
        ERROR,
        "a floating IP address could not be added, or another host has it",
        "find the other host by its hardware address (arping)",
    ),
    "floating_ip_stop_failed": Entry(
        "TS0333", ERROR, "a floating IP address could not be removed", "remove it by hand"
    ),
    "floating_ip_restored": Entry("TS0334", WARNING, "a floating IP address was missing and was added again"),
    "fip_announce_failed": Entry(
        "TS0335", WARNING, "no gratuitous ARP could be sent", "is the interface up?"
    ),
    "script_started": Entry("TS0340", INFO, "the start script of a group ended"),
    "script_stopped": Entry("TS0341", INFO, "the stop script of a group ended"),
    "script_start_failed": Entry(
        "TS0342", ERROR, "a start script could not be run", "the event names the reason"
    ),
    "script_stop_failed": Entry(
        "TS0343", ERROR, "a stop script could not be run", "the event names the reason"
    ),
    "script_timeout": Entry(
        "TS0344", ERROR, "a script took too long and was killed", "see its log; raise timeout_s"
    ),
    "script_exit_status": Entry(
        "TS0345", WARNING, "a script ended with a status other than 0", "see its log"
    ),
    "script_adopted": Entry(
        "TS0346",
        WARNING,
        "twinsetd was restarted while a script ran; it was waited for, its status is not known",
        "see its log",
    ),
    "broadcast_message": Entry("TS0347", INFO, "a script or an operator said something (ARMBCAST)"),
    "virtual_computer_name_start_failed": Entry(
        "TS0351",
        ERROR,
        "a virtual computer name could not be taken: another host or a name server objects",
        "find the host that the event names; nmblookup -A ADDRESS lists its names",
    ),
    "virtual_computer_name_started": Entry(
        "TS0370", INFO, "a virtual computer name belongs to this server; it is defended from now on"
    ),
    "virtual_computer_name_stopped": Entry("TS0371", INFO, "a virtual computer name was given back"),
    "virtual_computer_name_stop_failed": Entry(
        "TS0372", ERROR, "a virtual computer name could not be given back", "the event names the reason"
    ),
    "virtual_computer_name_resumed": Entry(
        "TS0373", WARNING, "twinsetd was restarted and serves a virtual computer name again"
    ),
    "virtual_computer_name_defended": Entry(
        "TS0374",
        WARNING,
        "another host wanted a virtual computer name and was refused",
        "give that host another name",
    ),
    "virtual_computer_name_conflict": Entry(
        "TS0375",
        ERROR,
        "another host disputes a virtual computer name; it is kept all the same",
        "find the host that the event names, and give it another name",
    ),
    "name_server_registered": Entry("TS0376", INFO, "a name server knows a virtual computer name"),
    "name_server_refused": Entry(
        "TS0377",
        ERROR,
        "a name server refuses a virtual computer name; remote clients reach the host that has it there",
        "find that host (nmblookup -U NAMESERVER -R NAME); the registration is tried again",
    ),
    "name_server_silent": Entry(
        "TS0378",
        WARNING,
        "a name server does not answer; remote clients may not find a virtual computer name",
        "is it running, and reachable from this server? the registration is tried again",
    ),
    "program_loaded": Entry("TS0360", INFO, "ARMLOAD started a program or service"),
    "program_lost": Entry(
        "TS0361", WARNING, "a program or service that ARMLOAD started has ended; `action` says what follows"
    ),
    "program_cannot_act": Entry(
        "TS0362",
        ERROR,
        "what has to follow the loss of a program is not possible now; it is tried again",
        "the event names the reason; ARMKILL ends the trying",
    ),
    "program_killed": Entry("TS0363", INFO, "ARMKILL ended a program or service"),
    "program_ended_with_group": Entry(
        "TS0364", INFO, "the stop scripts left a program of ARMLOAD, and twinsetd ended it"
    ),
    "program_not_ended": Entry(
        "TS0365",
        ERROR,
        "a program of ARMLOAD could not be ended, not even by SIGKILL",
        "it may wait for a disk; look at the processes named",
    ),
    **RESOURCES,
    **OPERATING,
    # 4xx: mirror sets
    **MIRRORS,
    # 5xx: bad input, bugs
    "input_dropped": Entry("TS0501", WARNING, "something arrived that breaks the protocol, and was dropped"),
    "nbd_refused": Entry("TS0502", WARNING, "an NBD client was refused", "the event names the reason"),
    "internal_error": Entry("TS0503", ERROR, "a bug of twinset", "report it with twinsetd's log"),
}


# Ids of events that are written no more: never given to another one.
RETIRED: Final = {"TS0202": "partition_wait_over"}


def known(name: str) -> bool:
    """True for the name or the id of an event."""
    return name in CATALOGUE or any(each.id == name for each in CATALOGUE.values())


def entry(name: str) -> Entry:
    """Return the entry of an event; one that nobody catalogued is shown all the same."""
    return CATALOGUE.get(name, Entry(UNKNOWN_ID, INFO, name.replace("_", " ")))
