"""From one configuration to the next in a running daemon, and the watch for a newer one on the other server.

A server that does not operate ends its runtime with the mirror processes and begins anew. One that operates lets
groups and mirror processes run, and begins a new runtime that adopts them, exactly as the next twinsetd of a boot
does after kill -9: what a change does not touch does not notice it. It waits until nothing is in motion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.config import changes as change_rules
from twinset.config import lineage
from twinset.errors import Refusal
from twinset.shell import clock, control_channel
from twinset.shell.configure import ADOPTED
from twinset.shell.exchange import needs

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig
    from twinset.shell.daemon import Daemon

AGREE_S: Final = 2.0  # between looks while there is a reason to look
AGREE_FLOOR_S: Final = 0.5


class ChangeOver:
    """What the daemon asks itself about changes of its configuration."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._told = ""  # the last reason why a decided configuration waits
        self._outcome = ""  # of the last comparison with the other server, where it was bad

    async def judge(self, old: ClusterConfig | None, new: ClusterConfig, live: bool) -> None:
        """Refuse a change that the state of this server forbids."""
        runtime, me = self._daemon.runtime, self._daemon.me
        if runtime is None:
            return
        changes = change_rules.difference(old or runtime.config, new)
        try:
            await runtime.request("change.judge", {"live": live, **needs(changes)})
        except Refusal as refusal:
            text = refusal.message if me in refusal.message else f"{me}: {refusal.message}"
            raise Refusal(refusal.code, text, refusal.clause, refusal.help) from None

    async def ready(self) -> bool:
        """True when the configuration that is in place now can be taken up; what it waits for is an event."""
        runtime, active = self._daemon.runtime, self._daemon.configure.active()
        if runtime is None or active is None:
            return True
        answer = await runtime.request("change.ready", needs(change_rules.difference(runtime.config, active)))
        reason = str(answer["reason"])
        if reason and reason != self._told:
            self._daemon.event_log.write("configuration_waits", "warning", {"reason": reason})
        self._told = reason
        return not reason

    async def watch(self) -> None:
        """Compare with the other server whenever there is a reason to; never ends."""
        daemon = self._daemon
        while True:
            await clock.pause(max(AGREE_FLOOR_S, AGREE_S * daemon.scale))
            runtime, keys = daemon.runtime, daemon.keys
            if runtime is None or keys is None or daemon.changed.is_set():
                continue
            differs = runtime.meets_another_configuration or not runtime.hears_peer
            if not (differs or daemon.configure.in_doubt):
                self._outcome = ""
                continue
            try:
                own = control_channel.hello("configure", daemon.me, daemon.instance)
                outcome, text = await daemon.configure.agree(keys, own)
            except Refusal as refusal:
                if refusal.code != "E_STATE":  # the other server was there, and its text does not fit here
                    self._tell("configuration_not_taken", str(refusal))
            except Exception as error:  # noqa: BLE001 - a bug here is no reason to watch no more
                daemon.failed("agree", error)
            else:
                if outcome == ADOPTED:
                    daemon.event_log.write("configuration_taken", "info", {"reason": text})
                self._tell("configuration_diverged" if outcome == lineage.DIVERGED else "", text)

    def _tell(self, event: str, reason: str) -> None:
        """An event for a bad outcome, once until it changes."""
        said = f"{event} {reason}" if event else ""
        if said and said != self._outcome:
            self._daemon.event_log.write(event, "error", {"reason": reason})
        self._outcome = said
