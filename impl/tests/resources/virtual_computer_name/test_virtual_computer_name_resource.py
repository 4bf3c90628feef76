"""The steps of a virtual computer name: what is asked of the name service, and what becomes of its answer."""

import asyncio
from typing import Any

import pytest

from twinset.errors import StepFailed
from twinset.resources.virtual_computer_name import plan
from twinset.resources.virtual_computer_name.resource import VirtualComputerNameResource

RESOURCE = VirtualComputerNameResource()


@pytest.fixture()
def ctx(make_context: Any) -> Any:
    """The group db with a name that is associated."""
    found = make_context()
    group = found.config.groups[0].model_copy(
        update={"virtual_computer_names": (found_name(),)},
    )
    return make_context(group=group)


def found_name() -> Any:
    from twinset.config.cluster import VirtualComputerName

    return VirtualComputerName(name="DbServer")


def test_a_start_takes_the_name_at_its_place(ctx: Any) -> None:
    """The name service gets the name, the LAN and the address."""
    asyncio.run(RESOURCE.start(ctx))
    place = plan.place(ctx.config, "server1", ctx.group, 0)
    ctx.system.names.take.assert_called_once_with("DBSERVER", place)
    assert place.attachments[0].address == "10.0.1.100"


def test_an_objection_fails_the_start_with_its_reason(ctx: Any) -> None:
    """What the name service says is the reason that the operator reads, of the class E_DUP."""
    ctx.system.names.take.return_value = "DbServer belongs to 10.0.1.60 [7.3.1.1-02]"
    with pytest.raises(StepFailed, match=r"10\.0\.1\.60 \[7\.3\.1\.1-02\]") as failure:
        asyncio.run(RESOURCE.start(ctx))
    assert failure.value.code == "E_DUP"


def test_preparing_begins_the_claim(ctx: Any) -> None:
    """The claim of the same name at the same place begins; nothing is taken."""
    RESOURCE.prepare(ctx)
    ctx.system.names.prepare.assert_called_once_with(
        "DBSERVER", plan.place(ctx.config, "server1", ctx.group, 0)
    )
    ctx.system.names.take.assert_not_called()


def test_a_stop_gives_the_name_back(ctx: Any) -> None:
    """Also twice, and also when it was never taken."""
    asyncio.run(RESOURCE.stop(ctx))
    ctx.system.names.release.assert_called_once_with("DBSERVER")


def test_a_check_leaves_a_served_name_alone(ctx: Any) -> None:
    """Nothing is said or done while the name is held."""
    ctx.system.names.holds.return_value = True
    asyncio.run(RESOURCE.check(ctx))
    ctx.system.names.resume.assert_not_called()
    assert ctx.system.events == []


def test_a_check_serves_a_name_again_that_is_not_held(ctx: Any) -> None:
    """After a restart of the daemon the name is taken up at once, and told."""
    asyncio.run(RESOURCE.check(ctx))
    ctx.system.names.resume.assert_called_once()
    assert ctx.system.events == [("virtual_computer_name_resumed", "warning", {"name": "DbServer"})]
