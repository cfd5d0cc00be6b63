"""Times, amounts, durations and shapes as pages show them."""

from datetime import UTC, datetime, timedelta

import pytest

from api.web.showing.amounts import amount, money
from api.web.showing.call_view import body_of, carrier_call
from api.web.showing.calls import histogram, waterfall
from api.web.showing.charts import failures_chart, growth_line
from api.web.showing.moments import FILTERS, ago, span
from application.views.browsing import DurationCount, Failures
from domain.events.records import Call, CallDurations, SystemLogRecorded
from tests.builders import NOON, an_event


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (3, "just now"),
        (-3, "just now"),
        (30, "30 seconds ago"),
        (60, "1 minute ago"),
        (3_700, "1 hour ago"),
        (200_000, "2 days ago"),
        (86_400 * 90, "3 months ago"),
        (-7_200, "in 2 hours"),
    ],
)
def test_an_age_is_told_in_one_unit(seconds: int, told: str) -> None:
    assert ago(NOON - timedelta(seconds=seconds), NOON) == told


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [(0, "0 ms"), (318, "318 ms"), (2_918, "2.92 s"), (90_000, "1.5 min"), (7_200_000, "2 h"), (None, "–")],
)
def test_a_length_of_time_is_told_in_the_unit_that_fits(milliseconds: float | None, told: str) -> None:
    assert span(milliseconds) == told


def test_a_time_holds_its_exact_form_for_scripts_and_for_hovering() -> None:
    shown = str(FILTERS["clock"](datetime(2026, 3, 1, 9, 5, 7, 250_000, tzinfo=UTC)))

    assert 'datetime="2026-03-01T09:05:07.250Z"' in shown
    assert 'title="01 Mar 2026, 09:05:07 UTC"' in shown
    assert ">09:05:07<" in shown


@pytest.mark.parametrize(
    ("cents", "currency", "printed"),
    [(13_950, "EUR", "139.50 EUR"), (-5, "EUR", "−0.05 EUR"), (1_200, "JPY", "1200 JPY"), (1_234, "KWD", "1.234 KWD")],
)
def test_an_amount_has_the_decimals_of_its_currency(cents: int, currency: str, printed: str) -> None:
    assert f">{printed}<" in str(amount(cents, currency))


def test_an_amount_that_is_not_known_is_a_dash() -> None:
    assert str(money(None)) == "–"


def test_the_phases_of_a_call_follow_each_other() -> None:
    fall = waterfall(CallDurations(dns_lookup_duration=10, wait_response_duration=30, total_duration=40))

    assert fall is not None
    assert [(bar.label, bar.left, bar.width) for bar in fall.bars if bar.width] == [("DNS", 0, 250), ("Wait", 250, 750)]
    assert [label for _, label in fall.ticks] == ["0 ms", "10 ms", "20 ms", "30 ms", "40 ms"]


@pytest.mark.parametrize("durations", [None, CallDurations(), CallDurations(total_duration=0)])
def test_a_call_without_durations_has_no_waterfall(durations: CallDurations | None) -> None:
    assert waterfall(durations) is None


def test_calls_are_counted_by_how_long_they_took() -> None:
    found = histogram([DurationCount(8, 1, 0), DurationCount(0, 2, 1), DurationCount(None, 3, 1)])

    assert [(column.label, column.number, column.bad) for column in found.columns if column.number] == [
        ("< 10 ms", 2, 1),
        ("≥ 2.5 s", 1, 0),
    ]
    assert found.columns[0].height == 100
    assert (found.counted, found.untimed) == (6, 3)


def test_a_body_in_json_is_laid_out_and_another_is_left_as_it_is() -> None:
    assert body_of('{"a":1}').text == '{\n  "a": 1\n}'
    assert body_of("<html>").text == "<html>"
    assert body_of('{"a":').is_json is False
    assert body_of("[expired]").gone == "expired"
    assert body_of(None).text == ""


def test_a_long_body_is_cut() -> None:
    body = body_of("x" * 300_000)

    assert body.is_cut
    assert len(body.text) == 200_000


def test_a_call_shows_every_value_of_a_header() -> None:
    call = Call(request_headers={"Accept": ["a", "b"]}, response_body="ok")

    shown = carrier_call(an_event(SystemLogRecorded, request_method="GET", response_code=200), call)

    assert list(shown.request.headers) == [("Accept", "a"), ("Accept", "b")]
    assert (shown.response.body.text, shown.tone) == ("ok", "good")


def test_failures_stand_on_each_other_by_day() -> None:
    today = datetime.now(UTC)
    chart = failures_chart(
        [Failures(today, "requests.Timeout", 3), Failures(today, "SSLError", 1), Failures(today, None, 2)], 30
    )

    assert chart is not None
    assert [(name, number) for _, name, number in chart.key] == [("Timeout", 3), ("no type", 2), ("SSLError", 1)]
    assert sum(part.height for part in chart.parts) == pytest.approx(100)
    assert failures_chart([], 30) is None


def test_a_ledger_grows_from_its_first_event_to_its_head() -> None:
    line = growth_line([(1, NOON), (100, NOON + timedelta(hours=1))], 100)

    assert line is not None
    assert line.line.startswith("0.0,99.0 ")
    assert line.line.endswith(" 600.0,0.0")
    assert growth_line([], 0) is None
