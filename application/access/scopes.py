"""What a scope allows."""

from collections.abc import Mapping
from functools import lru_cache

ROLES: Mapping[str, tuple[str, ...]] = {
    "viewer": ("read",),
    "support": ("read", "write:orders:/ANY/comments"),
}
"""Names for the scopes of people who look and may not change. support may also comment on orders in its own name."""

RESOURCES = ("orders", "integrations", "ledger", "consumers", "webhooks", "credentials", "shopping")
"""What a scope can be about. shopping stands for the orders of Dintero's interface."""


@lru_cache(maxsize=4_096)
def grants(scopes: tuple[str, ...], required: str) -> bool:
    """Whether granted scopes together give a required one. A role gives what its scopes give."""
    held = [each for scope in scopes for each in ROLES.get(scope, (scope,))]
    return all(any(_gives(scope, each) for scope in held) for each in ROLES.get(required, (required,)))


def _gives(granted: str, required: str) -> bool:
    """Whether a granted scope gives a required one.

    A scope is verb[:resource[:path]]. admin stands for every verb. A part that is left out stands for everything below
    it. ANY stands for any one segment of a path. write:shopping gives write:shopping:/orders/17/events, and so does
    write:shopping:/orders/ANY/events; write does not give read. (Grammar: Dintero's scopes, extended by plain verbs.)
    """
    verb, _, rest = granted.partition(":")
    wanted_verb, _, wanted_rest = required.partition(":")
    if verb not in {"admin", wanted_verb}:
        return False
    if not rest:
        return True
    resource, _, path = rest.partition(":")
    wanted_resource, _, wanted_path = wanted_rest.partition(":")
    if resource and resource != wanted_resource:
        return False
    segments, wanted = path.split("/"), wanted_path.split("/")
    return not path or (
        len(segments) == len(wanted) and all(s in {"ANY", w} for s, w in zip(segments, wanted, strict=True))
    )
