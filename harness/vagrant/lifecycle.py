"""The life cycle of the two machines by Vagrant, through python-vagrant; has to run where libvirt runs.

python -m harness.vagrant.lifecycle up | destroy
"""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import vagrant

from harness.errors import HarnessError, LabError
from harness.topology import default
from harness.vagrant import inputs

RUNNING, GONE = "running", "not_created"
SERVERS = tuple(server.name for server in default().servers)


def machines() -> Any:
    """Vagrant on this checkout's Vagrantfile, with this process's environment."""
    made: Any = vagrant.Vagrant  # half typed: as if it were not at all
    return made(root=str(inputs.ROOT), quiet_stderr=False, env=dict(os.environ))


def worth_reading(lines: Iterable[str]) -> Iterator[str]:
    """What Vagrant says without its progress bars, which are a line for every change."""
    for line in lines:
        text = line.split("\r")[-1].rstrip()
        if text and "Progress:" not in text:
            yield text


def states(found: Iterable[Any]) -> dict[str, str]:
    """Server -> state, of the servers of this lab."""
    return {each.name: each.state for each in found if each.name in SERVERS}


def up(where: Any) -> None:
    """Bring both machines up; LabError when one does not run afterwards."""
    try:
        for line in worth_reading(where.up(stream_output=True)):
            print(line, flush=True)
    except Exception as error:  # whatever subprocess raises
        raise LabError(f"vagrant up: {error}") from error
    _require(where, RUNNING)


def destroy(where: Any) -> None:
    """Destroy both machines; LabError when one is left."""
    try:
        where.destroy()
    except Exception as error:
        raise LabError(f"vagrant destroy: {error}") from error
    _require(where, GONE)


def _require(where: Any, state: str) -> None:
    others = {name: is_ for name, is_ in states(where.status()).items() if is_ != state}
    if others:
        raise LabError(f"not {state}: {', '.join(f'{name} is {is_}' for name, is_ in others.items())}")


def main() -> int:
    """The command line."""
    verbs = {"up": up, "destroy": destroy}
    try:
        verbs[sys.argv[1]](machines())
    except HarnessError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
