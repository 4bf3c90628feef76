"""The port on paper: a server comes back."""

from typing import Any


class Returns:
    """What runs on a server that was restored to the cluster."""

    def _script(self, server: str, kind: str, group: dict[str, Any], event: str, place: str) -> Any:
        """Run a script, if the group has one."""
        raise NotImplementedError

    def _recover(self, server: str, group: dict[str, Any]) -> None:
        home = group["policy"][0] == server
        self._script(server, "start", group, "RECOVER", "HOME" if home else "OTHER")
