"""The fifteen traps of EC2, and the tests that go red when the guard against one is taken away."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TRAPS = {
    "1 a completed event is not active, whatever its code": [
        "usecases/test_poll_element.py::test_a_completed_event_is_not_active",
        "views/test_events.py::test_an_event_that_aws_calls_over_is_not_active_whatever_its_code_and_time",
    ],
    "2 state code 272 is running": [
        "aws/test_parsing.py::test_a_state_goes_by_its_name_and_else_by_the_low_byte_of_its_code",
        "usecases/test_poll_element.py::test_noise_in_the_high_byte_of_a_state_code_changes_no_state",
    ],
    "3 the same Name on 330 instances gives 330 rows": [
        "usecases/test_poll_element.py::test_the_same_name_on_330_instances_gives_330_rows_with_names_of_their_own",
    ],
    "4 one bad id in a bulk start is named and the rest still start": [
        "usecases/test_change_instance_state.py::test_the_bad_one_of_a_batch_is_named_and_the_rest_still_stop",
    ],
    "5 a start that falls back to stopped is failed": [
        "usecases/test_follow_actions.py::"
        "test_a_start_that_falls_back_to_stopped_is_failed_with_awss_reason_and_the_usual_cause",
    ],
    "6 a capacity error is one call": [
        "usecases/test_change_instance_state.py::test_a_capacity_error_is_exactly_one_call",
        "aws/test_session.py::test_whatever_goes_wrong_a_write_is_sent_once",
    ],
    "7 a throttled element keeps its table and is not connected only after the threshold": [
        "usecases/test_poll_element.py::"
        "test_a_throttled_element_keeps_its_table_and_is_not_connected_only_after_three_failures",
    ],
    "8 a region that is not enabled is named": [
        "aws/test_errors.py::test_a_region_that_is_not_enabled_is_named_and_not_only_the_key",
        "usecases/test_poll_element.py::test_a_region_that_is_not_enabled_is_named_and_the_keys_are_not_blamed",
    ],
    "9 an empty page is not the end, and pages in a circle end": [
        "aws/test_ec2.py::test_an_empty_page_with_a_token_is_not_the_end",
        "aws/test_ec2.py::test_pages_that_lead_in_a_circle_end_as_an_answer_not_understood",
        "usecases/test_poll_element.py::test_pages_that_lead_in_a_circle_fail_and_mark_nothing_gone",
    ],
    "10 no secret, token or signature anywhere": [
        "aws/test_recorder.py::test_no_secret_is_in_records_errors_or_logs_even_at_debug",
        "aws/test_redaction.py::test_a_secret_is_taken_out_however_it_is_written",
        "house/test_keys.py::test_no_page_holds_a_key_whoever_looks",
        "house/test_keys.py::test_no_record_holds_a_key",
        "house/test_keys.py::test_a_dump_of_the_data_leaves_the_keys_out",
        "house/test_secrets.py::test_a_planted_secret_is_nowhere_in_the_database_or_the_logs",
    ],
    "11 an event without end or deadline renders and offers no reschedule": [
        "views/test_events.py::test_an_event_without_end_or_deadline_is_shown_and_offers_no_reschedule",
    ],
    "12 an instance that is gone is flagged, then purged, and its history stays": [
        "usecases/test_poll_element.py::test_an_instance_that_aws_no_longer_lists_is_marked_gone",
        "usecases/test_prune.py::test_gone_instances_are_kept_for_their_retention_and_no_longer",
        "usecases/test_store_scheduled_events.py::test_an_event_outlives_its_pruned_instance_and_keeps_its_name",
    ],
    "13 a poll that overlaps an action does not repaint the old state": [
        "usecases/test_change_instance_state.py::"
        "test_a_poll_that_began_before_the_stop_does_not_bring_the_old_state_back",
        "usecases/test_change_instance_state.py::"
        "test_a_read_that_lags_behind_an_accepted_stop_does_not_bring_the_old_state_back",
    ],
    "14 two workers, one poll": [
        "usecases/test_poll_races.py::test_of_many_polls_of_an_element_at_once_one_reads",
        "usecases/test_poll_races.py::test_of_many_clocks_at_once_each_due_poll_goes_to_one",
        "usecases/test_poll_races.py::test_of_many_deliveries_of_one_task_one_polls",
    ],
    "15 a viewer sees no control and is refused": [
        "security/test_who_may.py::test_each_reader_may_send_the_forms_that_the_rules_say",
        "views/test_instances.py::test_viewers_see_no_control_at_all",
    ],
}


def test_there_are_fifteen():
    assert [int(trap.split()[0]) for trap in TRAPS] == list(range(1, 16))


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_has_its_tests(trap):
    for proof in TRAPS[trap]:
        file, _, name = proof.partition("::")
        assert f"\ndef {name}(" in (ROOT / "tests" / file).read_text(), proof
