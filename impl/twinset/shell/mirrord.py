"""twinset-mirrord: the process that serves one mirror set on one server.

Its modules are compiled where the package was built with a C compiler (setup.py), all but this one, which
`python -m` has to be able to run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from twinset.errors import TwinsetError

from . import mirror_start
from .memory import protect_process
from .mirror_loop import Mirrord
from .mirror_spec import Spec

USAGE: Final = "usage: twinset-mirrord SPEC.json\nThe mirror process of one set; twinsetd writes its spec.\n"


def main() -> int:
    """Run twinset-mirrord with the spec file named on the command line."""
    asked = sys.argv[1:] in (["--help"], ["-h"])
    if asked or len(sys.argv) != 2:
        (sys.stdout if asked else sys.stderr).write(USAGE)
        return 0 if asked else 2
    try:
        daemon = Mirrord(mirror_start.admitted(Spec.load(Path(sys.argv[1]))))
    except (TwinsetError, OSError) as error:
        sys.stderr.write(f"twinset-mirrord: {error}\n")
        return 1
    for refusal in protect_process():
        daemon.log("memory_not_protected", reason=refusal)
    daemon.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
