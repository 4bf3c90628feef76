"""One spelling per name: what refers to a server or a mirror set is written as that one is.

The guide compares names without regard to case. After this, every other part may compare with ==. Letters
become capitals.
"""

from collections.abc import Iterable

from twinset.config.cluster import ClusterConfig, EventRule, Group, Lan, MirrorSet, same_name


def canonical(config: ClusterConfig) -> ClusterConfig:
    """Return the configuration with one spelling per name."""
    servers = tuple(
        server.model_copy(update={"system_letter": server.system_letter.upper()}) for server in config.servers
    )
    names = [server.name for server in servers]
    sets = [mirror_set.name for mirror_set in config.mirror_sets]
    survivor = _spelling(config.cluster.preferred_survivor, names)
    return config.model_copy(
        update={
            "cluster": config.cluster.model_copy(update={"preferred_survivor": survivor}),
            "servers": servers,
            "lans": tuple(_lan(lan, names) for lan in config.lans),
            "mirror_sets": tuple(_mirror_set(mirror_set, names) for mirror_set in config.mirror_sets),
            "groups": tuple(_group(group, names, sets) for group in config.groups),
            "event_rules": tuple(_event_rule(config, rule) for rule in config.event_rules),
        }
    )


def _lan(lan: Lan, servers: list[str]) -> Lan:
    endpoints = (end.model_copy(update={"server": _spelling(end.server, servers)}) for end in lan.endpoints)
    return lan.model_copy(update={"endpoints": tuple(endpoints)})


def _mirror_set(mirror_set: MirrorSet, servers: list[str]) -> MirrorSet:
    disks = (disk.model_copy(update={"server": _spelling(disk.server, servers)}) for disk in mirror_set.disks)
    partitions = (part.model_copy(update={"letter": part.letter.upper()}) for part in mirror_set.partitions)
    return mirror_set.model_copy(update={"disks": tuple(disks), "partitions": tuple(partitions)})


def _group(group: Group, servers: list[str], sets: list[str]) -> Group:
    disks = []
    for disk in group.mirror_disks:
        mounts = (mount.model_copy(update={"letter": mount.letter.upper()}) for mount in disk.mounts)
        disks.append(disk.model_copy(update={"set": _spelling(disk.set, sets), "mounts": tuple(mounts)}))
    policy = tuple(_spelling(server, servers) for server in group.policy)
    return group.model_copy(update={"policy": policy, "mirror_disks": tuple(disks)})


def _event_rule(config: ClusterConfig, rule: EventRule) -> EventRule:
    return rule.model_copy(update={"group": _spelling(rule.group, (group.name for group in config.groups))})


def _spelling(name: str, known: Iterable[str]) -> str:
    return next((other for other in known if same_name(other, name)), name)
