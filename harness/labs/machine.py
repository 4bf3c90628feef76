"""A server as a virtual machine: libvirt has its power, cables and disks, an agent over ssh its inside."""

import contextlib
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import CommandFailed, LabError
from harness.faults.disk import Disk
from harness.labs.api import DAEMON_SOCKET, ApiRefused, mirror_socket
from harness.labs.asking import EVENTS, Asking, Job
from harness.labs.guest import Guest
from harness.run import Process, Result, popen
from harness.topology import SERVER
from harness.wait import wait_for

BOOT_S = 300.0  # emulated, on a busy machine
# libvirt's numbers (virDomainState, virDomainDeviceModifyFlags, virDomainModificationImpact).
RUNNING, PAUSED = 1, 3
LIVE = 1
START_PAUSED = 1
# Device errors of QEMU cannot be switched through libvirt; a disk that takes no more requests can.
STALL = "stall"
STALLED_IOPS = 1


@dataclass(frozen=True)
class GuestJob(Job):
    """A program in the background of a machine."""

    guest: Guest
    number: int

    def output(self) -> str:
        """All that it has printed."""
        return str(self.guest.order("job", job=self.number)["stdout"])

    @property
    def ended(self) -> bool:
        """True once it has gone."""
        return self.guest.order("job", job=self.number)["returncode"] is not None

    def stop(self) -> None:
        """End it and what it started."""
        with contextlib.suppress(CommandFailed):  # the machine's power may have ended it
            self.guest.order("job", job=self.number, stop=True)


class Machine(Asking):
    """server1 or server2 of the Vagrantfile."""

    role = SERVER

    def __init__(
        self, name: str, domain: Any, ssh: Callable[[], list[str]], disk: Disk, disk_path: str
    ) -> None:
        self.name = name
        self.domain = domain
        self.disk = disk
        self.disk_path = disk_path
        self._ssh = ssh
        self._guest: Guest | None = None
        self._files: dict[str, str] = {}  # what was last read, for a machine that has no power
        self._late: dict[str, tuple[str, int]] = {}  # what was written meanwhile: path -> text, mode

    # -- power

    @property
    def powered(self) -> bool:
        """True while the machine runs (also when paused)."""
        return self.domain.state()[0] in (RUNNING, PAUSED)

    @property
    def paused(self) -> bool:
        """True while it stands still."""
        return bool(self.domain.state()[0] == PAUSED)

    def boot(self, cut_cards: Sequence[str] = ()) -> None:
        """Give it power; cards that were cut are cut before the first instruction."""
        self.domain.createWithFlags(START_PAUSED)
        for mac in cut_cards:
            self.set_cable(mac, False)
        self.domain.resume()

    def answers(self) -> bool:
        """Whether its agent does."""
        with contextlib.suppress(CommandFailed, OSError, LabError):
            return bool(self.guest.boot_id)
        return False

    def await_up(self) -> None:
        """Return once the agent answers."""
        wait_for(self.answers, BOOT_S, f"{self.name} to boot", poll_s=1.0)
        late, self._late = self._late, {}
        for path, (text, mode) in late.items():
            self.write_file(path, text, mode)

    def die(self) -> None:
        """Cut the power: QEMU is killed, with everything that the guest had only in memory."""
        if self._guest is not None and self.domain.state()[0] == RUNNING:
            with contextlib.suppress(CommandFailed):
                self.read_file(EVENTS)
        self.domain.destroy()
        self.forget_guest()

    def forget_guest(self) -> None:
        """The connection is worth nothing any more."""
        if self._guest is not None:
            self._guest.close()
            self._guest = None

    def pause(self) -> None:
        """Stop the machine as a hypervisor would; its own clocks stop as well."""
        self.domain.suspend()

    def resume(self) -> None:
        """Let it continue."""
        self.domain.resume()

    # -- cables and disk

    def card(self, mac: str) -> str:
        """The definition of a network card of the running machine."""
        for found in re.findall(r"<interface .*?</interface>", self.domain.XMLDesc(0), re.DOTALL):
            if f"address='{mac}'" in found:
                return str(found)
        raise LabError(f"{self.name} has no card {mac}")

    def tap(self, mac: str) -> str:
        """The host's end of a card."""
        found = re.search(r"<target dev='([^']+)'", self.card(mac))
        if found is None:
            raise LabError(f"the card {mac} of {self.name} is not plugged in")
        return found.group(1)

    def set_cable(self, mac: str, plugged: bool) -> None:
        """Pull or plug the cable of a card: the guest sees the carrier go and come."""
        self.domain.updateDeviceFlags(with_cable(self.card(mac), plugged), LIVE)

    def fail_disk(self, kind: str | None, *, partition: int | None = None, delay_ms: int = 0) -> None:
        """Have the first mirror disk nearly stand still ("stall"), or None: as before."""
        if kind not in (None, STALL) or partition is not None or delay_ms:
            raise LabError(f"a virtual machine's disk cannot do {kind!r}; only {STALL!r}, for a whole disk")
        self.throttle(iops=STALLED_IOPS if kind else 0)

    def disk_devices(self) -> list[str]:
        """The names of its mirror disks and of those for perf, without the system's."""
        return sorted(set(re.findall(r"<target dev='(vd[b-z])'", self.domain.XMLDesc(0))))

    def throttle(self, *, iops: int = 0, bytes_per_s: int = 0, device: str = "vdb") -> None:
        """Limit a disk, the first one of the mirror set where none is named; 0: no limit."""
        limits = {"total_iops_sec": iops, "total_bytes_sec": bytes_per_s}
        self.domain.setBlockIoTune(device, limits, LIVE)

    def throttle_each_way(self, iops: int, bytes_per_s: int, device: str) -> None:
        """Limit a disk's reads and its writes, each by itself; 0: no limit."""
        rates = {"iops": iops, "bytes": bytes_per_s}
        limits = {f"{way}_{what}_sec": rate for way in ("read", "write") for what, rate in rates.items()}
        self.domain.setBlockIoTune(device, limits, LIVE)

    # -- inside

    @property
    def guest(self) -> Guest:
        """The connection to the agent; a new one after a boot."""
        if self._guest is not None and self._guest.alive:
            return self._guest
        self.forget_guest()
        if not self.powered:
            raise LabError(f"{self.name} has no power")
        self._guest = Guest(self._ssh())
        return self._guest

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        timeout_s: float = 60.0,
        input_text: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a command on this machine to its end."""
        found = self.guest.order(
            "run", timeout_s=timeout_s, argv=list(argv), input=input_text, env=dict(env or {})
        )
        if found["late"]:
            raise CommandFailed(f"no end within {timeout_s:g} s: {' '.join(argv)}")
        result = Result(tuple(argv), found["returncode"], found["stdout"], found["stderr"])
        return result.require() if check else result

    def start_job(self, argv: Sequence[str]) -> Job:
        """Start a command in the background; it ends with the machine's power at the latest."""
        return GuestJob(self.guest, int(self.guest.order("start", argv=list(argv))["job"]))

    def popen(self, argv: Sequence[str], **options: Any) -> Process:
        """Start a command over a connection of its own: what it has said is here when the power is cut."""
        return popen([*self._ssh(), shlex.join(argv)], **options)

    def api(self, verb: str, timeout_s: float = 20.0, **arguments: Any) -> Any:
        """Ask twinsetd directly, without the operator's command in between."""
        return self._call(DAEMON_SOCKET, {"verb": verb, "args": arguments}, timeout_s)

    def mirror(self, verb: str, set_name: str = "set1", timeout_s: float = 20.0, **arguments: Any) -> Any:
        """Ask the set's mirror process directly."""
        return self._call(mirror_socket(set_name), {"verb": verb, **arguments}, timeout_s)

    def _call(self, path: str, message: dict[str, Any], timeout_s: float) -> Any:
        answer = self.guest.order("call", timeout_s=timeout_s, path=path, message=message)
        if not answer.get("ok"):
            raise ApiRefused(f"{path} refused {message}: {answer.get('error')}", answer.get("error"))
        return answer.get("result", answer)

    def daemon_answers(self) -> bool:
        """True once twinsetd accepts connections."""
        try:
            self.guest.order("call", path=DAEMON_SOCKET)
        except (CommandFailed, LabError):
            return False
        return True

    def write_file(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file in the machine; in one without power as soon as it is up again."""
        if not self.powered:
            self._late[path] = text, mode
            return
        self.guest.order("write", path=path, text=text, mode=mode)

    def read_file(self, path: str) -> str | None:
        """The text of a file; of a machine without power what was last read of it."""
        if not self.powered:
            return self._files.get(path)
        text = self.guest.order("read", path=path)["text"]
        if text is not None:
            self._files[path] = str(text)
        return None if text is None else str(text)

    def names_in(self, path: str) -> list[str]:
        """The names in a directory; none when it is not there."""
        return list(self.guest.order("names", path=path)["names"])


def with_cable(card: str, plugged: bool) -> str:
    """The definition of a card with its cable plugged or pulled."""
    without = re.sub(r"\s*<link state='[^']*'/>", "", card)
    return without.replace("</interface>", f"<link state='{'up' if plugged else 'down'}'/></interface>")
