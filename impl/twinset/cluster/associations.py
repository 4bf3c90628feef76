"""Whether a virtual computer name stands for its group's floating IP address: ARMVCSET [7.3.1.4-01].

The configuration says how it begins. A change is kept by both servers and by their memory, so it outlives
failovers, restarts and power cuts; it takes effect when the group starts next, because clients may hold the
address that they were given. A configuration that says something else of the group begins anew.

Only the owner of the group changes it while both servers operate. When both changed it apart from each other,
the higher version wins, and of equal ones that of the server whose name sorts last: both decide alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinset.errors import Refusal

from .outcomes import ELSEWHERE, Outcome, require_operating

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .server import Cluster
    from .view import ClusterView, GroupView, Resource

KIND = "virtual_computer_name"
CLAUSE = "7.3.1.4-01"


@dataclass(frozen=True, slots=True)
class Association:
    """Wanted or not; versions only grow, 0 is the configuration's word."""

    wanted: bool
    version: int = 0
    server: str = ""  # the one that changed it last

    @property
    def age(self) -> tuple[int, str]:
        """What decides between two of them."""
        return self.version, self.server

    def to_json(self) -> list[Any]:
        """The association as it travels and is kept."""
        return [self.wanted, self.version, self.server]


def of_view(view: ClusterView) -> dict[str, Association]:
    """What the configuration says, by group."""
    return {
        group.name: Association(all(resource.associate for resource in group.resources))
        for group in view.groups
    }


def from_json(value: Any) -> Association:
    """An association from the peer or the store; ValueError when it is malformed."""
    match value:
        case [bool(wanted), int(version), str(server)]:
            return Association(wanted, version, server)
    raise ValueError(f"{value!r:.100} is no association")


def resumed(memory: Mapping[str, Any], view: ClusterView) -> dict[str, Association]:
    """What was changed before, of groups of which the configuration still says what it said then."""
    said, words = of_view(view), memory.get("association_words", {})
    kept = {
        name: from_json(value)
        for name, value in memory.get("associations", {}).items()
        if name in said and words.get(name, said[name].wanted) == said[name].wanted
    }
    return {**said, **kept}


def hear(cluster: Cluster, told: Mapping[str, Any]) -> None:
    """Take over what the peer holds where it is newer."""
    heard = {str(name): from_json(value) for name, value in told.items()}
    cluster.told.associations = heard
    newer = {
        name: value
        for name, value in heard.items()
        if name in cluster.associations and value.age > cluster.associations[name].age
    }
    if newer and not cluster.life.config_differs:
        _keep(cluster, newer)


def name_associate(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Cancel the association of a name with an address, or have it again, from the group's next start on."""
    group, resource = _named(cluster, args)
    what = f"association of {resource.name}"
    require_operating(cluster, what)
    if not resource.description:
        names = sum(each.kind == KIND for each in group.resources)
        addresses = sum(each.kind == "floating_ip" for each in group.resources)
        raise Refusal(
            "E_STATE",
            f"{what}: group {group.name} has {names} virtual computer names and {addresses} floating IP "
            "addresses; only one name beside at least one address is associated",
            "7.3.1.3-01",
            "twinset cluster create, with another configuration",
        )
    if args["associate"]:
        _require_room(cluster, what)
    if cluster.records[group.name].owner != cluster.me:
        return ELSEWHERE
    known, wanted = cluster.associations[group.name], bool(args["associate"])
    if known.wanted != wanted:
        known = Association(wanted, known.version + 1, cluster.me)
        _keep(cluster, {group.name: known})
        cluster.log(
            "virtual_computer_name_association",
            group=group.name,
            computer_name=resource.name,
            associated=wanted,
        )
    return _when_kept(cluster, group.name, resource, known)


def _require_room(cluster: Cluster, what: str) -> None:
    """An associated name takes places of others [2.2.2.3-22]."""
    names = sum(each.kind == KIND for group in cluster.view.groups for each in group.resources)
    if names > cluster.view.associated_names_max:
        raise Refusal(
            "E_LIMIT",
            f"{what}: with an associated name a cluster has at most {cluster.view.associated_names_max} virtual "
            f"computer names, and this one has {names}",
            "2.2.2.3-22",
            "twinset cluster create, with fewer names",
        )


def _named(cluster: Cluster, args: Mapping[str, Any]) -> tuple[GroupView, Resource]:
    """The name that was meant: by itself, or as the only one of a group."""
    name, wanted_group = str(args.get("name") or ""), str(args.get("group") or "")
    if wanted_group and cluster.view.group(wanted_group) is None:
        help_ = "twinset group list"
        raise Refusal("E_NOTFOUND", f"there is no failover group {wanted_group!r}", "6.2.1-01", help_)
    found = [
        (group, resource)
        for group in cluster.view.groups
        for resource in group.resources
        if resource.kind == KIND
        and (not name or resource.name.casefold() == name.casefold())
        and (not wanted_group or group.name.casefold() == wanted_group.casefold())
    ]
    if not found:
        where = f" in group {wanted_group}" if wanted_group else ""
        meant = repr(name) if name else ""
        text = f"there is no virtual computer name {meant}{where}".replace("  ", " ")
        raise Refusal("E_NOTFOUND", text, CLAUSE, "twinset group list")
    return found[0]


def _when_kept(
    cluster: Cluster, group: str, resource: Resource, association: Association
) -> Callable[[], Outcome | None]:
    """Answer once a power cut here cannot undo it: a peer that operates has made it durable too."""

    def check() -> Outcome | None:
        told = cluster.told.associations.get(group)
        if cluster.peer_operates and (told is None or told.age < association.age):
            return None
        run = cluster.runs[group]
        return True, {
            "group": group,
            "name": resource.name,
            "associated": association.wanted,
            "address": resource.description,
            "waits": run.running and run.associate != association.wanted,
        }

    return check


def _keep(cluster: Cluster, changed: Mapping[str, Association]) -> None:
    cluster.associations.update(changed)
    cluster.persist("associations", {name: each.to_json() for name, each in cluster.associations.items()})
    words = {name: each.wanted for name, each in of_view(cluster.view).items()}
    cluster.persist("association_words", words)
    cluster.dirty = cluster.told_dirty = True
