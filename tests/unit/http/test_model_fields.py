"""What requests are checked by: a bound that a field names is kept, and faults are found where the sender put them."""

from collections.abc import Iterator
from typing import Any

import pytest
from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt, MaxLen, MinLen
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter

from api.app import DIALECTS
from domain.events.catalogue import CATALOGUE
from domain.values import FORM

LOWER, UPPER = {Ge: "ge", Gt: "gt", MinLen: "min_length"}, {Le: "le", Lt: "lt", MaxLen: "max_length"}


def models(of: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for model in of.__subclasses__():
        if model.__module__.partition(".")[0] in {"api", "application", "domain"}:
            yield model
        yield from models(model)


def constraints(metadata: list[Any]) -> Iterator[Any]:
    for each in metadata:
        yield from each if isinstance(each, GroupedMetadata) else [each]


def test_no_type_of_a_field_lifts_a_bound_that_the_field_names() -> None:
    """Pydantic keeps the last of several bounds, and puts those of a default before those of the type."""
    lifted = []
    for model in models():
        for name, field in model.model_fields.items():
            told = list(constraints(field.metadata))
            for bounds, strictest in ((LOWER, max), (UPPER, min)):
                for type_, attribute in bounds.items():
                    values = [getattr(each, attribute) for each in told if isinstance(each, type_)]
                    if values and values[-1] != strictest(values):
                        lifted.append(f"{model.__module__}.{model.__name__}.{name}: {values}")

    assert lifted == []


def bodies() -> Iterator[tuple[str, Any]]:
    """Yield what is validated of requests: a name for it, and its core schema."""
    for dialect in DIALECTS:
        for route in (route for router in dialect.routers for route in router.routes):
            if isinstance(route, APIRoute) and route.body_field is not None:
                adapter = TypeAdapter(route.body_field.field_info.annotation)
                yield f"{route.methods} {route.path}", adapter.core_schema
    for topic, event in CATALOGUE.items():
        yield topic, TypeAdapter(event).core_schema


def unions(schema: Any) -> Iterator[Any]:
    if isinstance(schema, dict):
        if schema.get("type") == "union":
            yield schema
        for name, part in schema.items():
            if name not in {"metadata", "serialization"}:
                yield from unions(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            yield from unions(part)


@pytest.mark.parametrize(("what", "schema"), [pytest.param(*each, id=each[0]) for each in bodies()])
def test_a_fault_in_a_value_of_several_forms_is_found_where_it_was_sent(what: str, schema: Any) -> None:
    """Pydantic adds the name of each form to the place of a fault, and only those that are tags are taken away."""
    for union in unions(schema):
        labels = [choice[1] if isinstance(choice, tuple) else choice["type"] for choice in union["choices"]]

        assert all(label.startswith(FORM) for label in labels), f"{what}: {labels}"
