"""Garbage is searched for less often while batches are processed, and as often as before after the last of them."""

import gc
from contextlib import suppress

from application.runtime.garbage import BATCH_ALLOCATIONS, searched_seldom


def test_the_threshold_is_as_before_after_the_last_batch_even_if_one_fails() -> None:
    before = gc.get_threshold()

    with searched_seldom():
        with suppress(RuntimeError), searched_seldom():
            raise RuntimeError
        assert gc.get_threshold()[0] >= BATCH_ALLOCATIONS

    assert gc.get_threshold() == before


def test_a_process_that_searches_more_seldom_is_left_alone() -> None:
    before = gc.get_threshold()
    gc.set_threshold(BATCH_ALLOCATIONS * 2)
    try:
        with searched_seldom():
            assert gc.get_threshold()[0] == BATCH_ALLOCATIONS * 2
    finally:
        gc.set_threshold(*before)
