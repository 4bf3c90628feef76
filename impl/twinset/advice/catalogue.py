"""Every code of advice in the guide, with its clauses and who looks: a check of this package, a rule, or a person.

The list is that of the guide's recommendations; `impl/docs/advice.md` has a heading for each code that a person
checks. A test holds the three together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CONFIGURATION: Final = "configuration"  # a rule of twinset.config finds it, or a check that needs no server
DISKS: Final = "disks"  # twinset.disks finds it, on each server
PAIR: Final = "pair"  # a check of twinset.advice.checks compares or looks at facts
PERSON: Final = "person"  # impl/docs/advice.md

PAGE: Final = "impl/docs/advice.md"


@dataclass(frozen=True, slots=True)
class Entry:
    """One code."""

    clauses: tuple[str, ...]
    by: str
    fine: str  # what it means that nothing was found; for a person: what to look at


CATALOGUE: Final[dict[str, Entry]] = {
    "W_ACCOUNT": Entry(("5.2.5-04",), PAIR, "each account of the file is one and the same on both servers"),
    "W_AGENT": Entry(("9.4-02",), PAIR, "the logs that event rules watch can be read on both servers"),
    "W_APP_UNREVIEWED": Entry(
        ("5.1-02", "5.2.5-02", "5.3-01"), PERSON, "whether each application survives a switch"
    ),
    "W_ARRAY_MIX": Entry(("4.1.5-04",), DISKS, "no array is mirrored with a single disk"),
    "W_BIND_ORDER": Entry(
        ("7.3.6-06", "7.3.6-09"), CONFIGURATION, "names are registered through the first public LAN"
    ),
    "W_CAPACITY": Entry(("2.1.1-03",), PAIR, "either server has the memory and processors of the other"),
    "W_CLIENT_UNVERIFIED": Entry(("7.2.5-09",), PERSON, "whether each kind of client follows an address"),
    "W_DC": Entry(("2.3.2.1-03",), PAIR, "no server is a domain controller"),
    "W_DEVICE_PROTO": Entry(
        ("2.1.5-05", "2.2.2.2-11", "4.2.1-03"), PERSON, "whether switches speak on the mirror connect"
    ),
    "W_DISK_MISMATCH": Entry(("2.1.3-01",), DISKS, "both disks of a set are of one kind"),
    "W_DNS_TTL": Entry(("7.3.7-06",), PERSON, "how long DNS servers keep what they learnt from WINS"),
    "W_EXCLUSIVE": Entry(("6.2.3-06",), CONFIGURATION, "no group is exclusive"),
    "W_EXPAND": Entry(("2.2.1-07",), PERSON, "whether two servers will do in the long run"),
    "W_FIREWALL": Entry(("2.3.3-04",), PAIR, "no packet filter stands before the servers' ports"),
    "W_FORM": Entry(
        ("3.1.1-01",), CONFIGURATION, "no application of uni-directional standby is in two groups"
    ),
    "W_HW_MISMATCH": Entry(("4.1.1-02",), DISKS, "both disks of a set have one kind of controller"),
    "W_INCOMPAT": Entry(("5.2.3-02", "5.2.3-04"), PAIR, "no program runs that is known to hold mirror disks"),
    "W_LINKSPEED": Entry(("2.1.4-01",), PAIR, "interconnects have 100 Mbit/s or more"),
    "W_LMHOSTS": Entry(("7.3.2.2-02", "7.3.6-04"), CONFIGURATION, "every name may stand in LMHOSTS files"),
    "W_MC_SHARED": Entry(
        ("2.1.5-03", "2.2.2.2-09", "4.2.1-01"), PAIR, "nobody else was seen on the mirror connect"
    ),
    "W_NETBIOS": Entry(
        ("2.2.2.2-03", "7.3.3-10"), CONFIGURATION, "servers with names are bound to the name service"
    ),
    "W_NICBUF": Entry(("4.2.2-03", "8.1-01"), PAIR, "adapters of the mirror connect use all their buffers"),
    "W_NO_BACKUP": Entry(("5.3-05",), PERSON, "that mirror disks are backed up regularly"),
    "W_NO_BBU": Entry(("4.1.4-04",), PERSON, "that write-back caches have a battery or a UPS"),
    "W_NO_RAID": Entry(("4.1.1-03",), DISKS, "mirror disks are drives of disk arrays"),
    "W_NO_TAIL": Entry(("2.1.3-03",), DISKS, "unequal disks keep unused space at their end"),
    "W_PLACEMENT": Entry(
        ("5.2.2-10", "5.3-03", "5.3-04"), CONFIGURATION, "scripts lie on each server's own disk"
    ),
    "W_PREFER_FIP": Entry(
        ("2.3.1-01", "7.2-02"), CONFIGURATION, "no virtual IP address is used without need"
    ),
    "W_PROTO": Entry(("2.1.5-04", "2.2.2.2-10", "4.2.1-02"), PAIR, "only IP runs on the mirror connect"),
    "W_PUBLIC_NOT_IC": Entry(("4.2.3-02",), CONFIGURATION, "every public LAN is an interconnect too"),
    "W_REG_BROAD": Entry(("6.2.7-07",), CONFIGURATION, "registry keys are narrow"),
    "W_RESERVED": Entry(("2.2.2.3-13", "6.2.1-07"), CONFIGURATION, "no group has the name of a DOS device"),
    "W_REUSE": Entry(("8.6-02",), DISKS, "no disk carries the record of another set"),
    "W_REVISION": Entry(("6.2.6-02",), PAIR, "scripts and twinset are the same on both servers"),
    "W_SINGLE_IC": Entry(("2.1.4-03",), CONFIGURATION, "there are two or more interconnects"),
    "W_SIZE": Entry(("4.1.1-01",), DISKS, "both disks of a set have one size"),
    "W_SNMP": Entry(("2.2.2.2-02",), PAIR, "an SNMP service listens on both servers"),
    "W_UNWATCHED": Entry(("9.2-04",), PAIR, "shares are watched for partial stalls (ARMWHSR)"),
    "W_USE_VIP": Entry(
        ("2.3.1-01", "2.3.7-01", "7.2-02"), CONFIGURATION, "no duplicated public LAN asks for virtual IPs"
    ),
    "W_VCN_CLIENT": Entry(("7.3-04",), PERSON, "that clients of virtual computer names speak NetBIOS"),
    "W_VCN_MULTI_NET": Entry(
        ("7.3.1.3-06",), CONFIGURATION, "no associated name has addresses in several networks"
    ),
    "W_WINS": Entry(("7.3.2.3-14",), CONFIGURATION, "name servers are named where names need them"),
    "W_WINS_BIND": Entry(
        ("7.3.2.3-03", "7.3.2.3-11", "7.3.2.3-13"), CONFIGURATION, "the name service is bound to one adapter"
    ),
    "W_WINS_DIFF": Entry(
        ("7.3.2.3-07", "7.3.2.3-15"),
        PAIR,
        "the systems of both servers use the same name servers",
    ),
    "W_WINS_SINGLE": Entry(
        ("7.3.2.3-06",), CONFIGURATION, "both servers' name servers are used, or one outside"
    ),
    "W_WRITEHEAVY": Entry(("2.2.1-09",), PERSON, "how much the application writes"),
    "W_WRITETHRU": Entry(("4.1.4-03",), DISKS, "caches of mirror disks write back"),
}
