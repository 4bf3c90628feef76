"""9.2: the scripts of the sample, which load a program and end it again."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.clusters import account_of
from conformance.suite.commands import GROUP, Commands
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.static import Static


@clause("9.2-04", "9.2-06")
def test_a_group_for_each_server_with_that_server_alone(static: Static) -> None:
    """One group for each server, its policy that server and no other, is accepted; an empty policy is not."""
    config = make.good()
    config["groups"] += [
        make.group(f"watch{server[-1]}", make.script(), policy=(server,)) for server in make.SERVERS
    ]
    for clause_id in ("9.2-04", "9.2-06"):
        static.accepts(clause_id, "a group for each server, of that server alone", config)
    config["groups"][-1]["policy"] = []
    static.refuses("9.2-06", "a policy without a server", config, "E_RANGE", "E_LIMIT")


@pytest.mark.needs("script_commands")
@pytest.mark.cluster("commands")
@clause("9.2-07", "9.2-08", "9.2-15")
def test_a_program_of_a_script_lives_as_long_as_its_group(pair: Pair, judge: Judge) -> None:
    """The start script loads a program when ARMS_EVENT is START, as a user, with words of its own; it outlives the
    script. The stop script ends it by its watch ID, and with its group stopped nothing starts it again.
    """
    here = Commands(pair, "server1")
    user = account_of(pair.provisioned)
    here.at_start(f'[ "$ARMS_EVENT" != START ] || ARMLOAD W1 /U {user} PROGRAM one two')
    here.at_stop("ARMKILL W1")
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, "server1")
        pid = here.wait_started(1)
        judge.holds("9.2-07", "it runs after its script", here.lives(pid), pid)
        judge.equal("9.2-15", "its words", expected=["one two"], observed=here.words())
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
        judge.holds("9.2-08", "ended with its group", not here.lives(pid), pid)
        judge.equal("9.2-08", "starts in all", expected=[pid], observed=here.started())
        here.at_stop("")


@pytest.mark.needs("script_commands")
@pytest.mark.cluster("commands")
@clause("9.2-18", "9.2-19")
def test_two_programs_of_a_script_are_ended_one_by_one(pair: Pair, judge: Judge) -> None:
    """A start script loads two programs under two watch IDs; the stop script ends each by its own."""
    here = Commands(pair, "server1")
    user = account_of(pair.provisioned)
    here.at_start(f"ARMLOAD W2 /U {user} PROGRAM; ARMLOAD W3 /U {user} PROGRAM")
    here.at_stop("ARMKILL W2; ARMKILL W3")
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, "server1")
        here.wait_started(2)
        pids = here.started()
        running = [pid for pid in pids if here.lives(pid)]
        judge.equal("9.2-18", "both run", expected=pids, observed=running)
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
        judge.equal("9.2-19", "still running", expected=[], observed=[pid for pid in pids if here.lives(pid)])
        here.at_stop("")


@pytest.mark.needs("script_commands")
@pytest.mark.cluster("commands")
@clause("9.2-03")
def test_a_program_runs_as_a_registered_account(pair: Pair, judge: Judge) -> None:
    """ARMLOAD /U with an account that is registered runs the program as that user, who is the administrator; with one
    that is not registered it is refused, and nothing starts.
    """
    here = Commands(pair, "server1")
    user = account_of(pair.provisioned)
    noted = f"{pair.see.scratch}/ended"
    here.at_start(f"ARMLOAD W4 /U nobody PROGRAM; echo $? > {noted}; ARMLOAD W5 /U {user} PROGRAM")
    here.at_stop("ARMKILL W5")
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, "server1")
        pid = here.wait_started(1)
        ended = here.shell(f"cat {noted}").stdout.strip()
        judge.holds("9.2-03", "an account that is not registered", ended not in ("", "0"), ended)
        judge.equal("9.2-03", "starts in all", expected=[pid], observed=here.started())
        owner = here.shell(f"stat -c %U /proc/{pid}").stdout.strip()
        judge.equal("9.2-03", "whose program it is", expected=user, observed=owner)
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
        here.at_stop("")
