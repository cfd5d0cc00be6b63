"""Limits the reported faults of a request, which may have more faults than values."""

from typing import Any

from fastapi.dependencies.models import Dependant
from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from api.http.problems import Fault, faults_of

MAX_FAULTS = 1_000
"""How many faults are reported, each with its place. Each takes more than a kilobyte until it is sent."""
_TOO_MANY = f"more than {MAX_FAULTS:,} things are wrong with it"
_TYPE = "too_many_faults"


class _Few:
    """Validates as a type adapter does. A value with too many faults gets a single fault, which says so."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter

    def validate_python(self, value: Any, **options: Any) -> Any:
        try:
            return self._adapter.validate_python(value, **options)
        except ValidationError as invalid:
            if invalid.error_count() <= MAX_FAULTS:
                raise
            one: InitErrorDetails = {"type": PydanticCustomError(_TYPE, _TOO_MANY), "input": None}
            raise ValidationError.from_exception_data(invalid.title, [one]) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)


def tell_few_faults(dependant: Dependant) -> None:
    """Make a route's body report few faults. The framework would list all of them."""
    for field in dependant.body_params:
        field._type_adapter = _Few(field._type_adapter)  # type: ignore[assignment]  # noqa: SLF001 there is no other


def faults_in(invalid: ValidationError, *prefix: str | int) -> tuple[Fault, ...]:
    """Return the faults in a part of a body."""
    if invalid.error_count() > MAX_FAULTS:
        return too_many(*prefix)
    return faults_of(invalid.errors(), *prefix)


def few(faults: list[Fault], *prefix: str | int) -> list[Fault]:
    """Return a body's faults or, if there are too many, one that says so."""
    return faults if len(faults) <= MAX_FAULTS else [*too_many(*prefix)]


def too_many(*prefix: str | int) -> tuple[Fault, ...]:
    """Return the single fault that stands for too many."""
    return (Fault(prefix, _TOO_MANY, _TYPE),)
