"""The vault: one question for the keys of many events, and none where there is nothing personal."""

import asyncio

import pytest
from pydantic_core import PydanticSerializationError

from application.ledger.codec import decode, draft, encode
from application.ledger.port import ANY, Append, Draft, NewEvent, RecordedEvent, Write
from application.privacy.preparation import prepare
from application.privacy.store import EncryptedEventStore
from application.privacy.vault import Vault
from domain.errors import KeyReused, UnreadableKey
from domain.events.lifecycle import CommentAdded
from domain.streams import person_stream
from tests.builders import ACME, a_created_event, an_actor, an_event
from tests.fakes_keys import FakeKeyRing
from tests.fakes_store import InMemoryEventStore
from tests.fix_store import key

FIRST, SECOND = "order-1", "order-2"


def writes(*events: NewEvent) -> tuple[Write, ...]:
    return (Write(FIRST, ANY, events), Write(SECOND, ANY, (encode(a_created_event(event_id="e9")),)))


@pytest.fixture
def keys() -> FakeKeyRing:
    return FakeKeyRing()


@pytest.fixture
def ledger() -> InMemoryEventStore:
    return InMemoryEventStore(ACME)


@pytest.fixture
def store(ledger: InMemoryEventStore, keys: FakeKeyRing) -> EncryptedEventStore:
    return EncryptedEventStore(ledger, Vault(keys), secret=b"s" * 32)


COMMENT = encode(an_event(CommentAdded, text="call 555-0199", event_id="e1", actor=an_actor()))


async def test_the_ledger_keeps_no_personal_data_and_the_service_sees_all_of_it(
    ledger: InMemoryEventStore, store: EncryptedEventStore
) -> None:
    await store.append(Append(ACME, writes(COMMENT)))

    kept = b"".join(event.data + event.metadata for event in await ledger.read_ledger(ACME))
    shown = await store.read_ledger(ACME)
    assert not [word for word in (b"555", b"Ada", b"Grace", b"c1") if word in kept]
    assert (shown[0].data, shown[0].metadata) == (COMMENT.data, COMMENT.metadata)
    assert shown[:1] == await store.read_stream(ACME, FIRST)


async def test_keys_are_asked_for_once_however_many_events_there_are(
    keys: FakeKeyRing, store: EncryptedEventStore
) -> None:
    await store.append(Append(ACME, writes(COMMENT, COMMENT._replace(event_id="e2"))))
    await store.read_ledger(ACME)

    assert keys.asked == 2
    assert keys.keys.keys() == {(ACME, FIRST), (ACME, SECOND), (ACME, person_stream("u1"))}


async def test_an_append_whose_keys_are_at_hand_does_not_wait_for_one_whose_keys_are_not(
    ledger: InMemoryEventStore, keys: FakeKeyRing, store: EncryptedEventStore
) -> None:
    await store.append(Append(ACME, (Write(FIRST, ANY, (COMMENT,)),)))
    keys.may_answer = asyncio.Event()

    known, new = (
        asyncio.create_task(store.append(Append(ACME, (Write(stream, ANY, (COMMENT._replace(event_id=id_),)),))))
        for stream, id_ in ((FIRST, "e2"), (SECOND, "e3"))
    )
    await known
    assert not new.done()
    keys.may_answer.set()
    await new

    assert [_shown(event)[0] for event in await store.read_ledger(ACME)] == ["call 555-0199"] * 3
    assert not [e for e in await ledger.read_ledger(ACME) if b"555" in e.data]


async def test_a_group_is_prepared_in_one_go_and_each_append_fails_alone(keys: FakeKeyRing) -> None:
    vault = Vault(keys)
    by_another = encode(an_event(CommentAdded, text="x", event_id="e2", actor=an_actor(id="u2")))
    await keys.to_write(ACME, [person_stream("u2")])
    keys.damage(ACME, person_stream("u2"))
    no_json = Draft("e3", CommentAdded.topic, {"text": object()}, {"schema_version": 1}, None)

    group = [
        await vault.with_keys(Append(ACME, (Write(FIRST, ANY, (event,)),)))
        for event in (COMMENT, by_another, no_json, COMMENT._replace(event_id="e4"))
    ]
    first, of_damaged_key, broken, last = prepare(group)

    assert isinstance(first, list)
    assert isinstance(last, list)
    assert [event.event_id for event in first + last] == ["e1", "e4"]
    assert not [event for event in first + last if b"555" in event.data or b"Ada" in event.metadata]
    assert isinstance(of_damaged_key, UnreadableKey)
    assert isinstance(broken, PydanticSerializationError)
    assert prepare(group[:1]) == [first]


async def test_a_stream_without_a_key_gets_none_if_only_the_performer_is_personal(
    ledger: InMemoryEventStore, keys: FakeKeyRing, store: EncryptedEventStore
) -> None:
    await store.append(Append(ACME, (Write(FIRST, ANY, (draft(an_event(actor=an_actor())),)),)))

    [kept] = await ledger.read_ledger(ACME)
    assert (b"Ada" in kept.metadata, keys.asked, keys.keys.keys()) == (False, 1, {(ACME, person_stream("u1"))})


async def test_an_event_without_personal_data_asks_for_no_key_and_keeps_its_bytes(
    ledger: InMemoryEventStore, keys: FakeKeyRing, store: EncryptedEventStore
) -> None:
    event = encode(an_event(event_id="e1"))

    await store.append(Append(ACME, (Write(FIRST, ANY, (event,)),)))

    [kept] = await ledger.read_ledger(ACME)
    assert (kept.data, kept.metadata, keys.asked) == (event.data, event.metadata, 0)


async def test_the_same_event_again_is_recognised(store: EncryptedEventStore) -> None:
    first = await store.append(Append(ACME, writes(COMMENT)))
    again = await store.append(Append(ACME, writes(COMMENT)))

    assert (first.is_replayed, again.is_replayed) == (False, True)
    assert again.first_position == first.first_position


async def test_what_is_forgotten_is_redacted_from_then_on_and_nothing_else(
    keys: FakeKeyRing, store: EncryptedEventStore
) -> None:
    await store.append(Append(ACME, writes(COMMENT)))

    await keys.destroy(ACME, FIRST, by="a test")
    await store.append(Append(ACME, (Write(FIRST, ANY, (COMMENT._replace(event_id="e2"),)),)))

    events = await store.read_ledger(ACME)
    assert [_shown(event) for event in events] == [("[redacted]", "Ada"), ("Grace", ""), ("[redacted]", "Ada")]


async def test_a_key_is_found_again_by_the_same_request_only(
    ledger: InMemoryEventStore, store: EncryptedEventStore
) -> None:
    await store.append(Append(ACME, writes(COMMENT), key("k", b"request")))

    found = await store.find_request(ACME, key("k", b"request"))

    assert found is not None
    assert found.is_replayed
    for asked in (store, ledger):
        # Nor does the ledger have the digest of the request: who knows most of it could guess the rest.
        with pytest.raises(KeyReused):
            await asked.find_request(ACME, key("k", b"request" if asked is ledger else b"another"))


def _shown(event: RecordedEvent) -> tuple[str, str]:
    told = decode(event)
    text = told.text if isinstance(told, CommentAdded) else told.customer.name  # type: ignore[attr-defined]
    return text, told.actor.name
