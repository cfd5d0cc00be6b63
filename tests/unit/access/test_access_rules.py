"""Who may do what: the grammar of scopes, the one function that decides, and how a caller is recognised."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.access.callers import authorise
from application.access.scopes import RESOURCES, ROLES, grants
from domain.errors import Forbidden
from tests.builders import a_caller, a_tenant
from tests.paths import ROOT

HTTP_API = ROOT / "docs" / "http-api.md"


@pytest.mark.parametrize(
    ("granted", "required", "allowed"),
    [
        # A verb gives itself, on everything.
        ("write", "write", True),
        ("write", "write:shopping", True),
        ("write", "write:shopping:/orders/17/events", True),
        ("write", "read", False),
        ("read", "write:shopping", False),
        ("writes", "write", False),
        # admin is every verb.
        ("admin", "read", True),
        ("admin", "write:shopping:/orders/17/events", True),
        ("write", "admin", False),
        ("admin:shopping", "write:shopping:/orders/17/events", True),
        ("admin:shopping", "write:logistics", False),
        ("admin:shopping", "write", False),
        # A resource gives itself and what is below it.
        ("write:shopping", "write:shopping", True),
        ("write:shopping", "write:shopping:/orders/17/events", True),
        ("write:shopping", "read:shopping", False),
        ("write:shopping", "write:shop", False),
        ("write:shopping", "write", False),
        # A path gives paths of its own length, ANY standing for one segment.
        ("write:shopping:/orders/ANY/events", "write:shopping:/orders/17/events", True),
        ("write:shopping:/orders/17/events", "write:shopping:/orders/17/events", True),
        ("write:shopping:/orders/17/events", "write:shopping:/orders/18/events", False),
        ("write:shopping:/orders/17/events", "write:shopping:/orders/ANY/events", False),
        ("write:shopping:/orders/ANY/events", "write:shopping:/orders/17", False),
        ("write:shopping:/orders/ANY", "write:shopping:/orders/17/events", False),
        ("write:shopping:/orders/ANY/events", "write:shopping:/orders/1/7/events", False),
        ("write:shopping:/orders/ANY/events", "write:shopping", False),
        ("write:shopping:/ANY/ANY/ANY", "write:shopping:/orders/17/events", True),
        ("admin:shopping:/orders/ANY/events", "write:shopping:/orders/17/events", True),
        # An order id may hold colons and dots; it is still one segment.
        ("write:shopping:/orders/ANY/events", "write:shopping:/orders/a:b/events", True),
        ("write:shopping:/orders/../events", "write:shopping:/orders/17/events", False),
        # A viewer reads everything and writes nothing.
        ("viewer", "read", True),
        ("viewer", "read:ledger", True),
        ("viewer", "read:shopping:/orders/17/events", True),
        ("viewer", "write:orders", False),
        ("viewer", "write:orders:/17/comments", False),
        ("viewer", "admin", False),
        ("read", "viewer", True),
        ("read:orders", "viewer", False),
        # Support also comments on orders.
        ("support", "viewer", True),
        ("support", "read:ledger", True),
        ("support", "write:orders:/17/comments", True),
        ("support", "write:orders", False),
        ("support", "write:orders:/17/events", False),
        ("support", "write:integrations", False),
        ("support", "admin:ledger", False),
        ("viewer", "support", False),
        ("admin", "support", True),
        ("write:orders", "write:orders:/17/comments", True),
        # The name of a role is not a verb.
        ("viewer:orders", "read:orders", False),
        ("VIEWER", "read", False),
        # What is no scope gives nothing.
        ("", "read", False),
        (":shopping", "read:shopping", False),
        ("ANY", "read", False),
        ("ADMIN", "read", False),
    ],
)
def test_a_scope_gives_what_its_grammar_says(granted: str, required: str, allowed: bool) -> None:
    assert grants((granted,), required) is allowed


SEGMENT = st.sampled_from(["orders", "17", "events", "ANY"])
PATH = st.lists(SEGMENT, min_size=1, max_size=3).map(lambda segments: ":/" + "/".join(segments))
SCOPE = st.tuples(
    st.sampled_from(["admin", "read", "write"]), st.just("") | st.tuples(st.just(":shopping"), st.just("") | PATH)
).map(lambda parts: parts[0] + "".join(parts[1])) | st.sampled_from(list(ROLES))


@given(SCOPE)
def test_a_scope_gives_itself(scope: str) -> None:
    assert grants((scope,), scope)


@given(SCOPE, SCOPE, SCOPE)
def test_what_a_scope_gives_gives_no_more_than_the_scope(first: str, second: str, third: str) -> None:
    if grants((first,), second) and grants((second,), third):
        assert grants((first,), third)


def test_one_scope_of_the_callers_is_enough() -> None:
    authorise(a_caller("read", "write:shopping"), "write:shopping:/orders/17/events")


def test_scopes_give_a_role_together() -> None:
    assert grants(("read", "write"), "support")
    assert not grants(("write", "read:orders"), "support")


def test_a_caller_whose_scopes_do_not_give_it_is_forbidden() -> None:
    with pytest.raises(Forbidden, match="lacks the scope write"):
        authorise(a_caller("read"), "write")


def test_a_caller_without_scopes_may_do_nothing() -> None:
    with pytest.raises(Forbidden):
        authorise(replace(a_caller(), scopes=()), "read")


@pytest.mark.parametrize("tenant", ["other", "", "ACME", "acme "])
def test_a_tenants_name_in_a_request_never_widens_what_the_credential_allows(tenant: str) -> None:
    with pytest.raises(Forbidden, match="another tenant"):
        authorise(a_caller("admin"), "read", tenant=tenant)


def test_a_request_may_name_the_callers_own_tenant_and_account() -> None:
    caller = a_caller("read", tenant=a_tenant(dintero_account="T12345678"))

    authorise(caller, "read", tenant="acme", account="T12345678")


@pytest.mark.parametrize("own", [None, "T12345678"])
@pytest.mark.parametrize("named", ["P12345678", "", "t12345678"])
def test_an_accounts_name_in_a_request_never_widens_what_the_credential_allows(own: str | None, named: str) -> None:
    caller = a_caller("admin", tenant=a_tenant(dintero_account=own))

    with pytest.raises(Forbidden, match="another account"):
        authorise(caller, "read", account=named)


def test_the_right_name_does_not_stand_in_for_a_scope() -> None:
    with pytest.raises(Forbidden, match="lacks the scope"):
        authorise(a_caller("read"), "write", tenant="acme")


def test_the_resources_of_scopes_are_those_that_are_documented() -> None:
    documented = set(re.findall(r"^\| `(?:read|write|admin):(\w+)`", HTTP_API.read_text(), flags=re.MULTILINE))

    # Credentials are made on a page and on the command line, and Dintero's document tells of shopping.
    assert documented == set(RESOURCES) - {"credentials", "shopping"}
