"""Events of mirror sets, their disks and their mirror connects: a part of the catalogue."""

from __future__ import annotations

from typing import Final

from twinset.events_resources import ERROR, INFO, WARNING, Entry

MIRRORS: Final[dict[str, Entry]] = {
    "mirrord_up": Entry("TS0401", INFO, "the mirror process of a set runs"),
    "mirrord_died": Entry(
        "TS0402", WARNING, "the mirror process of a set ended; it is started again", "see its log"
    ),
    "mirrord_lock_held": Entry(
        "TS0403",
        WARNING,
        "a mirror process waits for its predecessor's lock",
        "end the process that holds it",
    ),
    "mirror_set_state": Entry("TS0404", INFO, "a mirror set changed its state"),
    "mirror_break": Entry(
        "TS0405",
        ERROR,
        "a mirror set is not redundant any more",
        "bring the other server or its disk back",
    ),
    "mirror_normal": Entry("TS0406", INFO, "both sides of a mirror set are equal again"),
    "full_copy": Entry(
        "TS0407",
        WARNING,
        "a mirror set is rebuilt by full copy; the event says why no high-speed copy was possible",
    ),
    "high_speed_copy": Entry("TS0408", INFO, "a mirror set is rebuilt by copying the differences"),
    "rebuild_interrupted": Entry("TS0409", WARNING, "a rebuild was interrupted; what is left stays recorded"),
    "outdated": Entry("TS0410", WARNING, "this side of a mirror set is stale: the other one goes on alone"),
    "frozen": Entry(
        "TS0411",
        WARNING,
        "I/O to a mirror set waits",
        "the event names the reason; it goes on when that is gone",
    ),
    "disk_error": Entry(
        "TS0412",
        ERROR,
        "a disk of a mirror set failed at the sector named; its side is isolated",
        "replace the disk, then twinset server return",
    ),
    "disk_lost": Entry("TS0413", ERROR, "a mirror disk cannot be used here", "see disk_error"),
    "access_revoked": Entry("TS0414", WARNING, "this server lost the right to write to a mirror set"),
    "diverged": Entry(
        "TS0415",
        ERROR,
        "both sides of a mirror set were written separately",
        "decide which side is good: twinset mirror resolve SET --keep SERVER --dry-run",
    ),
    "attach_refused": Entry(
        "TS0416", WARNING, "the two sides of a mirror set cannot join", "the event names the reason"
    ),
    "mirror_connect_lost": Entry(
        "TS0417",
        WARNING,
        "a mirror disk connect was lost; the event names those that are left",
        "check cable, switch and card",
    ),
    "mirror_connect_back": Entry("TS0471", INFO, "a mirror disk connect that was lost works again"),
    "disk_too_slow": Entry(
        "TS0473",
        ERROR,
        "a disk of a mirror set took longer than disk_timeout_s for a request; it counts as failed",
        "see disk_error; look for resets of the controller, a worn disk, a starved storage",
    ),
    "mirror_connect_slow": Entry(
        "TS0474",
        WARNING,
        "what was sent over a mirror disk connect was not received within mirror_timeout_s; it is left",
        "check speed and duplex of the cards, and what else uses the network",
    ),
    "mirror_connect_changed": Entry(
        "TS0472", INFO, "a mirror set uses another of its mirror disk connects; nothing was copied"
    ),
    "mirror_connect_refused": Entry(
        "TS0418", WARNING, "a mirror disk connect was refused", "same key on both servers?"
    ),
    "mirror_not_closed": Entry(
        "TS0419",
        ERROR,
        "a mirror set could not be closed in order",
        "the next start needs an operator or a full copy",
    ),
    "stale_refused": Entry("TS0420", WARNING, "the other side could not be marked stale; I/O waits"),
    "cluster_partition_damaged": Entry(
        "TS0421",
        WARNING,
        "a copy of the CLUSTER partition is damaged; the other copy is used",
        "check the disk",
    ),
    "disk_note": Entry("TS0422", INFO, "something about a disk is worth knowing"),
    "forced_return": Entry(
        "TS0423",
        WARNING,
        "an operator declared this side of a mirror set normal without the other one",
        "the other side is overwritten when it is back",
    ),
    "memory_short": Entry(
        "TS0424",
        ERROR,
        "a mirror set was not started: the memory that its I/O size and number imply is not available",
        "twinset memory FILE shows the need; add memory, or lower max_io_kib or max_io_count",
    ),
    "forced_permit": Entry(
        "TS0425",
        WARNING,
        "access to a side that is not known to be the latest was forced; the copies differ from now on",
        "twinset mirror restrict SET, then twinset mirror create SET --source SERVER: a full copy",
    ),
    "access_permitted": Entry(
        "TS0426",
        WARNING,
        "an operator may use the data of a mirror set here without its group",
        "twinset mirror restrict SET before the cluster is started",
    ),
    "access_restricted": Entry("TS0427", INFO, "access to a mirror set without its group has ended"),
    "copies_differ": Entry(
        "TS0428",
        ERROR,
        "one side of a mirror set was written under a forced permit; nothing is copied by itself",
        "decide which side is good: twinset mirror create SET --source SERVER",
    ),
    "mirror_set_registered": Entry("TS0429", INFO, "a mirror set was registered on both servers"),
    "mirror_set_cancelled": Entry(
        "TS0430", WARNING, "a mirror set was cancelled; its disks are disks like any other"
    ),
    "mirror_set_not_forgotten": Entry(
        "TS0431",
        ERROR,
        "the disk of a cancelled mirror set still carries its record; it is tried again at the next start",
        "twinset disk clear PATH --yes",
    ),
    "mirror_options": Entry("TS0432", INFO, "maximum I/O size or number of a mirror set was changed"),
    "partition_table_changed": Entry(
        "TS0433",
        ERROR,
        "the partition table of a mirror disk was changed while it is registered; its side does not start",
        "restore the table that the event names; to change it, twinset mirror cancel SET first",
    ),
    "verify_started": Entry("TS0434", INFO, "both sides of a mirror set are being compared"),
    "verify_difference": Entry(
        "TS0435",
        ERROR,
        "a range of a mirror set differs between both sides, and no write is under way there",
        "twinset mirror verify SET --repair copies it from the side that writes; check both disks and their cables",
    ),
    "verify_equal": Entry("TS0436", INFO, "both sides of a mirror set were compared and are equal"),
    "verify_differs": Entry(
        "TS0437",
        ERROR,
        "both sides of a mirror set were compared and differ; nothing was repaired",
        "decide which side is right; twinset mirror verify SET --repair copies from the side that writes",
    ),
    "verify_repaired": Entry(
        "TS0438",
        WARNING,
        "what differed between both sides of a mirror set was copied from the side that writes",
        "check both disks and their cables: they change data by themselves",
    ),
    "verify_stopped": Entry("TS0439", WARNING, "a comparison of both sides was ended before its end"),
    "mirror_resolve": Entry(
        "TS0440", WARNING, "an operator named the side to keep of a mirror set that diverged"
    ),
    "blocks_kept": Entry(
        "TS0441",
        INFO,
        "what a side that is given up would lose is kept in a file on its server",
        "twinset mirror kept list; delete the file when nobody needs it any more",
    ),
    "given_up": Entry("TS0442", WARNING, "this side of a mirror set was given up; it will be overwritten"),
    "kept": Entry("TS0443", WARNING, "this side of a mirror set was named the good one after a divergence"),
}
