"""What was ever stored can still be read: a sample of every type of event, in every version of its schema."""

import json
from typing import Any

import pytest

from application.ledger.codec import decode, encode
from application.ledger.port import RecordedEvent
from domain.errors import InvalidEvent
from domain.events.catalogue import CATALOGUE
from domain.events.order_event import OrderEvent
from tests.builders import a_moment
from tests.samples import NAMES, stored

VERSIONS = [(topic, version) for topic, event in CATALOGUE.items() for version in range(1, event.class_version + 1)]


@pytest.mark.parametrize(("topic", "version"), VERSIONS)
def test_every_version_of_every_type_has_a_sample(topic: str, version: int) -> None:
    name = f"{topic}.v{version}.json"

    assert name in NAMES, (
        f"tests/fixtures/events/{name} is missing. Fill every field of a {topic}, encode it (application.ledger.codec) "
        "and write down what comes out: type, event_id, data and metadata as text, occurred_at; with its stream and "
        "version. Never change a sample: it is what somebody's ledger holds. If the schema changed, raise "
        "class_version, add an upcast, and add a sample."
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_of_the_type_and_version_its_name_says(name: str) -> None:
    recorded = stored(name)

    schema_version = json.loads(recorded.metadata)["schema_version"]

    assert name == f"{recorded.type}.v{schema_version}.json"
    assert (recorded.type, schema_version) in VERSIONS


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_still_loads(name: str) -> None:
    recorded = stored(name)

    event = decode(recorded)

    assert type(event) is CATALOGUE[recorded.type]
    assert event.originator_id == recorded.stream
    assert event.originator_version == recorded.version
    assert event.event_id == recorded.event_id
    assert event.timestamp == recorded.occurred_at


@pytest.mark.parametrize(("topic", "event_class"), CATALOGUE.items())
def test_a_sample_of_the_present_version_is_stored_the_same_today(topic: str, event_class: type[OrderEvent]) -> None:
    recorded = stored(f"{topic}.v{event_class.class_version}.json")

    again = encode(decode(recorded))

    assert json.loads(again.data) == json.loads(recorded.data)
    assert json.loads(again.metadata) == json.loads(recorded.metadata)
    assert again.occurred_at == recorded.occurred_at


@pytest.mark.parametrize(("topic", "event_class"), CATALOGUE.items())
def test_a_sample_of_the_present_version_fills_every_field(topic: str, event_class: type[OrderEvent]) -> None:
    recorded = stored(f"{topic}.v{event_class.class_version}.json")

    assert json.loads(recorded.data).keys() == event_class.data_fields()


@pytest.mark.parametrize("event_class", CATALOGUE.values(), ids=CATALOGUE)
def test_every_older_version_has_an_upcast(event_class: type[OrderEvent]) -> None:
    upcasts = [f"upcast_v{version}_v{version + 1}" for version in range(1, event_class.class_version)]

    assert [name for name in upcasts if not callable(getattr(event_class, name, None))] == []


class ParcelWeighed(OrderEvent):
    """A type of event whose schema has changed twice: kilograms were in weight, then in kilograms; now it is grams."""

    topic = "order.parcel_weighed"
    class_version = 3
    grams: int
    scale: str

    @staticmethod
    def upcast_v1_v2(data: dict[str, Any]) -> None:
        data["kilograms"] = data.pop("weight")

    @staticmethod
    def upcast_v2_v3(data: dict[str, Any]) -> None:
        data["grams"] = round(data.pop("kilograms") * 1_000)
        data["scale"] = "unknown"


@pytest.fixture
def _parcels_are_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CATALOGUE, ParcelWeighed.topic, ParcelWeighed)


def weighed(data: bytes, metadata: bytes) -> RecordedEvent:
    return RecordedEvent(9, "order-1", 1, "e1", ParcelWeighed.topic, data, metadata, a_moment(), a_moment())


@pytest.mark.usefixtures("_parcels_are_weighed")
@pytest.mark.parametrize(
    ("data", "metadata"),
    [
        (b'{"weight":1.25}', b"{}"),
        (b'{"weight":1.25}', b'{"schema_version":1}'),
        (b'{"kilograms":1.25}', b'{"schema_version":2}'),
        (b'{"grams":1250,"scale":"unknown"}', b'{"schema_version":3}'),
    ],
)
def test_older_data_is_brought_to_the_present_schema_one_version_at_a_time(data: bytes, metadata: bytes) -> None:
    event = decode(weighed(data, metadata))

    assert isinstance(event, ParcelWeighed)
    assert (event.grams, event.scale) == (1_250, "unknown")
    assert json.loads(encode(event).metadata)["schema_version"] == 3


@pytest.mark.usefixtures("_parcels_are_weighed")
def test_data_of_a_newer_schema_is_refused_even_if_it_looks_like_ours() -> None:
    with pytest.raises(InvalidEvent, match=r"Event 9 .*its schema is 4"):
        decode(weighed(b'{"grams":1250,"scale":"a"}', b'{"schema_version":4}'))


@pytest.mark.usefixtures("_parcels_are_weighed")
def test_data_that_an_upcast_cannot_bring_forward_is_an_invalid_event() -> None:
    with pytest.raises(InvalidEvent, match=r"Event 9 \(order.parcel_weighed\) cannot be read"):
        decode(weighed(b'{"length":3}', b'{"schema_version":1}'))
