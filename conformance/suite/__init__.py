"""The core of the suite: registry, adapter, judge, verdicts. Nothing here knows any implementation."""

SUITE_VERSION = "0.1.0"
CONTRACT = 0  # the version of ADAPTER.md that this suite speaks
GUIDE = {
    "title": "EXPRESSCLUSTER for Windows Ver 7.0, System Design (BASIC / Mirror Disk)",
    "edition": 2,
    "date": "2004-05-26",
}
