"""Registry keys of the pair, as the adapter reaches them, and what the start script of their group saw."""

from typing import Any

from conformance.suite.clusters import KEY
from conformance.suite.errors import AdapterError
from conformance.suite.pair import DEADLINE_S, Pair
from conformance.suite.wait import wait_for

NAME = "Port"


class Keys:
    """The key of the configuration `registry` on both servers."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self._seen = f"{pair.see.scratch}/seen"

    def ask(self, server: str, action: str, **more: str) -> dict[str, Any]:
        """One request about the key."""
        args = {"server": server, "action": action, "key": KEY, **more}
        return dict(self.pair.adapter.request("registry", args))

    def set(self, server: str, data: str) -> None:
        """Set the value."""
        self.ask(server, "set", name=NAME, data=data)

    def get(self, server: str) -> str | None:
        """The value in the store of a server, None when it is not there."""
        found = self.ask(server, "get", name=NAME)["data"]
        return None if found is None else str(found)

    def hive(self, server: str) -> tuple[str, str]:
        """The file with the exported key on a server, and its checksum; empty when there is none."""
        file = self.ask(server, "hive").get("file")
        return (str(file), self.pair.see.checksum(server, str(file))) if file else ("", "")

    def await_hive(self, server: str, other_than: tuple[str, str]) -> tuple[str, str]:
        """Wait until the server keeps another version of the exported key."""
        what = f"another version of the exported key on {server}"
        return wait_for(
            lambda: self.hive(server), lambda found: found not in (other_than, ("", "")), DEADLINE_S, what
        )

    def note_at_start(self, server: str) -> None:
        """Have the start script note on that server what it reads first."""
        command = " ".join(map(str, self.pair.provisioned["registry_get"]))
        text = f"{command} '{KEY}' {NAME} > {self._seen}\n"
        scratch = self.pair.see.scratch
        ran = self.pair.see.run(
            server, ["sh", "-c", 'printf %s "$1" > "$2"', "sh", text, f"{scratch}/at-start"]
        )
        if ran.returncode:
            raise AdapterError(f"at-start on {server}: {ran.stderr.strip()}")

    def seen_at_start(self, server: str) -> str:
        """What the start script read there when it ran last."""
        return self.pair.see.run(server, ["sh", "-c", f"cat {self._seen} || true"]).stdout.strip()
