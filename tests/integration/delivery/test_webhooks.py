"""Webhooks: each event reaches its receiver, signed, in its order's order, whatever the receiver does."""

import asyncio
from base64 import b64decode
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic_core import from_json
from standardwebhooks import Webhook as Verifier

from application.delivery.consumers import partition_of
from application.delivery.errors import UnacceptableUrl, WebhookNotFound
from application.delivery.webhooks.backoff import Backoff
from application.delivery.webhooks.courier import Schedule
from application.delivery.webhooks.port import consumer_of
from tests.integration.delivery.fix_consumers import orders_of
from tests.integration.delivery.fix_webhooks import AT_ONCE, SCHEDULE, Hooked
from tests.receiver import HANG, Received, answer, receiving

HOUR = Backoff(timedelta(hours=1), timedelta(hours=1))


async def test_each_event_is_sent_once_and_its_orders_events_in_order(hooked: Hooked) -> None:
    await hooked.hook()
    await hooked.append(*[f"A-{n % 7}" for n in range(60)])

    await hooked.deliver()

    assert sorted(hooked.receiver.positions) == list(range(1, 61))
    for order in {received.data["subject"] for received in hooked.receiver.received}:
        of_order = [r.data["position"] for r in hooked.receiver.received if r.data["subject"] == order]
        assert of_order == sorted(of_order)


async def test_a_receiver_can_prove_that_it_missed_nothing(hooked: Hooked) -> None:
    await hooked.hook()
    await hooked.append(*[f"A-{n % 7}" for n in range(30)])

    await hooked.deliver()

    newest: dict[int, int | None] = {}
    for received in hooked.receiver.received:
        data = received.data
        assert data["partition"] == partition_of(data["subject"])
        assert data["previousposition"] == newest.get(data["partition"])
        newest[data["partition"]] = data["position"]


async def test_messages_are_thin_and_have_data_on_request(hooked: Hooked) -> None:
    await hooked.hook()
    await hooked.append("A")
    await hooked.deliver()
    await hooked.services.hooks.store.remove(hooked.tenant, hooked.id)
    await hooked.hook(with_data=True)
    await hooked.deliver()

    thin, whole = hooked.receiver.received

    assert from_json(thin.body)["type"] == "order.status_updated"
    assert set(thin.data) == {
        "id", "source", "subject", "type", "time", "position", "streamversion", "recordedtime", "partition",
        "previousposition",
    }  # fmt: skip
    assert whole.data["data"]["status"] == "paid"


async def test_messages_are_signed_with_both_secrets_while_one_replaces_the_other(hooked: Hooked) -> None:
    await hooked.hook()
    first = hooked.secret
    second = await hooked.services.hooks.rotate(hooked.tenant, hooked.id, keep=timedelta(hours=1))
    await hooked.append("A")
    await hooked.deliver()
    third = await hooked.services.hooks.rotate(hooked.tenant, hooked.id, keep=timedelta())
    await hooked.append("A")
    await hooked.deliver()

    both, alone = hooked.receiver.received

    for secret in (first, second):
        assert Verifier(secret.secret).verify(both.body, both.headers)["data"]["position"] == 1
        verify_public(secret.public_key, both)
    assert Verifier(third.secret).verify(alone.body, alone.headers)
    assert len(alone.headers["webhook-signature"].split()) == 2
    assert await hooked.services.hooks.public_key(hooked.tenant, hooked.id) == third.public_key


def verify_public(public_key: str, received: Received) -> None:
    key = Ed25519PublicKey.from_public_bytes(b64decode(public_key.removeprefix("whpk_")))
    content = f"{received.id}.{received.headers['webhook-timestamp']}.".encode() + received.body
    signatures = [s.removeprefix("v1a,") for s in received.headers["webhook-signature"].split() if s[:4] == "v1a,"]
    assert any(not _fails(key, b64decode(signature), content) for signature in signatures)


def _fails(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        key.verify(signature, content)
    except Exception:
        return True
    return False


async def test_secrets_are_not_kept_as_they_are(hooked: Hooked) -> None:
    import psycopg

    await hooked.hook()
    async with await psycopg.AsyncConnection.connect(hooked.dsn) as connection:
        [(kept,)] = await (await connection.execute("SELECT secret FROM ordertrail.webhooks")).fetchall()

    assert b64decode(hooked.secret.secret.removeprefix("whsec_")) not in kept


async def test_an_event_that_is_not_taken_is_sent_again_with_the_same_id_and_holds_up_its_order_alone(
    hooked: Hooked,
) -> None:
    poisonous, sound = orders_of(3, 2)
    await hooked.hook()
    await hooked.append(poisonous, poisonous, sound, poisonous, sound)
    refusals = iter(range(3))
    hooked.receiver.decide = lambda r: answer(
        500 if r.data["position"] == 1 and next(refusals, None) is not None else 200
    )

    await hooked.deliver(rounds=5)

    sent = hooked.receiver.positions
    assert sent.count(1) == 4
    assert [position for position in sent if position != 1] == [3, 5, 2, 4]
    assert sent.index(2) > len(sent) - 1 - sent[::-1].index(1)
    assert len({r.id for r in hooked.receiver.received if r.data["position"] == 1}) == 1
    assert len({r.id for r in hooked.receiver.received}) == 5


async def test_a_receiver_that_hangs_or_redirects_or_disappears_loses_nothing(
    hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.delivery.sender.SECONDS", 0.3)
    await hooked.hook()
    await hooked.append("A", "A")
    wrong = iter([HANG, answer(302, location="http://169.254.169.254/latest/meta-data/"), b"nonsense\r\n\r\n"])
    hooked.receiver.decide = lambda _: next(wrong, answer())

    await hooked.deliver(rounds=4)
    told = [(attempt.status, attempt.error) for attempt in await hooked.attempts()]

    assert hooked.receiver.positions == [1, 1, 1, 1, 2]
    assert told[0][0] is None
    assert told[1] == (302, None)
    assert told[2][0] is None
    assert told[3:] == [(204, None)] * 2


async def test_a_receiver_that_is_away_is_left_alone_and_gets_all_when_it_is_back(hooked: Hooked) -> None:
    async with receiving() as gone:
        pass
    await hooked.hook(url=gone.url)
    await hooked.append(*[f"A-{n}" for n in range(100)])

    await hooked.deliver(Schedule(AT_ONCE, HOUR), rounds=3)
    attempts, webhook = await hooked.attempts(), await hooked.webhook()
    state = await hooked.services.consuming.state(hooked.tenant, consumer_of(hooked.id))
    await hooked.execute("UPDATE ordertrail.webhooks SET next_at = now()")
    async with receiving(gone.port) as back:
        await hooked.deliver(rounds=3)

        assert len(attempts) <= 5 + 16
        assert webhook.failures == len(attempts)
        assert state.progress.waiting <= len(attempts)
        assert webhook.next_at is not None
        assert sorted(back.positions) == list(range(1, 101))
    assert (await hooked.webhook()).failures == 0


async def test_a_gone_receiver_disables_its_webhook_visibly_until_somebody_enables_it(
    hooked: Hooked, caplog: pytest.LogCaptureFixture
) -> None:
    await hooked.hook()
    await hooked.append("A")
    hooked.receiver.decide = lambda _: answer(410)

    await hooked.deliver(rounds=3)
    disabled = await hooked.webhook()
    hooked.receiver.decide = lambda _: answer()
    await hooked.services.hooks.store.enable(hooked.tenant, hooked.id)
    await hooked.deliver()

    assert disabled.disabled_reason == "The receiver answered 410 Gone"
    assert f"Webhook {hooked.id} of acme was disabled" in caplog.text
    assert hooked.receiver.positions == [1, 1]
    assert not (await hooked.webhook()).is_disabled


async def test_a_webhook_that_never_succeeds_is_disabled(hooked: Hooked) -> None:
    await hooked.hook()
    await hooked.append("A")
    hooked.receiver.decide = lambda _: answer(500)

    await hooked.deliver(rounds=2)
    await hooked.execute("UPDATE ordertrail.webhooks SET failing_since = now() - interval '73 hours'")
    await hooked.deliver()

    reason = (await hooked.webhook()).disabled_reason or ""
    assert reason.startswith("Nothing was delivered for 3 days")


async def test_a_receiver_that_asks_to_wait_is_not_asked_before(hooked: Hooked) -> None:
    await hooked.hook()
    await hooked.append("A", "A")
    hooked.receiver.decide = lambda _: answer(429, retry_after="3600")

    await hooked.deliver(rounds=3)
    webhook = await hooked.webhook()
    (held,) = await hooked.services.consuming.register.held(hooked.tenant, consumer_of(hooked.id), are_parked=False)

    assert hooked.receiver.positions == [1]
    assert webhook.next_at is not None
    assert held.retry_at - held.held_at > timedelta(minutes=59)


async def test_an_order_whose_event_is_never_taken_is_parked_after_more_than_a_day(hooked: Hooked) -> None:
    documented = Schedule()
    waits = [documented.event.after(n, _Never()) for n in range(1, 41)]  # type: ignore[arg-type]
    assert sum(waits[:-1], timedelta()) > timedelta(days=1)

    poisonous, sound = orders_of(3, 2)
    await hooked.hook()
    await hooked.append(poisonous, sound)
    hooked.receiver.decide = lambda r: answer(500 if r.data["position"] == 1 else 200)
    tools = SCHEDULE._replace(suspicious=1_000)
    await hooked.deliver(tools, rounds=42)

    parked = await hooked.services.consuming.register.held(hooked.tenant, consumer_of(hooked.id), are_parked=True)
    assert hooked.receiver.positions.count(1) == 40
    assert [(held.position, held.failures) for held in parked] == [(1, 40)]


class _Never:
    def random(self) -> float:
        return 0.0


async def test_attempts_are_logged_without_secrets_and_are_forgotten_with_their_order(hooked: Hooked) -> None:
    await hooked.hook(with_data=True)
    await hooked.append("A")
    hooked.receiver.decide = lambda _: answer(200, set_cookie="session=1", x_request_id="7")
    await hooked.deliver()

    (attempt,) = await hooked.attempts()
    detail = from_json(attempt.detail)

    assert (attempt.status, attempt.number, attempt.kind) == (200, 1, "event")
    assert detail["request"]["url"].endswith("/hooks?token=***")
    assert detail["request"]["headers"]["webhook-signature"] == "***"
    assert from_json(detail["request"]["body"])["data"]["data"]["status"] == "paid"
    assert detail["response"]["headers"]["set-cookie"] == "***"
    assert detail["response"]["headers"]["x-request-id"] == "7"
    await hooked.execute("SELECT ordertrail.destroy_subject_key('acme', 'order-A', 'somebody')")
    (forgotten,) = await hooked.attempts()
    assert (forgotten.detail, forgotten.status) == (None, 200)


async def test_a_test_is_sent_and_an_event_sent_again_with_its_id(hooked: Hooked) -> None:
    await hooked.hook()
    await hooked.append("A")
    await hooked.deliver()
    (first,) = await hooked.attempts()

    tested = await hooked.services.hooks.test(hooked.tenant, hooked.id)
    resent = await hooked.services.hooks.resend(hooked.tenant, hooked.id, first.id)

    assert [tested.status, resent.status] == [204, 204]
    event, test, again = hooked.receiver.received
    assert from_json(test.body)["type"] == "ordertrail.test"
    assert (again.id, again.data["position"]) == (event.id, 1)
    assert [a.kind for a in await hooked.attempts()] == ["event", "test", "resend"]


async def test_a_replay_sends_again_with_the_same_ids(hooked: Hooked) -> None:
    await hooked.hook()
    await hooked.append("A", "B", "C")
    await hooked.deliver()
    first = {received.id for received in hooked.receiver.received}

    await hooked.services.hooks.replay(hooked.tenant, hooked.id, 1)
    await hooked.deliver()

    assert sorted(hooked.receiver.positions) == [1, 2, 2, 3, 3]
    assert {received.id for received in hooked.receiver.received} == first


async def test_a_deliverer_that_is_killed_in_mid_delivery_loses_nothing(hooked: Hooked) -> None:
    await hooked.hook()
    await hooked.append(*[f"A-{n % 9}" for n in range(40)])
    hooked.receiver.decide = lambda r: HANG if len(hooked.receiver.received) == 12 else answer()

    killed = asyncio.create_task(hooked.deliver(member="killed"))
    await hooked.receiver.until(lambda receiver: len(receiver.received) >= 12)
    killed.cancel()  # it says nothing to the database any more
    await asyncio.wait({killed})
    await hooked.execute("UPDATE ordertrail.consumer_members SET expires_at = now()")
    await hooked.deliver(member="next")

    assert set(hooked.receiver.positions) == set(range(1, 41))
    by_position = {(r.data["position"], r.id) for r in hooked.receiver.received}
    assert len(by_position) == 40
    for order in {r.data["subject"] for r in hooked.receiver.received}:
        first_times = list(
            dict.fromkeys(r.data["position"] for r in hooked.receiver.received if r.data["subject"] == order)
        )
        assert first_times == sorted(first_times)


async def test_two_deliverers_share_a_webhook(hooked: Hooked) -> None:
    await hooked.hook()
    await hooked.append(*[f"A-{n % 9}" for n in range(40)])

    await asyncio.gather(*(hooked.deliver(member=member, rounds=3) for member in ("one", "two")))

    assert sorted(hooked.receiver.positions) == list(range(1, 41))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://shop.example/",
        "https://user:secret@shop.example/",
        "https://10.1.2.3/hooks",
        "https://[::1]/hooks",
        "https://169.254.169.254/",
        "http://93.184.216.34/hooks",
        "https:///hooks",
        "https://shop.example/a b",
    ],
)
async def test_a_url_that_nothing_can_be_sent_to_is_refused(hooked: Hooked, url: str) -> None:
    with pytest.raises(UnacceptableUrl):
        await hooked.hook(url=url)


async def test_what_is_removed_is_gone(hooked: Hooked) -> None:
    await hooked.hook()
    await hooked.services.hooks.store.remove(hooked.tenant, hooked.id)

    with pytest.raises(WebhookNotFound):
        await hooked.webhook()
    await hooked.append("A")
    await hooked.deliver()
    assert hooked.receiver.received == []
