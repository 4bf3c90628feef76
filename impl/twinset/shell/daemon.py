"""twinsetd: the control daemon of one server.

Without a configuration it only answers its socket and waits for one. With one it runs a `Runtime`. SIGTERM is
the orderly end of this server in the cluster; `kill -9` is not: groups go on, and the next twinsetd of the
same boot takes them over.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final

from twinset import config as configuration
from twinset.errors import ConfigError, Refusal
from twinset.shell import api_verbs, cancellation, clock, cluster_names, control_channel, memory, power, store
from twinset.shell.alerts import Alerts
from twinset.shell.api import ApiServer
from twinset.shell.change_over import ChangeOver
from twinset.shell.configure import Asked, Configure
from twinset.shell.control_channel import ControlPort
from twinset.shell.event_log import EventLog
from twinset.shell.guard import Guard, boot_token
from twinset.shell.key_rotation import KeyRotation
from twinset.shell.notify import keep_watchdog, notify
from twinset.shell.paths import PASSWORD_VARIABLE, Paths, server_name, time_scale
from twinset.shell.runtime import Runtime
from twinset.shell.support import Support

if TYPE_CHECKING:
    from twinset.shell.control_channel import Channel
    from twinset.wire.keyring import Keyring

ANY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - peers are authenticated; nothing else is known before `cluster create`
LISTEN_AGAIN_S: Final = 1.0
ORDERLY_END_S: Final = 120.0
APART_S: Final = 600.0  # an alert that nothing changes about is told this often

log = logging.getLogger("twinsetd")


class Daemon:
    """The process: its socket, its control port, and the runtime when there is a configuration."""

    def __init__(self, paths: Paths, scale: float) -> None:
        self.paths = paths
        self.scale = scale
        self.me = server_name(paths)
        self.boot_id = store.boot_id(paths.boot_id)
        self.event_log = EventLog(paths.events, self.me)
        self.runtime: Runtime | None = None
        self.why_not = ""  # why there is no runtime
        self.keys: Keyring | None = None
        self.changed = asyncio.Event()
        self.taken_up = asyncio.Event()  # no change of the configuration is under way
        self.ending = asyncio.Event()
        self._limit = clock.RateLimit()
        self._apart_limit = clock.RateLimit(APART_S)
        self.instance = secrets.token_hex(16)
        self._port: ControlPort | None = None
        self.change_over = ChangeOver(self)
        self.configure = Configure(paths, self.me, self.change_over.judge, self._take_up)
        self.support: Support = Support(self)
        self.rotation: KeyRotation = KeyRotation(self)
        self.guard = Guard(boot_token(paths.token), self._password_hash, self._password_refused)
        self._api = ApiServer(paths.api, self.handle, self.failed)
        self._names = cluster_names.Answers(
            self.me, self._cluster_name, lambda text: self.problem("cluster_name", text)
        )

    # -- life -------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Serve until told to end; return the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ending.set)
        self.event_log.write("daemon_started", "info", {"pid": os.getpid(), "boot_id": self.boot_id})
        for refusal in memory.protect_process():
            self.event_log.write("memory_not_protected", "warning", {"reason": refusal})
        await self._forget_cancelled()
        self._begin()
        self.taken_up.set()
        await self._api.start()
        self._names.open()
        alerts = Alerts(self.paths.state, self.event_log, self._config, self.me, self.failed)
        beside = [asyncio.create_task(self.change_over.watch()), asyncio.create_task(alerts.run())]
        notify("READY=1")
        alive = asyncio.create_task(keep_watchdog())
        halted = False
        while not halted and not self.ending.is_set():
            await self._listen()
            halted = await self._wait()
            if self.changed.is_set() and await self.change_over.ready():
                await self._change_over()
        notify("STOPPING=1")
        self._names.close()
        last_act = self.runtime.last_act if halted and self.runtime is not None else ()
        left = halted or await self._leave()
        await self._api.stop()
        await self._end_runtime(end_mirrors=left)
        if self._port is not None:
            self._port.close()
        alive.cancel()
        self.event_log.write("daemon_ended", "info", {"reason": "halted" if halted else "signal"})
        await self._switch_off(last_act)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        self.event_log.close()
        return 0

    async def _switch_off(self, last_act: tuple[str, ...]) -> None:
        """What is to happen to the machine once this server has left (6.3-17)."""
        outcome = await power.perform(last_act)
        if outcome is not None and not outcome.ok:
            self.event_log.write("power_off_failed", "error", {"reason": outcome.reason()})

    def _config(self) -> configuration.ClusterConfig | None:
        return None if self.runtime is None else self.runtime.config

    def _cluster_name(self) -> str:
        return "" if self.runtime is None else self.runtime.config.cluster.name

    async def _forget_cancelled(self) -> None:
        """Let the disks of cancelled mirror sets forget them; no mirror process runs now (8.3-02)."""
        for name, trouble in await asyncio.to_thread(cancellation.carry_out, self.paths):
            self.event_log.write("mirror_set_not_forgotten", "error", {"set": name, "reason": trouble})

    def _take_up(self) -> None:
        """Another configuration is in place: requests to a server at rest wait until it is in use."""
        if self.runtime is None or not self.runtime.operates:
            self.taken_up.clear()
        self.changed.set()

    async def _change_over(self) -> None:
        """Use the configuration that is in place; what a server at work runs goes on (change_over.py)."""
        self.changed.clear()
        self.taken_up.clear()
        at_work = self.runtime is not None and self.runtime.operates
        await self._end_runtime(end_mirrors=not at_work)
        await self._forget_cancelled()
        self._begin()
        generation = self.configure.claim().generation
        self.event_log.write("configuration_changed", "info", {"generation": generation, "at_work": at_work})
        if not self.changed.is_set():
            self.taken_up.set()

    async def _wait(self) -> bool:
        """Wait a while or until something has to be done; True when this server has left the cluster."""
        runtime = self.runtime
        waits = [asyncio.ensure_future(self.ending.wait())]
        if not self.changed.is_set():  # else it waits for something that takes its time
            waits.append(asyncio.ensure_future(self.changed.wait()))
        if runtime is not None:
            waits.append(asyncio.ensure_future(runtime.halted.wait()))
        await asyncio.wait(waits, timeout=LISTEN_AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return runtime is not None and runtime.halted.is_set()

    def _begin(self) -> None:
        """Read key and configuration; run when both are good, else remember why not."""
        self.why_not = ""
        try:
            self.keys = store.read_keys(self.paths.key)
        except ValueError as error:
            self.keys, self.why_not = None, str(error)
        try:
            text = self.paths.config.read_bytes()
            config = configuration.loads(text.decode())
            config.server(self.me)
        except FileNotFoundError:
            self.why_not = self.why_not or "no cluster is configured on this server"
        except (OSError, UnicodeDecodeError, ConfigError, Refusal) as error:
            self.why_not = f"{self.paths.config}: {error}"
            self.event_log.write("configuration_refused", "error", {"reason": self.why_not})
        else:
            if self.keys is not None:
                self.runtime = self._new_runtime(config, text, self.keys)
                self.runtime.start()
        self._open_port()

    def _new_runtime(self, config: configuration.ClusterConfig, text: bytes, keys: Keyring) -> Runtime:
        return Runtime(
            config, text, self.me, self.boot_id, keys, self.paths, self.scale,
            self.event_log, self.problem, self.apart, self.failed,
        )  # fmt: skip

    async def _end_runtime(self, *, end_mirrors: bool) -> None:
        runtime, self.runtime = self.runtime, None
        if runtime is not None:
            await runtime.stop(end_mirrors=end_mirrors)

    async def _leave(self) -> bool:
        """SIGTERM: stop the groups here and leave, as `server shutdown` does; False when that failed.

        Then the mirror processes are left running: a group may still use them until their lease runs out.
        """
        runtime = self.runtime
        if runtime is None:
            return True
        try:
            async with asyncio.timeout(ORDERLY_END_S):
                await runtime.request("server.shutdown", {"server": self.me})
                await runtime.halted.wait()
        except Refusal as refusal:
            log.info("nothing to leave: %s", refusal)
        except TimeoutError:
            self.event_log.write("orderly_end_failed", "error", {"after_s": ORDERLY_END_S})
            return False
        return True

    # -- the control port -------------------------------------------------------------------------------

    def _open_port(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None
        if self.keys is not None:
            self._port = ControlPort(
                self.keys,
                self._own_hello,
                {
                    "link": self._serve_link,
                    "configure": self.configure.serve,
                    "support": self.support.serve,
                    "key": self.rotation.serve,
                },
                lambda text: self.problem("control_port", text),
                apart=self.apart,
            )

    async def _listen(self) -> None:
        if self.keys is None:  # the operator may just be putting it there
            with contextlib.suppress(ValueError):
                store.read_keys(self.paths.key)
                self._begin()
        if self._port is not None:
            addresses = [ANY_ADDRESS] if self.runtime is None else self.runtime.local_addresses
            await self._port.listen(addresses)

    def _own_hello(self) -> Any:
        if self.runtime is not None:
            return self.runtime.own_hello()
        return control_channel.hello("link", self.me, self.instance)

    async def _serve_link(self, channel: Channel) -> None:
        if self.runtime is None:
            channel.close()
            return
        await self.runtime.serve_link(channel)

    def take_keys(self, keys: Keyring) -> None:
        """Use another ring from now on: in new connections, and in every heartbeat."""
        self.keys = keys
        if self._port is not None:
            self._port.keys = keys
        if self.runtime is not None:
            self.runtime.take_keys(keys)

    # -- requests ---------------------------------------------------------------------------------------

    async def handle(self, verb: str, args: dict[str, Any]) -> Any:
        """Answer one request of the API."""
        return await api_verbs.handle(self, verb, args)

    def _password_hash(self) -> str:
        """That of the configuration in place, in use or not yet."""
        config = self.configure.active()
        return "" if config is None else config.cluster.password_hash

    def _password_refused(self, verb: str, wrong: int) -> None:
        self.event_log.write("password_refused", "warning", {"verb": verb, "wrong": wrong})

    def configuration_state(self) -> dict[str, Any]:
        """Return the generation, and whether the other server is heard with another configuration."""
        return {
            "generation": self.configure.claim().generation,
            "differs": self.runtime is not None and self.runtime.meets_another_configuration,
            "waits": self.changed.is_set(),
        }

    async def change(self, asked: Asked) -> dict[str, Any]:
        """Make a configuration the active one on both servers."""
        await self._listen()  # an operator may have put the key there just now
        if self.keys is None:
            raise Refusal(
                "E_STATE", f"no cluster key: {self.why_not}", help=f"openssl rand -hex 32 > {self.paths.key}"
            )
        own = control_channel.hello("configure", self.me, self.instance)
        return await self.configure.change(asked, self.keys, own)

    async def facts(self, text: str) -> dict[str, Any]:
        """Return what both servers see of themselves, as far as this configuration asks for it."""
        own = control_channel.hello("configure", self.me, self.instance)
        return await self.configure.facts(text, self.keys, own)

    # -- reports ----------------------------------------------------------------------------------------

    def problem(self, key: str, text: str) -> None:
        """Bad input or a passing trouble: an event, at most one per kind and interval."""
        swallowed = self._limit.admit(key)
        if swallowed is not None:
            self.event_log.write(
                "input_dropped", "warning", {"where": key, "reason": text, "more": swallowed}
            )

    def apart(self, text: str) -> None:
        """The other server's program speaks no version that this one does: an event, at most one an interval."""
        if self._apart_limit.admit("") is not None:
            self.event_log.write("versions_apart", "error", {"reason": text})

    def failed(self, where: str, error: BaseException) -> None:
        """A bug of ours: the traceback goes to the daemon's log, never to an operator."""
        log.error("%s failed\n%s", where, "".join(traceback.format_exception(error)))
        if self._limit.admit(f"bug {where}") is not None:
            self.event_log.write("internal_error", "error", {"where": where, "error": repr(error)})


def _lock(paths: Paths) -> int:
    """Hold the lock of the one twinsetd of this server; -1 when another one holds it."""
    descriptor = os.open(paths.daemon_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return -1
    return descriptor


async def _serve(paths: Paths, scale: float) -> int:
    daemon = Daemon(paths, scale)
    os.environ.pop(PASSWORD_VARIABLE, None)  # an operator's; nothing that is started here is to inherit it
    os.environ.update(daemon.guard.environment)
    return await daemon.run()


USAGE: Final = (
    "usage: twinsetd\nThe cluster daemon of this server; it takes no arguments (impl/docs/starting.md).\n"
)


def main() -> int:
    """Run twinsetd."""
    if sys.argv[1:]:  # somebody who asks for help does not want a daemon
        asked = sys.argv[1:] in (["--help"], ["-h"])
        (sys.stdout if asked else sys.stderr).write(USAGE)
        return 0 if asked else 2
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")
    paths = Paths.from_environment()
    try:
        scale = time_scale()
        paths.create()
    except (ValueError, OSError) as error:
        sys.stderr.write(f"twinsetd: {error}\n")
        return 1
    if _lock(paths) < 0:
        sys.stderr.write(f"twinsetd: another twinsetd holds {paths.daemon_lock}\n")
        return 1
    return asyncio.run(_serve(paths, scale))


if __name__ == "__main__":
    sys.exit(main())
