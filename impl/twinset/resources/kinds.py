"""The kinds of resources by the name of their table in the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.resources.floating_ip.resource import FloatingIpResource
from twinset.resources.mirror_disk.resource import MirrorDiskResource
from twinset.resources.printer.resource import PrinterResource
from twinset.resources.registry_key.resource import RegistryKeyResource
from twinset.resources.script.resource import ScriptResource
from twinset.resources.virtual_computer_name.resource import VirtualComputerNameResource
from twinset.resources.virtual_ip.resource import VirtualIpResource

if TYPE_CHECKING:
    from twinset.resources.context import Resource


KINDS: Final[dict[str, Resource]] = {
    "mirror_disk": MirrorDiskResource(),
    "registry_key": RegistryKeyResource(),
    "floating_ip": FloatingIpResource(),
    "virtual_ip": VirtualIpResource(),
    "virtual_computer_name": VirtualComputerNameResource(),
    "printer": PrinterResource(),
    "script": ScriptResource(),
}
