"""Hints: what mends a failed call."""

import pytest

from application.views.hints import Hint, hint

NAMES: list[tuple[str, Hint]] = [
    ("requests.exceptions.SSLError", Hint.SSL),
    ("urllib3.exceptions.SSLError", Hint.SSL),
    ("ssl.SSLCertVerificationError", Hint.SSL),
    ("aiohttp.ClientConnectorCertificateError", Hint.SSL),
    ("aiohttp.client_exceptions.ClientConnectorSSLError", Hint.SSL),
    ("urllib3.exceptions.NameResolutionError", Hint.DNS),
    ("socket.gaierror", Hint.DNS),
    ("aiohttp.client_exceptions.ClientConnectorDNSError", Hint.DNS),
    ("requests.exceptions.ConnectTimeout", Hint.TIMEOUT),
    ("requests.exceptions.ReadTimeout", Hint.TIMEOUT),
    ("requests.exceptions.Timeout", Hint.TIMEOUT),
    ("urllib3.exceptions.ConnectTimeoutError", Hint.TIMEOUT),
    ("urllib3.exceptions.ReadTimeoutError", Hint.TIMEOUT),
    ("httpx.ConnectTimeout", Hint.TIMEOUT),
    ("httpx.ReadTimeout", Hint.TIMEOUT),
    ("aiohttp.ServerTimeoutError", Hint.TIMEOUT),
    ("asyncio.exceptions.TimeoutError", Hint.TIMEOUT),
    ("socket.timeout", Hint.TIMEOUT),
    ("ConnectionRefusedError", Hint.REFUSED),
    ("http.client.RemoteDisconnected", Hint.BROKEN_OFF),
    ("httpx.RemoteProtocolError", Hint.BROKEN_OFF),
    ("aiohttp.ServerDisconnectedError", Hint.BROKEN_OFF),
    ("requests.exceptions.ProxyError", Hint.PROXY),
    ("requests.exceptions.MissingSchema", Hint.URL),
    ("httpx.UnsupportedProtocol", Hint.URL),
    ("requests.exceptions.TooManyRedirects", Hint.REDIRECTS),
    ("requests.exceptions.JSONDecodeError", Hint.CONTENT),
    ("requests.exceptions.ConnectionError", Hint.UNREACHABLE),
    ("httpx.ConnectError", Hint.UNREACHABLE),
    ("aiohttp.ClientConnectorError", Hint.UNREACHABLE),
]


@pytest.mark.parametrize(("exception_type", "expected"), NAMES, ids=str)
def test_a_class_that_names_its_cause_has_a_hint(exception_type: str, expected: Hint) -> None:
    assert hint(exception_type, None) == expected.value
    assert hint(exception_type.rpartition(".")[2], None) == expected.value
    assert hint(f"<class '{exception_type}'>", None) == expected.value


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (401, Hint.UNAUTHORIZED),
        (403, Hint.FORBIDDEN),
        (404, Hint.NOT_FOUND),
        (422, Hint.UNPROCESSABLE),
        (429, Hint.TOO_MANY),
        (495, Hint.SSL),
        (500, Hint.SERVER_ERROR),
        (502, Hint.SERVER_ERROR),
        (504, Hint.TIMEOUT),
        (599, Hint.SERVER_ERROR),
    ],
)
def test_a_status_has_a_hint_whichever_library_raised_it(code: int, expected: Hint) -> None:
    for exception_type in (None, "", "requests.exceptions.HTTPError", "httpx.HTTPStatusError", "shop.Oops"):
        assert hint(exception_type, code) == expected.value


@pytest.mark.parametrize("code", [None, 0, 200, 204, 302, 400, 409, 418, 600, 2**63 - 1])
def test_what_is_not_known_has_no_hint(code: int | None) -> None:
    for exception_type in (None, "", "HTTPError", "ValueError", "ssl", "sslerror", "?", "x.y.", "SSLErrors"):
        assert hint(exception_type, code) is None


# As the libraries print them.
_POOL = "HTTPSConnectionPool(host='ssl.timeout.example', port=443): Max retries exceeded with url: /refused (Caused by "
TEXTS = [
    (
        f"{_POOL}SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate expired')))",
        Hint.SSL,
    ),
    ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)", Hint.SSL),
    (f"{_POOL}NameResolutionError(\"<urllib3.connection.HTTPSConnection>: Failed to resolve 'x.example'\"))", Hint.DNS),
    ("[Errno -2] Name or service not known", Hint.DNS),
    ("[Errno -3] Temporary failure in name resolution", Hint.DNS),
    ("[Errno 8] nodename nor servname provided, or not known", Hint.DNS),
    (
        f"{_POOL}NewConnectionError('<…>: Failed to establish a new connection: [Errno 111] Connection refused'))",
        Hint.REFUSED,
    ),
    ("Cannot connect to host x.example:443 ssl:default [Connect call failed ('192.0.2.1', 443)]", Hint.REFUSED),
    (f"{_POOL}ConnectTimeoutError(<…>, 'Connection to x.example timed out. (connect timeout=3)'))", Hint.TIMEOUT),
    ("('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", Hint.BROKEN_OFF),
    (f"{_POOL}ResponseError('too many redirects'))", Hint.UNREACHABLE),
    ("All connection attempts failed", Hint.UNREACHABLE),
    (None, Hint.UNREACHABLE),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
@pytest.mark.parametrize(
    "exception_type",
    ["requests.exceptions.ConnectionError", "httpx.ConnectError", "aiohttp.ClientConnectorError", "MaxRetryError"],
)
def test_a_class_that_names_no_cause_is_understood_by_its_text(
    exception_type: str, text: str | None, expected: Hint
) -> None:
    assert hint(exception_type, None, text) == expected.value


def test_a_cause_goes_before_a_status_and_a_status_before_an_unclear_exception() -> None:
    assert hint("requests.exceptions.SSLError", 502, "Connection refused") == Hint.SSL.value
    assert hint("requests.exceptions.ConnectionError", 401, "Connection refused") == Hint.UNAUTHORIZED.value


def test_an_answer_that_is_an_error_need_not_be_readable() -> None:
    assert hint("requests.exceptions.JSONDecodeError", 502) == Hint.SERVER_ERROR.value
    assert hint("requests.exceptions.JSONDecodeError", 200) == Hint.CONTENT.value


def test_the_text_of_an_exception_that_names_its_cause_or_that_is_not_known_does_not_matter() -> None:
    assert hint("httpx.ReadTimeout", None, "certificate verify failed") == Hint.TIMEOUT.value
    assert hint("ValueError", None, "certificate verify failed") is None


def test_every_hint_can_be_given() -> None:
    given = {hint(name, None) for name, _ in NAMES} | {hint(None, code) for code in range(400, 600)}

    assert given - {None} == {h.value for h in Hint}


def test_a_long_text_is_read_as_far_as_it_may_tell_something() -> None:
    assert hint("httpx.ConnectError", None, "SSL" * 10**6) == Hint.UNREACHABLE.value
    assert hint("httpx.ConnectError", None, f"SSLCertVerificationError{'x' * 10**6}") == Hint.SSL.value
