"""Work in threads: in order, not too far ahead, and not later than need be."""

import time

import pytest
from dcme.parallel import AHEAD, ordered_map


def watched(count, seconds, taken):
    """Items that take a while to come."""
    for k in range(count):
        time.sleep(seconds)
        taken.append(k)
        yield k


def test_a_result_does_not_wait_for_items_that_come_slowly():
    taken = []
    results = ordered_map(lambda k: k * k, watched(20, 0.02, taken), 4)
    assert next(results) == 0 and len(taken) < 4
    assert list(results) == [k * k for k in range(1, 20)]


def test_a_failure_cancels_what_has_not_begun():
    begun = []

    def fails_first(k):
        begun.append(k)
        time.sleep(0.05)
        if k == 0:
            raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        list(ordered_map(fails_first, range(4), 2))
    assert len(begun) <= 3


def test_few_items_are_taken_before_their_results_are():
    def slowly(k):
        time.sleep(0.03)
        return k

    taken = []
    results = ordered_map(slowly, watched(20, 0, taken), 2)
    assert next(results) == 0 and len(taken) == 2 * AHEAD + 1
    assert list(results) == list(range(1, 20))
