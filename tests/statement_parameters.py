"""What each statement of infrastructure/sql is tried with on large tables, and how many of their rows that may read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from application.ledger.port import ANY, Append, IdempotencyKey, NewEvent, Write
from application.views.browsing import CallSearch
from application.views.projections.catalogue import VIEWS as ALL_VIEWS
from application.views.projections.view import ColumnType
from application.views.queries import CallFilter, OrderFilter, TimelineFilter
from domain.values import MAX_BIGINT, TenantName
from infrastructure.ledger.append_call import AppendCall
from infrastructure.postgres.arrays import Array, BigIntArray, ByteaArray, IntArray, TextArray, texts, timestamps
from tests.statement_cases import Case, case
from tests.statement_parameters_delivery import CONSUMERS, WEBHOOKS

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATEST = datetime(9998, 1, 1, tzinfo=UTC)
"""What the database's clock may show at most."""
AFTER = 5_000
"""A position in every ledger, with a page of everything behind it."""
VIEWS = texts(["action_log", "order_state"])
REACHABLE = (None, texts(["acme", "globex", "initech"]))
"""The tenants that a statement about all tenants is for; None is for all."""


def _append() -> Mapping[str, Any]:
    """Return many appends of one call: to orders old and new, with keys and without."""
    call = AppendCall(TenantName("any"))
    for n in range(50):
        event = NewEvent(f"new-{n}", "order.comment_added", b"{}", b"{}", None)
        write = Write(f"order-{'A' if n % 2 else 'new'}-{n}", ANY, (event,))
        call.add(Append(TenantName("any"), (write,), IdempotencyKey(f"key-{n}", b"") if n % 3 else None), [event])
    return {**call.parameters(), "latest": LATEST}


def _alone() -> list[Mapping[str, Any]]:
    """Return appends of one event, to an order old and a new one."""
    event = NewEvent("new", "order.comment_added", b"{}", b"{}", None)
    alone: list[Mapping[str, Any]] = []
    for name in ("A-7", "new"):
        call = AppendCall(TenantName("any"))
        call.add(Append(TenantName("any"), (Write(f"order-{name}", ANY, (event,)),)), [event])
        alone.append({**(call.alone_parameters() or {}), "latest": LATEST})
    return alone


def _rows(**columns: Sequence[Any] | Array) -> list[Case]:
    """Return the rows that a view is given: texts, unless the arrays are made already."""
    return [case(10, **{name: v if isinstance(v, Array) else texts(v) for name, v in columns.items()})]


_POSITIONS_KNOWN = BigIntArray([AFTER, AFTER + 7, AFTER + 77])
_POSITIONS = BigIntArray([MAX_BIGINT - 1, MAX_BIGINT])
_TIMES = timestamps([NOON, NOON])
_TEXT, _NULLS = ["a", "b"], [None, None]
_NUMBERS = BigIntArray([1_000_001, 1_000_002])
_JSON = TextArray([b"{}", b"{}"])

_WITHIN = (None, timedelta(seconds=30))
_ALL_ROWS = {
    f"{view.name}_{column.name}": {
        ColumnType.TEXT: texts(_TEXT),
        ColumnType.NUMBER: _POSITIONS,
        ColumnType.TIME: _TIMES,
        ColumnType.JSON: _JSON,
    }[column.type]
    for view in ALL_VIEWS
    for column in view.columns
}

SMALL = {"inline": 8 * 1024}
_TIMELINES = [
    case(160, order_id="A-7", cursor=cursor, limit=51, **SMALL, **TimelineFilter()._asdict())
    for cursor in (0, MAX_BIGINT)
] + [
    case(160, order_id="long", cursor=100_000_000, limit=51, **SMALL, **TimelineFilter()._asdict()),
    # What restricts an order's timeline further is looked for among its own events.
    case(
        10_200,
        order_id="long",
        cursor=1,
        limit=51,
        **SMALL,
        **TimelineFilter("call", "no.such", "c-1", NOON, NOON)._asdict(),
    ),
]
_EXCEPTIONS = [
    case(52, integration_id=7, cursor=cursor, limit=26, occurred_before=None, **SMALL) for cursor in (0, MAX_BIGINT)
]
_STREAMS = [
    case(125, stream="order-A-7", after=0, upto=MAX_BIGINT, limit=1_000, **SMALL),
    case(100, stream="order-long", after=5_000, upto=MAX_BIGINT, limit=100, **SMALL),
]

_KEYS = {
    **{
        view: _rows(order_id=["A-7", "long"], position=BigIntArray([AFTER, AFTER + 7]))
        for view in ("action_log", "service_events", "system_log", "timeline")
    },
    "integration_log": _rows(integration_id=BigIntArray([7, 8]), position=BigIntArray([AFTER, AFTER + 7])),
    "integrations": _rows(integration_id=BigIntArray([7, 8])),
    "order_state": _rows(order_id=["A-7", "new"]),
}
"""The keys of rows that a rebuild replaces, for each view."""

_CALL_SEARCHES = (
    CallSearch("A-7", "c-1", "dhl", 200, 299),
    CallSearch(is_failed=True),
    CallSearch(least_milliseconds=1_000),
)

_CALL_SEARCHES = (
    CallSearch("A-7", "c-1", "dhl", 200, 299),
    CallSearch(is_failed=True),
    CallSearch(least_milliseconds=1_000),
)

PARAMETERS: Mapping[str, Mapping[str, Sequence[Case]]] = {
    "bodies": {
        "put": [case(2, digest=b"new", subject="order-A-7", body=b"")],
        "get": [case(2, digest=b"7", **SMALL)],
        "get_large": [case(2, digest=b"7")],
        "delete": [case(3, digest=b"7", before=before) for before in (None, NOON)],
    },
    "credentials": {
        "lock_names": [case(0)],
        "taken": [case(0, dintero_account="T00000000")],
        "find_credential": [case(2, key_id="acme-7")],
        "create_credential": [
            case(
                2,
                key_id="new",
                secret_digest=b"",
                scopes=["admin"],
                name="",
                expires_at=None,
                performer_id=None,
                performer_name=None,
                performer_type=None,
            )
        ],
        "forget_performer": [case(2, person_id="acme-7")],
        "create_tenant": [case(0, new_tenant="new", implicit=False, dintero_account=None)],
        "tenants": [case(0)],
    },
    "installation": {
        "value": [case(0, name="new")],
        "values": [case(0)],
        "add_value": [case(0, name="new", value=b"")],
        "has_signing_key": [case(0)],
        "lock": [case(0)],
    },
    "key_register": {
        "of_tenant": [case(101, after=after, limit=100) for after in ("", "acme-7")],
        "tenant_of": [case(2, key_id="acme-7")],
        "find": [case(1, key_id="acme-7")],
        "revoke": [case(2, key_id="acme-7")],
        "rotate": [case(2, key_id="acme-7", secret_digest=b"new", keep=timedelta(days=1))],
    },
    "feed": {
        "find": [
            case(1_000, after=AFTER, upto=AFTER + 1_000, limit=100, types=types, streams=streams, **SMALL)
            for types in (None, texts(["no.such"]))
            for streams in (None, texts(["order-A-7", "order-long"]))
        ],
    },
    "consumers": CONSUMERS,
    "webhooks": WEBHOOKS,
    "refused_lines": {
        "keep": [case(2, load_id="new", lines=_POSITIONS, refusals=texts(["{}", "{}"]))],
        "expire": [case(1, keep=timedelta(days=7))],
        "read": [case(101, load_id="load-7", after=after, limit=100) for after in (0, 100)],
    },
    "tenant_register": {"find": [case(1)]},
    "tenant_deletion": {
        "lock": [case(0)],
        "note": [case(0, by="somebody", events=7, checkpoint=None)],
    },
    "tenant_keys": {
        "create": [
            case(2, key_id="new", secret_digest=b"", scopes=["admin"], name="", expires_at=NOON + timedelta(days=300))
        ],
        "revoke": [case(2, key_id="acme-7")],
    },
    "spent_tokens": {"spend": [case(0, digest=b"new")], "is_spent": [case(1, digest=b"7")]},
    "browsing": {
        "newest": [case(4, order_ids=texts(["A-7", "long", "no such"]))],
        "newest_calls": [case(60, before=before, limit=26, **SMALL) for before in (AFTER, MAX_BIGINT)],
        # What restricts calls further is looked for among all calls of the tenant.
        "calls": [
            case(20_000, before=MAX_BIGINT, limit=26, **SMALL, **wanted._asdict()) for wanted in _CALL_SEARCHES
        ],
        "durations": [
            case(20_000, limit=10_000, limits=BigIntArray([10, 100]), **wanted._asdict()) for wanted in _CALL_SEARCHES
        ],
        "carriers": [case(200, limit=200)],
        "failures": [case(210, integration_id=7, since=NOON)],
        "tied_orders": [case(1_300, integration_id=7, limit=200)],
        "growth": [case(3, keys=_POSITIONS_KNOWN)],
        "standings": [case(0)],
    },
    "nodes": {
        "tenants_by_node": [case(0)],
        "answers": [case(0)],
    },
    "retention": {
        "keep": [case(1, keep=None)],
        "keep_instead": [case(1, keep=None, known=None, known_expired=0)],
        "find": [case(1)],
        "limited": [case(0, tenants=tenants) for tenants in REACHABLE],
        "due": [case(10, types=["order.system_log_recorded"], limit=10, max_bytes=MAX_BIGINT)],
        "expire": [case(1, upto=7)],
    },
    "health": {
        # Of each ledger the newest checkpoint, and the first event that a view has yet to read, or that is not sealed.
        "projections": [case(6, projections=VIEWS, tenants=tenants) for tenants in REACHABLE],
        "sealing": [case(6, tenants=tenants) for tenants in REACHABLE],
        "damaged_keys": [case(2, tenants=tenants) for tenants in REACHABLE],
        "clock": [case(0)],
    },
    "ledger": {
        # At most the newest event of each stream, an earlier one with its id, and what its key did.
        "append": [case(150, **_append())],
        "append_alone": [case(3, **alone) for alone in _alone()],
        "read_stream": _STREAMS,
        "read_stream_of_types": [
            case(10_000, **case_.parameters, types=texts(["order.redacted", "order.created"])) for case_ in _STREAMS
        ],
        "read_ledger": [case(101, after=AFTER, upto=MAX_BIGINT, limit=100, **SMALL)],
        "read_ledger_of_types": [
            case(10_000, after=AFTER, upto=AFTER + 10_000, limit=100, **SMALL, types=texts(["no.such"]))
        ],
        "large_events": [case(3, keys=_POSITIONS_KNOWN)],
        "head": [case(0)],
        "standing": [case(0)],
        "find_request": [case(1, key="key-7")],
        "expire_requests": [case(200_000, keep=timedelta(days=30), limit=10)],
        "bind_request": [
            case(4, key=name, fingerprint=b"", position=AFTER, recorded_at=NOON) for name in ("key-7", "new")
        ],
        "find_events": [case(2, event_ids=texts(["long-7", "no such"]), limit=2, inline=1_000)],
    },
    "queries": {
        "ring": [case(0, channel="readers", tenants=texts(["acme", "no such"]))],
        "progress": [
            case(4, views=VIEWS, shown=shown, order_ids=texts(["A-7", "long", "no such", ""]))
            for shown in ("action_log", "timeline")
        ],
        # Of an order with 10,000 actions all are sorted, and 1,000 looked up.
        "newest_actions": [
            case(250, order_id="A-7", limit=1_000, **SMALL),
            case(11_000, order_id="long", limit=1_000, **SMALL),
        ],
        "order_id_of": [case(1, reference="R-A-7")],
        "orders": [
            case(26, limit=26, before=MAX_BIGINT, **OrderFilter()._asdict()),
            case(200, limit=26, before=AFTER, **OrderFilter("pending", "confirmed")._asdict()),
        ],
        "system_log": [
            case(30, order_id="A-7", offset=offset, limit=10, **SMALL, **wanted._asdict())
            for offset in (0, 90)
            for wanted in (CallFilter(), CallFilter("c-1", "dhl", "outbound", "ORDER_CREATE", 200, 299))
        ],
        "timeline_asc": _TIMELINES,
        "timeline_desc": _TIMELINES,
        "exceptions_asc": _EXCEPTIONS,
        "exceptions_desc": _EXCEPTIONS,
        "exceptions_of_all_asc": _EXCEPTIONS,
        "exceptions_of_all_desc": _EXCEPTIONS,
    },
    "recorder": {
        "has_ledger": [case(0)],
        "create_ledger": [case(0, new_tenant="new")],
        "read_stream_backwards": _STREAMS,
        "insert_snapshot": [case(0, stream="new", version=1, type="a", data=b"")],
        "read_snapshots": _STREAMS,
        "read_snapshots_backwards": _STREAMS,
        "advance_tracking": [case(0, projection="new", position=1)],
        "tracking": [case(0, projection="new")],
    },
    "subject_keys": {
        "offer": [case(2, subjects=texts(["order-A-7", "order-new"]), wrapped=ByteaArray([b"", b""]))],
        "keys": [case(2, subjects=texts(["order-A-7", "order-new"]))],
        "all_keys": [case(100, after="order-A-7", limit=100)],
        "destroyed": [case(100, after="", limit=100)],
        "note_unreadable": [case(2, subjects=texts(["order-A-7", "order-new"]), digests=ByteaArray([b"", b""]))],
        "imported": [case(0)],
        "destroy": [case(2, subject="order-A-7", by="somebody")],
    },
    "ledger_import": {
        "hold_ledger": [case(0)],
        "add_events": _rows(
            positions=_POSITIONS,
            streams=["new", "new"],
            versions=_NUMBERS,
            event_ids=_TEXT,
            types=_TEXT,
            data=ByteaArray([b"", b""]),
            metadata=ByteaArray([b"", b""]),
            occurred_at=_TIMES,
            recorded_at=_TIMES,
        ),
        "advance_ledger": [case(0, position=MAX_BIGINT, recorded_at=NOON)],
        "notify": [case(0)],
    },
    "signing_keys": {
        "signing_keys": [case(0)],
        "add_signing_key": [case(0, public_key=b"new", private_key=bytes(60))],
        "retire_signing_keys": [case(0)],
    },
    "transparency": {
        "create_missing_trees": [case(0, tenants=texts(["acme", "globex"]))],
        "unsealed": [case(0, within=within, tenants=tenants) for within in _WITHIN for tenants in REACHABLE],
        "misnoted": [case(3, tenants=tenants) for tenants in REACHABLE],
        "hold_tree": [case(0)],
        "wait_for_tree": [case(0)],
        "create_tree": [case(0)],
        "ledger_and_newest_head": [case(1)],
        "settle_tree": [case(0, size=1)],
        "tiles": [case(2, levels=IntArray([0, 1]), numbers=BigIntArray([7, 0]))],
        "position_of": [case(1, event_id="long-7")],
        "newest_of_stream": [case(1, stream="order-long"), case(0, stream="order-none")],
        "save_tiles": [case(2, levels=IntArray([0]), numbers=BigIntArray([1_000_000]), hashes=ByteaArray([b""]))],
        "growing_tree": [
            case(
                104, sealed=AFTER, limit=100, levels=IntArray([0, 1]), numbers=BigIntArray([AFTER // 256, 0])
            ),
        ],
        "keep_seal": [
            case(
                4, sealed=sealed, size=MAX_BIGINT, note="", levels=IntArray([0]), numbers=BigIntArray([1_000_000]),
                hashes=ByteaArray([b""]),
            )
            for sealed in (AFTER, 125_000, 25_000)
        ],
        "save_tree_head": [case(2, size=MAX_BIGINT, note="")],
        "advance_tree": [case(0, size=1)],
        "stop_tree": [case(0, error="")],
        "tree_error": [case(0)],
        "newest_tree_head": [case(1)],
        "tree_heads_that_cover": [case(2, sizes=BigIntArray([AFTER, AFTER + 7]))],
        "tree_head": [case(1, size=AFTER)],
        "tree_heads": [case(100, after=AFTER, limit=100)],
        "leaves": [case(101, after=AFTER, limit=100)],
        "leaves_one_by_one": [case(100, after=AFTER, limit=100)],
        "first_missing": [case(100, after=AFTER, limit=100)],
    },
    "views": {
        "create_missing_checkpoints": [case(0, projections=VIEWS, tenants=texts(["acme", "globex"]))],
        "behind": [
            case(0, projections=VIEWS, within=within, tenants=tenants) for within in _WITHIN for tenants in REACHABLE
        ],
        "next_events": [case(101, projections=VIEWS, limit=100, **SMALL)],
        "hold_checkpoints": [case(0, projections=VIEWS)],
        "head": [case(0)],
        "advance": [case(0, projections=VIEWS, position=1)],
        "stop": [case(0, projection="order_state", error="")],
        "stop_until_rebuilt": [case(0, projection="order_state", error="")],
        # Every tie of these integrations, old ones too.
        "tied_orders": [case(1_300, ids=texts(["7", "8"]))],
    },
    # What is composed from the definitions of the views.
    "composed": {
        "all.save": [case(20, projections=VIEWS, after=after, upto=MAX_BIGINT, **_ALL_ROWS) for after in (0, AFTER)],
        **{f"{view}.{name}": cases for view, cases in _KEYS.items() for name in ("objects", "rows", "removal")},
        "action_log.save": _rows(
            order_id=_TEXT, position=_POSITIONS, occurred_at=_TIMES, type=_TEXT, schema_version=_NUMBERS, data=_JSON,
            actor_id=_TEXT, actor_name=_TEXT, actor_type=_TEXT, application_id=_NULLS, sealed_in=_NULLS,
        ),
        "service_events.save": _rows(
            order_id=_TEXT, position=_POSITIONS, recorded_at=_TIMES, event_id=_TEXT, state=_TEXT, service=_TEXT,
            service_status=_TEXT, description=_NULLS, metadata=_JSON, created_by=_TEXT, version=_NUMBERS,
            sealed_in=_NULLS,
        ),
        "system_log.save": _rows(
            order_id=_TEXT, position=_POSITIONS, event_id=_TEXT, correlation_id=_NULLS, carrier_id=_NULLS,
            direction=_NULLS, request_type=_NULLS, response_code=_NUMBERS, milliseconds=_NUMBERS,
            content_digest=_NULLS,
        ),
        "integration_log.save": _rows(
            integration_id=_NUMBERS, position=_POSITIONS, occurred_at=_TIMES, exception_type=_NULLS,
            response_code=_NUMBERS,
        ),
        "integrations.present": [case(3, ids=texts(["7", "8", "9"]))],
        "integrations.save": _rows(
            integration_id=_NUMBERS, version=_NUMBERS, created_at=_TIMES, updated_at=_TIMES, shop_name=_NULLS,
            shop_url=_NULLS, details=_JSON, started_failing_at=timestamps([None, None]),
        ),
        "timeline.save": _rows(
            order_id=_TEXT, position=_POSITIONS, kind=_TEXT, type=_TEXT, occurred_at=_TIMES, correlation_id=_NULLS,
            integration_id=_NUMBERS,
        ),
        "order_state.present": [case(100, ids=texts([f"A-{n}" for n in range(1, 101)]))],
        "order_state.save": _rows(
            order_id=["A-7", "new"], first_position=_POSITIONS, updated_at=_TIMES, reference=_NULLS, state=_TEXT,
            status=_NULLS, payment_status=_NULLS, delivery_status=_NULLS, search=_TEXT, detail=_JSON,
            customer_from=_NULLS,
        ),
        "action_log.list": [case(101, order_id=order_id, limit=100, **SMALL) for order_id in ("A-7", "long")],
        "action_log.new": [
            case(44, order_ids=texts(["A-7", "long"]), positions=BigIntArray([0, AFTER]), limit=22, **SMALL),
            case(3, order_ids=texts(["A-7"]), positions=BigIntArray([MAX_BIGINT]), limit=22, **SMALL),
        ],
        "action_log.large": [case(3, order_id="long", keys=_POSITIONS_KNOWN)],
        "service_events.list": [case(101, order_id="A-7", limit=100, **SMALL)],
        "service_events.large": [case(25, order_id="A-7", keys=_POSITIONS_KNOWN)],
        "order_state.one": [case(1, order_id="A-7")],
        "order_state.list": [
            case(26, limit=26, before=MAX_BIGINT, **SMALL, **OrderFilter()._asdict()),
            case(200, limit=26, before=AFTER, **SMALL, **OrderFilter("pending", "confirmed")._asdict()),
        ],
        "order_state.large": [case(2, keys=texts(["A-7", "O-7"]))],
        "integrations.one": [case(1, integration_id=7)],
        "integrations.list": [case(100, limit=100, **SMALL)],
        "integrations.large": [case(3, keys=BigIntArray([7, 8, 9]))],
    },
}  # fmt: skip
