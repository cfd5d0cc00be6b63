"""One connection on which appends are written, and what happens when it fails."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from time import monotonic

import psycopg

from application.ledger.port import Appended
from domain.errors import InvalidEvent, Misconfigured, OutcomeUnknown, TenantNotFound, Unavailable
from infrastructure.ledger.append_call import AppendCall
from infrastructure.postgres.database import Connection, connect, translate
from infrastructure.postgres.patience import Patience, answers, hang_up, listening_to
from infrastructure.postgres.reasons import READ_ONLY, is_loss_of_node, may_be_done, said
from infrastructure.postgres.statements import statements
from infrastructure.postgres.watch import Watch

_log = logging.getLogger(__name__)
_SQL = statements("ledger")

SECONDS = 8.0
PATIENCE = Patience(statement=7.0, lock=5.0, lease=SECONDS, turn=None)
"""How long a call may take. If PostgreSQL gives it up, for example because somebody else holds the ledger, nothing was
written.
"""
IDLE_SECONDS = 0.05
"""After so long without an answer, the server is asked for one before anything is sent. If it does not answer, nothing
was sent and nothing can be stored. The client then hears that nothing was attempted, instead of an unknown outcome.
"""
ANSWER_SECONDS = 1.0
NODE_SECONDS = 30.0
"""How long after the loss of a node of the cluster a tenant's node is asked for an answer before each call."""

Outcome = Appended | Exception


class AppendWriter:
    """Makes calls, and finds out the outcome of calls whose connection broke."""

    def __init__(self, dsn: str, reconnect_seconds: Sequence[float], watch: Watch) -> None:
        self._dsn = dsn
        self._reconnect_seconds = reconnect_seconds
        self._watch = watch
        self._connection: Connection | None = None
        self._listen: Callable[[int], object] = bool
        self._epoch = 0
        self._heard_at = 0.0
        self._called_at = inf

    async def outcomes(self, call: AppendCall) -> Sequence[Outcome]:
        """Make the call, and return the outcome of each of its appends."""
        if not call.appends:
            return []
        try:
            return await self._outcomes(call)
        except Exception as error:
            _log.exception("An append failed for a reason that was not foreseen")
            await self.close()
            return [error] * len(call.appends)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await connection.close()

    async def _outcomes(self, call: AppendCall) -> Sequence[Outcome]:
        is_unknown = False
        for seconds in self._reconnect_seconds:
            if is_unknown:
                await self._watch.pause(seconds)
            try:
                return await self._make(call)
            except (Unavailable, Misconfigured) as error:
                if not is_unknown:
                    return [error] * len(call.appends)
                if self._watch.nodes.has_lost(call.tenant):
                    break  # for longer than others should wait for this writer
            except psycopg.Error as error:
                if is_loss_of_node(error):
                    self._watch.nodes.lost_at = monotonic()
                meaning = translate(error, tenant=call.tenant)
                # If a later call is given up, that says nothing about the call whose connection broke: it may still be
                # running.
                is_certain = not is_unknown or isinstance(meaning, InvalidEvent | TenantNotFound)
                if is_certain and self._is_refusal(error):
                    return await self._refused(call, error, meaning)
                # We do not know whether the commit happened. The same call with the same event ids finds out under the
                # ledger's lock: events that are there are answered as replayed, and missing ones are written now.
                if not is_unknown:
                    reason = self._watch.away or said(error)
                    _log.warning("The outcome of an append is not known; asking again: %s", reason)
                is_unknown = True
                self._watch.suspect()
                await self.close()
        return [OutcomeUnknown(event_ids) for event_ids in call.event_ids()]

    def end_if_overdue(self, now: float) -> None:
        """Hang up if a call takes too long, because a silent server gives up nothing."""
        if self._connection is not None and now - self._called_at > SECONDS:
            hang_up(self._connection)

    async def _require_node(self, connection: Connection, call: AppendCall) -> None:
        """Ask for the tenant's node before anything is sent to it, if a node was lost lately.

        Raises Unavailable: then it is certain that nothing was stored, and no other tenant waits for this one's node.
        """
        if monotonic() - self._watch.nodes.lost_at > NODE_SECONDS:
            return
        try:
            await connection.execute(_SQL["head"], {"tenant": call.tenant})
        except psycopg.Error as error:
            if not is_loss_of_node(error):
                raise
            self._watch.nodes.lost_at = monotonic()
            raise translate(error) from error

    async def _make(self, call: AppendCall) -> Sequence[Outcome]:
        """Make a call on a connection to the server. Raises Unavailable or MissingRight if there is none."""
        self._watch.nodes.require(call.tenant)
        if self._connection is None or not await self._leads_anywhere(self._connection):
            await self.close()
            self._watch.require_writes()
            self._epoch = self._watch.epoch
            self._connection = await self._watch.unless_away(connect(self._dsn, settings=PATIENCE.settings))
            self._listen = listening_to(self._connection)
            self._watch.adopt(self._connection)
        self._called_at = monotonic()
        try:
            await self._require_node(self._connection, call)
            outcomes = await call.make(self._connection)
        finally:
            self._called_at = inf
        self._heard_at = monotonic()
        self._watch.heard_at = self._heard_at
        return outcomes

    async def _leads_anywhere(self, connection: Connection) -> bool:
        if self._epoch != self._watch.epoch or connection.closed:
            return False
        if monotonic() - self._heard_at > IDLE_SECONDS or self._listen(0):
            return await answers(connection, ANSWER_SECONDS)
        return True

    async def _refused(self, call: AppendCall, error: psycopg.Error, meaning: Exception) -> Sequence[Outcome]:
        """Answer a call that stored nothing. An error in one append does not affect the others."""
        if isinstance(meaning, InvalidEvent) and len(call.appends) > 1:
            return [outcome for alone in call.one_by_one() for outcome in await self._outcomes(alone)]
        if error.sqlstate == READ_ONLY:
            # If there are several servers, another connection may find the one that takes writes now.
            await self.close()
        return [meaning] * len(call.appends)

    def _is_refusal(self, error: psycopg.Error) -> bool:
        """Return whether the server rolled the call back, or never got it. If the connection ended with the error, it
        is False. It is also False if a node of the cluster was lost, which may have stored it, or may yet store it once
        it goes on: the coordinator gave up waiting for it.
        """
        if may_be_done(error, on_cluster=self._watch.nodes.is_watched):
            return False
        severity = error.diag.severity_nonlocalized
        return self._connection is None or severity == "ERROR" or (severity is None and not self._connection.closed)
