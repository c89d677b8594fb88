import signal

import pytest
from django.db import OperationalError

from elements import tasks
from elements.management.commands import clock
from elements.models import WorkerBeat

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(monkeypatch):
    """Run the clock for some ticks; `answers` says what each of them does, and no time passes between them."""

    def with_ticks(*answers):
        left, pauses = list(answers), []
        command = clock.Command()

        def tick(now):
            answer = left.pop(0)
            if not left:
                signal.raise_signal(signal.SIGTERM)
            if answer:
                raise answer

        monkeypatch.setattr(tasks, "tick", tick)
        monkeypatch.setattr(clock.time, "sleep", pauses.append)
        monkeypatch.setattr(clock, "close_old_connections", lambda: None)  # it would end the test's transaction
        command.handle()
        return pauses

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield with_ticks
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_it_ticks_each_second_until_told_to_end(run):
    pauses = run(None, None, None)

    assert len(pauses) == 3
    assert all(0.5 < pause <= 1.0 for pause in pauses)


def test_it_proves_now_and_then_that_it_ticks(run):
    run(None)

    assert WorkerBeat.objects.get().queue == "clock"


def test_it_outlives_a_database_that_is_away_and_says_so_once(run, caplog):
    away = OperationalError("the database is away")

    pauses = run(away, away, away, None)

    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "the clock cannot use the database and goes on trying: the database is away",
        "the clock ticks again",
    ]
    assert [round(pause) for pause in pauses] == [3, 3, 3, 1]


def test_it_outlives_a_fault_of_ours_and_shows_where(run, caplog):
    run(ValueError("a fault"), None)

    assert "Traceback" in caplog.text and "a fault" in caplog.text


def test_it_does_not_beat_while_it_cannot_tick(run):
    run(OperationalError("the database is away"))

    assert not WorkerBeat.objects.exists()
