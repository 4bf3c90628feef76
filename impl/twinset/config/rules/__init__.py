"""The guide's rules about a configuration, as one table.

A rule is a small function from the configuration to its findings, beside the clauses it stands for. One file
per chapter; ``timing`` holds the rules that are ours.
"""

from collections.abc import Iterator

from twinset.config.rules import (
    alerts,
    chapter_2_1,
    chapter_2_2_1,
    chapter_2_2_2,
    chapter_2_2_3,
    chapter_2_3,
    chapter_3,
    chapter_6,
    chapter_7,
    monitoring,
    partition,
    printers,
    timing,
)
from twinset.config.rules.rule import Rule
from twinset.config.structure import Structure
from twinset.finding import Finding

RULES: tuple[Rule, ...] = (
    *chapter_2_2_3.RULES,
    *timing.RULES,
    *chapter_2_1.RULES,
    *chapter_2_2_2.RULES,
    *chapter_2_2_1.RULES,
    *chapter_2_3.RULES,
    *chapter_3.RULES,
    *chapter_6.RULES,
    *chapter_7.RULES,
    *printers.RULES,
    *monitoring.RULES,
    *alerts.RULES,
    *partition.RULES,
)


def judge(structure: Structure) -> Iterator[Finding]:
    """Yield what the rules find, except about values that are stand-ins for broken ones."""
    for rule in RULES:
        if any(structure.lacks(field) for field in rule.needs):
            continue
        for finding in rule.check(structure.config):
            if not structure.is_broken(finding.path):
                yield finding
