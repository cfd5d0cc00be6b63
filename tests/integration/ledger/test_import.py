"""An imported ledger is the exported one: positions, versions, ids, times, bytes and root; or nothing was imported."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from api.bootstrap import open_projector, open_sealer, open_services, set_up_database
from api.services import Services
from api.settings import read_settings
from application.access.callers import Tenant
from application.ledger.codec import decode, encode
from application.ledger.port import ANY, Append, NewEvent, RecordedEvent, Write
from application.ledger_file.importing import CannotImport, Imported
from application.ledger_file.lines import FileDamaged
from application.transparency.checkpoint import Checkpoint
from domain.errors import EventIdReused, TenantNotFound
from domain.events.lifecycle import Created, Redacted
from domain.values import TenantName
from tests.builders import a_created_event, a_customer, an_event
from tests.fix_postgres import database
from tests.ledger_files import opened

ACME = TenantName("acme")


@pytest.fixture
def other_dsn(server_dsn: str, template_name: str) -> Iterator[str]:
    """The database of another installation."""
    with database(server_dsn, template=template_name) as fresh:
        set_up_database(fresh, read_settings())
        yield fresh


@pytest.fixture
async def other(other_dsn: str) -> AsyncIterator[Services]:
    """Another installation, with a tenant of the same name; as its owner, who may import."""
    async with open_services(other_dsn, as_owner=True) as services:
        await services.credentials.create_tenant(ACME, is_implicit=False, dintero_account=None)
        yield services


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.ledger_file.reading.PAGE", 2)


async def tell(services: Services, order_id: str, *events: NewEvent) -> None:
    await services.store.append(Append(ACME, (Write(f"order-{order_id}", ANY, events),)))


@pytest.fixture
async def lines(services: Services, tenant: Tenant) -> list[bytes]:
    """The file of a ledger of seven events."""
    await tell(services, "1", encode(a_created_event(order_id="1", customer=a_customer(name="Grace Hopper"))))
    await tell(services, "2", encode(an_event(order_id="2")))
    await tell(services, "1", *(encode(an_event(order_id="1", status=f"s{n}")) for n in range(4)))
    await tell(services, "book", NewEvent("foreign", "library.book_lent", bytes(range(256)), b"", None))
    return await exported(services)


async def exported(services: Services) -> list[bytes]:
    return [line async for _, _, lines in services.ledger_export.lines(ACME) for line in lines]


async def import_into(other: Services, lines: list[bytes]) -> Imported:
    with opened(lines) as file:
        return await other.ledger_import.add(file, lambda *_: None)


async def stored(dsn: str) -> tuple[list[RecordedEvent], list[tuple[object, ...]]]:
    """Return the events as they are stored, and the ledgers."""
    columns = ", ".join(RecordedEvent._fields)
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute(f"SELECT {columns} FROM ordertrail.events ORDER BY position".encode())
        events = [RecordedEvent(*row) for row in await cursor.fetchall()]
        cursor = await connection.execute("SELECT tenant, position, recorded_at FROM ordertrail.ledgers")
        return events, await cursor.fetchall()


async def root(services: Services) -> tuple[int, bytes]:
    checkpoint = Checkpoint.verified(
        await services.proofs.checkpoint(ACME), list(await services.proofs.verifiers(ACME))
    )
    return checkpoint.size, checkpoint.root


async def test_an_imported_ledger_is_the_exported_one_to_the_byte(
    other: Services, lines: list[bytes], dsn: str, other_dsn: str
) -> None:
    imported = await import_into(other, lines)

    assert imported == Imported(0, 7)
    assert await stored(other_dsn) == await stored(dsn)


async def test_another_installation_seals_the_same_root_under_its_own_name(
    services: Services, other: Services, lines: list[bytes], other_dsn: str
) -> None:
    await import_into(other, lines)
    async with open_sealer(other_dsn) as sealer:
        await sealer.seal_all()

    assert await root(other) == await root(services)
    assert (await other.verification.verify(ACME, lambda *_: None)).damage is None
    assert (await services.proofs.verifiers(ACME))[0].name != (await other.proofs.verifiers(ACME))[0].name


async def test_what_is_imported_is_exported_again_as_it_was(other: Services, lines: list[bytes]) -> None:
    await import_into(other, lines)

    again = await exported(other)

    assert [line for line in again if b'"position"' in line] == [line for line in lines if b'"position"' in line]


async def test_an_import_goes_on_where_it_stopped(
    services: Services, other: Services, lines: list[bytes], dsn: str, other_dsn: str
) -> None:
    await import_into(other, lines)
    await tell(services, "2", *(encode(an_event(order_id="2")) for _ in range(3)))
    longer = await exported(services)

    assert await import_into(other, longer) == Imported(7, 10)
    assert await import_into(other, longer) == Imported(10, 10)
    assert await stored(other_dsn) == await stored(dsn)


async def test_a_ledger_goes_on_after_its_import(other: Services, lines: list[bytes], other_dsn: str, dsn: str) -> None:
    await import_into(other, lines)

    await tell(other, "1", encode(an_event(order_id="1", status="last")))

    events, [(_, position, recorded_at)] = await stored(other_dsn)
    assert (position, recorded_at) == (8, events[-1].recorded_at)
    assert (events[-1].version, events[-1].position) == (6, 8)
    assert events[-1].recorded_at >= events[-2].recorded_at


async def test_views_are_derived_from_what_was_imported(other: Services, lines: list[bytes], other_dsn: str) -> None:
    await import_into(other, lines)
    async with open_projector(other_dsn) as projector:
        for tenant in await projector.behind():
            await projector.catch_up(tenant)

    assert (await other.queries.find_order(ACME, "1")).order_id == "1"


async def test_personal_data_cannot_be_read_elsewhere_and_new_data_can(other: Services, lines: list[bytes]) -> None:
    await import_into(other, lines)
    await tell(other, "1", encode(a_created_event(order_id="1", customer=a_customer(name="Ada Lovelace"))))

    first, *_, last = await other.store.read_stream(ACME, "order-1")

    told, new = decode(first), decode(last)
    assert isinstance(told, Created)
    assert isinstance(new, Created)
    assert told.customer is not None
    assert new.customer is not None
    assert (told.customer.name, new.customer.name) == ("[redacted]", "Ada Lovelace")


async def test_keys_that_stayed_elsewhere_are_no_damage_and_those_from_here_are_missed(
    other: Services, lines: list[bytes], other_dsn: str
) -> None:
    async def unread() -> list[tuple[int, str]]:
        return [(e.position, why) async for e, why in other.readability.unread(ACME, lambda *_: None, with_bodies=True)]

    await import_into(other, lines)
    await tell(other, "1", encode(a_created_event(order_id="1", customer=a_customer(name="Ada Lovelace"))))
    assert await unread() == []

    async with await psycopg.AsyncConnection.connect(other_dsn, autocommit=True) as connection:
        await connection.execute("DELETE FROM ordertrail.subject_keys")

    assert await unread() == [(8, "customer.id, customer.name: the key of order-1 is missing")]


@pytest.mark.usefixtures("tenant")
async def test_what_is_told_again_after_an_import_is_not_recorded_twice(services: Services, other: Services) -> None:
    plain, personal = encode(an_event(order_id="1")), encode(a_created_event(order_id="1", customer=a_customer()))
    await tell(services, "1", plain, personal)
    await import_into(other, await exported(services))

    await tell(other, "1", plain)
    with pytest.raises(EventIdReused):
        await tell(other, "1", personal)

    assert await other.store.head(ACME) == 2


async def test_who_was_forgotten_stays_forgotten(services: Services, other: Services, lines: list[bytes]) -> None:
    await tell(services, "1", encode(an_event(Redacted, order_id="1")))
    await import_into(other, await exported(services))

    await tell(other, "1", encode(a_created_event(order_id="1", customer=a_customer(name="Ada Lovelace"))))

    *_, last = await other.store.read_stream(ACME, "order-1")
    assert b"Ada Lovelace" not in last.data


@pytest.mark.parametrize("size", [1, 7, 8])
async def test_a_ledger_with_other_events_is_left_as_it_is(
    other: Services, lines: list[bytes], other_dsn: str, size: int
) -> None:
    await tell(other, "9", *(encode(an_event(order_id="9")) for _ in range(size)))
    before = await stored(other_dsn)

    with pytest.raises(
        CannotImport, match="an event at position 1 that differs" if size <= 7 else "1 more events than"
    ):
        await import_into(other, lines)

    assert await stored(other_dsn) == before


async def test_a_ledger_whose_beginning_differs_late_is_left_as_it_is(
    services: Services, other: Services, lines: list[bytes], other_dsn: str
) -> None:
    await import_into(other, lines)
    await tell(other, "2", encode(an_event(order_id="2")))
    await tell(services, "2", encode(an_event(order_id="2")), encode(an_event(order_id="2")))
    before = await stored(other_dsn)

    with pytest.raises(CannotImport, match="acme has an event at position 8 that differs from the one in the file"):
        await import_into(other, await exported(services))

    assert await stored(other_dsn) == before


async def test_an_import_and_another_writer_do_not_mix(other: Services, lines: list[bytes], other_dsn: str) -> None:
    with opened(lines) as file:
        pages = file.pages()
        await other.ledger_import.add_page(ACME, next(pages), before=0)
        await tell(other, "9", encode(an_event(order_id="9")))

        with pytest.raises(CannotImport, match="During the import somebody else wrote to acme before position 3"):
            await other.ledger_import.add_page(ACME, next(pages), before=0)

    events, _ = await stored(other_dsn)
    assert [event.stream for event in events] == ["order-1", "order-2", "order-9"]


async def test_what_turns_out_to_be_damaged_ends_the_import(other: Services, lines: list[bytes]) -> None:
    del lines[6]

    with pytest.raises(FileDamaged, match="position 6 is missing"):
        await import_into(other, lines)


async def test_a_tenant_has_to_exist(lines: list[bytes], other_dsn: str) -> None:
    async with open_services(other_dsn) as services:
        with pytest.raises(TenantNotFound):
            await import_into(services, lines)
