"""The settings of logged calls: where their bodies are kept, and which of their headers are masked."""

import pytest
from pydantic import ValidationError

from api.settings import Settings


@pytest.mark.parametrize("url", ["s3://bucket/prefix", "gs://bucket", "az://account/container", "file:///var/calls"])
def test_bodies_are_kept_where_a_url_says(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERTRAIL_BODIES_URL", url)

    assert Settings().bodies_url == url


@pytest.mark.parametrize("url", ["/var/calls", "s3:bucket", "https://bucket", "s3://"])
def test_what_names_no_store_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERTRAIL_BODIES_URL", url)

    with pytest.raises(ValidationError, match="bodies_url"):
        Settings()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("X-Session", {"x-session"}),
        ("X-Session, X_SIGNATURE", {"x-session", "x-signature"}),
        (" a  b,c ,", {"a", "b", "c"}),
        ("", set()),
    ],
)
def test_headers_are_listed_with_commas_or_spaces(text: str, names: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERTRAIL_MASKED_HEADERS", text)

    assert Settings().masked_headers == names


@pytest.mark.parametrize("text", ["X-Session: secret", "[X]", "é", "x" * 256])
def test_what_is_no_header_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERTRAIL_MASKED_HEADERS", text)

    with pytest.raises(ValidationError, match="masked_headers"):
        Settings()


def test_without_settings_bodies_are_in_the_database_and_no_header_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORDERTRAIL_BODIES_URL", raising=False)
    monkeypatch.delenv("ORDERTRAIL_MASKED_HEADERS", raising=False)

    assert (Settings().bodies_url, Settings().masked_headers) == (None, frozenset())
