"""The adapter's verb `advise`: the reference's check list, over described servers or over those of the lab."""

import json
from typing import Any

from harness.adapters import neutral
from harness.adapters.lines import FAILED, Answer, Args, needed
from harness.labs.asking import Asking

WARNING, ERROR = "warning", "error"
SEVERITIES = {
    "advice": WARNING,
    "error": ERROR,
}  # other lines say that all is well, or that nobody could look


def described(args: Args) -> dict[str, Any]:
    """What the reference would say to servers of which this is true."""
    from twinset.advice.examine import examine
    from twinset.config import check_document, loads

    document = neutral.document(needed(args, "config", dict), neutral.Places())
    config = loads(neutral.toml(document))
    servers = [_facts(config, name, said) for name, said in needed(args, "servers", dict).items()]
    return _answer([each.as_json() for each in examine(config, check_document(document), servers, {})])


def here(server: Asking) -> dict[str, Any]:
    """What the operator's command says on a server of the lab, about both."""
    printed = server.twinset_result("doctor").stdout
    try:
        return _answer(json.loads(printed)["lines"])
    except (ValueError, KeyError) as error:
        raise Answer(FAILED, f"twinset doctor printed {printed[:300]!r}: {error!r}") from None


def _facts(config: Any, name: str, said: dict[str, Any]) -> Any:
    """The reference's facts of a server: as said, and for the rest a server on which all is as configured."""
    from twinset.advice.facts import Nic, ScriptFile, ServerFacts

    nics = {}
    for lan in config.lans:
        end, speed = lan.endpoint(name), said["interfaces"][lan.name]["speed_mbps"]
        nics[end.interface] = Nic(addresses=(end.address,), up=True, speed_mbps=speed or 0)
    scripts = {path for group in config.groups for each in group.scripts for path in (each.start, each.stop)}
    return ServerFacts(
        server=name,
        memory_kib=said["memory_mib"] << 10,
        processors=said["processors"],
        nics=nics,
        listening=tuple(said["listening"]),
        accounts=said["accounts"],
        name_servers=tuple(said["name_servers"]),
        scripts={path: ScriptFile(executable=True, digest="same") for path in scripts},
    )


def _answer(lines: list[dict[str, Any]]) -> dict[str, Any]:
    findings = [
        {
            "severity": SEVERITIES[line["status"]],
            "code": line["code"],
            "path": line["clause"],
            "message": line["text"],
            "server": line["server"],
        }
        for line in lines
        if line["status"] in SEVERITIES
    ]
    return {"accepted": all(each["severity"] != ERROR for each in findings), "findings": findings}
