"""Where things lie on a server. The three roots can be moved by the environment: labs run on one machine."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSWORD_VARIABLE = "TWINSET_PASSWORD"  # noqa: S105 - a name: the cluster password of an operator
TOKEN_VARIABLE = "TWINSET_TOKEN"  # noqa: S105 - a name, in the environment of what twinsetd starts (guard.py)
TIME_SCALE_MIN = 0.01
TIME_SCALE_MAX = 10.0


@dataclass(frozen=True)
class Paths:
    """The directories of twinset on this server and the names in them."""

    etc: Path
    state: Path
    run: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Paths:
        """Read TWINSET_ETC, TWINSET_STATE and TWINSET_RUN."""
        env = os.environ if environment is None else environment
        return cls(
            Path(env.get("TWINSET_ETC", "/etc/twinset")),
            Path(env.get("TWINSET_STATE", "/var/lib/twinset")),
            Path(env.get("TWINSET_RUN", "/run/twinset")),
        )

    def create(self) -> None:
        """Make the two directories that twinset writes to."""
        for directory in (self.state, self.run, self.scripts, self.devices):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def key(self) -> Path:
        """The shared secret of the cluster."""
        return self.etc / "cluster.key"

    @property
    def server_name(self) -> Path:
        """One line: the name of this server."""
        return self.etc / "server"

    @property
    def config(self) -> Path:
        """The active configuration."""
        return self.state / "cluster.toml"

    @property
    def memory(self) -> Path:
        """What the daemon remembers over restarts."""
        return self.state / "daemon.json"

    @property
    def events(self) -> Path:
        """The event log."""
        return self.state / "events.jsonl"

    @property
    def scripts(self) -> Path:
        """Output of the groups' scripts."""
        return self.state / "scripts"

    @property
    def devices(self) -> Path:
        """Attached block devices: one record, one pid file and one FUSE file each."""
        return self.run / "devices"

    @property
    def api(self) -> Path:
        """The daemon's socket."""
        return self.run / "twinsetd.sock"

    @property
    def boot_id(self) -> Path:
        """THE boot id: it dies with the boot, because the directory does."""
        return self.run / "boot_id"

    @property
    def token(self) -> Path:
        """What the scripts of groups show instead of the cluster password; it dies with the boot."""
        return self.run / "token"

    @property
    def adopted(self) -> Path:
        """What is running on this boot; a restarted daemon adopts it."""
        return self.run / "running.json"

    @property
    def programs(self) -> Path:
        """What ARMLOAD has started on this boot; a restarted daemon goes on watching it."""
        return self.run / "programs.json"

    @property
    def registry(self) -> Path:
        """The plain store of registry keys."""
        return self.state / "registry"

    @property
    def registry_hives(self) -> Path:
        """The last version of each registry key that follows a group."""
        return self.state / "registry" / "hives"

    @property
    def daemon_lock(self) -> Path:
        """Held by the one twinsetd of this server."""
        return self.run / "twinsetd.lock"

    def mirror(self, set_name: str, suffix: str) -> Path:
        """Return `mirror-<set>.<suffix>`: json (the spec), pid, lock, sock, log."""
        return self.run / f"mirror-{set_name}.{suffix}"

    def nbd(self, set_name: str) -> Path:
        """Return the socket of the NBD exports of a set."""
        return self.run / f"nbd-{set_name}.sock"


def server_name(paths: Paths) -> str:
    """Return the name of this server: that of its file, else the host name."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = paths.server_name.read_text().strip()
        if text:
            return text
    return socket.gethostname()


def time_scale(environment: Mapping[str, str] | None = None) -> float:
    """Read TWINSET_TIME_SCALE; ValueError names what is wrong with it."""
    env = os.environ if environment is None else environment
    text = env.get("TWINSET_TIME_SCALE", "1.0")
    try:
        scale = float(text)
    except ValueError:
        raise ValueError(f"TWINSET_TIME_SCALE is {text!r}, not a number") from None
    if not TIME_SCALE_MIN <= scale <= TIME_SCALE_MAX:
        raise ValueError(f"TWINSET_TIME_SCALE is {text}, allowed are {TIME_SCALE_MIN} to {TIME_SCALE_MAX}")
    return scale
