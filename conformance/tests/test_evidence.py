"""What is kept of a case that did not pass."""

import sys
from pathlib import Path

from conformance.suite import evidence
from conformance.suite.adapter import Adapter
from conformance.tests.test_adapter import FAKE


def test_the_words_of_the_adapter_since_the_case_began(tmp_path: Path) -> None:
    """Only what was written since, the last lines of it, each bounded; a log that is not there has none."""
    log = tmp_path / "adapter.log"
    assert evidence.log_since(log, evidence.log_end(log)) == []
    log.write_text("before\n")
    mark = evidence.log_end(log)
    log.write_text("before\n" + "".join(f"line a{n} \x1b\n" for n in range(100)) + "x" * 9999)
    found = evidence.log_since(log, mark)
    assert len(found) == evidence.LINES_MAX
    assert found[0].startswith("line a76")
    assert "before" not in found
    assert len(found[-1]) < 2 * evidence.LINE_CHARACTERS_MAX


def test_what_is_asked_again_and_again_is_one_line() -> None:
    """Lines that differ in numbers only are counted; another request, another server and another answer are not."""
    polled = [f'  1{n}.5   0.00{n} s  {{"id": {n}, "seen_by": "server1"}}  ok' for n in range(5)]
    others = ['  16.0   0.001 s  {"id": 9, "seen_by": "server2"}  ok', *polled[:1], polled[1][:-2] + "failed"]
    found = evidence.folded([*polled, *others])
    assert found == [f"{polled[0]}   (and 4 more like it)", *others]


def collecting(tmp_path: Path, body: str) -> tuple[evidence.Collector, Adapter]:
    script = tmp_path / "fake.py"
    script.write_text(FAKE.replace("BODY", body))
    return evidence.Collector(tmp_path / "report"), Adapter([sys.executable, str(script)], tmp_path / "log")


def test_the_port_leaves_its_files_in_a_folder_of_the_case(tmp_path: Path) -> None:
    """The folder's name is made of the case and cannot lead elsewhere; there is an end to how many are kept."""
    body = "if verb == 'collect': open(args['dir'] + '/x.log', 'w').close(); result({}); continue"
    collector, adapter = collecting(tmp_path, body)
    try:
        place = collector.collect(adapter, "6.2.5-13/../../etc[a b]")
        assert (tmp_path / "report" / place / "x.log").exists()
        assert place == "artefacts/01-6.2.5-13-..-..-etc-a-b"
        collector.collected = evidence.COLLECTED_MAX
        assert collector.collect(adapter, "6.2.5-14/x") == ""
    finally:
        adapter.close()


def test_a_port_that_cannot_collect_makes_no_case_worse(tmp_path: Path) -> None:
    """No folder is left, and nothing is raised."""
    collector, adapter = collecting(tmp_path, "pass")
    try:
        assert collector.collect(adapter, "6.2.5-13/x") == ""
        assert list((tmp_path / "report" / "artefacts").iterdir()) == []
    finally:
        adapter.close()
