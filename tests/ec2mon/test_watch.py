"""What silence means; time passes by setting the watch's own clock."""

import socket
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError

from ec2mon import watch
from ec2mon.supervise import Child, host
from elements.models import WorkerBeat

pytestmark = pytest.mark.django_db
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(watch, "monotonic", made.monotonic)
    return made


@pytest.fixture
def asked():
    return []


@pytest.fixture
def watched(clock, asked):
    return watch.Watch({"workers": "default"}, {"default": lambda: asked.append(clock.now)})


def pass_time(watched, clock, seconds, *, beats=False):
    """Let the watch look and ask every two seconds."""
    until = clock.now + seconds
    while clock.now < until:
        clock.now += 2
        if beats:
            beat(AT + timedelta(seconds=clock.now))
        watched.round()


def beat(at):
    WorkerBeat.objects.stamp("default", host(), at)


def workers(started_at):
    return Child("workers", str, started_at=started_at)


def test_a_process_that_shows_no_life_for_long_is_complained_about(watched, clock):
    child = workers(clock.now)
    pass_time(watched, clock, 64)
    assert watched.complaint(child) == ""

    pass_time(watched, clock, 4)

    assert watched.complaint(child) == "it has shown no sign of life for 66 s"


def test_a_process_that_beats_is_left_alone(watched, clock):
    child = workers(clock.now)

    pass_time(watched, clock, 300, beats=True)

    assert watched.complaint(child) == ""


def test_silence_begins_with_the_start_of_the_process(watched, clock):
    pass_time(watched, clock, 300)

    assert watched.complaint(workers(clock.now - 60)) == ""
    assert watched.complaint(workers(clock.now - 70)) != ""


def test_an_old_beat_is_no_sign_of_life_whatever_its_time_says(watched, clock):
    beat(AT + timedelta(days=3650))

    pass_time(watched, clock, 70)

    assert watched.complaint(workers(0)) != ""


@pytest.mark.parametrize("other", ["another-host:7", f"{socket.gethostname()}:7", socket.gethostname()])
def test_the_beat_of_another_supervisor_does_not_count_even_on_the_same_machine(watched, clock, other):
    until = clock.now + 70
    while clock.now < until:
        WorkerBeat.objects.stamp("default", other, AT + timedelta(seconds=clock.now))
        pass_time(watched, clock, 2)

    assert watched.complaint(workers(0)) != ""


def test_a_process_without_a_beat_is_never_complained_about(watched, clock):
    pass_time(watched, clock, 300)

    assert watched.complaint(Child("web", str)) == ""


def test_while_the_database_is_away_nothing_is_complained_about(watched, clock, monkeypatch, caplog):
    child = workers(clock.now)

    def away(**kwargs):
        raise OperationalError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(WorkerBeat.objects, "filter", away)
        pass_time(watched, clock, 300)
    pass_time(watched, clock, 60)

    assert watched.complaint(child) == ""
    assert caplog.text.count("cannot be watched at the moment: the database is away") == 1


def test_a_watch_that_hangs_makes_nobody_look_silent(watched, clock):
    child = workers(clock.now)
    pass_time(watched, clock, 10)

    clock.now += 3600

    assert watched.complaint(child) == ""


def test_who_is_silent_or_new_is_asked_more_often(watched, clock, asked):
    watched.complaint(workers(clock.now))
    pass_time(watched, clock, 20, beats=True)
    while_new = len(asked)
    pass_time(watched, clock, 100, beats=True)
    while_working = len(asked) - while_new
    pass_time(watched, clock, 60)
    while_silent = len(asked) - while_new - while_working

    assert (while_new, while_working) == (9, 10)
    assert while_silent >= 15
