"""What was found is kept within limits."""

import sys
import threading

from elements.models.kept_finds import ANSWERS, KEYS, KeptFinds


def test_an_answer_is_kept_for_its_question_alone():
    finds = KeptFinds()

    finds.keep((1, 7, "name"), iter([3, 1, 2]))

    assert list(finds.get((1, 7, "name"))) == [3, 1, 2]
    assert finds.get((1, 8, "name")) is None
    assert finds.get((2, 7, "name")) is None


def test_that_nothing_was_found_is_an_answer():
    finds = KeptFinds()

    finds.keep("nothing", [])

    assert list(finds.get("nothing")) == []


def test_what_has_no_question_is_not_kept():
    finds = KeptFinds()

    finds.keep(None, [1])

    assert finds.get(None) is None


def test_the_answer_that_was_not_asked_for_longest_makes_room():
    finds = KeptFinds(answers=2)
    for question in ("a", "b"):
        finds.keep(question, [1])
    finds.get("a")

    finds.keep("c", [1])

    assert [finds.get(question) is not None for question in ("a", "b", "c")] == [True, False, True]


def test_many_keys_make_room_too_and_are_not_counted_twice():
    finds = KeptFinds(keys=10)

    for _ in range(3):
        finds.keep("a", range(5))
    finds.keep("b", range(5))
    assert finds.get("a") is not None

    finds.keep("c", range(5))
    assert [finds.get(question) is not None for question in ("a", "b", "c")] == [True, False, True]

    finds.keep("huge", range(11))
    assert [finds.get(question) for question in ("a", "b", "c", "huge")] == [None] * 4


def test_full_of_long_questions_it_takes_a_few_megabytes():
    finds = KeptFinds()
    for number in range(2 * ANSWERS):
        finds.keep((number, "x" * 500), range(KEYS // ANSWERS))

    held = sum(sys.getsizeof(answer) + sys.getsizeof(question[1]) for question, answer in finds._kept.items())

    assert len(finds._kept) <= ANSWERS
    assert held < 3_000_000


def test_threads_leave_the_count_of_what_is_held_right():
    finds = KeptFinds(answers=50, keys=200)

    def use(seed):
        for number in range(2000):
            finds.keep((seed * number) % 97, range(number % 9))
            finds.get(number % 97)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in (3, 5, 7, 11)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert finds._held == sum(map(len, finds._kept.values())) <= 200
