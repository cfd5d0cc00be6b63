"""The composition root: the only place where ports meet their implementations."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import partial

from api.native.following.webhook_payload import event_payload, test_payload
from api.services import Register, Services, Standby
from api.settings import Settings, read_settings
from application.access.callers import Access
from application.access.links import Sessions
from application.bodies.calls import CallQueries
from application.bodies.expiry import Expiry, keep_expiring
from application.bodies.masking import SECRET_HEADERS
from application.bodies.port import BodyStore
from application.bodies.vault import SealedBodies
from application.delivery.consuming import Consuming
from application.delivery.growth import growth_of
from application.delivery.reading import LedgerReader
from application.delivery.tail import tails_of
from application.delivery.webhooks.attempts import Attempts
from application.delivery.webhooks.courier import AS_DOCUMENTED, Schedule, Tools
from application.delivery.webhooks.deliverer import Deliverer
from application.delivery.webhooks.hooks import Hooks
from application.ledger.expiry import KeyExpiry, keep_expiring_keys
from application.ledger.replay import Replay
from application.ledger_file.importing import LedgerImport
from application.ledger_file.writing import LedgerExport
from application.orders.erasure import Erasure
from application.orders.integrations import IntegrationService
from application.orders.service import OrderService
from application.privacy.preparation import prepare
from application.privacy.store import EncryptedEventStore
from application.privacy.vault import Vault
from application.runtime.loops import keep_going
from application.runtime.room import Room
from application.transparency.audit.repair import Repair
from application.transparency.audit.verification import Verification
from application.transparency.proofs import Proofs
from application.transparency.sealing import BATCH as SEAL_BATCH
from application.transparency.sealing import LANES as SEAL_LANES
from application.transparency.sealing import Sealer, keep_sealed
from application.views.health import StandbyHealth
from application.views.integration_queries import IntegrationQueries
from application.views.pages import Entries, Pages
from application.views.projections.catalogue import PROJECTIONS
from application.views.queries import Queries
from application.views.readability import Readability
from application.views.standby import StandbyQueries, StandbyStore
from application.views.time_travel import TimeTravel
from application.views.upkeep.customers import reveal_with
from application.views.upkeep.loop import keep_up
from application.views.upkeep.projector import LANES as PROJECT_LANES
from application.views.upkeep.projector import Projector
from application.views.upkeep.rebuild import Rebuilding
from domain.errors import Misconfigured
from infrastructure.bodies.object_store import ObjectBodyStore, check_bodies_url
from infrastructure.bodies.postgres import PostgresBodyStore
from infrastructure.bodies.retention import PostgresRetentionStore
from infrastructure.delivery.attempt_log import PostgresAttemptLog
from infrastructure.delivery.consumers import PostgresConsumers
from infrastructure.delivery.members import PostgresMembership
from infrastructure.delivery.sender import http_sender
from infrastructure.delivery.wanted_events import PostgresWantedEvents
from infrastructure.delivery.webhooks import PostgresWebhooks
from infrastructure.embedded import backups
from infrastructure.embedded.server import embedded_server
from infrastructure.embedded.server import is_used as data_directory_is_used
from infrastructure.keys.credentials import PostgresCredentialStore
from infrastructure.keys.erasures import PostgresErasureRegister
from infrastructure.keys.installation import FINGERPRINT_KEY, TOKEN_KEY, InstallationFacts, PostgresInstallation
from infrastructure.keys.installation_key import InstallationKey
from infrastructure.keys.key_register import PostgresKeyRegister
from infrastructure.keys.signing_keys import PostgresSigningKeys
from infrastructure.keys.spent_tokens import PostgresSpentTokens
from infrastructure.keys.subject_keys import PostgresKeyRing
from infrastructure.keys.tenant_keys import PostgresTenantKeys
from infrastructure.keys.tenant_register import PostgresTenantRegister
from infrastructure.keys.tokens import JwtSigner
from infrastructure.ledger.clock import MAX_AHEAD, Clock
from infrastructure.ledger.event_store import PostgresEventStore
from infrastructure.ledger.group_commit import GroupCommit, open_group_commit
from infrastructure.ledger.key_expiry import PostgresKeyExpiryStore
from infrastructure.ledger.ledger_import import PostgresLedgerContinuation
from infrastructure.ledger.refused_lines import PostgresRefusedLines
from infrastructure.ledger.seen import open_seen
from infrastructure.postgres import standby as of_standby
from infrastructure.postgres.bounded_reads import Large
from infrastructure.postgres.database import open_pool, watching_database
from infrastructure.postgres.listener import Listener
from infrastructure.postgres.patience import BACKGROUND, COMMANDS, REQUESTS, SEALING, Patience
from infrastructure.postgres.pipelines import TOGETHER
from infrastructure.postgres.session import described_dsn
from infrastructure.postgres.standby import StandbyPools, open_standby
from infrastructure.postgres.watch import Watch
from infrastructure.setup import served_database as database_setup
from infrastructure.setup.checkup import Checkup, check_up
from infrastructure.setup.distribution import Show as ShowTables
from infrastructure.setup.installation import set_up_installation
from infrastructure.setup.migrations import Tell, migrate_in
from infrastructure.setup.owner_session import owner_session, refuse_unsafe_server
from infrastructure.setup.served_database import ServedDatabase
from infrastructure.transparency.repair import PostgresTreesToRepair
from infrastructure.transparency.trees import PostgresTrees
from infrastructure.views.bell import READERS, PostgresBell
from infrastructure.views.browse import PostgresBrowsing
from infrastructure.views.health import PostgresHealth
from infrastructure.views.read import PostgresViews
from infrastructure.views.rebuild import PostgresSideViewStore
from infrastructure.views.standings import PostgresStandings
from infrastructure.views.together import PostgresJointViews
from infrastructure.views.write import PostgresViewStore

__all__ = [
    "Checkup",
    "ServedDatabase",
    "backups",
    "check_up",
    "data_directory_is_used",
    "open_seen",
    "watching_database",
]

_log = logging.getLogger(__name__)

READ_CONNECTIONS = 8
LARGE_CONNECTIONS = 2
"""How many connections a worker has for reads, and for large values; to a standby, it has as many more."""
FOLLOWERS_POLL_SECONDS = 2.0
"""How often followers look for new events although no notification came, and how soon a lost listener connects again.
"""


@contextmanager
def open_database(
    settings: Settings, tell: Tell = _log.warning, *, distributing: ShowTables | None = None
) -> Iterator[str]:
    """Yield the DSN of a database that is set up: the one from the settings, or one on a PostgreSQL of our own.

    Ours is shared with all other users of the data directory, and stopped when the last one leaves. tell gets a
    sentence for each thing that was mended. With distributing, the installation is distributed over the nodes of a
    cluster; it gets the progress. Raises Unavailable, Misconfigured.
    """
    with database_as_it_is(settings) as dsn:
        set_up_database(dsn, settings, tell, distributing=distributing)
        yield dsn


def database_as_it_is(settings: Settings) -> AbstractContextManager[str]:
    """Return a context that yields the same DSN without a look at the database. Raises Unavailable, Misconfigured."""
    return nullcontext(settings.dsn) if settings.dsn else embedded_server(settings.data_dir)


def set_up_database(
    dsn: str, settings: Settings, tell: Tell = _log.warning, *, distributing: ShowTables | None = None
) -> None:
    """Give a database its schema, the runtime role its rights, and the installation its secrets, as far as they are
    missing; distribute it as open_database does.

    Raises Unavailable, Misconfigured.
    """
    with owner_session(dsn) as session:
        if not settings.allow_unsafe_server:
            refuse_unsafe_server(session)
        migrate_in(session, tell, show=distributing)
        set_up_installation(session, settings.installation_key)


def served_database(settings: Settings) -> AbstractContextManager[ServedDatabase]:
    """Return a context that yields such a database, which may still be away. Raises Misconfigured, also on entering."""
    if settings.read_dsn is not None:
        try:
            described_dsn(settings.read_dsn)
        except Misconfigured as error:
            raise Misconfigured(f"ORDERTRAIL_READ_DSN: {error}") from None
    set_up = partial(_set_up_to_serve, settings=settings)
    return database_setup.served_database(settings.dsn, settings.data_dir, set_up)


def _set_up_to_serve(dsn: str, settings: Settings) -> None:
    set_up_database(dsn, settings)
    if settings.bodies_url is not None:
        check_bodies_url(settings.bodies_url)


@asynccontextmanager
async def open_services(
    dsn: str,
    *,
    as_owner: bool = False,
    read_wait_seconds: float = 1.0,
    bodies_url: str | None = None,
    masked_headers: frozenset[str] = frozenset(),
    watch: Watch | None = None,
    room: Room | None = None,
    max_clock_ahead: timedelta = MAX_AHEAD,
) -> AsyncIterator[Services]:
    """Connect the application to a database that is set up, with the rights of the runtime role.

    With as_owner, it has the rights of the database's owner: it may create tenants and credentials, change signing
    keys, and import. With a watch, it answers requests, from a standby too if one is set; without one it is a command,
    which waits as long as it takes.
    With a room, large reads wait for room. Raises MissingRight if the DSN's user lacks these rights.
    """
    read_dsn = None if watch is None else read_settings().read_dsn
    patience, watch = (COMMANDS, Watch()) if watch is None else (REQUESTS, watch)
    open_connections = partial(open_pool, dsn, as_owner=as_owner, watch=watch, patience=patience)
    async with (
        open_connections(size=READ_CONNECTIONS) as pool,
        open_connections(size=LARGE_CONNECTIONS) as large_pool,
        open_group_commit(dsn, watch=watch, clock=Clock(max_ahead=max_clock_ahead), prepare=prepare) as writer,
        growth_of(Listener(dsn, poll_seconds=FOLLOWERS_POLL_SECONDS, watch=watch)) as growth,
        http_sender(read_settings().webhook_networks) as sender,
        AsyncExitStack() as stack,
    ):
        large = Large(room, large_pool) if room else None
        credentials, installation = PostgresCredentialStore(pool), PostgresInstallation(pool)
        key = await installation.key(read_settings().installation_key)
        keys, signing_keys = PostgresKeyRing(pool, key), PostgresSigningKeys(pool, key)
        vault = Vault(keys)
        secret = await installation.secret(FINGERPRINT_KEY, key)
        as_stored = PostgresEventStore(pool, writer, large)
        readable = PostgresEventStore(pool, writer, large, whatever_times=True)
        store = EncryptedEventStore(readable, vault, secret=secret)
        tokens = JwtSigner(await installation.secret(TOKEN_KEY, key))
        access = Access(credentials, tokens, require_reachable=watch.nodes.require)
        trees = PostgresTrees(pool)
        retention = PostgresRetentionStore(pool)
        bodies = SealedBodies(_bodies(PostgresBodyStore(pool, large), bodies_url), keys, retention)
        views, erasure = PostgresViews(pool, vault, large), Erasure(store, keys, bodies)
        queries = Queries(views, wait_seconds=read_wait_seconds, ring=PostgresBell(pool).ring)
        standby = None
        if read_dsn is not None:
            opened = open_standby(read_dsn, pool, watch, size=READ_CONNECTIONS, large_size=LARGE_CONNECTIONS)
            standby = await stack.enter_async_context(opened)
        reader = LedgerReader(PostgresWantedEvents(store, pool, vault, large))
        consuming = Consuming(PostgresConsumers(pool), PostgresMembership(pool, vault, large), reader, growth)
        tails = await stack.enter_async_context(tails_of(reader, growth))
        services = Services(
            store=store,
            orders=OrderService(store, queries, erasure),
            integrations=IntegrationService(store, bodies),
            integration_queries=IntegrationQueries(views, bodies, room),
            queries=queries,
            browsing=PostgresBrowsing(pool, vault, large),
            time_travel=TimeTravel(store, queries),
            replay=Replay(store),
            calls=CallQueries(store, bodies, room),
            access=access,
            sessions=Sessions(access, PostgresSpentTokens(pool)),
            tenant_keys=PostgresTenantKeys(pool),
            bodies=bodies,
            erasure=erasure,
            retention=retention,
            reveal=reveal_with(vault),
            credentials=credentials,
            proofs=Proofs(trees, signing_keys, as_stored),
            verification=Verification(trees, signing_keys, as_stored),
            readability=Readability(store, keys, bodies),
            signing_keys=signing_keys,
            ledger_export=LedgerExport(as_stored, trees, signing_keys, Sealer(trees, signing_keys)),
            ledger_import=LedgerImport(as_stored, PostgresLedgerContinuation(pool), keys),
            health=PostgresHealth(pool, watch, standby and standby.watch),
            pages=Pages(),
            entries=Entries(),
            reader=reader,
            growth=growth,
            consuming=consuming,
            hooks=Hooks(
                PostgresWebhooks(pool, key),
                Attempts(sender, PostgresAttemptLog(pool, keys), secret_names=SECRET_HEADERS | masked_headers),
                sender,
                consuming,
                store,
                render=event_payload,
                render_test=test_payload,
            ),
            tails=tails,
            refused_lines=PostgresRefusedLines(pool),
            secret_headers=SECRET_HEADERS | masked_headers,
        )
        if standby is not None:
            elsewhere = _read_from(standby, services, writer, room, key, secret)
            services = replace(services, standby=Standby(standby.watch, PostgresStandings(pool), elsewhere))
        yield services


def _read_from(
    standby: StandbyPools,
    services: Services,
    writer: GroupCommit,
    room: Room | None,
    key: InstallationKey,
    secret: bytes,
) -> Services:
    """Return services that read from a standby what is read of orders, integrations and ledgers.

    Keys are read there too: a read is answered there only if all keys are destroyed that the primary has destroyed.
    Bodies of calls, which expire without a trace, are the primary's, and so is all the rest.
    """
    large = Large(room, standby.large) if room else None
    vault = Vault(PostgresKeyRing(standby.pool, key))
    as_stored = PostgresEventStore(standby.pool, writer, large, whatever_times=True)
    store = StandbyStore(as_stored, vault, PostgresStandings(standby.pool), secret=secret)
    views = PostgresViews(standby.pool, vault, large)
    queries = StandbyQueries(views, wait_seconds=0.0, ring=services.queries.ring)
    return replace(
        services,
        primary=services,
        store=store,
        queries=queries,
        integration_queries=IntegrationQueries(views, services.bodies, room),
        time_travel=TimeTravel(store, queries),
        calls=CallQueries(store, services.bodies, room),
        reader=LedgerReader(PostgresWantedEvents(store, standby.pool, vault, large)),
    )


def _bodies(in_postgres: BodyStore, url: str | None) -> BodyStore:
    return ObjectBodyStore(url, earlier=in_postgres) if url else in_postgres


async def run_projector(dsn: str) -> None:
    """Keep views up to date and ledgers sealed, deliver to webhooks, and delete expired bodies, until cancelled.

    The database must be migrated.
    """
    async with watching_database(dsn) as watch, asyncio.TaskGroup() as tasks:

        async def project() -> None:
            async with open_projector(dsn, watch=watch) as projector:
                await keep_up(projector, Listener(dsn, watch=watch), Listener(dsn, channel=READERS, watch=watch))

        async def seal() -> None:
            async with open_sealer(dsn, watch=watch) as sealer:
                await keep_sealed(sealer)

        async def expire() -> None:
            async with open_expiry(dsn, bodies_url=read_settings().bodies_url, watch=watch) as expiry:
                await keep_expiring(expiry)

        async def deliver() -> None:
            async with open_deliverer(dsn, watch=watch) as deliverer:
                await deliverer.run(Listener(dsn, watch=watch))

        tasks.create_task(keep_going("deliverer", deliver), name="deliverer")

        async def expire_keys() -> None:
            async with open_key_expiry(dsn, keep=read_settings().idempotency_period, watch=watch) as expiry:
                await keep_expiring_keys(expiry)

        tasks.create_task(keep_going("projector", project), name="projector")
        tasks.create_task(keep_going("sealing", seal), name="sealer")
        tasks.create_task(keep_going("expiry", expire), name="expiry")
        tasks.create_task(keep_going("keys", expire_keys), name="keys")


@asynccontextmanager
async def open_expiry(dsn: str, *, bodies_url: str | None = None, watch: Watch | None = None) -> AsyncIterator[Expiry]:
    """Connect a task that deletes expired bodies to a migrated database."""
    async with open_pool(dsn, size=1, watch=watch, patience=BACKGROUND) as pool:
        yield Expiry(PostgresRetentionStore(pool), _bodies(PostgresBodyStore(pool), bodies_url))


@asynccontextmanager
async def open_key_expiry(dsn: str, *, keep: timedelta, watch: Watch | None = None) -> AsyncIterator[KeyExpiry]:
    """Connect a task that deletes old Idempotency-Keys to a migrated database."""
    async with open_pool(dsn, size=1, watch=watch, patience=BACKGROUND) as pool:
        yield KeyExpiry(PostgresKeyExpiryStore(pool), keep)


@asynccontextmanager
async def open_sealer(
    dsn: str, *, batch: int = SEAL_BATCH, watch: Watch | None = None, patience: Patience = SEALING
) -> AsyncIterator[Sealer]:
    """Connect a sealer of all ledgers to a migrated database."""
    async with (
        open_pool(dsn, size=2, watch=watch, patience=patience) as pool,
        open_pool(dsn, size=SEAL_LANES, watch=watch, patience=patience, settings=TOGETHER) as joint_pool,
    ):
        key = await PostgresInstallation(pool).key(read_settings().installation_key)
        yield Sealer(PostgresTrees(pool, together=joint_pool), PostgresSigningKeys(pool, key), batch=batch)


@asynccontextmanager
async def open_deliverer(
    dsn: str, *, watch: Watch | None = None, schedule: Schedule = AS_DOCUMENTED, member: str | None = None
) -> AsyncIterator[Deliverer]:
    """Connect what runs webhooks to a migrated database."""
    settings = read_settings()
    async with (
        open_pool(dsn, size=4, watch=watch, patience=BACKGROUND) as pool,
        http_sender(settings.webhook_networks) as sender,
    ):
        key = await PostgresInstallation(pool).key(settings.installation_key)
        keys = PostgresKeyRing(pool, key)
        log = PostgresAttemptLog(pool, keys)
        attempts = Attempts(sender, log, secret_names=SECRET_HEADERS | settings.masked_headers)
        membership = PostgresMembership(pool, Vault(keys))
        tools = Tools(PostgresWebhooks(pool, key), membership, attempts, event_payload, schedule)
        yield Deliverer(tools, member=member)


@asynccontextmanager
async def open_repair(dsn: str) -> AsyncIterator[Repair]:
    """Connect a repairer of trees to a migrated database, with the rights of its owner."""
    async with open_pool(dsn, size=1) as pool:
        key = await PostgresInstallation(pool).key(read_settings().installation_key)
        yield Repair(PostgresTreesToRepair(dsn), PostgresSigningKeys(pool, key))


@asynccontextmanager
async def open_projector(dsn: str, *, watch: Watch | None = None) -> AsyncIterator[Projector]:
    """Connect a projector of all views to a migrated database."""
    async with (
        open_pool(dsn, size=3, watch=watch, patience=BACKGROUND) as pool,
        open_pool(dsn, size=PROJECT_LANES, watch=watch, patience=BACKGROUND, settings=TOGETHER) as joint_pool,
    ):
        key = await PostgresInstallation(pool).key(read_settings().installation_key)
        reveal = reveal_with(Vault(PostgresKeyRing(pool, key)))
        store = PostgresViewStore(pool.connection, pool.connection, nodes=pool.nodes)
        yield Projector(store, PROJECTIONS, together=PostgresJointViews(joint_pool), reveal=reveal)


@asynccontextmanager
async def open_register(dsn: str, *, as_owner: bool = False) -> AsyncIterator[Register]:
    """Connect the register of tenants and credentials to a database; as its owner, if you want to change something.

    Raises MissingRight if the DSN's user may not.
    """
    async with open_pool(dsn, size=1, as_owner=as_owner) as pool:
        yield Register(PostgresTenantRegister(pool), PostgresKeyRegister(pool), PostgresErasureRegister(pool))


async def look_at_standby(dsn: str, read_dsn: str) -> StandbyHealth:
    """Return whether a server is a standby of a database that may be read from, and how far it is behind."""
    async with open_pool(dsn, size=1) as pool:
        return await of_standby.look_at_standby(read_dsn, pool)


async def installation_facts(dsn: str) -> InstallationFacts:
    """Return what may be told of an installation."""
    async with open_pool(dsn, size=1) as pool:
        return await PostgresInstallation(pool).facts()


def rebuilding(dsn: str, services: Services, *, as_owner: bool = False) -> Rebuilding:
    """Return a rebuilder for all views of a database. As the owner, it may replace the live views."""
    return Rebuilding(services.store, PostgresSideViewStore(dsn, as_owner=as_owner), PROJECTIONS, services.reveal)
