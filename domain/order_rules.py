"""The rules of an order: which events fit its state, and how its money is divided."""

from collections.abc import Sequence
from functools import singledispatch

from domain.errors import AlreadyRedacted, RuleViolation
from domain.events.lifecycle import Created, Edited, Redacted, Transferred
from domain.events.order_event import OrderEvent
from domain.events.split import Split, SplitChanges, SplitFrom
from domain.labels import label_like
from domain.order_state import OrderState, totals_after, totals_before
from domain.values import NO_CUSTOMER, Money, Totals


@singledispatch
def require_fit(event: OrderEvent, state: OrderState) -> None:
    """Raise RuleViolation if an order in this state cannot take the event as its next. Facts always fit."""


@require_fit.register
def _(event: Created, _state: OrderState) -> None:
    if event.totals is not None:
        _require_one_currency(event.totals)


@require_fit.register(Edited)
@require_fit.register(SplitChanges)
def _(event: Edited | SplitChanges, state: OrderState) -> None:
    before = totals_before(event)
    _require_one_currency(before, totals_after(event))
    if state.totals is not None and _amounts(state.totals) != _amounts(before):
        raise RuleViolation(
            f"The totals of order {event.order_id} are not the totals before the change that the event names"
        )


@require_fit.register
def _(event: Transferred, state: OrderState) -> None:
    # Customers without an id cannot be told apart, and an order without known customer cannot contradict the event.
    if state.customer not in {None, NO_CUSTOMER} and state.customer.id != event.original_customer.id:
        raise RuleViolation(f"Order {event.order_id} belongs to customer {state.customer.id!r}")


@require_fit.register
def _(event: Redacted, state: OrderState) -> None:
    if state.redacted:
        raise AlreadyRedacted(event.order_id)


@require_fit.register
def _(event: Split, state: OrderState) -> None:
    if event.child_order_id in {event.order_id, *state.children}:
        raise RuleViolation(f"Order {event.child_order_id} exists already; a split needs a new order id")
    if event.child_order_id == state.parent:
        raise RuleViolation(f"Order {event.order_id} was split from {state.parent}, which is not its child")


@require_fit.register
def _(event: SplitFrom, state: OrderState) -> None:
    if event.parent_order_id == event.order_id:
        raise RuleViolation(f"Order {event.order_id} cannot be split from itself")
    if event.parent_order_id in state.children:
        raise RuleViolation(f"Order {event.parent_order_id} was split from {event.order_id}, and is not its parent")
    if state.parent not in {None, event.parent_order_id}:
        raise RuleViolation(f"Order {event.order_id} was split from {state.parent} already")


def minus(whole: Totals, part: Totals) -> Totals:
    """Return the rest of an order's totals without a part. Raises RuleViolation if it is not a part of them."""
    _require_one_currency(whole, part)
    printed = [*_three(whole), *_three(part)]
    return Totals(
        total=_rest(whole.total, part.total, "total", printed),
        subtotal=_rest(whole.subtotal, part.subtotal, "subtotal", printed),
        discount=_rest(whole.discount, part.discount, "discount", printed),
    )


def completed(whole: Totals, part: Totals) -> Totals:
    """Return a part of an order's totals with missing details filled in: its amounts are printed like the whole's."""
    _require_one_currency(whole, part)
    printed = [*_three(whole), *_three(part)]
    return Totals(
        total=_completed(whole.total, part.total, printed),
        subtotal=_completed(whole.subtotal, part.subtotal, printed),
        discount=_completed(whole.discount, part.discount, printed),
    )


def share(whole: Totals, price: Money) -> Totals:
    """Return the totals of lines with this price. They get their proportional share of the order's discount."""
    _require_one_currency(whole, Totals(total=price, subtotal=price, discount=price))
    printed = _three(whole)
    discount = abs(whole.discount.cents) * price.cents // abs(whole.subtotal.cents) if whole.subtotal.cents else 0
    return Totals(
        total=_like(whole.total, price.cents - discount, printed),
        subtotal=_like(whole.subtotal, price.cents, printed),
        discount=_like(whole.discount, discount if whole.discount.cents > 0 else -discount, printed),
    )


def _three(totals: Totals) -> list[Money]:
    return [totals.total, totals.subtotal, totals.discount]


def _rest(whole: Money, part: Money, name: str, printed: Sequence[Money]) -> Money:
    """Return the remainder of an amount, printed like it. A part has the whole's sign and is no larger."""
    if not min(0, whole.cents) <= part.cents <= max(0, whole.cents):
        raise RuleViolation(
            f"The {name} to split off, {part.cents} cents, is not between 0 and the order's {whole.cents} cents"
        )
    return _like(whole, whole.cents - part.cents, printed)


def _completed(whole: Money, part: Money, printed: Sequence[Money]) -> Money:
    like = _like(whole, part.cents, printed)
    told = {"currency_symbol": part.currency_symbol, "label": part.label, "dollars": part.dollars}
    return like.model_copy(update={name: value for name, value in told.items() if value})


def _like(whole: Money, cents: int, printed: Sequence[Money]) -> Money:
    """Return an amount of so many cents, printed like the whole."""
    # Keep the whole's proportion: the number of cents in a dollar depends on the currency and on the shop.
    dollars = round(whole.dollars * cents / whole.cents, 6) if whole.cents else whole.dollars
    label = label_like(whole, cents, printed)
    return whole.model_copy(update={"cents": cents, "dollars": dollars, "label": label})


def _amounts(totals: Totals) -> list[tuple[str, int]]:
    """Return the values of totals, however they are printed."""
    return [(money.currency_iso, money.cents) for money in _three(totals)]


def _require_one_currency(*totals: Totals) -> None:
    currencies = {currency for t in totals for currency, _ in _amounts(t)}
    if len(currencies) > 1:
        raise RuleViolation(f"The amounts are in different currencies: {', '.join(sorted(currencies))}")
