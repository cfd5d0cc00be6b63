"""What the statements about consumers are tried with on large tables, as tests/statement_parameters.py has it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from infrastructure.postgres.arrays import BigIntArray, IntArray, texts
from tests.statement_cases import Case, case

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AFTER = 5_000
_OF: dict[str, Any] = {"consumer": "c-7", "member": "one"}
_FILTERS = [
    {"types": types, "filtered_streams": streams}
    for types in (None, texts(["no.such"]))
    for streams in (None, texts(["order-A-7", "order-long"]))
]
_SETTINGS = {
    "types": texts([]),
    "orders": texts([]),
    "services": texts([]),
    "integrations": BigIntArray([]),
    "max_failures": 5,
    "lease": timedelta(seconds=30),
}
_TWO = IntArray([3, 4])
_REFUSAL: dict[str, Any] = {
    "partition": 3,
    "position": AFTER,
    "failed": AFTER + 1,
    "delay": timedelta(),
    "reason": "",
    "max_failures": 5,
    "parked_after": None,
}

CONSUMERS: Mapping[str, Sequence[Case]] = {
    "create": [case(1, **{**_OF, "consumer": "new"}, **_SETTINGS), case(2, **_OF, **_SETTINGS)],
    "make_partitions": [case(0, consumer="new", position=7)],
    "change": [case(1, **_OF, **_SETTINGS)],
    "pause": [case(1, **_OF, paused=True)],
    "find": [case(1, **_OF)],
    "lock": [case(2, **_OF)],
    "list": [case(101, after=after, limit=100) for after in ("", "c-7")],
    "progress": [case(6_000, consumers=texts(["c-7", "c-8"]))],
    "members": [case(3, **_OF)],
    "partitions": [case(16, **_OF)],
    "lock_partitions": [case(32, **_OF)],
    "join": [case(1, **{**_OF, "member": "new"}, lease=timedelta(seconds=30))],
    "renew": [case(2, **_OF, lease=timedelta(seconds=30))],
    "end_members": [case(2, **_OF, leaving=leaving) for leaving in (None, "one")],
    "release": [case(16, **_OF, partitions=_TWO)],
    "release_all_of": [case(16, **_OF)],
    "take": [case(16, **_OF, partitions=_TWO)],
    # Whoever takes a partition looks at all held streams of the consumer, once.
    "forget_what_was_handed_out": [case(6_000, **_OF, partitions=_TWO)],
    "lock_owned": [case(32, **_OF)],
    "lock_named": [case(32, **_OF, partitions=_TWO)],
    "move": [
        case(
            16,
            **_OF,
            partitions=_TWO,
            positions=BigIntArray([7, 8]),
            previous=BigIntArray([None, 8]),
            read_to=BigIntArray([9, 9]),
            read_last=BigIntArray([9, 9]),
            read_previous=BigIntArray([None, 8]),
        )
    ],
    "due": [case(110, **_OF, partitions=_TWO, limit=100)],
    "next_of_streams": [
        case(
            10_500,
            streams=texts(["order-A-7", "order-long"]),
            afters=BigIntArray([0, AFTER]),
            upto=10**9,
            limit=100,
            **wanted,
        )
        for wanted in _FILTERS
    ],
    "next_of_partitions": [
        case(
            7_500,
            **_OF,
            partitions=_TWO,
            afters=BigIntArray([AFTER, AFTER + 7]),
            after=AFTER,
            upto=AFTER + 1_000,
            limit=2_000,
            **wanted,
        )
        for wanted in _FILTERS
    ],
    "previous_of": [
        case(20_500, positions=BigIntArray([AFTER, AFTER + 7]), partitions=_TWO, **wanted) for wanted in _FILTERS
    ],
    "events_at": [case(2, positions=BigIntArray([AFTER, AFTER + 7]), limit=2, inline=8 * 1024)],
    "reports_at": [case(2, positions=BigIntArray([AFTER, AFTER + 7]), inline=8 * 1024)],
    "streams_at": [case(2, positions=BigIntArray([AFTER, AFTER + 7]))],
    "hand_out": [
        case(
            2,
            **_OF,
            streams=texts(["order-A-7", "order-A-8"]),
            positions=BigIntArray([1, 2]),
            read_to=BigIntArray([3, 4]),
        )
    ],
    "let_go": [case(2, **_OF, streams=texts(["order-A-7", "order-A-8"]))],
    "hold": [
        case(4, **_OF, stream="order-new", **_REFUSAL),
        case(4, **_OF, stream="order-A-7", **_REFUSAL),
    ],
    "acknowledge_stream": [case(1, **_OF, stream="order-A-7", partition=3, position=AFTER)],
    "held": [case(30_000, **_OF, parked=parked, after="", limit=101, types=None) for parked in (True, False)],
    "is_held": [case(1, **_OF, stream="order-A-7")],
    "is_forgotten": [case(1, stream="order-A-7")],
    "retry": [case(1, **_OF, stream="order-A-7")],
    "retry_all": [case(3_000, **_OF)],
    "drop": [case(1, **_OF, stream="order-A-7", upto=upto) for upto in (None, 7)],
    "reset": [case(16, **_OF, position=7)],
    "let_all_go": [case(6_000, **_OF)],
    "position_before": [case(25, time=NOON)],
    "remove_partitions": [case(16, **_OF)],
    "remove_members": [case(2, **_OF)],
    "remove": [case(1, **_OF)],
}

_HOOK: dict[str, Any] = {"webhook": "w-7"}
_NEW: dict[str, Any] = {"url": "https://shop.example", "description": "", "with_data": False}
_ATTEMPT: dict[str, Any] = {
    "attempt": "0000-new",
    "kind": "event",
    "message_id": "m",
    "stream": "order-A-7",
    "position": 7,
    "number": 1,
    "started_at": NOON,
    "seconds": 0.1,
    "status": 200,
    "error": None,
    "detail": b"",
}
WEBHOOKS: Mapping[str, Sequence[Case]] = {
    "create": [case(0, webhook="new", secret=b"", **_NEW)],
    "change": [case(1, **_HOOK, **_NEW)],
    "find": [case(1, **_HOOK)],
    "list": [case(101, after="", limit=100)],
    "count": [case(200)],
    "remove": [case(1, **_HOOK)],
    "remove_attempts": [case(2_000, **_HOOK)],
    "rotate": [case(1, **_HOOK, secret=b"", keep=timedelta(days=1))],
    "disable": [case(1, **_HOOK, reason="")],
    "enable": [case(1, **_HOOK)],
    "note_failure": [case(1, **_HOOK, wait=timedelta(seconds=5))],
    "hold_up": [case(1, **_HOOK, wait=timedelta(seconds=5))],
    "note_success": [case(1, **_HOOK)],
    "add_attempt": [case(0, **_HOOK, **_ATTEMPT)],
    "attempts": [case(101, **_HOOK, before="g", limit=100)],
    "attempt": [case(1, **_HOOK, attempt="0000-7")],
    "prune": [case(2_000, **_HOOK, before="0000-2")],
}

MORE = """
INSERT INTO ordertrail.webhooks (tenant, webhook, url, description, with_data, secret)
SELECT l.tenant, 'w-' || n, 'https://shop.example', '', false, ''
FROM ordertrail.ledgers AS l, generate_series(1, 100) AS n;

INSERT INTO ordertrail.webhook_attempts
    (tenant, webhook, attempt, kind, message_id, stream, position, number, started_at, seconds)
SELECT l.tenant, 'w-' || n % 10 + 1, '0000-' || n, 'event', 'm', 'order-A-7', n, 1, now(), 0
FROM ordertrail.ledgers AS l, generate_series(1, 9000) AS n;

INSERT INTO ordertrail.consumers (tenant, consumer, types, orders, services, integrations, max_failures, lease)
SELECT l.tenant, 'c-' || n, '{}', '{}', '{}', '{}', 5, '30 s'
FROM ordertrail.ledgers AS l, generate_series(1, 300) AS n;

INSERT INTO ordertrail.consumer_partitions (tenant, consumer, partition, member, position, read_to, read_last)
SELECT tenant, consumer, p, 'one', 100, 100, 100 FROM ordertrail.consumers, generate_series(0, 15) AS p;

INSERT INTO ordertrail.consumer_members (tenant, consumer, member, expires_at)
SELECT tenant, consumer, 'one', now() + interval '1 day' FROM ordertrail.consumers;

-- Nearly all of what is held is one consumer's: half of it parked, the other half not due yet.
INSERT INTO ordertrail.held_streams
    (tenant, consumer, stream, partition, position, read_to, failures, reason, retry_at, parked_at)
SELECT l.tenant, CASE WHEN n <= 5000 THEN 'c-7' ELSE 'c-' || n % 300 + 1 END, 'order-A-' || n, n % 16, 1, 1, 1, '',
       now() + interval '1 day', CASE WHEN n % 2 = 0 THEN now() END
FROM ordertrail.ledgers AS l, generate_series(1, 8000) AS n;
"""
