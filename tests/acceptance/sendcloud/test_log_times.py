"""The time of an exception log: it comes back as it was written."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.acceptance.sendcloud.fix_sendcloud import LOGS, MINIMAL, assert_error


@pytest.mark.parametrize(
    ("written", "occurred_at"),
    [
        ("2023-03-01T02:02:00+01:00", "2023-03-01T01:02:00Z"),
        ("2023-03-01T02:02:00Z", "2023-03-01T02:02:00Z"),
        ("2023-03-01t02:02:00.5z", "2023-03-01T02:02:00.500000Z"),
        ("2023-03-01T02:02:00.123456789-11:30", "2023-03-01T13:32:00.123456Z"),
        ("0002-01-01T00:00:00Z", "0002-01-01T00:00:00Z"),
    ],
)
async def test_a_time_comes_back_as_it_was_written_and_is_understood(
    sendcloud: httpx.AsyncClient, http: httpx.AsyncClient, written: str, occurred_at: str
) -> None:
    answer = await sendcloud.post(LOGS, json={**MINIMAL, "created_at": written})

    feed = (await http.get("/trail/v1/feed?type=integration.exception_logged")).json()
    assert answer.json()["data"]["created_at"] == written
    assert datetime.fromisoformat(feed["items"][0]["time"]) == datetime.fromisoformat(occurred_at)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("2015-07-01T01:59:60.5+02:00", "2015-07-01T00:00:00.500000+00:00"),
        ("2023-03-01 02:02:00+01:00", "2023-03-01T01:02:00+00:00"),
    ],
)
async def test_a_time_that_not_everybody_can_read_comes_back_as_one_that_they_can(
    sendcloud: httpx.AsyncClient, written: str, shown: str
) -> None:
    answer = await sendcloud.post(LOGS, json={**MINIMAL, "created_at": written})

    [listed] = (await sendcloud.get(LOGS)).json()["data"]
    assert answer.json()["data"]["created_at"] == listed["created_at"] == shown


@pytest.mark.parametrize(
    "written",
    [
        "2023-03-01T02:02:00",
        "2023-03-01",
        "",
        "yesterday",
        "2023-02-30T00:00:00Z",
        "2023-03-01T25:00:00Z",
        "2023-03-01T02:02:00+24:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T23:59:60Z",
        "2023-03-01T02:02:60Z",
        "2023-03-31T23:59:60Z",
        "٢٠٢٣-03-01T02:02:00Z",
        "2023-03-01T02:02:00Z\n",
        "2023-03-01T02:02:00." + "0" * 300 + "Z",
        1677632520,
        True,
    ],
    ids=lambda written: str(written)[:30],
)
async def test_what_is_no_moment_is_a_400(sendcloud: httpx.AsyncClient, written: Any) -> None:
    answer = await sendcloud.post(LOGS, json={**MINIMAL, "created_at": written})

    assert_error(answer, 400, "invalid", pointer="body/created_at")
