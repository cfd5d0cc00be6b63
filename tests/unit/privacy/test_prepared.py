"""An append that is prepared before its turn is stored as its events are that are told one by one."""

import pytest

from application.ledger.codec import Drafts, decode, draft
from application.ledger.port import ANY, Append, NewEvent, Write
from application.privacy.preparation import prepare
from application.privacy.store import EncryptedEventStore
from application.privacy.vault import Vault
from domain.errors import UnreadableKey
from domain.events.event import Event
from domain.events.lifecycle import CommentAdded
from domain.streams import person_stream
from domain.values import NOBODY, Actor, Origin
from tests.builders import ACME, an_actor, an_event
from tests.fakes_keys import FakeKeyRing
from tests.fakes_store import InMemoryEventStore
from tests.samples import one_of_each

ORIGIN = Origin(method="POST", path="/trail/v1/events")
PERFORMER = person_stream("u1")
ADA, GRACE = an_actor(), Actor(id="u2", name="Grace", application_id="app")
ACTORS = {
    "a performer": ADA,
    "the customer": an_actor(type="Customer"),
    "somebody with a name alone": Actor(name="Ada"),
    "somebody with an id alone": Actor(id="u1"),
    "nobody": NOBODY,
}


def events_of(actor: Actor) -> list[Event]:
    """Return an event of every type, and comments on a person: all by this actor, but for the last."""
    samples = [decode(event) for event in one_of_each()]
    of_all = [
        event.model_copy(update={"actor": actor, "correlation_id": None, "causation_id": None}) for event in samples
    ]
    told = {"text": "call 555-0199", "actor": actor}
    comments = [an_event(CommentAdded, event_id=f"c{n}", **told) for n in range(3)]
    of_person = [event.model_copy(update={"originator_id": PERFORMER}) for event in comments]
    caused = an_event(CommentAdded, event_id="caused", correlation_id="c", **told)
    return [
        *samples,
        *of_all,
        of_person[0],
        comments[1],
        of_person[2],
        caused,
        caused.model_copy(update={"actor": GRACE}),
    ]


async def alone(vault: Vault, event: Event) -> NewEvent:
    write = Write(event.originator_id, ANY, (draft(event, ORIGIN),))
    [prepared] = prepare([await vault.with_keys(Append(ACME, (write,)))])
    assert isinstance(prepared, list)
    return prepared[0]


@pytest.mark.parametrize("forgotten", [None, PERFORMER, "order-1001"])
@pytest.mark.parametrize("actor", ACTORS.values(), ids=ACTORS)
async def test_events_of_every_type_have_the_same_bytes(actor: Actor, forgotten: str | None) -> None:
    keys, drafts, events = FakeKeyRing(), Drafts(ORIGIN), events_of(actor)
    if forgotten is not None:
        await keys.destroy(ACME, forgotten, by="test")
    append = Append(ACME, tuple(Write(event.originator_id, ANY, (drafts.draft(event),)) for event in events))

    [prepared] = prepare([await Vault(keys).with_keys(await Vault(keys).prepared(append))])

    assert prepared == [await alone(Vault(keys), event) for event in events]


async def test_it_is_appended_without_being_prepared_again() -> None:
    keys, ledger = FakeKeyRing(), InMemoryEventStore(ACME)
    store = EncryptedEventStore(ledger, Vault(keys), secret=b"s" * 32)
    comment = an_event(CommentAdded, text="call 555-0199", event_id="e1", actor=ADA)
    append = await store.prepared(Append(ACME, (Write("order-1", ANY, (draft(comment),)),)))
    asked = keys.asked

    await store.append(append)
    again = await store.append(append)

    assert (keys.asked, again.is_replayed) == (asked, True)
    [kept], [shown] = await ledger.read_ledger(ACME), await store.read_ledger(ACME)
    assert b"555" not in kept.data
    assert b"555" in shown.data


async def test_a_key_that_cannot_be_read_is_reported() -> None:
    keys = FakeKeyRing()
    keys.damage(ACME, PERFORMER)
    comment = an_event(CommentAdded, text="x", event_id="e1", actor=ADA)

    with pytest.raises(UnreadableKey):
        await Vault(keys).prepared(Append(ACME, (Write("order-1", ANY, (draft(comment),)),)))
