"""The steps of a registry key: what is asked of the service that keeps the keys."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from twinset.config.cluster import RegistryKey
from twinset.resources.registry_key import samba
from twinset.resources.registry_key.resource import RegistryKeyResource

RESOURCE = RegistryKeyResource()
KEY = "HKLM\\SOFTWARE\\Acme"


@pytest.fixture()
def ctx(make_context: Any) -> Any:
    group = make_context().config.groups[0].model_copy(update={"registry_keys": (RegistryKey(key=KEY),)})
    return make_context(group=group)


def test_a_start_restores_and_a_stop_sends(ctx: Any) -> None:
    """Both name the group and the key as the configuration writes it."""
    asyncio.run(RESOURCE.start(ctx))
    ctx.system.registry.begin.assert_awaited_once_with("db", KEY)
    asyncio.run(RESOURCE.stop(ctx))
    ctx.system.registry.end.assert_awaited_once_with("db", KEY)


def test_a_stop_after_a_restart_looks_too(make_context: Any, ctx: Any) -> None:
    """The daemon that stops the group is not the one that started it: the last change is sent all the same."""
    asyncio.run(RESOURCE.stop(make_context(group=ctx.group, running=True)))
    ctx.system.registry.resume.assert_called_once_with("db", KEY)
    ctx.system.registry.end.assert_awaited_once_with("db", KEY)


@pytest.mark.parametrize("watched", [True, False])
def test_a_check_goes_on_watching(ctx: Any, watched: bool) -> None:
    """After a restart of the daemon the key is watched again, and only then."""
    ctx.system.registry.watches.return_value = watched
    asyncio.run(RESOURCE.check(ctx))
    assert ctx.system.registry.resume.called != watched


def test_samba_gets_the_short_names_of_the_roots(tmp_path: Path) -> None:
    """`net registry` knows no others; what lies below keeps its spelling."""
    assert samba.export("HKEY_LOCAL_MACHINE\\Software\\Samba", tmp_path)[3] == "HKLM\\Software\\Samba"
    assert samba.delete("hkey_users\\S-1")[3] == "HKU\\S-1"
    assert samba.delete("HKLM\\x")[3] == "HKLM\\x"
