"""Rules about hooks and receivers of SNMP notifications; ours, but for the service that 2.2.2.2-02 asks for."""

import ipaddress
from collections.abc import Iterator

from twinset.config.cluster import ClusterConfig
from twinset.config.rules.common import absolute_path, positive
from twinset.config.rules.rule import Rule
from twinset.config.structure import shown
from twinset.finding import Finding, error
from twinset.wire.snmp import PASSWORD_BYTES_MIN

TRAPS_MAX = 8
NAME_BYTES_MAX = 32
HOOK_S_MAX = 600
SNMP = "2.2.2.2-02"


def hooks(config: ClusterConfig) -> Iterator[Finding]:
    """A hook is an absolute path; its time is bounded."""
    for name in ("hook_info", "hook_warning", "hook_error"):
        if path := getattr(config.alerts, name):
            yield from absolute_path(f"alerts.{name}", path, code="E_RANGE", clause="")
    yield from positive("alerts.hook_timeout_s", config.alerts.hook_timeout_s, clause="")
    if config.alerts.hook_timeout_s > HOOK_S_MAX:
        words = f"{config.alerts.hook_timeout_s} s, at most {HOOK_S_MAX} are allowed"
        yield error("E_RANGE", "alerts.hook_timeout_s", words, clause="", limit=HOOK_S_MAX)


def receivers(config: ClusterConfig) -> Iterator[Finding]:
    """Receivers have an IPv4 address, a port, and what their version of SNMP needs."""
    if len(config.traps) > TRAPS_MAX:
        yield error(
            "E_LIMIT", "trap", f"{len(config.traps)} receivers, at most {TRAPS_MAX} are allowed", clause=SNMP
        )
    for i, trap in enumerate(config.traps):
        path = f"trap[{i}]"
        if not _is_address(trap.address):
            words = f"{shown(trap.address)} is no IPv4 address"
            yield error("E_SUBNET", f"{path}.address", words, clause=SNMP, value=trap.address)
        if not 1 <= trap.port <= 65535:
            yield error("E_RANGE", f"{path}.port", f"{trap.port} is no port", clause=SNMP, value=trap.port)
        named = ("community", trap.community) if trap.version == "2c" else ("user", trap.user)
        if not 1 <= len(named[1].encode()) <= NAME_BYTES_MAX:
            words = f"{len(named[1].encode())} bytes, 1 to {NAME_BYTES_MAX} are allowed"
            yield error("E_LENGTH", f"{path}.{named[0]}", words, clause=SNMP, limit=NAME_BYTES_MAX)
        if trap.version == "3" and len(trap.password.encode()) < PASSWORD_BYTES_MIN:
            words = f"{len(trap.password.encode())} bytes, at least {PASSWORD_BYTES_MIN} are needed"
            yield error("E_LENGTH", f"{path}.password", words, clause=SNMP, limit=PASSWORD_BYTES_MIN)


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


RULES = (Rule(hooks, ()), Rule(receivers, (SNMP,)))
