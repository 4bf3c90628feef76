"""From the verdicts of a run to what people read: report.json, junit.xml and report.html.

Everything here is pure, from data to text, except write.py. `model` makes the report, the others render it.
"""

FORMAT = 1  # of report.json; version history in conformance/README.md
