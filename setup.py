"""Builds the package; the modules of the data path are compiled (impl/docs/decisions/0006-compiled-data-path.md).

pip install .       compiled, where there is a C compiler; interpreted otherwise
pip install -e .    interpreted, from the checkout
"""

import sys

from mypyc.build import mypycify
from setuptools import setup

DATA_PATH = (
    "mirror/copy", "mirror/counts", "mirror/latency", "mirror/maps", "mirror/operations", "mirror/pace",
    "mirror/range_lock", "mirror/standby_path", "mirror/stream", "mirror/without_disk", "mirror/write_path",
    "shell/aio", "shell/buffers", "shell/mirror_connection", "shell/mirror_frames",
    "shell/mirror_flushes", "shell/mirror_limits", "shell/mirror_loop", "shell/mirror_runs", "shell/mirror_session",
    "shell/nbd_answers", "shell/nbd_connection", "shell/nbd_export",
    "wire/nbd", "wire/replication",
)  # fmt: skip
EDITABLE = {"develop", "editable_wheel"}

extensions = []
if not EDITABLE & set(sys.argv):
    extensions = mypycify(
        [f"impl/twinset/{module}.py" for module in DATA_PATH], opt_level="3", debug_level="0"
    )
    for extension in extensions:
        extension.optional = True  # without a compiler the same modules run interpreted
setup(ext_modules=extensions)
