"""How hypothesis is used where it makes histories for a real database."""

from hypothesis import HealthCheck, settings


def the_same_each_time(*, max_examples: int) -> settings:
    """Return settings that make the same examples each time, so that a failure is a change's and not the day's."""
    return settings(
        max_examples=max_examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
