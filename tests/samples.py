"""Stored samples of events: fixtures/events/<topic>.v<schema version>.json, as somebody's ledger holds them."""

import json
from datetime import datetime
from pathlib import Path

from application.ledger.port import RecordedEvent
from domain.events.catalogue import CATALOGUE

_SAMPLES = Path(__file__).parent / "fixtures" / "events"

NAMES = sorted(path.name for path in _SAMPLES.glob("*.json"))


def stored(name: str, *, position: int = 1) -> RecordedEvent:
    """Return a sample, as if it stood at this position of a ledger."""
    sample = json.loads((_SAMPLES / name).read_text())
    occurred_at = datetime.fromisoformat(sample["occurred_at"])
    return RecordedEvent(
        position=position,
        stream=sample["stream"],
        version=sample["version"],
        event_id=sample["event_id"],
        type=sample["type"],
        data=sample["data"].encode(),
        metadata=sample["metadata"].encode(),
        occurred_at=occurred_at,
        recorded_at=occurred_at,
    )


def one_of_each() -> list[RecordedEvent]:
    """Return a ledger of one event of every type in the present version of its schema."""
    names = [f"{topic}.v{event.class_version}.json" for topic, event in CATALOGUE.items()]
    return [stored(name, position=position) for position, name in enumerate(names, start=1)]
