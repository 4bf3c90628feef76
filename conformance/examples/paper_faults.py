"""The port on paper: one server leaves, stands still, or comes back."""

from typing import Any


class Faults:
    """To the rest of the cluster, either is a loss of that server."""

    def power_verb(self, args: dict[str, Any]) -> Any:
        """Cut or give a server's power."""
        raise NotImplementedError

    def _script(self, server: str, kind: str, group: dict[str, Any], event: str, place: str) -> Any:
        """Run a script, if the group has one."""
        raise NotImplementedError

    def _recover(self, server: str, group: dict[str, Any]) -> None:
        home = group["policy"][0] == server
        self._script(server, "start", group, "RECOVER", "HOME" if home else "OTHER")

    def _server_shutdown(self, args: dict[str, Any]) -> Any:
        self.power_verb({"server": args["server"], "action": "cut"})

    def pause(self, args: dict[str, Any]) -> Any:
        """Stand still; a server that goes on finds itself isolated."""
        return self.power_verb(
            {"server": args["server"], "action": "cut" if args["action"] == "pause" else "on"}
        )
