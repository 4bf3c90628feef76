"""The port on paper: one server leaves, or stands still."""

from typing import Any


class Faults:
    """To the rest of the cluster, either is a loss of that server."""

    def power_verb(self, args: dict[str, Any]) -> Any:
        """Cut or give a server's power."""
        raise NotImplementedError

    def _server_shutdown(self, args: dict[str, Any]) -> Any:
        self.power_verb({"server": args["server"], "action": "cut"})

    def pause(self, args: dict[str, Any]) -> Any:
        """Stand still; a server that goes on finds itself isolated."""
        return self.power_verb(
            {"server": args["server"], "action": "cut" if args["action"] == "pause" else "on"}
        )
