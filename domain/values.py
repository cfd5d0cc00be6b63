"""Values that events are made of, each with its bounds."""

import re
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Annotated, Any, Generic, NewType, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    Tag,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError, to_json

TenantName = NewType("TenantName", str)
OrderId = NewType("OrderId", str)
IntegrationId = NewType("IntegrationId", int)
Position = NewType("Position", int)
"""An event's position in its tenant's ledger: 1, 2, 3 … with no gaps."""
Version = NewType("Version", int)
"""An event's version in its stream: 1, 2, 3 … with no gaps; 0 before the store has assigned one."""

MAX_BIGINT = 2**63 - 1
MAX_JSON_DEPTH = 64

# PostgreSQL's text cannot hold NUL, so people's texts and the texts in views must not have it.
_WITHOUT_NUL = r"^[^\x00]*$"
Name = Annotated[str, StringConstraints(max_length=255, pattern=_WITHOUT_NUL)]
Sentence = Annotated[str, StringConstraints(max_length=4_000, pattern=_WITHOUT_NUL)]
Body = Annotated[str, StringConstraints(pattern=_WITHOUT_NUL)]
"""A text of any length. Only the size of a request limits it."""
RawText = Annotated[str, StringConstraints()]
"""A text of a call, with any length and any characters. It is only held as JSON, which escapes a NUL in a way that
PostgreSQL can hold."""


def _unless_empty(value: Any) -> Any:
    return None if value == "" else value


OptionalId = Annotated[Name | None, BeforeValidator(_unless_empty)]
"""An id, or none: an empty text means no id, so that two empty ids are never the same."""
Identifier = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^([!-.0-~]*[!-\-0-~][!-.0-~]*|[.]{3,})$")
]
"""An id from outside: visible ASCII without spaces. It fits a segment of a path: it has no /, and is not "." or "..".

However an order begins, it can be found by its id.
"""
Language = Annotated[str, StringConstraints(min_length=1, max_length=35, pattern=_WITHOUT_NUL)]
BigInt = Annotated[int, Field(ge=-MAX_BIGINT - 1, le=MAX_BIGINT)]


def _whole(value: Any) -> Any:
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)  # JSON has one type of numbers: 1.0 is 1
    raise PydanticCustomError("int_type", "Input should be a valid integer")


Whole = Annotated[BigInt, BeforeValidator(_whole)]
"""A whole number, and neither a text of digits nor a truth value."""


def _as_it_came(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("number_type", "Input should be a valid number")
    if isinstance(value, float) and not isfinite(value):
        raise PydanticCustomError("finite_number", "Input should be a finite number")
    return value


Number = Annotated[int | float, PlainValidator(_as_it_came), WithJsonSchema({"type": "number"})]
"""A number exactly as it was sent: a whole number stays whole, however large it is."""


def _in_utc(moment: datetime) -> datetime:
    # A first or last year that a datetime can hold overflows as soon as somebody looks at it in their own time zone.
    # It is looked at in UTC as well: what is valid has to be so once more, when it is part of an event.
    if 1 < moment.year < 9999 and 1 < (in_utc := moment.astimezone(UTC)).year < 9999:
        return in_utc
    raise ValueError("is not within the years 2 to 9998, as it is written and in UTC")


_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,64})?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII)


def _written_out(moment: Any) -> Any:
    # Otherwise pydantic would read a number, or a year, as seconds since 1970.
    if isinstance(moment, str) and _DATE_TIME.fullmatch(moment):
        return _after_leap_second(moment) if moment[16:19] == ":60" else moment
    if isinstance(moment, datetime):
        return moment
    raise ValueError("is not a date-time of RFC 3339 with an offset, such as 2026-03-01T02:02:00+01:00")


def _after_leap_second(text: str) -> datetime:
    """Return the second after a leap second, because our calendar has no leap seconds. Raises ValueError.

    RFC 3339 (5.7) allows leap seconds only at the end of June and of December, in UTC.
    """
    before = _in_utc(_WITH_OFFSET.validate_python(f"{text[:16]}:59{text[19:]}"))
    if (before.month, before.day, before.hour, before.minute) not in {(6, 30, 23, 59), (12, 31, 23, 59)}:
        raise ValueError("has a second 60, which only 23:59 UTC on the last day of June or December can have")
    return before + timedelta(seconds=1)


_WITH_OFFSET: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""A point in time, converted to UTC. A leap second becomes the second after it."""


class Personal:
    """Marks a field as personal data of a subject: the order (its customer) or the performer of an event."""

    def __init__(self, subject: str) -> None:
        self.subject = subject

    def __repr__(self) -> str:
        return f"Personal({self.subject!r})"


OF_ORDER = Personal("order")
OF_PERFORMER = Personal("performer")


def storable_json(value: Any, *, is_raw: bool = False) -> Any:
    """Return value if every JSON reader and PostgreSQL can hold it.

    It may hold finite numbers, texts of whole characters (without NUL unless is_raw), and at most 64 levels. Raises
    ValueError.
    """
    if not _is_plain(value):
        _require_storable(value, is_raw=is_raw)
    return value


def _is_plain(value: Any) -> bool:
    """Whether the text of a value shows at once that it can be held, which takes a third of the time of a walk."""
    try:
        text = to_json(value, inf_nan_mode="constants")
    except ValueError:
        return False
    if text.count(b"{") + text.count(b"[") > MAX_JSON_DEPTH:
        return False
    return b"\\u0000" not in text and b"NaN" not in text and b"Infinity" not in text


def _require_storable(value: Any, *, is_raw: bool) -> None:
    level, depth = [value], 0
    while level:
        if depth > MAX_JSON_DEPTH:
            raise ValueError(f"is nested more than {MAX_JSON_DEPTH} levels deep")
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if not is_raw and "\x00" in item:
                    raise ValueError("holds a NUL character")
                if not item.isascii():
                    _check_text(item)
            elif isinstance(item, dict):
                below += item
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, float) and not isfinite(item):
                raise ValueError("holds a number that is not finite")
        level, depth = below, depth + 1


def _check_text(text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds half of a surrogate pair")


def raw_json(value: Any) -> Any:
    """Return value if every JSON reader can hold it; all characters are allowed. Raises ValueError."""
    return storable_json(value, is_raw=True)


FORM = "the form of "
"""The beginning of the tag of each form that a value may have. Tags stay out of the places of faults."""

JsonObject = Annotated[dict[str, Any], AfterValidator(storable_json)]
RawObject = Annotated[dict[str, Any], AfterValidator(raw_json)]
"""A JSON object of a call. Its texts may have any characters."""
AdditionalData = Annotated[RawObject, Tag(f"{FORM}an object")] | Annotated[RawText, Tag(f"{FORM}a text")]
"""What is said of a call besides."""


class Value(BaseModel):
    """An immutable value that rejects unknown members and numbers that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


MAX_DOLLARS = 1e15
"""A larger float has no cents."""
CurrencySymbol = Annotated[str, StringConstraints(max_length=16, pattern=_WITHOUT_NUL)]


class Money(Value):
    """An amount as shops print it; cents are minor units of the currency, whatever its number of decimals."""

    cents: Whole
    currency_iso: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    currency_symbol: CurrencySymbol = ""
    label: Name = ""
    dollars: Annotated[float, Field(strict=True, ge=-MAX_DOLLARS, le=MAX_DOLLARS)] = 0.0


Text = dict[Language, Name]
"""A text in several languages: language tag -> text."""

T = TypeVar("T")


class Change(Value, Generic[T]):
    """A value before and after something happened to it."""

    before: T
    after: T


class Totals(Value):
    """What an order amounts to."""

    total: Money
    subtotal: Money
    discount: Money


class Customer(Value):
    """The customer of an order."""

    id: Annotated[Name, OF_ORDER] = ""
    name: Annotated[Name, OF_ORDER] = ""

    def is_known_as(self, other: "Customer") -> bool:
        """Return whether both are known to be the same customer. A guest has no id, and is not known to be anybody."""
        return self.id != "" and self.id == other.id


NO_CUSTOMER = Customer()


def _unless_nobody(customer: Customer | None) -> Customer | None:
    return None if customer == NO_CUSTOMER else customer


OptionalCustomer = Annotated[Customer | None, AfterValidator(_unless_nobody)]
"""A customer, or none: a customer with neither id nor name is none."""


class BodyRef(Value):
    """A body kept beside the ledger: its SHA-256 in hexadecimal, and its size in bytes."""

    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[Whole, Field(ge=0)]


TRACEPARENT = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"


class Actor(Value):
    """The person or the program that made an event happen, and the application they used."""

    id: Name = ""
    name: Annotated[Name, OF_PERFORMER] = ""
    type: Name = ""
    application_id: OptionalId = None


NOBODY = Actor()


class Origin(Value):
    """The HTTP request that recorded an event; path is as it was sent, without the query."""

    method: Name
    path: Sentence
    traceparent: Annotated[str, StringConstraints(pattern=TRACEPARENT)] | None = None
    """The trace that the request belongs to, and the step of it that sent the request (W3C Trace Context)."""


SaidOrigin = dict[str, str]
"""An Origin as JSON has it, without what is not known of it."""
