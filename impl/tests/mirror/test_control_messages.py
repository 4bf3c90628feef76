"""Control messages of the other side: whole ones are acted on, anything else is refused before it changes something."""

from __future__ import annotations

from typing import Any

import pytest

from twinset.errors import ProtocolError
from twinset.mirror import control_messages
from twinset.mirror.cluster_partition import State
from twinset.mirror.session import SOURCE
from twinset.mirror.side import Side

from .test_side import SET, make, peer

UUID = SET.hex()
ATTACH = {"type": "attach", "mode": "window", "reason": "", "cur": 5, "set_uuid": UUID, "epoch": 3}
FINISH = {"type": "finish", "cur": 5, "base": 4, "history": [4], "disk_uuid": UUID, "server_uuid": UUID}
WHOLE: tuple[dict[str, Any], ...] = (
    ATTACH,
    FINISH,
    {"type": "attached", "epoch": 1},
    {"type": "refused", "reason": "why"},
    {"type": "finished", "disk_uuid": UUID, "server_uuid": UUID},
    {"type": "stale", "cur": 5},
    {"type": "staled", "cur": 5},
    {"type": "released", "epoch": 1, "in_step": True},
    {"type": "target_faulty", "cur": 5},
    {"type": "source_faulty", "cur": 5},
    {"type": "good_solo", "fresh": False, "epoch": 7},
    {"type": "verify_job", "job": {}},
    {"type": "repair", "ranges": [[0, 4]]},
)
LESS = [(whole, name) for whole in WHOLE for name in whole if name != "type"]


@pytest.mark.parametrize(("whole", "name"), LESS, ids=[f"{whole['type']}-{name}" for whole, name in LESS])
def test_a_message_that_lacks_a_field_or_has_another_kind_of_value_is_refused(
    whole: dict[str, Any], name: str
) -> None:
    """The reason names message and field; record, role and phase are as before (R11)."""
    assert control_messages.check(whole) == whole["type"]
    side, ports = make(State.STALE, index=1)
    side.session_up(peer(role=SOURCE))
    before = (side.record, side.role, len(ports.calls))
    less = {key: value for key, value in whole.items() if key != name}
    with pytest.raises(ProtocolError, match=f"'{whole['type']}' without '{name}'"):
        side.control(less)
    for wrong in (None, -1, 1.5, object()):
        with pytest.raises(ProtocolError, match=f"'{whole['type']}' with '{name}' = "):
            side.control({**whole, name: wrong})
    assert (side.record, side.role, len(ports.calls)) == before


@pytest.mark.parametrize(
    "message",
    [
        {**ATTACH, "set_uuid": "S" * 32},
        {**ATTACH, "set_uuid": UUID[:-2]},
        {**ATTACH, "mode": "refuse"},
        {**ATTACH, "epoch": 1 << 31},
        {**ATTACH, "cur": 1 << 64},
        {**ATTACH, "cur": True},
        {**FINISH, "history": [4, "5"]},
    ],
)
def test_a_value_out_of_its_bounds_is_refused(message: dict[str, Any]) -> None:
    """Identities are 32 digits, generations 64 bits, epochs what the window holds."""
    with pytest.raises(ProtocolError):
        control_messages.check(message)


@pytest.mark.parametrize("kind", [None, "", "hello", ["attach"], {}, 3])
def test_a_message_of_no_known_type_is_refused(kind: Any) -> None:
    """Whatever stands where the type should."""
    side, _ = make()
    side.session_up(peer())
    with pytest.raises(ProtocolError, match="unexpected control message"):
        side.control({"type": kind})


def test_every_message_that_a_side_acts_on_has_its_fields_listed() -> None:
    """And none is listed that no side acts on."""
    assert set(control_messages.FIELDS) == set(Side._CONTROL)
