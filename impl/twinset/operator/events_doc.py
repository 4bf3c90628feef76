"""The event catalogue as a document: `python -m twinset.operator.events_doc > impl/docs/events.md`."""

from __future__ import annotations

import sys
from typing import Final

from twinset.events_catalogue import CATALOGUE

HEAD: Final = """# Events

Every entry of the event log (`events.jsonl`, `twinset events`) has a number, a time (seconds since 1970), a
name, a stable id, a severity, the server that wrote it, and fields. Severity `error` is an alert: somebody
has to look. Ids are minted once and never reused. Made from `twinset/events_catalogue.py` by
`python -m twinset.operator.events_doc`; a test keeps it fresh.
"""
COLUMNS: Final = "| id | name | severity | cause | remedy |\n| --- | --- | --- | --- | --- |\n"
# Where the ids begin so, what they are about, and the page that explains what to do.
CHAPTERS: Final = (
    ("TS01", "twinsetd", "failing.md#when-something-dies"),
    ("TS02", "Servers and networks", "partition.md"),
    ("TS03", "Groups and their resources", "failing.md#what-makes-a-group-fail-over"),
    ("TS04", "Mirror sets", "failing.md#when-a-disk-fails"),
    ("TS05", "Bad input, bugs", "support.md"),
    ("TS060", "Configuration", "changing.md"),
    ("TS061", "Alerts", "alerts.md"),
    ("TS062", "Isolation", "isolating.md"),
    ("TS063", "Keys and the cluster password", "joining.md#change-the-key"),
    ("TS064", "Replacement", "replacing.md"),
    ("TS065", "Ping targets, fencing", "partition.md#the-fencing-hook"),
    ("TS066", "Releases side by side", "upgrading.md#while-two-releases-work-side-by-side"),
)


def document() -> str:
    """Return the text of events.md."""
    rows = sorted(CATALOGUE.items(), key=lambda item: item[1].id)
    parts = [HEAD]
    for begins, title, page in CHAPTERS:
        parts.append(f"\n## {title}\n\nWhat to do: [{page.partition('#')[0]}]({page}).\n\n{COLUMNS}")
        parts += [
            f"| {each.id} | {name} | {each.severity} | {each.cause} | {each.remedy} |\n"
            for name, each in rows
            if each.id.startswith(begins)
        ]
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(document())
