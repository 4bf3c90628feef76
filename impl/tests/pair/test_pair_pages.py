"""The pages of impl/docs are walked: what they tell a person to type is typed on two servers, page by page."""

import json
import tomllib
from typing import Any

from harness import audits, topology
from harness.labs import pair
from harness.labs.namespaces import Lab
from harness.labs.running import LATE_S
from impl.tests.advice.measured_costs import BODY

from .walk import TABLE, Walk

WALKS: dict[str, Any] = tomllib.loads(TABLE.read_text())
SCRIPTS = ("/etc/twinset/scripts/db-start", "/etc/twinset/scripts/db-stop")
ADDRESS = f'[[group.floating_ip]]\naddress = "{topology.FLOATING_IP}"\n'
MORE = """[[group.printer]]
spool = "/mnt/db/spool"
queues = [ {name = "office", device = "socket://10.0.1.60:9100"} ]
"""
WEB = '[[group]]\nname = "%s"\npolicy = ["server2", "server1"]\n[[group.floating_ip]]\naddress = "10.0.1.12%d"\n'


def parts(walk: str) -> list[dict[str, Any]]:
    return [part for part in WALKS["part"] if part["walk"] == walk]


def test_from_bare_servers_to_a_removal() -> None:
    """Two servers that share nothing are joined, their disks prepared, a cluster built, used, changed, upgraded and
    removed, by what the pages say and nothing else.
    """
    with Lab.create(disk_mib=64, seed=11, name="pages-build", power_on=False, filesystem=None) as lab:
        for server in lab.servers:
            (server.etc_directory / "cluster.key").unlink()
        for host in lab.hosts.values():
            lab.power_on(host)
        text = pair.configuration(
            lab,
            scripts=[SCRIPTS],
            virtual_names=["DBSERVER"],
            registry_keys=[(r"HKLM\SOFTWARE\Acme", "twinset")],
            more=MORE,
        )
        changed = text.replace(ADDRESS, f'{ADDRESS}[[group.floating_ip]]\naddress = "10.0.1.120"\n')
        changed = changed.replace('startup = "automatic"', 'startup = "automatic"\nfailback = true')
        files = {
            "cluster.toml": text,
            "payroll.toml": text + WEB % ("web", 1) + WEB % ("payroll_database_1", 2),
            "costs.json": json.dumps(BODY),
            "changed": changed + WEB % ("web", 1),
            "without": text.partition("[[group]]")[0],
        }
        Walk(lab, dict(WALKS["words"]), files).through(parts("build"))
    audits.no_leftovers(lab).require()


def test_what_goes_wrong_is_put_right() -> None:
    """A pair is looked at, copied, compared, split, resolved, permitted, loses a disk and a server, by the pages."""
    with Lab.create(disk_mib=64, seed=12, name="pages-recover") as lab:
        timing = {"startup_wait_s": 30}
        pair.bring_up(lab, LATE_S, timing=timing)
        text = pair.configuration(lab, timing=timing)
        files = {
            "cluster.toml": text + '[alerts]\nhook_error = "/etc/twinset/on-error"\n',
            "/etc/twinset/on-error": '#!/bin/sh\necho "told $TWINSET_EVENT"\n',
            "without": text.partition("[[group]]")[0],
        }
        disks = {f"DISK{number}": server.disk_path for number, server in enumerate(lab.servers, 1)}
        Walk(lab, WALKS["words"] | disks, files).through(parts("recover"))
    audits.no_leftovers(lab).require()
