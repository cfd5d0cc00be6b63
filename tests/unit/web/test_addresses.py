"""What the addresses of pages ask for, and where they may lead."""

from datetime import UTC, datetime, timedelta

import pytest

from api.http.problems import InvalidRequest
from api.web.assets import assets
from api.web.pages.asking import number, one_of, since, turned
from api.web.rendering import POLICY
from api.web.route import Asked
from api.web.sign_in import HOME, own_page


@pytest.mark.parametrize("path", ["/ui/orders/A-1?kind=call", "/ui/ledger", "/ui/orders/%C3%A9"])
def test_a_page_of_ours_is_led_to(path: str) -> None:
    assert own_page(path) == path


@pytest.mark.parametrize(
    "path",
    [None, "", "//evil.example", "https://evil.example", "/ui\\evil", "/trail/v1/feed", "/ui/sign-in", "/ui/sign-out"],
)
def test_nothing_else_is_led_to(path: str | None) -> None:
    assert own_page(path) == HOME


def test_a_line_break_does_not_get_into_a_header() -> None:
    assert "\n" not in own_page("/ui/orders\nSet-Cookie: a=b")


def test_parameters_are_changed_and_left_out() -> None:
    asked = Asked(q="ingrid", state="failure", part="1")

    assert turned(asked, before=7) == "?q=ingrid&state=failure&before=7"
    assert turned(asked, q=None, state=None) == "?"


@pytest.mark.parametrize("text", ["-1", "1.5", "x", "9" * 30, "٣"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        number(Asked(before=text), "before")


def test_an_empty_field_asks_for_nothing() -> None:
    asked = Asked()

    assert number(asked, "before") is None
    assert one_of(asked, "kind", {"call": 1}) is None
    assert since(asked) is None
    assert asked["kind"] == ""


def test_a_period_that_is_not_offered_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        since(Asked(since="1y"))


def test_a_period_begins_so_long_ago() -> None:
    begin = since(Asked(since="24h"))

    assert begin is not None
    assert timedelta(hours=23) < datetime.now(UTC) - begin < timedelta(hours=25)


def test_files_name_each_other_by_their_digests() -> None:
    made = assets()
    app = made["app.js"].content.decode()

    assert "asset:" not in app
    assert made["drawer.js"].url in app


def test_a_file_that_changes_has_another_name() -> None:
    urls = [asset.url for asset in assets().values()]

    assert len(set(urls)) == len(urls)
    assert all(len(url.rsplit(".", 2)[1]) == 10 for url in urls)


def test_the_policy_allows_nothing_inline_and_no_other_host() -> None:
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert "data:" not in POLICY
