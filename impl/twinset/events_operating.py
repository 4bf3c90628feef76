"""Events of operating a cluster: its configuration, keys, alerts, isolation (hundred 6, and two older ids)."""

from __future__ import annotations

from typing import Final

from twinset.events_resources import ERROR, INFO, WARNING, Entry

OPERATING: Final[dict[str, Entry]] = {
    "configuration_differs": Entry(
        "TS0216",
        ERROR,
        "the two servers have different configurations",
        "twinset cluster configuration --compare says how; the events of both say why it lasts",
    ),
    "configuration_refused": Entry(
        "TS0106",
        ERROR,
        "the stored configuration cannot be used",
        "twinset check shows why; create the cluster anew",
    ),
    "configuration_changed": Entry("TS0601", INFO, "another configuration is in use on this server"),
    "configuration_taken": Entry(
        "TS0602",
        INFO,
        "this server missed a change of the configuration and takes it over from the other server",
    ),
    "configuration_waits": Entry(
        "TS0603",
        WARNING,
        "a changed configuration is stored and not in use yet: something on this server is in motion",
        "the event names what it waits for; twinset cluster status shows whether it still waits",
    ),
    "configuration_not_taken": Entry(
        "TS0604",
        ERROR,
        "the newer configuration of the other server does not fit this one",
        "the event names what is wrong here; put it right and this server takes it over",
    ),
    "configuration_diverged": Entry(
        "TS0605",
        ERROR,
        "the configuration was changed on both servers apart from each other",
        "twinset cluster configuration --compare; then twinset apply FILE --resolve with what shall hold",
    ),
    "group_stopped_for_change": Entry(
        "TS0606",
        WARNING,
        "a group was started after a change that needs it stopped had been decided; it is stopped for the change",
        "twinset group start GROUP, when the change is in use",
    ),
    "alert_hook_failed": Entry(
        "TS0611",
        WARNING,
        "a hook command of [alerts] failed, did not end in time, or cannot be started",
        "the event names the command and the reason; try it by hand with the variables of alerts.md",
    ),
    "alert_trap_failed": Entry(
        "TS0612",
        WARNING,
        "an SNMP notification could not be sent",
        "the event names receiver and reason; is there a route to it?",
    ),
    "alerts_left_out": Entry(
        "TS0613",
        WARNING,
        "more events waited to be told than hooks keep up with; the older ones are in the event log only",
        "twinset events; make the hook quicker, or give fewer severities a hook",
    ),
    "server_isolating": Entry("TS0621", INFO, "this server leaves the cluster for a snapshot or a backup"),
    "server_isolated": Entry(
        "TS0622",
        WARNING,
        "this server is isolated for a snapshot or a backup; until it returns, nothing takes over",
        "twinset server return SERVER, when it has been read",
    ),
    "side_read": Entry(
        "TS0623", INFO, "a side of a mirror set can be read on this server, which takes no part"
    ),
    "side_read_end": Entry("TS0624", INFO, "a side of a mirror set is read no longer"),
    "key_rotated": Entry("TS0631", INFO, "this server uses another cluster key"),
    "key_rotation_incomplete": Entry(
        "TS0632",
        WARNING,
        "a change of the cluster key was interrupted; each server believes the other one's key all the same",
        "twinset key rotate, once more",
    ),
    "password_refused": Entry(
        "TS0633",
        WARNING,
        "a wrong cluster password was given; nothing was done, and the next try is looked at later",
        "who works on this server? a script may have an old password file",
    ),
    "server_replaced": Entry(
        "TS0641",
        WARNING,
        "a new machine has taken the place of a server and got the configuration; it has no data yet",
        "twinset server return SERVER: everything is copied to it",
    ),
    "versions_differ": Entry(
        "TS0661",
        WARNING,
        "the servers run different programs of twinset side by side; what only one of them can do waits for the other",
        "upgrade the other server too: upgrading.md",
    ),
    "versions_equal": Entry("TS0662", INFO, "both servers run the same program of twinset again"),
    "versions_apart": Entry(
        "TS0663",
        ERROR,
        "the programs of the two servers have no version of a protocol in common, so they do not talk",
        "the event names both; install on one server a release that is a neighbour of the other's: upgrading.md",
    ),
    "public_lan_asked": Entry(
        "TS0651", INFO, "the other server is silent: the ping targets are asked before anything"
    ),
    "fencing": Entry("TS0652", WARNING, "the other server is silent: the fencing hook is to switch it off"),
    "fenced": Entry("TS0653", WARNING, "the fencing hook has confirmed that the other server has no power"),
    "fencing_failed": Entry(
        "TS0654",
        ERROR,
        "the fencing hook did not confirm that the other server is off; nothing is taken over before it does",
        "see to it that the other server has no power, and that the hook can tell; it is tried again",
    ),
}
