"""Query parameters: their form, and how often each may be sent."""

from typing import Annotated, Any, get_origin
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, BeforeValidator

from api.http.problems import MAX_NAME, Fault, InvalidRequest


def _digits(sent: Any) -> Any:
    if not isinstance(sent, str) or (sent.isascii() and sent.isdigit()):
        return sent
    return "no number"


Digits = Annotated[int, BeforeValidator(_digits)]
"""A number as a path or a query has it: of digits. Pydantic would also take 1.0, 1_0 and blanks around them."""


def number_in(text: str, *, highest: int) -> int | None:
    """Return the number that a text of digits is; None if it is no such text, or if it is higher."""
    digits = text.lstrip("0")
    if not (text.isascii() and text.isdigit()) or len(digits) > len(str(highest)):
        return None
    number = int(digits or "0")
    return number if number <= highest else None


def known_parameters(dependant: Dependant) -> frozenset[str]:
    """Return the names of all parameters that a route's query may have."""
    names = {name for dependency in dependant.dependencies for name in known_parameters(dependency)}
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names |= {each.alias or name for name, each in annotation.model_fields.items()}
        else:
            names.add(field.alias)
    return frozenset(names)


def single_parameters(dependant: Dependant) -> frozenset[str]:
    """Return the names of a route's query parameters that may be sent only once."""
    names = {name for dependency in dependant.dependencies for name in single_parameters(dependency)}
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            inner = annotation.model_fields.items()
            names |= {each.alias or name for name, each in inner if not _takes_several(each.annotation)}
        elif not _takes_several(annotation):
            names.add(field.alias)
    return frozenset(names)


def _takes_several(annotation: Any) -> bool:
    return get_origin(annotation) is list


def require_known(query: bytes, known: frozenset[str]) -> None:
    """Raise InvalidRequest if a query has a parameter that the route does not have: it may be a misspelt one."""
    sent = dict.fromkeys(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    if unknown := [name for name in sent if name not in known]:
        raise InvalidRequest(
            *[
                Fault(("query", name[:MAX_NAME]), "Extra inputs are not permitted", "extra_forbidden")
                for name in unknown
            ]
        )


def require_each_once(query: bytes, single: frozenset[str]) -> None:
    """Raise InvalidRequest if such a parameter is sent twice. Proxies and servers differ in which one they use."""
    if b"&" not in query:
        return
    seen: set[str] = set()
    faults = []
    for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name in seen and name in single:
            faults.append(Fault(("query", name[:MAX_NAME]), "is sent more than once", "sent_twice"))
        seen.add(name)
    if faults:
        raise InvalidRequest(*faults)
