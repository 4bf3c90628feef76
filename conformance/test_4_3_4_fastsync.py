"""4.3.4: when a rebuild copies differences only (high-speed copy), and when it has to copy everything."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.copying import Copying, Rebuild
from conformance.suite.judge import Judge, Named
from conformance.suite.pair import Pair

ready = pytest.mark.cluster("copies")
off = pytest.mark.cluster("copies-full")
FULL, HIGH_SPEED = "full", "high-speed"
# 1 MiB was written; file system and granularity add to the difference, but nowhere near half a disk.
SMALL = 0.5


def judge_full(judge: Judge, clause_id: Named, rebuild: Rebuild, why: str) -> None:
    """The whole partition was copied, in full mode."""
    judge.equal(clause_id, f"mode {why}", expected=FULL, observed=rebuild.mode)
    judge.holds(clause_id, f"everything was copied {why}", rebuild.copied >= rebuild.size, rebuild.amounts)


def judge_high_speed(judge: Judge, clause_id: Named, rebuild: Rebuild, why: str) -> None:
    """Only differences were copied."""
    judge.equal(clause_id, f"mode {why}", expected=HIGH_SPEED, observed=rebuild.mode)
    small = 0 < rebuild.copied < rebuild.size * SMALL
    judge.holds(clause_id, f"little was copied {why}", small, rebuild.amounts)


@ready
@clause("4.3.4.3-01", "4.3.4-03", "4.3.4-04")
def test_the_first_creation_copies_everything(pair: Pair, judge: Judge) -> None:
    """The first creation of a mirror set finds 100 % different: a full copy that ends well and
    is named so.
    """
    created = Copying(pair).created()
    judge_full(judge, "4.3.4.3-01", created, "at the first creation")
    judge.equal("4.3.4-03", "the operation succeeds", expected="NORMAL", observed=created.state)
    judge.equal("4.3.4-04", "status names the mode", expected=FULL, observed=created.mode)


@ready
@clause("4.3.4-02", "4.3.4.3-01")
def test_a_full_copy_is_in_the_event_log(pair: Pair, judge: Judge) -> None:
    """That high-speed copy was not possible stands in the event log once, with the set and the reason."""
    created = Copying(pair).created()
    judge.equal("4.3.4-02", "entries about it", expected=1, observed=len(created.announced))
    fields = created.announced[0]["fields"]
    judge.holds(
        "4.3.4-02",
        "set and reason are named",
        fields.get("set") == "set1" and bool(fields.get("reason")),
        fields,
    )
    judge.holds(
        "4.3.4.3-01", "the first creation is announced too", bool(created.announced), created.announced
    )


@pytest.mark.needs("alerts")
@ready
@clause("4.3.4-02", "4.3.4.4-03")
def test_a_full_copy_alerts_the_manager(pair: Pair, judge: Judge) -> None:
    """That high-speed copy was not possible reaches the Manager as an alert."""
    created = Copying(pair).created()
    for clause_id in ("4.3.4-02", "4.3.4.4-03"):
        judge.holds(clause_id, "an alert", any(e.get("alert") for e in created.announced), created.announced)


@ready
@clause("4.3.4.2-01", "4.3.4.2-03", "4.3.4.5-01")
def test_a_set_is_ready_as_soon_as_it_is_normal(pair: Pair, judge: Judge) -> None:
    """Broken right after its first creation, a set is rebuilt by high-speed copy: it was ready
    without more ado.
    """
    copying = Copying(pair)
    created, rebuilt = copying.created(), copying.rebuilt()
    judge_full(judge, "4.3.4.2-01", created, "while it was not ready")
    all_of_them = ("4.3.4.2-01", "4.3.4.2-03", "4.3.4.5-01")
    judge_high_speed(judge, all_of_them, rebuilt, "at the first break after it was normal")


@ready
@clause("4.3.4-01", "4.3.4.1-01")
def test_mode_set_and_ready_means_high_speed(pair: Pair, judge: Judge) -> None:
    """With the mode given at registration and the set ready, a rebuild is a high-speed copy."""
    rebuilt = Copying(pair).rebuilt()
    judge_high_speed(judge, ("4.3.4-01", "4.3.4.1-01"), rebuilt, "with the mode set and the set ready")


@pytest.mark.smoke
@ready
@clause("4.3.4.4-01", "4.3.4.4-02", "4.3.4.4-03")
def test_a_return_rebuilds_by_itself(pair: Pair, judge: Judge) -> None:
    """The return of a server rebuilds its mirrors without a further command, at high speed, and
    announces nothing.
    """
    rebuilt = Copying(pair).rebuilt()
    judge.equal("4.3.4.4-01", "the set after the return", expected="NORMAL", observed=rebuilt.state)
    judge_high_speed(judge, "4.3.4.4-02", rebuilt, "on return")
    judge.equal("4.3.4.4-03", "no word of a full copy", expected=(), observed=rebuilt.announced)


@ready
@clause("4.3.4.2-02")
def test_differences_are_counted_from_the_break_on(pair: Pair, judge: Judge) -> None:
    """While the set is normal nothing is counted; the first write after the break is, and none is lost."""
    rebuilt = Copying(pair).rebuilt()
    judge.equal("4.3.4.2-02", "differences while normal", expected=0, observed=rebuilt.dirty_normal)
    judge.holds("4.3.4.2-02", "differences after the break", rebuilt.dirty_broken > 0, rebuilt.dirty_broken)
    sums = Copying(pair).compared_after_rebuild()
    judge.holds("4.3.4.2-02", "both copies are equal after the rebuild", len(set(sums.values())) == 1, sums)


@pytest.mark.spoils
@ready
@clause("4.3.4.3-04", "4.3.4.4-03")
def test_after_both_servers_went_down_everything_is_copied(pair: Pair, judge: Judge) -> None:
    """Both servers were lost at once: difference data is not trusted, everything is copied and announced."""
    rebuilt = Copying(pair).rebuilt_after_both_down()
    judge_full(judge, "4.3.4.3-04", rebuilt, "after both servers went down")
    judge.equal("4.3.4.4-03", "entries about it", expected=1, observed=len(rebuilt.announced))


@pytest.mark.needs("replace_disk")
@ready
@clause("4.3.4.3-02")
def test_after_a_disk_was_replaced_everything_is_copied(pair: Pair, judge: Judge) -> None:
    """A disk that was replaced is 100 % different, and the set is ready again after that copy."""
    copying = Copying(pair)
    judge_full(judge, "4.3.4.3-02", copying.rebuilt_after_replacing("disk"), "onto a replaced disk")
    judge_high_speed(judge, "4.3.4.3-02", copying.rebuilt(again=True), "at the rebuild after that")


@pytest.mark.needs("replace_server")
@ready
@clause("4.3.4.3-03")
def test_after_a_server_was_replaced_everything_is_copied(pair: Pair, judge: Judge) -> None:
    """A server that was replaced gets a full copy, though its name is the old one."""
    judge_full(judge, "4.3.4.3-03", Copying(pair).rebuilt_after_replacing("server"), "onto a replaced server")


@off
@clause("4.3.4-01", "4.3.4.4-02", "4.3.4.4-03")
def test_mode_not_set_means_full(pair: Pair, judge: Judge) -> None:
    """Without the mode a rebuild copies everything, although the set was normal, and that is announced."""
    rebuilt = Copying(pair).rebuilt()
    judge_full(judge, ("4.3.4-01", "4.3.4.4-02"), rebuilt, "on return, with the mode not set")
    judge.equal("4.3.4.4-03", "entries about it", expected=1, observed=len(rebuilt.announced))


@pytest.mark.spoils
@pytest.mark.needs("reconfigure")
@off
@clause("4.3.4.1-02", "4.3.4.2-04", "4.3.4.5-02")
def test_switching_the_mode_on_needs_no_copy(pair: Pair, judge: Judge) -> None:
    """FastSync added to a normal set is ready at once: no registration, no creation, the next
    rebuild is quick.
    """
    copying = Copying(pair)
    copying.switch_on()
    judge.equal("4.3.4.2-04", "the set stays normal", expected="NORMAL", observed=copying.set_now()["state"])
    rebuilt = copying.rebuilt(again=True)
    all_of_them = ("4.3.4.1-02", "4.3.4.2-04", "4.3.4.5-02")
    judge_high_speed(judge, all_of_them, rebuilt, "without a new registration or creation")


@pytest.mark.spoils
@pytest.mark.needs("reconfigure_broken")
@off
@clause("4.3.4.5-03")
def test_switching_the_mode_on_while_broken_takes_one_full_rebuild(pair: Pair, judge: Judge) -> None:
    """FastSync added to a broken set: the next rebuild is full, the one after that is quick."""
    first, second = Copying(pair).switched_on_while_broken()
    judge_full(judge, "4.3.4.5-03", first, "at the first rebuild")
    judge_high_speed(judge, "4.3.4.5-03", second, "at the second rebuild")
