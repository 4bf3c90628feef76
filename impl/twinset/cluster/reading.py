"""Reading a side that takes no part in the cluster, for a snapshot or a backup [4.4-02, 5.3-05].

Rules:
1. Only on a server that is isolated or stopped, of a side that holds a whole copy: nothing writes there.
2. It reads, and nothing else: the daemon gives out devices that refuse writes, the mirror process is not asked, so
   neither generation nor difference changes, and the return is a high-speed copy.
3. While somebody reads, the server does not return and the cluster does not start on it: the copy would change
   under the reader. It belongs to this boot, as permits do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal

from . import mirrors, permits
from .outcomes import ELSEWHERE, require_nothing_stuck, server_name, word

if TYPE_CHECKING:
    from .server import Cluster

CLAUSE: Final = "4.4-02"
WHOLE: Final = ("IN_SYNC", "STALE", "SOLO", "FINISHING")


def mirror_read(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Allow the side here to be read; the daemon attaches its partitions read-only."""
    name = mirrors.set_name(cluster, args)
    if server_name(cluster, str(args.get("server") or cluster.me)) != cluster.me:
        return ELSEWHERE
    what = f"mirror read {name}"
    if cluster.phase not in permits.AT_REST:
        text = f"{what}: {cluster.me} is {word(cluster.status)}; only an isolated or stopped server is read"
        raise Refusal("E_STATE", text, CLAUSE, f"twinset server isolate {cluster.me}")
    require_nothing_stuck(cluster, what)
    known = cluster.permits.get(name)
    if known not in (None, permits.READ) or name in cluster.permitting:
        text = f"{what}: access to it is permitted on {cluster.me}, it may be written"
        raise Refusal("E_STATE", text, permits.ONE_PLACE, f"twinset mirror restrict {name}")
    state = cluster.mirrors[name].state
    if state not in WHOLE:
        text = f"{what}: its side here is {state or 'unknown'}: no whole copy"
        raise Refusal("E_STATE", text, CLAUSE, f"twinset mirror status {name}")
    if known is None:
        cluster.permits[name] = permits.READ
        permits.save(cluster)
        cluster.log("side_read", "info", set=name, server=cluster.me, state=state)
    return {"set": name, "server": cluster.me, "state": state, "already": known is not None}


def mirror_read_end(cluster: Cluster, args: dict[str, Any]) -> Any:
    """Nobody reads the side any more."""
    name = mirrors.set_name(cluster, args)
    if server_name(cluster, str(args.get("server") or cluster.me)) != cluster.me:
        return ELSEWHERE
    if cluster.permits.get(name) == permits.READ:
        del cluster.permits[name]
        permits.save(cluster)
        cluster.log("side_read_end", "info", set=name, server=cluster.me)
    return {"set": name, "server": cluster.me}
