"""What `make vms` says when something is missing."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import LabError
from harness.vagrant import vms


@pytest.mark.parametrize("verb", ["up", "destroy"])
def test_an_environment_without_vagrants_library_is_told_what_brings_it(
    verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual environment that was made anew has lost the extra; that is no traceback."""
    where: Any = SimpleNamespace(enter=[], environment={})
    monkeypatch.setattr(vms, "find_spec", lambda _name: None)
    monkeypatch.setattr(vms, "call_foreground", lambda *_, **__: pytest.fail("started"))
    with pytest.raises(LabError, match="make vms-setup"):
        vms._lifecycle(where, verb)
