from elements.domain.strides import AIM_S, FIRST, LEAST, MOST, Stride


def after(*seconds_per_row):
    stride = Stride()
    for cost in seconds_per_row:
        stride.took(stride.size, stride.size * cost)
    return stride.size


def test_it_begins_small_and_at_most_doubles():
    assert (after(), after(1e-9), after(1e-9, 1e-9)) == (FIRST, 2 * FIRST, 4 * FIRST)


def test_it_settles_where_a_step_takes_what_is_aimed_at():
    assert after(*[AIM_S / 350] * 9) == 350


def test_one_slow_step_makes_it_shrink_at_once():
    assert after(*[1e-5] * 9, 1e-3) == AIM_S / 1e-3


def test_it_stays_within_its_bounds():
    assert (after(*[10.0] * 9), after(*[0.0] * 20)) == (LEAST, MOST)


def test_a_step_that_found_few_rows_says_what_a_row_costs():
    stride = Stride()

    stride.took(2, AIM_S / 10)

    assert stride.size == 20


def test_nothing_is_learned_from_a_step_without_rows():
    stride = Stride()

    stride.took(0, 9.0)

    assert stride.size == FIRST
