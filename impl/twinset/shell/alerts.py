"""Carries entries of the event log to people: a hook command a severity, SNMP notifications.

Beside everything else: whoever is slow or broken here holds up nothing but the next alert. One hook runs at a time, for
a bounded time; when more entries wait than BACKLOG_MAX, the older ones are left out and counted. How far it has got
is remembered, so that what happened while twinsetd was down is told at its next start. What goes wrong in telling is
an event that is not told in its turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
from typing import TYPE_CHECKING, Any, Final

from twinset import events_catalogue
from twinset.shell import clock, run, store
from twinset.wire import snmp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from twinset.config.cluster import ClusterConfig, Trap
    from twinset.shell.event_log import EventLog

BACKLOG_MAX: Final = 200
WAIT_S: Final = 30.0
SEVERITIES: Final = ("info", "warning", "error")
OWN: Final = frozenset({"alert_hook_failed", "alert_trap_failed", "alerts_left_out"})
EVIDENCE_MAX: Final = 4000  # characters in a hook's environment
FILE: Final = "alerts.json"


def environment(entry: Mapping[str, Any], cluster: str) -> dict[str, str]:
    """Return what a hook finds in its environment beside that of twinsetd (documented in alerts.md)."""
    known = events_catalogue.entry(str(entry["event"]))
    fields = entry.get("fields", {})
    return {
        "TWINSET_EVENT": str(entry["event"]),
        "TWINSET_EVENT_ID": str(entry["id"]),
        "TWINSET_SEVERITY": str(entry["severity"]),
        "TWINSET_SERVER": str(entry["server"]),
        "TWINSET_CLUSTER": cluster,
        "TWINSET_NUMBER": str(entry["seq"]),
        "TWINSET_TIME": str(entry["time"]),
        "TWINSET_CAUSE": known.cause,
        "TWINSET_REMEDY": known.remedy,
        "TWINSET_EVIDENCE": json.dumps(fields, ensure_ascii=False, sort_keys=True)[:EVIDENCE_MAX],
    }


def notice(entry: Mapping[str, Any], cluster: str, up_time_cs: int) -> snmp.Notice:
    """Return the notification of an entry: its objects are those of the hook's environment."""
    told = environment(entry, cluster)
    names = (
        "EVENT_ID",
        "EVENT",
        "SEVERITY",
        "SERVER",
        "CLUSTER",
        "CAUSE",
        "EVIDENCE",
        "REMEDY",
        "NUMBER",
        "TIME",
    )
    digits = str(entry["id"]).removeprefix("TS")
    return snmp.Notice(
        int(digits) if digits.isdigit() else 0, tuple(told[f"TWINSET_{name}"] for name in names), up_time_cs
    )


def wants(trap: Trap, severity: str) -> bool:
    """True when the receiver is told of this severity."""
    return severity in SEVERITIES[SEVERITIES.index(trap.severity) :]


class Alerts:
    """The teller of one server; runs as long as twinsetd."""

    def __init__(
        self,
        state: Path,
        event_log: EventLog,
        config: Callable[[], ClusterConfig | None],
        me: str,
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._path = state / FILE
        self._log = event_log
        self._config = config
        self._me = me
        self._failed = failed
        body, _ = store.read_json_object(self._path)
        told, boots = body.get("told"), body.get("boots")
        self._told = (
            told if isinstance(told, int) and 0 <= told <= event_log.last_number else event_log.last_number
        )
        self._boots = boots + 1 if isinstance(boots, int) and 0 < boots < (1 << 31) - 1 else 1
        self._started_ms = clock.now_ms()

    async def run(self) -> None:
        """Tell whatever is new; never ends."""
        await asyncio.to_thread(self._save)
        while True:
            if self._log.last_number <= self._told:
                await self._log.wait_grown(WAIT_S)
                continue
            try:
                await self._tell_new()
            except Exception as error:  # noqa: BLE001 - a bug here must not end the daemon nor the telling
                self._failed("alerts", error)
            await asyncio.to_thread(self._save)

    async def _tell_new(self) -> None:
        entries = self._log.since(self._told, 1 << 30)
        left_out = len(entries) - BACKLOG_MAX
        self._told = entries[-1]["seq"] if entries else self._log.last_number
        config = self._config()
        if config is None:
            return
        if left_out > 0:
            self._log.write("alerts_left_out", "warning", {"count": left_out})
            entries = entries[left_out:]
        for entry in entries:
            if entry["event"] not in OWN:
                self._send_traps(entry, config)
                await self._run_hook(entry, config)

    async def _run_hook(self, entry: Mapping[str, Any], config: ClusterConfig) -> None:
        hook = str(getattr(config.alerts, f"hook_{entry['severity']}", ""))
        if not hook:
            return
        env = {**os.environ, **environment(entry, config.cluster.name)}
        outcome = await run.run([hook], timeout_s=config.alerts.hook_timeout_s, env=env)
        if not outcome.ok:
            told = {"hook": hook, "number": entry["seq"], "reason": outcome.reason()}
            self._log.write("alert_hook_failed", "warning", told)

    def _send_traps(self, entry: Mapping[str, Any], config: ClusterConfig) -> None:
        """Notifications are not answered: what the network loses is lost, and in the event log all the same."""
        for trap in config.traps:
            if not wants(trap, str(entry["severity"])):
                continue
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
                    sender.sendto(self._datagram(entry, config, trap), (trap.address, trap.port))
            except (OSError, ValueError) as error:
                told = {
                    "receiver": f"{trap.address}:{trap.port}",
                    "number": entry["seq"],
                    "reason": str(error),
                }
                self._log.write("alert_trap_failed", "warning", told)

    def _datagram(self, entry: Mapping[str, Any], config: ClusterConfig, trap: Trap) -> bytes:
        up_ms = clock.now_ms() - self._started_ms
        told, number = notice(entry, config.cluster.name, up_ms // 10), secrets.randbits(31)
        if trap.version == "2c":
            return snmp.trap_v2c(told, trap.community, number)
        engine = snmp.engine_id(self._me)
        user = snmp.User(trap.user, trap.password, engine, self._boots, up_ms // 1000)
        return snmp.trap_v3(told, user, number)

    def _save(self) -> None:
        with contextlib.suppress(OSError):  # told once more then
            store.write_json(self._path, {"told": self._told, "boots": self._boots})
