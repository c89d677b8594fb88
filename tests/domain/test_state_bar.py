from datetime import UTC, datetime, timedelta

import pytest

from elements.domain.history import Difference
from elements.domain.state_bar import Present, Stretch, sentence, state_bar, stretches

NOW = datetime(2026, 3, 18, 14, 2, tzinfo=UTC)
BEGIN = NOW - timedelta(days=7)
LONG_AGO = NOW - timedelta(days=100)


def ago(**span):
    return NOW - timedelta(**span)


def state(before, after, at, kind="state"):
    return Difference("i-1", kind, at, before=before, after=after)


def check(before, after, at, what="instance_status"):
    return Difference("i-1", "check", at, before=before, after=after, what=what)


def gap(from_at, to_at):
    return Difference("", "gap", to_at, from_at=from_at, to_at=to_at)


def present(now="running", *failing, first_seen_at=LONG_AGO, observed_until=None):
    return Present(now, frozenset(failing), first_seen_at, observed_until)


def cut(what, *changes):
    return stretches(what, changes, BEGIN, NOW)


def kinds(what, *changes):
    return [each.kind for each in cut(what, *changes)]


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        ("running", "run"),
        ("stopped", "stop"),
        ("pending", "busy"),
        ("stopping", "busy"),
        ("shutting-down", "busy"),
        ("terminated", "none"),
        ("gone", "none"),
        ("a new state", "gap"),
    ],
)
def test_without_a_change_it_was_all_the_time_what_it_is_now(now, kind):
    assert cut(present(now)) == [Stretch(kind, BEGIN, NOW)]


def test_before_its_first_change_it_was_what_the_change_says():
    at, later = ago(days=2), ago(days=1)

    assert cut(present(), state("running", "stopped", at), state("stopped", "running", later)) == [
        Stretch("run", BEGIN, at),
        Stretch("stop", at, later),
        Stretch("run", later, NOW),
    ]


def test_before_it_was_first_seen_nothing_was_observed():
    assert kinds(present(first_seen_at=ago(days=3))) == ["gap", "run"]


def test_a_new_instance_was_not_there_before():
    new = state("", "running", ago(days=3), kind="new")

    assert kinds(present(first_seen_at=ago(days=3)), new) == ["none", "run"]


def test_a_gap_hides_what_was_in_it_and_never_reads_as_stopped():
    changes = state("running", "stopped", ago(hours=30)), gap(ago(hours=40), ago(hours=20))

    assert kinds(present("stopped"), *changes) == ["run", "gap", "stop"]


def test_a_gap_that_began_before_the_bar_is_cut():
    assert cut(present(), gap(ago(days=30), ago(days=5)))[0] == Stretch("gap", BEGIN, ago(days=5))


def test_since_the_last_good_read_nothing_is_observed():
    found = cut(present(observed_until=ago(hours=2)))

    assert found == [Stretch("run", BEGIN, ago(hours=2)), Stretch("gap", ago(hours=2), NOW)]


def test_a_failing_check_is_bad_until_it_passes():
    changes = check("ok", "impaired", ago(days=2)), check("impaired", "ok", ago(days=1))

    assert kinds(present(), *changes) == ["run", "bad", "run"]


def test_a_check_that_failed_before_the_bar_began_was_bad_from_its_beginning():
    assert kinds(present(), check("impaired", "ok", ago(days=1))) == ["bad", "run"]
    assert kinds(present("running", "system_status")) == ["bad"]


def test_a_stopped_instance_fails_no_check():
    changes = (
        state("running", "stopping", ago(days=1)),
        check("impaired", "", ago(days=1)),
        state("stopping", "stopped", ago(hours=23)),
    )

    assert kinds(present("stopped"), *changes) == ["bad", "busy", "stop"]


def test_which_checks_failed_is_told_apart():
    changes = check("ok", "impaired", ago(days=2)), check("ok", "impaired", ago(days=1), "system_status")

    found = cut(present("running", "system_status", "instance_status"), *changes)

    assert [each.failing for each in found[1:]] == [("instance_status",), ("system_status", "instance_status")]


def test_going_and_coming_back_leaves_a_hole():
    changes = state("running", "gone", ago(days=2), "gone"), state("gone", "running", ago(days=1), "back")

    assert kinds(present(), *changes) == ["run", "none", "run"]


def test_widths_are_shares_of_the_time_and_short_ones_stay_visible():
    changes = state("running", "stopping", ago(days=3, hours=12)), state("stopping", "stopped", ago(days=3, hours=11.9))

    rects = {rect.paint: rect for rect in state_bar(present("stopped"), changes, NOW).rects}

    assert (rects["l-run"].x, rects["l-run"].width) == ("0.00%", "50.00%")
    assert (rects["l-busy"].x, rects["l-busy"].width) == ("50.00%", "0.60%")
    assert rects["l-run"].height > rects["l-stop"].height
    assert rects["l-stop"].y + rects["l-stop"].height == rects["l-run"].y + rects["l-run"].height


def test_a_short_one_at_the_very_end_does_not_leave_the_bar():
    rects = state_bar(present("stopping"), [state("running", "stopping", ago(seconds=2))], NOW).rects

    assert (rects[-1].x, rects[-1].width) == ("99.40%", "0.60%")


def test_what_matters_is_drawn_last():
    changes = (
        check("ok", "impaired", ago(days=2)),
        check("impaired", "ok", ago(days=1)),
        gap(ago(hours=3), ago(hours=2)),
    )

    assert [rect.paint for rect in state_bar(present(), changes, NOW).rects][-2:] == ["l-gap", "l-bad"]


def test_days_are_marked_at_midnight_and_named():
    ticks = state_bar(present(), [], NOW).ticks

    assert [tick.label for tick in ticks] == ["Thu 12", "Fri 13", "Sat 14", "Sun 15", "Mon 16", "Tue 17", "Wed 18"]
    assert ticks[0].x == "5.93%"


def test_the_name_of_a_day_that_has_just_begun_is_left_out():
    assert state_bar(present(), [], datetime(2026, 3, 18, 0, 30, tzinfo=UTC)).ticks[-1].label == ""


def test_the_sentence_says_what_was_most_of_the_time_and_the_rest_by_day_and_minute():
    changes = (
        state("running", "stopping", datetime(2026, 3, 14, 22, 3, tzinfo=UTC)),
        state("stopping", "stopped", datetime(2026, 3, 14, 22, 4, tzinfo=UTC)),
        state("stopped", "running", datetime(2026, 3, 15, 5, 31, tzinfo=UTC)),
        gap(datetime(2026, 3, 16, 11, 0, tzinfo=UTC), datetime(2026, 3, 16, 11, 42, tzinfo=UTC)),
        check("ok", "impaired", datetime(2026, 3, 18, 13, 52, tzinfo=UTC)),
    )

    assert state_bar(present("running", "instance_status"), changes, NOW).sentence == (
        "Running for most of the last 7 days. Stopped from Sat 14 March 22:04 to Sun 15 March 05:31."
        " Not observed from Mon 16 March 11:00 to Mon 16 March 11:42."
        " Instance status check failing since Wed 18 March 13:52. Times are in UTC."
    )


def test_the_sentence_of_an_undisturbed_week_is_short():
    assert state_bar(present("stopped"), [], NOW).sentence == "Stopped for all of the last 7 days."


def test_the_sentence_of_a_restless_week_stays_readable():
    found = [
        Stretch("run" if number % 2 else "stop", BEGIN + timedelta(hours=number), BEGIN + timedelta(hours=number + 1))
        for number in range(40)
    ]

    text = sentence(found, BEGIN, NOW)

    assert "32 more stretches of time before these:" in text
    assert text.count(" from ") == 8
