"""The event catalogue as a document: `python -m twinset.operator.events_doc > impl/docs/events.md`."""

from __future__ import annotations

import sys

from twinset.events_catalogue import CATALOGUE

HEAD = """# Events

Every entry of the event log (`events.jsonl`, `twinset events`) has a number, a time (seconds since 1970), a
name, a stable id, a severity, the server that wrote it, and fields. Severity `error` is an alert: somebody
has to look. Ids are minted once and never reused. Made from `twinset/events_catalogue.py` by
`python -m twinset.operator.events_doc`; a test keeps it fresh.

| id | name | severity | cause | remedy |
| --- | --- | --- | --- | --- |
"""


def document() -> str:
    """Return the text of events.md."""
    rows = sorted(CATALOGUE.items(), key=lambda item: item[1].id)
    return HEAD + "".join(
        f"| {each.id} | {name} | {each.severity} | {each.cause} | {each.remedy} |\n" for name, each in rows
    )


if __name__ == "__main__":
    sys.stdout.write(document())
