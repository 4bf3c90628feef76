"""The pair tier against a port on paper: it passes, and each flaw that is put into it is caught by
its clause.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.suite import registry, wait
from conformance.suite.adapter import Adapter
from conformance.suite.errors import ConformanceError
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.verdicts import CaseResult, outcome_of
from conformance.tests.case_files import Case, every_case

PAPER = Path(__file__).resolve().parent.parent / "examples" / "paper_pair.py"
# On paper there is no file service, and no capability by which to say so.
NOT_ON_PAPER = {"test_a_network_drive_by_the_name"}
PAIR_CASES = [case for case in every_case() if case.cluster and case.name not in NOT_ON_PAPER]
# flaw -> (the case that has to catch it, the clauses that have to fail)
FLAWS = {
    "no-failover": ("test_3_server_1_goes_down", {"6.2.5-13"}),
    "says-start": ("test_3_server_1_goes_down", {"6.2.3-03"}),
    "returns-by-itself": ("test_4_turn_on_server_1", {"6.2.5-14"}),
    "failback-always": ("test_5_restore_server_1", {"6.2.5-15"}),
    "fails-over-to-isolated": ("test_9_no_server_is_left", {"6.2.5-02"}),
    "manual-starts": ("test_automatic_groups_start_with_the_cluster_and_manual_ones_do_not", {"6.2.2-03"}),
    "exclusive-as-normal": ("test_exclusive_groups_do_not_share_a_server", {"6.2.3-06"}),
    "starts-prn": ("test_a_group_named_like_a_device_does_not_start", {"2.2.2.3-13"}),
    "takes-used-address": ("test_an_address_in_use_is_not_taken", {"2.2.2.3-20", "7.2.1-01"}),
    "no-gratuitous-arp": ("test_the_address_is_announced_when_it_starts", {"7.2.2-01"}),
    "name-without-group": (
        "test_a_name_stands_for_the_address_exactly_while_its_group_is_active",
        {"7.3-01"},
    ),
    "associates-always": ("test_one_name_is_associated_and_two_are_not", {"7.3.1.3-01"}),
    "describes-inactive": ("test_the_description_is_the_associated_address", {"7.3.1.3-08"}),
    "takes-used-name": ("test_a_name_in_use_is_not_taken", {"7.3.1.1-02"}),
    "two-active": ("test_the_data_is_accessible_on_one_server", {"7.1.1-02"}),
    "mirrors-nothing": ("test_data_is_handed_over_on_a_failover", {"7.1.1-04"}),
    "passes-over-lost-record": ("test_a_lost_cluster_partition_is_not_passed_over", {"7.1.2-01"}),
    "copies-nothing": ("test_differences_are_counted_from_the_break_on", {"4.3.4.2-02"}),
    "counts-nothing": ("test_differences_are_counted_from_the_break_on", {"4.3.4.2-02"}),
    "trusts-differences": ("test_after_both_servers_went_down_everything_is_copied", {"4.3.4.3-04"}),
    "registers-anybody": ("test_an_account_that_no_system_has_is_not_registered", {"2.2.2.3-16"}),
    "says-nothing": ("test_a_full_copy_is_in_the_event_log", {"4.3.4-02"}),
}
# Flaws of above that other cases have to catch too.
ALSO_CAUGHT = [
    ("no-failover", "test_multi_directional_standby", {"3.1-04"}),
    ("no-failover", "test_a_power_failure_of_either_server", {"6.3-03"}),
    ("no-failover", "test_several_groups_of_one_program_share_a_server", {"5.2.2-11"}),
    ("no-failover", "test_scripts_start_them_on_the_other_server", {"6.2.6-01"}),
    ("no-failover", "test_scripts_run_on_every_occasion", {"7.4-02"}),
    ("says-start", "test_arms_event_tells_a_start_from_a_failover", {"4.5.2-05"}),
    ("copies-nothing", "test_both_copies_hold_the_same_data", {"4.3.1-02"}),
    ("counts-nothing", "test_writes_are_noted_while_the_mirror_is_broken", {"4.3.1-04"}),
    ("counts-nothing", "test_uni_directional_with_fastsync", {"3.2.1-01"}),
]
# Cases that ask for a capability that it does not declare, or for an operation or a verb that it does not have.
UNSUPPORTED = {
    "test_failback_waits_until_the_data_at_home_is_the_latest",
    "test_a_full_copy_alerts_the_manager",
    "test_the_data_of_two_sides_that_were_both_written_is_recovered_by_a_person",
    "test_a_failed_disk_fails_again_until_it_is_replaced",
    "test_after_a_disk_was_replaced_everything_is_copied",
    "test_after_a_server_was_replaced_everything_is_copied",
    "test_the_software_can_be_kept_from_starting",
    "test_a_program_of_a_script_lives_as_long_as_its_group",
    "test_two_programs_of_a_script_are_ended_one_by_one",
    "test_the_loss_of_a_process_is_a_fault",
    "test_a_standby_is_isolated_read_and_returned",
    "test_armfover_moves_an_active_group",
    "test_armfover_refuses_what_it_cannot_do",
    "test_a_start_script_hands_its_group_on",
    "test_armsleep_waits_that_long",
    "test_armkill_ends_a_program_for_good",
    "test_a_program_is_restarted_up_to_its_threshold",
    "test_armdown_shuts_a_server_down",
    "test_armvcset_cancels_and_resets_an_association",
    "test_a_share_and_an_address_are_needed",
    "test_a_file_service_that_stalls_is_found_and_told_once",
    "test_a_change_is_exported_and_distributed",
    "test_a_route_is_announced_by_the_server_that_runs_the_group",
    "test_an_open_key_is_not_restored_and_a_stopped_group_is_not_followed",
    "test_the_last_value_is_there_before_the_start_script_after_a_power_cut",
    "test_the_shutdown_of_a_server",
    "test_the_complete_stall_of_a_server",
    "test_a_server_that_stands_still_is_a_cause",
    "test_a_connection_breaks_and_the_next_one_goes_to_the_same_address",
    "test_a_lost_public_lan_is_a_cause_unless_it_is_deselected",
    "test_a_router_needs_no_setting_for_a_floating_address",
    "test_a_stall_and_a_line_in_a_log_are_causes",
    "test_above_the_threshold_the_group_may_fail_over",
    "test_an_arp_broadcast_switches_a_floating_address",
    "test_an_option_says_whether_a_program_is_watched",
    "test_any_machine_with_ip_and_arp_may_use_it",
    "test_clients_reach_the_address_from_both_lans",
    "test_connections_are_cut_and_made_again_by_time_out",
    "test_format_1_the_client_connects_to_the_address",
    "test_format_1_the_clients_arp_entry_changes",
    "test_format_2_the_server_calls_another_host_for_its_client",
    "test_format_3_a_remote_host_and_the_server_connect_to_each_other",
    "test_nothing_is_changed_on_the_router",
    "test_servers_reach_the_address",
    "test_the_restart_scope_is_the_program_or_the_scripts",
    "test_the_server_calls_other_hosts_from_its_own_address",
    "test_a_disk_that_is_held_is_told",
    "test_a_program_gets_the_chosen_address_first",
    "test_a_name_server_outside_knows_the_names",
    "test_a_program_runs_as_a_registered_account",
    "test_a_remote_client_is_set_to_both_servers",
    "test_a_remote_client_is_set_to_the_name_server_outside",
    "test_a_router_interprets_rip_for_a_virtual_address_only",
    "test_an_snmp_service_of_a_server_is_seen",
    "test_association_lifts_the_restriction_on_own_servers",
    "test_both_name_servers_know_the_names",
    "test_dns_forgets_what_it_learnt_within_a_second",
    "test_no_two_clusters_of_one_name_on_a_lan",
    "test_lmhosts_pairs_the_name_with_the_address",
    "test_lmhosts_serves_associated_names_only",
    "test_pipes_and_calls_by_the_name",
    "test_two_servers_do_not_use_the_data_at_once",
    "test_a_job_is_printed_after_its_server_was_lost",
    "test_no_set_is_changed_beside_a_running_disk",
    "test_no_access_is_given_beside_a_running_disk",
    "test_the_functions_are_restricted_while_the_cluster_runs",
    "test_created_anew_only_when_both_servers_were_restarted",
    "test_access_to_a_restarted_server",
    "test_each_group_has_a_start_script_with_a_place_for_either_server",
    "test_without_a_cluster_the_script_does_nothing",
    "test_a_failover_has_a_place_for_either_server",
    "test_a_recovery_needs_nothing",
    "test_a_disk_error_at_the_start_starts_the_helper",
    "test_the_helper_does_nothing_elsewhere",
    "test_two_servers_watch_each_other",
    "test_the_software_goes_after_its_resources",
    "test_scripts_for_file_sharing_come_with_the_product",
    "test_only_a_start_loads_the_watch",
    "test_errors_of_an_application_that_runs_move_nothing",
    "test_the_restart_count_is_cleared_after_an_interval",
    "test_a_service_that_is_stopped_or_ends_abnormally_is_a_fault",
    "test_a_fault_of_the_cluster_software",
    "test_with_too_little_memory_a_server_may_not_start",
    "test_after_an_interrupted_permit_mirrors_are_created_again",
    "test_partitions_change_only_after_the_mirroring_was_cancelled",
}
# What the port on paper is too simple for: cases that it fails, each for want of a world that could tell.
BEYOND_PAPER = {
    "test_uni_directional_standby",  # starts an active group on the other server too
    "test_a_co_resident_application_keeps_the_partition_from_being_unmounted",  # no programs run on paper
    "test_a_half_made_update_is_found_and_repaired_by_the_script",
}


@pytest.fixture
def adapter(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Adapter]:
    """The paper port, with the flaw that the test names; on paper nothing takes long, so no wait needs to."""
    monkeypatch.setattr(wait, "PATIENCE", 0.03)
    flaw = getattr(request, "param", "")
    found = Adapter(["env", f"PAPER_FLAW={flaw}", sys.executable, str(PAPER)], tmp_path / "adapter.log")
    yield found
    found.close()


def judged(case: Case, pair: Pair) -> CaseResult:
    """Run one case as the suite would; return how it ended."""
    judge = Judge(registry.load_once(), case.clauses)
    error: Exception | None = None
    try:
        for capability in case.needs:
            pair.adapter.require(capability)
        pair.use(case.cluster)
        case.function(pair=pair, judge=judge)
    except ConformanceError as ended:
        error = ended
    assert error is not None or not judge.unjudged()
    return CaseResult(
        case.id, case.name, case.clauses, "pair", outcome_of(error), str(error), 0, judge.as_dicts()
    )


def test_a_port_on_paper_that_keeps_the_rules_passes(adapter: Adapter) -> None:
    """Every pair case passes against a port without flaw, apart from the capabilities that it
    does not declare.
    """
    pair = Pair(adapter)
    ended = [judged(case, pair) for case in sorted(PAIR_CASES, key=lambda case: case.cluster)]
    failed = {result.node for result in ended if result.outcome not in {"pass", "unsupported", "not run"}}
    assert failed == BEYOND_PAPER
    unseen = [result.reason for result in ended if result.outcome == "not run"]
    assert all("shows no address" in reason or "shows no counters" in reason for reason in unseen), unseen
    others = {result.node: result.reason for result in ended if result.outcome == "unsupported"}
    assert set(others) == UNSUPPORTED, others
    lacking = ("does not declare", "no operation server.shutdown", "no verb pause", "no verb link")
    assert all(any(words in reason for words in lacking) for reason in others.values())


@pytest.mark.parametrize(
    ("adapter", "name", "clauses"), [*((f, *FLAWS[f]) for f in FLAWS), *ALSO_CAUGHT], indirect=["adapter"]
)
def test_a_flaw_is_caught_by_its_clause(adapter: Adapter, name: str, clauses: set[str]) -> None:
    """A port on paper that breaks one rule fails the clause that states it."""
    result = judged(next(case for case in PAIR_CASES if case.name == name), Pair(adapter))
    assert {clause_id for clause_id in clauses if result.outcome_for(clause_id) == "fail"} == clauses, result
