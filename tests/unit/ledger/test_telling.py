"""Events that are told again: the same whether or not whoever is told still remembers a key."""

from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.ledger.telling import tell
from application.privacy.store import EncryptedEventStore
from application.privacy.vault import Vault
from domain.events.lifecycle import CommentAdded
from tests.builders import ACME, an_actor, an_event
from tests.fakes_keys import FakeKeyRing
from tests.fakes_store import InMemoryEventStore

STREAM = "order-1"
COMMENT = encode(an_event(CommentAdded, text="call 555-0199", event_id="e1", actor=an_actor()))
APPEND = Append(ACME, (Write(STREAM, ANY, (COMMENT,)),))


async def test_a_worker_that_knows_no_key_any_more_recognises_what_was_told_before_an_erasure() -> None:
    keys = FakeKeyRing()
    store = EncryptedEventStore(InMemoryEventStore(ACME), Vault(keys), secret=b"s" * 32)
    first = await tell(store, APPEND)
    await keys.destroy(ACME, STREAM, by="a test")

    again = await tell(store, APPEND)

    assert again.is_replayed
    assert again == first._replace(is_replayed=True)
