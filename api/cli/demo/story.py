"""The whole example: ten days of all orders and integrations, in the order it happened."""

from itertools import chain
from operator import attrgetter

from api.cli.demo import integrations, money_orders, recent_orders, split_order
from api.cli.demo.steps import Step

FIRST_ORDER = split_order.PARENT
"""The story's first order, created on its first day: what the other times are reckoned from when it is told again."""

STORY: tuple[Step, ...] = tuple(
    sorted(
        chain(*integrations.STEPS, *split_order.STEPS, *money_orders.STEPS, *recent_orders.STEPS),
        key=attrgetter("when"),
    )
)
