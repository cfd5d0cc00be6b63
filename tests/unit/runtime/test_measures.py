"""Measures: what a process counts, and how it adds up with what others count."""

from array import array

from application.runtime.measures import SIZE, Counter, Gauge, Histogram, Measures


def test_a_counter_counts() -> None:
    measures = Measures()
    events = Counter(measures, "events", "Events")

    events.add()
    events.add(2)

    assert measures.total(events.at) == 3


def test_a_histogram_counts_what_is_up_to_each_bound_and_above() -> None:
    measures = Measures()
    before, sizes = Counter(measures, "before", ""), Histogram(measures, "sizes", "Sizes", (1, 10))

    for size in (0.5, 1, 2, 10, 11):
        sizes.observe(size)

    assert [measures.total(sizes.at + n) for n in range(4)] == [2, 2, 1, 24.5]
    assert measures.total(before.at) == 0


def test_a_gauge_adds_up_those_whom_it_follows_at_the_moment() -> None:
    measures = Measures()
    queue = Gauge(measures, "queue", "Waiting")

    with queue.following(lambda: 2), queue.following(lambda: 3):
        measures.look()
        assert measures.total(queue.at) == 5
    assert measures.total(queue.at) == 0


def test_processes_are_added_up_and_one_that_takes_anothers_place_goes_on_counting() -> None:
    own, others = array("d", bytes(8 * SIZE)), array("d", bytes(8 * SIZE))
    measures = Measures()
    events, queue = Counter(measures, "events", "Events"), Gauge(measures, "queue", "Waiting")
    own[events.at], own[queue.at], others[events.at], others[queue.at] = 5, 7, 10, 1

    measures.share(own, [own, others])
    events.add()

    assert measures.total(events.at) == 16
    assert measures.total(queue.at) == 1
