"""Services as systemd tells of them."""

import pytest

from twinset.monitoring import services

# systemctl show --property=LoadState,ActiveState,SubState,Result of systemd 252.
RUNS = "LoadState=loaded\nActiveState=active\nSubState=running\nResult=success\n"
STOPPED = "LoadState=loaded\nActiveState=inactive\nSubState=dead\nResult=success\n"
KILLED = "LoadState=loaded\nActiveState=failed\nSubState=failed\nResult=signal\n"
STARTS = "LoadState=loaded\nActiveState=activating\nSubState=start-pre\nResult=success\n"
UNKNOWN = "Result=success\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (RUNS, ""),
        (STARTS, ""),
        (STOPPED, "is stopped (inactive, dead, success)"),
        (KILLED, "ended abnormally (failed, failed, signal)"),
        (UNKNOWN, "is stopped (inactive, dead, success)"),
    ],
)
def test_stopped_and_failed_are_faults(text: str, fault: str) -> None:
    """inactive is SERVICE_STOPPED, failed is abnormal termination; on its way is neither (6.3-10)."""
    state = services.parse(text)
    assert state is not None
    assert state.fault == fault


@pytest.mark.parametrize("text", ["", "System has not been booted with systemd", "ActiveState=active\n"])
def test_what_is_no_answer_is_no_state(text: str) -> None:
    """An answer without all the properties says nothing, least of all a fault."""
    assert services.parse(text) is None


def test_a_unit_is_no_option() -> None:
    """A name that begins with a dash is still a name."""
    assert services.act("start", "-x")[-2:] == services.show("-x")[-2:] == ["--", "-x"]
