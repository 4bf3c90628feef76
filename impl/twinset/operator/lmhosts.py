"""``twinset lmhosts FILE``: the lines of a client's LMHOSTS file (7.3.1.3-10).

Reads one file and nothing else. Exit status 1 when a name may not stand there, or the file is refused.
"""

import sys
from pathlib import Path

from twinset.config import load
from twinset.errors import ConfigError
from twinset.operator import local
from twinset.resources.virtual_computer_name import plan

ALL_LISTED = 0


def run_lmhosts(path: Path, as_json: bool) -> int:
    """Print lines for the associated names and a refusal for each other; return the exit status."""
    try:
        found = plan.lmhosts(load(path))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return local.REFUSED
    if as_json:
        local.print_json({"lines": list(found.lines), "refused": list(found.refused)})
    else:
        sys.stdout.writelines(f"{line}\n" for line in found.lines)
    sys.stderr.writelines(f"{refusal}\n" for refusal in found.refused)
    return local.REFUSED if found.refused else ALL_LISTED
