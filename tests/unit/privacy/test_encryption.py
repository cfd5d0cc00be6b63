"""Encryption: what is stored of personal data, what opens it, and what does not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ledger.codec import decode, draft, encode
from application.ledger.port import Draft, NewEvent, RecordedEvent
from application.privacy import subjects
from application.privacy.cipher import DamagedKey, Keys, SubjectKey, bound, open_token, seal, seal_body
from application.privacy.documents import document, subjects_in
from application.privacy.sealing import sealing
from domain.errors import InvalidEvent, UnreadableKey
from domain.events.event import Event
from domain.events.lifecycle import CancellationRequested, CommentAdded, Transferred
from domain.streams import person_stream
from domain.values import Actor, TenantName
from tests.builders import (
    ACME,
    NOON,
    ORDER,
    a_created_event,
    a_customer,
    a_foreign_event,
    a_service_event,
    an_actor,
    an_event,
    recorded,
)

KEY, OTHER_KEY = SubjectKey(b"k" * 32), SubjectKey(b"o" * 32)
STREAM = f"order-{ORDER}"
PERSON = person_stream("u1")
KEYS: Keys = {STREAM: KEY, PERSON: OTHER_KEY}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=6,
)


def sealed(event: Event, keys: Keys = KEYS) -> NewEvent:
    """Return an event as it is stored."""
    found = sealing(ACME, STREAM, draft(event))
    assert found is not None
    found.seal(keys)
    return found.written()


def opened(
    stored: NewEvent, keys: Keys = KEYS, *, are_all_here: bool = True, tenant: TenantName = ACME, stream: str = STREAM
) -> tuple[Any, Any]:
    """Return data and metadata of a stored event as they are shown."""
    found = document(tenant, kept(stored, stream))
    assert found is not None
    found.open(keys)
    if are_all_here:
        found.miss_keys()
    data, metadata = found.written()
    return json.loads(data), json.loads(metadata)


def kept(stored: NewEvent, stream: str = STREAM) -> RecordedEvent:
    """Return a stored event as the ledger keeps it."""
    return RecordedEvent(1, stream, 1, *stored[:4], NOON, NOON)


COMMENT = an_event(
    CommentAdded, event_id="e1", text="call 555-0199", custom_data={"a": [1, {"b": None}]}, actor=an_actor()
)


def test_no_personal_data_is_in_what_is_stored_and_all_of_it_comes_back() -> None:
    stored = sealed(COMMENT)

    assert not [word for word in (b"555", b'"b"', b"Ada") if word in stored.data + stored.metadata]
    assert json.loads(stored.metadata)["encryption"] == 1
    assert opened(stored) == (json.loads(encode(COMMENT).data), json.loads(encode(COMMENT).metadata))


def test_what_is_not_personal_is_stored_as_it_is() -> None:
    stored = json.loads(sealed(COMMENT).data)

    assert (stored["is_private"], sorted(stored)) == (False, ["custom_data", "is_private", "text"])


def test_the_same_event_is_stored_in_the_same_bytes() -> None:
    assert sealed(COMMENT) == sealed(COMMENT)


def test_a_value_is_bound_to_its_tenant_stream_event_and_field() -> None:
    token = json.loads(sealed(COMMENT).data)["text"]

    assert open_token(token, KEY, bound(ACME, STREAM, "e1") + bound("text")) == "call 555-0199"


@given(JSON)
def test_every_value_comes_back(value: Any) -> None:
    token = seal(value, KEY, b"here")

    assert open_token(token, KEY, b"here") == value
    assert token == seal(value, KEY, b"here")


@given(st.binary(), st.binary())
def test_another_text_or_another_place_is_another_nonce(one: bytes, another: bytes) -> None:
    nonces = {KEY.seal(one, b"here")[:12], KEY.seal(another, b"here")[:12], KEY.seal(one, b"there")[:12]}

    assert len(nonces) == (2 if one == another else 3)


@given(st.lists(st.text(), min_size=2, max_size=4), st.lists(st.text(), min_size=2, max_size=4))
def test_different_parts_never_make_the_same_text(one: list[str], another: list[str]) -> None:
    assert (bound(*one) == bound(*another)) == (one == another)


@pytest.mark.parametrize(
    "elsewhere",
    [{"tenant": "other"}, {"stream": "order-2"}, {"event_id": "e2"}],
    ids=lambda moved: next(iter(moved)),
)
def test_what_was_moved_elsewhere_cannot_be_opened(elsewhere: dict[str, Any]) -> None:
    keys = {**KEYS, "order-2": KEY}
    stored = sealed(COMMENT)
    stored = stored._replace(event_id=elsewhere.pop("event_id", stored.event_id))

    data, metadata = opened(stored, keys, **elsewhere)

    assert data == {"text": "[unreadable]", "custom_data": {"unreadable": "[unreadable]"}, "is_private": False}
    assert metadata["unreadable"].endswith("text, custom_data: it was changed after it was recorded")


def test_a_performers_name_opens_in_every_event_of_theirs_and_nowhere_else() -> None:
    stored = sealed(COMMENT)
    of_others = stored._replace(metadata=stored.metadata.replace(b'"u1"', b'"u2"'))
    keys = {**KEYS, person_stream("u2"): OTHER_KEY}

    _, same = opened(sealed(COMMENT)._replace(event_id="e2"))
    _, others = opened(of_others, keys)
    _, of_other_tenant = opened(stored, tenant=TenantName("other"))

    assert same["actor"]["name"] == "Ada"
    assert others["actor"]["name"] == of_other_tenant["actor"]["name"] == "[unreadable]"


def test_a_performers_name_is_encrypted_anew_when_it_changes() -> None:
    names = ["Ada", "Bob", "Cleo", "Dan", "Eve", "Ada"]

    stored = [sealed(COMMENT.model_copy(update={"actor": Actor(id="u1", name=name)})) for name in names]

    assert [opened(event)[1]["actor"]["name"] for event in stored] == names
    assert stored[0] == stored[-1]


def test_what_was_moved_to_another_field_cannot_be_opened() -> None:
    stored = sealed(an_event(Transferred, original_customer=a_customer(), new_customer=a_customer(name="Bob")))
    data = json.loads(stored.data)
    data["original_customer"], data["new_customer"] = data["new_customer"], data["original_customer"]

    shown, metadata = opened(stored._replace(data=json.dumps(data).encode()))

    assert shown["original_customer"] == shown["new_customer"] == {"id": "[unreadable]", "name": "[unreadable]"}
    assert metadata["unreadable"].startswith("original_customer.id, original_customer.name, new_customer.id, ")


def test_what_is_not_encrypted_in_an_event_that_says_it_is_cannot_be_believed() -> None:
    stored = sealed(COMMENT)
    data = {**json.loads(stored.data), "text": "call 555-0123"}

    shown, metadata = opened(stored._replace(data=json.dumps(data).encode()))

    assert (shown["text"], shown["custom_data"]) == ("[unreadable]", {"a": [1, {"b": None}]})
    assert metadata["unreadable"] == "text: it was changed after it was recorded"


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[:-6] + "AAAA==",
        lambda t: t[:-4],
        lambda t: t + "!",
        lambda t: t[:16],
        lambda t: t[:10],
        lambda t: t.replace("enc:v1:", "enc:v1:_"),
        lambda t: f"{t[:7]}{'A' if t[7] != 'A' else 'B'}{t[8:]}",
        lambda t: f"{t[:20]}\u00e4{t[21:]}",
    ],
)
def test_what_was_changed_cannot_be_opened(change: Callable[[str], str]) -> None:
    token = seal("Ann Li", KEY, b"here")

    with pytest.raises(InvalidEvent):
        open_token(change(token), KEY, b"here")


def test_what_has_lost_its_key_is_shown_as_redacted() -> None:
    expected = {"text": "[redacted]", "custom_data": {"redacted": "[redacted]"}, "is_private": False}

    assert opened(sealed(COMMENT), {STREAM: None, PERSON: OTHER_KEY})[0] == expected
    assert opened(sealed(COMMENT), {PERSON: OTHER_KEY}, are_all_here=False)[0] == expected
    assert opened(sealed(COMMENT), {STREAM: SubjectKey(b"x" * 32)}, are_all_here=False)[0] == expected


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({PERSON: OTHER_KEY}, f"the key of {STREAM} is missing"),
        ({PERSON: OTHER_KEY, STREAM: SubjectKey(b"x" * 32)}, f"it is encrypted with another key than that of {STREAM}"),
        ({PERSON: OTHER_KEY, STREAM: DamagedKey(STREAM)}, f"the key of {STREAM} is damaged"),
    ],
)
def test_what_cannot_be_opened_is_shown_as_unreadable_and_the_rest_as_it_is(keys: Keys, why: str) -> None:
    data, metadata = opened(sealed(COMMENT), keys)

    assert data == {"text": "[unreadable]", "custom_data": {"unreadable": "[unreadable]"}, "is_private": False}
    assert (metadata["actor"]["name"], metadata["unreadable"]) == ("Ada", f"text, custom_data: {why}")


def test_nothing_is_encrypted_with_a_damaged_key() -> None:
    with pytest.raises(UnreadableKey, match=f"The key of {STREAM} was changed"):
        sealed(COMMENT, {**KEYS, STREAM: DamagedKey(STREAM)})
    with pytest.raises(UnreadableKey):
        seal_body(b"{}", DamagedKey(STREAM), b"here")


def test_each_subjects_key_opens_what_is_theirs() -> None:
    event = an_event(CancellationRequested, reason="late", performer_ip="198.51.100.7", actor=an_actor())

    data, metadata = opened(sealed(event), {STREAM: KEY, PERSON: None})
    redacted, kept = opened(sealed(event), {STREAM: None, PERSON: OTHER_KEY})

    assert (data, metadata["actor"]) == (
        {"reason": "late", "performer_ip": "198.51.100.7"},
        {"id": "u1", "name": "[redacted]", "type": "Staff"},
    )
    assert (redacted, kept["actor"]["name"]) == ({"reason": "[redacted]", "performer_ip": "[redacted]"}, "Ada")


@pytest.mark.parametrize("type_", ["Customer", "customer", "CUSTOMER"])
def test_a_customers_own_name_goes_with_the_order(type_: str) -> None:
    event = an_event(actor=an_actor(type=type_))

    _, metadata = opened(sealed(event), {STREAM: KEY, PERSON: None})
    _, redacted = opened(sealed(event), {STREAM: None, PERSON: OTHER_KEY})

    assert (metadata["actor"]["name"], redacted["actor"]["name"]) == ("Ada", "[redacted]")


def test_a_performer_without_an_id_is_forgotten_with_the_order() -> None:
    found = document(ACME, kept(encode(an_event(actor=Actor(name="Ada")))))

    assert found is not None
    assert found.subjects == {STREAM}
    new = sealing(ACME, STREAM, draft(an_event(actor=Actor(name="Ada"))))
    assert new is not None
    assert new.subjects == subjects_in([found]) == {STREAM}


def test_of_somebody_forgotten_nothing_is_stored() -> None:
    stored = sealed(COMMENT, {STREAM: None, PERSON: None})

    assert json.loads(stored.data) == {
        "text": "[redacted]",
        "custom_data": {"redacted": "[redacted]"},
        "is_private": False,
    }
    assert json.loads(stored.metadata)["actor"]["name"] == "[redacted]"
    assert opened(stored)[0] == json.loads(stored.data)


def test_what_a_client_wrote_like_a_token_stays_what_it_wrote() -> None:
    token = seal("Ann Li", KEY, b"here")
    event = an_event(CommentAdded, text=token, sender=token)

    stored = sealed(event)

    assert opened(stored)[0]["text"] == token
    assert opened(stored, {STREAM: None})[0] == {"text": "[redacted]", "is_private": False, "sender": token}


def test_what_a_client_wrote_like_a_token_before_there_was_encryption_stays_what_it_wrote() -> None:
    token = seal("Ann Li", KEY, b"here")
    stored = encode(an_event(CommentAdded, text=token))

    assert opened(stored)[0]["text"] == token


def test_what_was_recorded_before_there_was_encryption_is_hidden_once_its_subject_is_forgotten() -> None:
    plain = encode(COMMENT)

    assert opened(plain, {})[0]["text"] == "call 555-0199"
    assert opened(plain, {STREAM: None})[0]["text"] == "[redacted]"
    assert opened(plain, {STREAM: None})[1]["actor"]["name"] == "Ada"
    assert opened(plain, {PERSON: None})[1]["actor"]["name"] == "[redacted]"


@pytest.mark.parametrize(
    "stored",
    [
        encode(an_event()),
        encode(a_service_event(metadata={})),
        encode(a_created_event(customer=None)),
        a_foreign_event(),
        a_foreign_event("order.created"),
        a_foreign_event("order.created", metadata=b'{"actor": 7}', data=b"[]"),
    ],
)
def test_what_has_no_personal_data_or_cannot_be_read_is_left_alone(stored: Any) -> None:
    new = NewEvent(*stored[3:7], None) if isinstance(stored, RecordedEvent) else stored

    assert document(ACME, kept(new)) is None
    assert sealing(ACME, STREAM, new) is None


@pytest.mark.parametrize("actor", [b'""', b"[]", b"{}", b"null"])
def test_what_others_wrote_is_encrypted_although_its_actor_says_nothing(actor: bytes) -> None:
    data, metadata = b'{"text": "call 555-0199", "is_private": false}', b'{"actor": %b}' % actor
    found = sealing(ACME, STREAM, NewEvent("e1", CommentAdded.topic, data, metadata, None))

    assert found is not None
    found.seal(KEYS)
    assert b"555" not in found.written().data


@pytest.mark.parametrize("data", [b"null", b"[1]", b"7"])
def test_an_actors_name_is_encrypted_whatever_others_wrote_beside_it(data: bytes) -> None:
    metadata = b'{"actor": {"id": "u1", "name": "Ada"}}'
    found = sealing(ACME, STREAM, NewEvent("e1", CommentAdded.topic, data, metadata, None))

    assert found is not None
    found.seal(KEYS)
    stored = found.written()
    assert (stored.data, b"Ada" in stored.metadata) == (data, False)


def test_an_actor_is_encrypted_once_for_all_events_with_the_same_key() -> None:
    key, actor = SubjectKey(b"p" * 32), {"id": "u1", "name": "Ada"}

    def metadata_of(actor: dict[str, str], key: SubjectKey) -> bytes:
        found = sealing(ACME, STREAM, Draft("e1", "order.status_updated", b"{}", {"actor": actor}, None))
        assert found is not None
        found.seal({PERSON: key})
        return found.written().metadata

    first = metadata_of(actor, key)
    assert metadata_of(actor, key) == metadata_of({**actor}, key) == first
    assert metadata_of(actor, OTHER_KEY) != first
    assert metadata_of({**actor, "name": "Bo"}, key) != first
    for n in range(subjects.MAX_PERFORMERS + 1):
        metadata_of({**actor, "name": f"Ada {n}"}, key)
    assert len(subjects._performers) <= subjects.MAX_PERFORMERS
    assert metadata_of(actor, key) == first


def test_an_actor_in_the_stream_that_is_about_it_is_encrypted_for_that_event_alone() -> None:
    actor = {"id": "u1", "name": "Ada"}
    stored = {}
    for stream in (STREAM, PERSON, STREAM):
        found = sealing(ACME, stream, Draft("e1", "order.status_updated", b"{}", {"actor": actor}, None))
        assert found is not None
        found.seal(KEYS)
        stored[stream] = found.written()

    for stream, event in stored.items():
        assert opened(event, stream=stream)[1]["actor"] == actor
    assert stored[STREAM].metadata != stored[PERSON].metadata


def test_an_event_is_decoded_without_the_mark() -> None:
    event = an_event(CommentAdded, text="x", event_id="e1")

    assert decode(recorded(event)._replace(metadata=sealed(event).metadata)) == event.model_copy(
        update={"originator_version": 1}
    )
