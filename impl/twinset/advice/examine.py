"""The whole check list: what is needed (E_...), then one line or more for each code of the guide's advice (W_...)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from twinset.disks.pair import Side, compare

from .catalogue import CATALOGUE, CONFIGURATION, DISKS, PAGE, PAIR, Entry
from .checks import CHECKS
from .line import ADVICE, ERROR, OK, PERSON, UNKNOWN, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from twinset.config.cluster import ClusterConfig
    from twinset.finding import Finding

    from .facts import ServerFacts

CLOCKS_APART_S_MAX: Final = 5.0
OWN_PROCESS: Final = "twinset-mirrord "


def examine(
    config: ClusterConfig,
    findings: Iterable[Finding],
    servers: Sequence[ServerFacts],
    absent: Mapping[str, str],
) -> list[Line]:
    """Return the check list. `findings` are those of the configuration; `absent`: servers and why nobody answered."""
    lines = [
        Line(ERROR, "E_STATE", "7.1.1-07", why, "start twinsetd there", name) for name, why in absent.items()
    ]
    lines += _needed(config, servers)
    found = [*(_of_finding(finding.as_json()) for finding in findings), *_of_disks(config, servers)]
    lines += [line for line in found if line.status == ERROR]
    seen = {facts.server for facts in servers}
    unseen = [server.name for server in config.servers if server.name not in seen]
    by_code: dict[str, list[Line]] = {}
    for line in found:
        if line.status != ERROR:
            by_code.setdefault(line.code, []).append(line)
    for code, entry in CATALOGUE.items():
        lines += by_code.pop(code, []) or list(_of_code(code, entry, config, servers, unseen))
    for rest in by_code.values():  # advice of ours beyond the guide's
        lines += rest
    return lines


def failed(lines: Iterable[Line]) -> bool:
    """True when something that is needed is not there."""
    return any(line.status == ERROR for line in lines)


def _of_code(
    code: str, entry: Entry, config: ClusterConfig, servers: Sequence[ServerFacts], unseen: Sequence[str]
) -> Iterator[Line]:
    clause = entry.clauses[0]
    if code in CHECKS:
        found = [replace(line, code=code, clause=clause) for line in CHECKS[code](config, servers)]
        yield from found
        if any(line.status in (ADVICE, UNKNOWN) for line in found):
            return
    if entry.by in (PAIR, DISKS) and unseen:
        text = f"{' and '.join(unseen)} could not be looked at; as far as seen, {entry.fine}"
        yield Line(UNKNOWN, code, clause, text, "twinset doctor, once both servers answer")
    elif entry.by in (CONFIGURATION, DISKS, PAIR):
        yield Line(OK, code, clause, entry.fine)
    else:
        yield Line(PERSON, code, clause, entry.fine, f"{PAGE}#{code.lower()}")


def _of_finding(body: Mapping[str, Any], where: str = "", server: str = "") -> Line:
    """A finding's message ends in its clause, which has a field of its own here."""
    status = ERROR if body["severity"] == "error" else ADVICE
    clause = str(body["clause"])
    text = where + str(body["message"]).removesuffix(f" [{clause}]")
    return Line(status, str(body["code"]), clause, text, str(body.get("help", "")), server)


def _of_disks(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    """Findings about each disk, and about the two sides of each set."""
    for mirror_set in config.mirror_sets:
        sides = []
        for facts in servers:
            path = mirror_set.disk_path(facts.server)
            where = f"mirror set {mirror_set.name}: {path}: "
            if path in facts.disk_trouble:
                why = facts.disk_trouble[path]
                yield Line(ERROR, "E_DISK", "4.1.2-01", where + why, "twinset disk list", facts.server)
            for disk in (disk for disk in facts.disks if disk.get("path") == path):
                for finding in disk.get("findings", ()):
                    if not str(finding.get("value")).startswith(OWN_PROCESS):  # which holds it while it works
                        yield _of_finding(finding, where, facts.server)
                sides.append(disk)
        if len(sides) == 2:
            for each in compare(Side.of_json(sides[0]), Side.of_json(sides[1])):
                yield _of_finding(each.as_json(), f"mirror set {mirror_set.name}: ")


def _needed(config: ClusterConfig, servers: Sequence[ServerFacts]) -> Iterator[Line]:
    """What a server must have, or it cannot do its part."""
    for facts in servers:
        for program in facts.missing_programs:
            text = f"the program {program} is not installed"
            yield Line(ERROR, "E_UNSUPPORTED", "2.2.2.1-07", text, "install its package", facts.server)
        if config.mirror_sets and not facts.fuse:
            text = "there is no /dev/fuse: mirror disks cannot be mounted"
            yield Line(ERROR, "E_UNSUPPORTED", "7.1.1-05", text, "modprobe fuse", facts.server)
        if config.groups and not facts.packages_guarded:
            text = "nothing holds package updates back while a group runs here"
            help_ = "twinset upgrade guard > /etc/apt/apt.conf.d/90twinset"
            yield Line(ADVICE, "W_PACKAGES", "AUX-02", text, help_, facts.server)
        yield from _networks(config, facts)
        yield from _accounts(config, facts)
        for path, script in facts.scripts.items():
            if not script.executable:
                text = f"{path} is no executable file: its group will not start here"
                yield Line(
                    ERROR, "E_NOTFOUND", "7.4-01", text, f"chmod +x {path}, or copy it here", facts.server
                )
    if len(servers) == 2 and abs(servers[0].clock_s - servers[1].clock_s) > CLOCKS_APART_S_MAX:
        apart = abs(servers[0].clock_s - servers[1].clock_s)
        text = f"the clocks are {apart:.0f} s apart: event logs cannot be read side by side"
        yield Line(ADVICE, "W_CLOCKS", "", text, "a time service on both servers")


def _accounts(config: ClusterConfig, facts: ServerFacts) -> Iterator[Line]:
    for account in config.accounts:
        if account.name not in facts.accounts:
            text = f"the system has no account {account.name}"
            yield Line(
                ERROR, "E_DENIED", "2.2.2.3-16", text, f"adduser {account.name}, or a domain", facts.server
            )


def _networks(config: ClusterConfig, facts: ServerFacts) -> Iterator[Line]:
    for lan in config.lans:
        endpoint = lan.endpoint(facts.server)
        nic = facts.nics.get(endpoint.interface)
        if nic is None:
            text = f"there is no interface {endpoint.interface} for LAN {lan.name}"
            yield Line(
                ERROR, "E_NOTFOUND", "2.3.2-02", text, "ip link; the file names another one", facts.server
            )
        elif endpoint.address not in nic.addresses:
            text = f"{endpoint.interface} has not the address {endpoint.address} of LAN {lan.name}"
            yield Line(
                ERROR, "E_SUBNET", "2.3.2-02", text, f"ip address add {endpoint.address} dev {endpoint.interface}",
                facts.server,
            )  # fmt: skip
        elif not nic.up:
            text = f"{endpoint.interface} (LAN {lan.name}) is down"
            yield Line(
                ERROR, "E_SUBNET", "2.1.4-01", text, f"ip link set {endpoint.interface} up", facts.server
            )
