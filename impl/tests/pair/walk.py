"""A walk through pages of impl/docs: what they show is typed on the lab's servers, as walks.toml arranges it."""

import contextlib
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import WaitTimeout
from harness.labs import joining, pair
from harness.labs.host import Host
from harness.labs.namespaces import TWINSETD, Lab
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.wait import wait_for
from impl.tests import pages

if TYPE_CHECKING:
    from harness.run import Result

HOME = "/var/lib/twinset/walk"  # where a person sits: files without a path lie here
STEP_S = 180.0


class Walk:
    """One lab, and the pages of one walk in their order."""

    def __init__(self, lab: Lab, words: dict[str, str], files: dict[str, str]) -> None:
        self.lab = lab
        self.running = Pair(lab)
        self.words = words
        self.files = files
        for server in lab.servers:
            (server.state_directory / "walk").mkdir(exist_ok=True)

    def through(self, parts: list[dict[str, Any]]) -> None:
        """Every step of every page; AssertionError names page and command."""
        for part in parts:
            self.lab.artefacts.note(part["page"])
            for step in part["steps"]:
                if "do" in step:
                    verb, *args = step["do"]
                    getattr(self, f"do_{verb}")(*args)
                else:
                    self.type(part, step)

    # -- what a person types

    def type(self, part: dict[str, Any], step: dict[str, Any]) -> None:
        """Type a command on each host that the step names; its status and what it prints are as the step says."""
        names = step["on"] if isinstance(step["on"], list) else [step["on"]]
        outputs = [self._type(part, step, self.lab.host(name)) for name in names]
        if step.get("equal") and len(set(outputs)) != 1:
            raise AssertionError(f"{part['page']}: {step['show']}: {outputs}")

    def _type(self, part: dict[str, Any], step: dict[str, Any], host: Host) -> str:
        line = self._filled(step.get("run", step["show"]), part.get("words", {}), host)
        said = self._ran(host, line, step)
        for text in step.get("says", []):
            if pages.words(text) not in pages.words(said):
                raise AssertionError(f"{part['page']}: {line}: no {text!r} in\n{said}")
        if lacks := [text for text in step.get("lacks", []) if text in said]:
            raise AssertionError(f"{part['page']}: {line}: {lacks} in\n{said}")
        if "out" in step:
            require_output(part["page"], step["out"], said)
        if "keep" in step:
            found = re.search(step["keep"], said)
            if found is None:
                raise AssertionError(f"{part['page']}: {line}: nothing like {step['keep']} in\n{said}")
            self.words[step["as"]] = found[0]
        return said

    def _ran(self, host: Host, line: str, step: dict[str, Any]) -> str:
        """What a line says; AssertionError unless its status is one that the step expects."""
        argv = ["sh", "-c", f"cd {HOME if host in self.lab.servers else '/'} && {line}"]
        status = step.get("status", 0)
        expected = status if isinstance(status, list) else [status]
        ran: list[Result] = []

        def ends_so() -> bool:
            ran[:] = [host.run(argv, check=False, timeout_s=STEP_S)]
            return ran[0].returncode in expected

        if step.get("insist"):  # right after another request the cluster may still be busy with that one
            with contextlib.suppress(WaitTimeout):
                wait_for(ends_so, SOON_S, line, poll_s=0.5)
        else:
            ends_so()
        said = ran[0].stdout + ran[0].stderr
        if ran[0].returncode not in expected:
            raise AssertionError(f"{line}\nended with {ran[0].returncode}:\n{said}")
        return said

    def _filled(self, line: str, own: dict[str, str], host: Host) -> str:
        """A command with values of the lab in place of a page's words."""
        words = {**self.words, **own}
        if host in self.lab.servers:
            words["/dev/sdb"] = words["PATH"] = self.lab.server(host.name).disk_path
        for word, value in words.items():
            line = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w=-])", lambda _, v=value: v, line)  # type: ignore[misc]
        return line if "[" not in line or "'" in line else line.replace("[", "").replace("]", "")

    # -- what happens around it

    def do_join(self, inviting: str, offering: str) -> None:
        """Two people, a command on each server, two fingerprints, two answers."""
        one, two = self.lab.server(inviting), self.lab.server(offering)
        joining.by_hand(one, two, "10.10.10.2")
        log = (one.directory / "log" / "join.log").read_text()
        require_output("joining.md", "server2 is there. Fingerprint:", log)

    def do_carry(self, file: str, source: str, target: str) -> None:
        """A file goes from one server to the other."""
        path = file if file.startswith("/") else f"{HOME}/{file}"
        inside = "/etc/twinset/" if path.startswith("/etc/twinset/") else "/var/lib/twinset/"
        one, two = (
            (server.etc_directory if inside == "/etc/twinset/" else server.state_directory)
            / path.removeprefix(inside)
            for server in (self.lab.server(source), self.lab.server(target))
        )
        shutil.copy2(one, two)  # an image of a partition too, which is no text

    def do_write(self, file: str, name: str, text: str = "") -> None:
        """Somebody writes a file: the text of that name, by default the one of the file's."""
        path = file if file.startswith("/") else f"{HOME}/{file}"
        self.lab.server(name).write_file(path, self.files[text or file], 0o755)

    def do_edit(self, file: str, name: str, old: str, new: str) -> None:
        """Somebody changes a text in a file."""
        path = f"{HOME}/{file}"
        text = self.lab.server(name).read_file(path) or ""
        if old not in text:
            raise AssertionError(f"{file}: no {old!r} in\n{text}")
        self.lab.server(name).write_file(path, text.replace(old, new, 1))

    def do_root(self, name: str, line: str) -> None:
        """Something that no page shows: what the walk needs around it."""
        self.lab.host(name).run(["sh", "-c", f"cd / && {line}"], timeout_s=STEP_S)

    def do_end_daemon(self, name: str) -> None:
        """What `systemctl stop twinsetd` does: SIGTERM, and it stays down."""
        server = self.lab.server(name)
        pid = server.daemon_status()["daemon"]
        server.release_daemon()
        server.run(["kill", "-TERM", str(pid)])
        wait_for(lambda: not server.daemon_status()["daemon"], LATE_S, f"twinsetd of {name} to end")

    def do_start_daemon(self, name: str) -> None:
        """What `systemctl start twinsetd` does."""
        self.lab.server(name).start_daemon(TWINSETD)

    def do_power_off(self, name: str) -> None:
        """The power goes."""
        self.lab.power_off(self.lab.host(name))

    def do_power_on(self, name: str) -> None:
        """And comes."""
        self.lab.power_on(self.lab.host(name))

    def do_new_disk(self, name: str) -> None:
        """A disk that was never used takes the place of the old one."""
        image = self.lab.server(name).disk.image
        size_bytes = image.stat().st_size
        with image.open("wb") as file:
            file.truncate(size_bytes)

    def do_new_machine(self, name: str) -> None:
        """A machine of the same name, set up as the first time: no key, no state, and the disk of the old one."""
        server = self.lab.server(name)
        server.forget()
        (server.etc_directory / "cluster.key").unlink()
        (server.state_directory / "walk").mkdir()

    def do_apart(self) -> None:
        """No path between the servers."""
        self.lab.cut_all()

    def do_heal(self) -> None:
        """All paths are there again."""
        self.lab.heal()

    def do_sees(self, observer: str, name: str, symbol: str) -> None:
        """A server shows a server so."""
        pair.await_server(self.lab.server(observer), name, symbol, LATE_S)

    def do_set(self, observer: str, state: str) -> None:
        """A server shows the mirror set so."""
        pair.await_set(self.lab.server(observer), state, LATE_S)

    def do_group(self, observer: str, state: str, on: str = "", group: str = pair.GROUP) -> None:
        """A server shows the group so."""
        pair.await_group(self.lab.server(observer), state, LATE_S, on=on or None, group=group)

    def do_normal(self) -> None:
        """Both servers operate, the set is whole."""
        self.running.await_normal()

    def do_stopped(self) -> None:
        """Both servers are stopped."""
        pair.await_stopped(self.lab, LATE_S)

    def do_event(self, name: str, event: str) -> None:
        """A server has told it."""
        server = self.lab.server(name)
        wait_for(
            lambda: event in {each["event"] for each in server.events()}, LATE_S, f"{name} to tell {event}"
        )

    def do_answers(self, *names: str) -> None:
        """The daemons answer."""
        pair.await_answers([self.lab.server(name) for name in names])


def masked(text: str) -> str:
    """A text with every number and fingerprint the same."""
    text = re.sub(r"\b[0-9a-f]{4}(?:-[0-9a-f]{4}){4}\b", "FINGERPRINT", pages.words(text))
    return re.sub(r"\d+", "N", text)


def require_output(page: str, begins: str, said: str) -> None:
    """What a page shows as output was said, each line; numbers and fingerprints may differ."""
    (shown,) = [
        block
        for block in pages.outputs((pages.DOCS / page).read_text())
        if pages.words(block[0]).startswith(pages.words(begins))
    ]
    if missing := [line for line in shown if masked(line) not in masked(said)]:
        raise AssertionError(f"{page} shows {missing}, but what was said is\n{said}")


TABLE = Path(__file__).with_name("walks.toml")
