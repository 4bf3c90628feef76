"""twinset script create: two files that a shell can read, or a reason."""

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from twinset.operator.cli import app

SHARE = ("--share", "docs", "--path", "/mnt/db/my docs", "--address", "10.0.1.100")


def create(into: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["script", "create", *words, "--into", str(into), "--json"])


def test_both_scripts_are_written(tmp_path: Path) -> None:
    """Executable, good shell, with what was asked for in them."""
    told = json.loads(create(tmp_path / "new", "file-sharing", *SHARE).stdout)
    for part in ("start", "stop"):
        file = Path(told[part])
        assert (file, file.stat().st_mode & 0o777) == (tmp_path / "new" / part, 0o755)
        subprocess.run(["sh", "-n", str(file)], check=True)
    text = Path(told["start"]).read_text()
    assert all(line in text for line in ("[docs]", "path = /mnt/db/my docs", "interfaces = 10.0.1.100"))


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A script that is there may be the operator's own."""
    (tmp_path / "stop").write_text("mine")
    result = create(tmp_path, "file-sharing", *SHARE)
    assert (result.exit_code, json.loads(result.stdout)["error"]["code"]) == (1, "E_DUP")
    assert [(tmp_path / "stop").read_text(), (tmp_path / "start").exists()] == ["mine", False]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("database", *SHARE), "E_UNSUPPORTED"),
        (("file-sharing", "--share", "a]b", *SHARE[2:]), "E_CHARSET"),
        (("file-sharing", *SHARE[:2], "--path", "relative", *SHARE[4:]), "E_CHARSET"),
        (("file-sharing", *SHARE[:2], "--path", "/a;reboot", *SHARE[4:]), "E_CHARSET"),
        (("file-sharing", *SHARE[:4], "--address", "db"), "E_SUBNET"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    """A kind that needs an option of its own, and words that would be read as something else; nothing is written."""
    result = create(tmp_path, *words)
    assert (result.exit_code, json.loads(result.stdout)["error"]["code"]) == (1, code)
    assert list(tmp_path.iterdir()) == []
