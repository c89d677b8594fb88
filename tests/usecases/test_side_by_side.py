import threading
import time

from elements.usecases.side_by_side import SideBySide, running


def test_every_job_is_done_and_no_more_at_once_than_allowed():
    done, now, most, lock = [], 0, 0, threading.Lock()

    def job(number):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.005)
        with lock:
            now -= 1
            done.append(number)

    SideBySide([lambda n=n: job(n) for n in range(40)], at_once=5, patience_s=5).run()

    assert sorted(done) == list(range(40))
    assert 2 <= most <= 5
    assert running() == 0


def test_jobs_that_hang_hold_up_neither_the_others_nor_whoever_waits():
    gate, done = threading.Event(), []
    hanging, others = [gate.wait] * 8, set(threading.enumerate())
    began = time.monotonic()

    SideBySide([*hanging, *[lambda n=n: done.append(n) for n in range(20)]], at_once=4, patience_s=0.3).run()

    assert time.monotonic() - began < 3
    assert len(done) == 20
    assert running() == 8
    gate.set()
    for thread in set(threading.enumerate()) - others:
        thread.join(5)
    assert running() == 0


def test_a_job_that_fails_takes_no_other_with_it(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    done = []

    def fail():
        raise ValueError("a fault")

    SideBySide([fail, *[lambda n=n: done.append(n) for n in range(5)]], at_once=1, patience_s=5).run()

    assert done == [0, 1, 2, 3, 4]


def test_nothing_to_do_ends_at_once():
    SideBySide([], at_once=4, patience_s=60).run()
