"""The services that a process works with, independent of the implementations of their ports."""

from dataclasses import dataclass
from typing import NamedTuple

from application.access.accounts import Accounts
from application.access.callers import Access
from application.access.credentials import KeyRegister, TenantKeys
from application.access.links import Sessions
from application.access.tenants import TenantRegister
from application.bodies.calls import CallQueries
from application.bodies.masking import SECRET_HEADERS
from application.bodies.retention import RetentionStore
from application.bodies.vault import SealedBodies
from application.delivery.consuming import Consuming
from application.delivery.growth import Growth
from application.delivery.reading import LedgerReader
from application.delivery.tail import Tails
from application.delivery.webhooks.hooks import Hooks
from application.ledger.replay import Replay
from application.ledger_file.importing import LedgerImport
from application.ledger_file.writing import LedgerExport
from application.orders.erasure import Erasure
from application.orders.integrations import IntegrationService
from application.orders.refused_lines import RefusedLines
from application.orders.service import OrderService
from application.privacy.erasures import ErasureRegister
from application.privacy.store import EncryptedEventStore
from application.transparency.audit.verification import Verification
from application.transparency.keys import SigningKeyStore
from application.transparency.proofs import Proofs
from application.views.browsing import Browsing
from application.views.health import Health
from application.views.integration_queries import IntegrationQueries
from application.views.pages import Entries, Pages
from application.views.queries import Queries
from application.views.readability import Readability
from application.views.standby import StandbyState, Standings
from application.views.time_travel import TimeTravel
from application.views.upkeep.customers import Reveal


@dataclass(frozen=True, slots=True)
class Services:
    """What a process that answers requests works with."""

    orders: OrderService
    integrations: IntegrationService
    store: EncryptedEventStore
    integration_queries: IntegrationQueries
    queries: Queries
    browsing: Browsing
    time_travel: TimeTravel
    replay: Replay
    calls: CallQueries
    access: Access
    sessions: Sessions
    tenant_keys: TenantKeys
    bodies: SealedBodies
    erasure: Erasure
    retention: RetentionStore
    reveal: Reveal
    credentials: Accounts
    proofs: Proofs
    verification: Verification
    readability: Readability
    signing_keys: SigningKeyStore
    ledger_export: LedgerExport
    ledger_import: LedgerImport
    health: Health
    pages: Pages
    entries: Entries
    reader: LedgerReader
    growth: Growth
    consuming: Consuming
    hooks: Hooks
    tails: Tails
    refused_lines: RefusedLines
    secret_headers: frozenset[str] = SECRET_HEADERS
    """Headers and parameters of logged calls whose values are not stored, besides those with telling names."""
    standby: "Standby | None" = None
    """The standby that reads may be answered from, if one is set."""
    primary: "Services | None" = None
    """If these services read from a standby, those that read from its primary."""

    @property
    def lasting(self) -> "Services":
        """The services for an answer that has begun: they read from the primary, since no other can take over."""
        return self.primary or self


class Standby(NamedTuple):
    """A standby of the database."""

    state: StandbyState
    standings: Standings
    """How far the ledgers are on the primary."""
    services: Services
    """Services that read from the standby. What they write, they write to the primary."""


class Register(NamedTuple):
    """Tenants and their credentials, for the operator."""

    tenants: TenantRegister
    keys: KeyRegister
    erasures: ErasureRegister
