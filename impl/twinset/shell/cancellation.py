"""A cancelled mirror set is forgotten by the server: record, latch, known table and maps; the data stays (8.3-02).

What is to be forgotten is on the system disk before the configuration that does not name the set any more, and
is carried out when its mirror process has ended, or at the next start of twinsetd. A record that stayed behind
would call two disks equal which anybody may have written since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset import config as configuration
from twinset.errors import ConfigError, TwinsetError

from . import disk_tools, latch, store, table_watch

if TYPE_CHECKING:
    from pathlib import Path

    from .paths import Paths

FILE: Final = "cancelled.json"


def remember(paths: Paths, name: str, me: str) -> None:
    """Note the disk of a set of the active configuration, durably."""
    config = configuration.load(paths.config)
    mirror_set = config.mirror_set(name)
    sets = {**_noted(paths), mirror_set.name: mirror_set.disk_path(me)}
    store.write_json(paths.state / FILE, {"sets": sets})


def carry_out(paths: Paths) -> list[tuple[str, str]]:
    """Forget every noted set that the active configuration does not have; return what could not be, and why."""
    noted, active = _noted(paths), _active(paths)
    if active is None:
        return []
    left, troubles = dict(noted), []
    for name, disk in noted.items():
        if name not in active:
            try:
                _forget(paths, name, disk)
            except (TwinsetError, OSError) as error:
                troubles.append((name, str(error)))
                continue
        del left[name]
    if left:
        store.write_json(paths.state / FILE, {"sets": left})
    elif noted:
        (paths.state / FILE).unlink(missing_ok=True)
    return troubles


def left(paths: Paths) -> list[str]:
    """Return the disks of cancelled sets that carry their record still."""
    return sorted(_noted(paths).values())


def _forget(paths: Paths, name: str, disk: str) -> None:
    """The disk first: the latch is what tells that the record on it is this server's."""
    known = latch.read(latch.path_of(paths.state, name))
    found = disk_tools.look(disk, paths.state, probe=False)
    record = None if found.record is None else found.record.record
    if known is not None and record is not None and record.disk_uuid == known["disk_uuid"]:
        disk_tools.clear(disk, (), paths.state)
    for path in _traces(paths, name):
        path.unlink(missing_ok=True)


def _traces(paths: Paths, name: str) -> list[Path]:
    return [
        table_watch.path_of(paths.state, name),
        paths.run / f"maps-{name}",
        latch.path_of(paths.state, name),
    ]


def _noted(paths: Paths) -> dict[str, str]:
    body, _ = store.read_json_object(paths.state / FILE)
    sets: Any = body.get("sets")
    return {str(k): str(v) for k, v in sets.items()} if isinstance(sets, dict) else {}


def _active(paths: Paths) -> set[str] | None:
    """Return the sets of the active configuration; None when nobody can tell."""
    try:
        return {item.name for item in configuration.load(paths.config).mirror_sets}
    except ConfigError:
        return None
