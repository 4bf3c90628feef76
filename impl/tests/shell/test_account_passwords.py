"""Passwords of accounts: judged by the system, by the real PAM, and not kept."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from harness.run import run
from impl.tests.samples import TWO_SERVERS
from twinset import config as configuration
from twinset.errors import Refusal
from twinset.shell import exchange, own_accounts, pam

SESAME = (
    "$6$twinsettwin$1vj6QsiEb9JDCxkwAGwxr8qQaw.TiqFqgl0f867CsvxPEdQTRvo3K17bH9MXPaFQu/C3hadwQYyNAN5vyL6tR0"
)
ASK = "import sys; from twinset.shell import pam; print(*(pam.accepts(*a.split('/')) for a in sys.argv[1:]))"


def with_account(name: str, password: str = "") -> configuration.ClusterConfig:
    return configuration.loads(f'{TWO_SERVERS}\n[[account]]\nname = "{name}"\npassword = "{password}"\n')


def test_a_password_is_judged_by_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong one is refused and not repeated in the refusal."""
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(pam, "accepts", lambda user, word: asked.append((user, word)) or word == "sesame")
    own_accounts.refuse_unfit(None, with_account("root", "sesame"), "server1")
    with pytest.raises(Refusal, match="server1 does not accept the password of account root") as refused:
        own_accounts.refuse_unfit(None, with_account("root", "tahini"), "server1")
    assert "tahini" not in str(refused.value)
    assert asked == [("root", "sesame"), ("root", "tahini")]


def test_a_machine_without_pam_cannot_vouch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then a password is refused, not believed."""
    monkeypatch.setattr(pam, "LIBRARY", "libnone.so.9")
    with pytest.raises(Refusal, match="cannot be checked"):
        own_accounts.refuse_unfit(None, with_account("root", "sesame"), "server1")


def test_what_is_kept_has_no_password_in_it() -> None:
    """Neither the cluster's nor an account's; a text without any stays as it was written, with its comments."""
    plain = f"# ours\n{TWO_SERVERS}"
    assert exchange.without_passwords(plain, configuration.loads(plain)) == plain
    for secret in (
        TWO_SERVERS.replace('name = "demo"', 'name = "demo"\npassword = "sesame"'),
        f'{TWO_SERVERS}\n[[account]]\nname = "root"\npassword = "sesame"\n',
    ):
        config = configuration.loads(secret)
        kept = exchange.without_passwords(secret, config)
        assert "sesame" not in kept
        assert configuration.loads(kept) == config.model_copy(
            update={
                "cluster": config.cluster.model_copy(update={"password": ""}),
                "accounts": tuple(each.model_copy(update={"password": ""}) for each in config.accounts),
            }
        )


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and namespaces")
def test_pam_knows_the_password_of_a_user(tmp_path: Path) -> None:
    """The right one is accepted; a wrong one, an empty one and a user that does not exist are not."""
    (tmp_path / "passwd").write_text("root:x:0:0::/root:/bin/sh\nali:x:4711:4711::/:/bin/sh\n")
    (tmp_path / "shadow").write_text(f"root:*:19000:0:99999:7:::\nali:{SESAME}:19000:0:99999:7:::\n")
    (tmp_path / "shadow").chmod(0o600)
    (tmp_path / "nsswitch.conf").write_text("passwd: files\nshadow: files\n")
    lines = [f"mount --bind {tmp_path}/{name} /etc/{name}" for name in ("passwd", "shadow", "nsswitch.conf")]
    lines.append(f'exec {sys.executable} -c "$@"')
    pairs = ["ali/sesame", "ali/tahini", "ali/", "ghost/sesame"]
    argv = ["unshare", "--mount", "sh", "-e", "-c", "\n".join(lines), "sh", ASK, *pairs]
    assert run(argv).stdout.split() == ["True", "False", "False", "False"]
