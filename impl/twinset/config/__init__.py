"""The configuration: a typed model, the guide's rules about it, and its text form.

``load`` gives a configuration without errors or raises ConfigError with every finding; ``check_text`` and
``check_file`` give all findings, warnings too; ``dump`` writes the text that ``load`` reads.
"""

from twinset.config.cluster import ClusterConfig
from twinset.config.text import check_document, check_file, check_text, dump, load, loads
from twinset.errors import ConfigError
from twinset.finding import Finding

__all__ = [
    "ClusterConfig",
    "ConfigError",
    "Finding",
    "check_document",
    "check_file",
    "check_text",
    "dump",
    "load",
    "loads",
]
