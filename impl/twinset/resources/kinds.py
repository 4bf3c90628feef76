"""The kinds of resources by the name of their table in the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.errors import StepFailed
from twinset.resources.floating_ip.resource import FloatingIpResource
from twinset.resources.mirror_disk.resource import MirrorDiskResource
from twinset.resources.script.resource import ScriptResource
from twinset.resources.virtual_computer_name.resource import VirtualComputerNameResource

if TYPE_CHECKING:
    from twinset.resources.context import Context, Resource


class NotBuiltYet:
    """A kind that the configuration may name and this version cannot start."""

    def __init__(self, word: str) -> None:
        self._word = word

    async def start(self, ctx: Context) -> None:
        """Refuse: nothing is worse than a group that claims to serve a name and does not."""
        raise StepFailed(f"{self._word} of group {ctx.group.name}: this version cannot start it")

    async def stop(self, ctx: Context) -> None:
        """Nothing was started."""

    async def check(self, ctx: Context) -> None:
        """Nothing was started."""


KINDS: Final[dict[str, Resource]] = {
    "mirror_disk": MirrorDiskResource(),
    "registry_key": NotBuiltYet("the registry keys"),
    "floating_ip": FloatingIpResource(),
    "virtual_computer_name": VirtualComputerNameResource(),
    "script": ScriptResource(),
}
