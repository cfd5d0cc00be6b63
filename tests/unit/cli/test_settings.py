"""Settings: what they take, and where secrets may be."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from api.bootstrap import served_database
from api.cli.settings import faults_of
from api.settings import SECRETS, Settings, read_settings
from domain.errors import Misconfigured
from tests.paths import ROOT

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


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


def test_the_runbook_says_of_every_setting_what_it_is_and_when_to_change_it() -> None:
    section = OPERATIONS.split("\n## Settings\n")[1].split("\n## ")[0]

    described, changed = (
        re.findall(r"^\| `(ORDERTRAIL_\w+)` \| \S", part, re.MULTILINE)
        for part in section.split("\nWhen to change them:\n")
    )

    assert described == changed
    assert sorted(described) == sorted(f"ORDERTRAIL_{name.upper()}" for name in Settings.model_fields)


def test_a_secret_may_be_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dsn").write_text("postgresql://shop@db/shop\n")
    monkeypatch.delenv("ORDERTRAIL_DSN", raising=False)
    monkeypatch.setenv("ORDERTRAIL_DSN_FILE", str(tmp_path / "dsn"))

    assert read_settings().dsn == "postgresql://shop@db/shop"
    assert read_settings(dsn="dbname=given").dsn == "dbname=given"


def test_every_secret_may_be_in_a_file_and_the_runbook_says_so() -> None:
    assert set(SECRETS) == {"dsn", "read_dsn", "installation_key"}
    for name in SECRETS:
        assert f"`ORDERTRAIL_{name.upper()}_FILE`" in OPERATIONS


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_named_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    monkeypatch.setenv("ORDERTRAIL_INSTALLATION_KEY_FILE", str(tmp_path / "key"))

    with pytest.raises(Misconfigured, match="ORDERTRAIL_INSTALLATION_KEY_FILE cannot be read"):
        read_settings()


def test_a_secret_that_is_given_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dsn").write_text("dbname=one")
    monkeypatch.setenv("ORDERTRAIL_DSN", "dbname=other")
    monkeypatch.setenv("ORDERTRAIL_DSN_FILE", str(tmp_path / "dsn"))

    with pytest.raises(Misconfigured, match="are both set"):
        read_settings()


def test_proxies_are_named_by_their_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().trusted_proxies == ("127.0.0.1", "::1")
    monkeypatch.setenv("ORDERTRAIL_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.7 fd00::/8")

    assert Settings().trusted_proxies == ("10.0.0.0/8", "192.0.2.7", "fd00::/8")


@pytest.mark.parametrize("text", ["*", "proxy.internal", "10.0.0.0/40"])
def test_what_is_no_network_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERTRAIL_TRUSTED_PROXIES", text)

    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings()


def test_a_dsn_of_a_standby_that_is_none_is_named_by_its_setting() -> None:
    with pytest.raises(Misconfigured, match="ORDERTRAIL_READ_DSN: The DSN is neither"):
        served_database(read_settings(dsn="dbname=shop", read_dsn="host=a nonsense"))


@pytest.mark.parametrize("key", ["wrong", "d3Jvbmc=", "é"])
def test_a_key_that_is_none_is_refused_in_words_of_ours(key: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read_settings(installation_key=key)

    assert faults_of(refused.value) == ["ORDERTRAIL_INSTALLATION_KEY: is not 32 bytes in base64"]
