"""What a mirror process has done since it was started, for `twinset mirror stats`."""

from __future__ import annotations


class Counts:
    """Plain numbers that only grow; bytes beside operations. A new process begins at zero."""

    def __init__(self) -> None:
        self.reads = 0  # of clients of this side
        self.read_bytes = 0
        self.writes = 0
        self.written_bytes = 0
        self.flushes = 0
        self.received = 0  # operations of the other side, pieces of copies among them
        self.received_bytes = 0
        self.copied_bytes = 0  # sent to the other side by copies
        self.full_copies = 0  # that have ended well, with this side as the source
        self.high_speed_copies = 0
        self.breaks = 0

    def as_json(self) -> dict[str, int]:
        """Return all of them by name."""
        return {
            "reads": self.reads,
            "read_bytes": self.read_bytes,
            "writes": self.writes,
            "written_bytes": self.written_bytes,
            "flushes": self.flushes,
            "received": self.received,
            "received_bytes": self.received_bytes,
            "copied_bytes": self.copied_bytes,
            "full_copies": self.full_copies,
            "high_speed_copies": self.high_speed_copies,
            "breaks": self.breaks,
        }
