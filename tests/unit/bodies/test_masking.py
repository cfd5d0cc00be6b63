"""Secrets never reach the ledger: what is masked in headers, and what is left as it was."""

import pytest

from application.bodies.masking import (
    MASK,
    MOST_READ,
    SECRET_HEADERS,
    is_secret,
    masked,
    masked_address,
    masked_event,
    without_secrets_in,
)
from domain.events.records import SystemLogRecorded
from tests.builders import an_event, an_exception

SECRET = (
    *sorted(SECRET_HEADERS),
    "access-token",
    "api-key",
    "api-token",
    "apikey",
    "auth",
    "auth-token",
    "authentication",
    "authorization",
    "authorization-info",
    "client-secret",
    "cookie",
    "cookie2",
    "jsessionid",
    "password",
    "phpsessid",
    "private-token",
    "proxy-authorization",
    "session",
    "session-id",
    "set-cookie",
    "signature",
    "stripe-signature",
    "token",
    "tokens",
    "x-access-key",
    "x-accesstoken",
    "x-amz-security-token",
    "x-api-key",
    "x-auth",
    "x-auth-key",
    "x-authorization",
    "x-cookie-consent",
    "x-csrf-token",
    "x-goog-iap-jwt-assertion",
    "x-hub-signature-256",
    "x-my-password-old",
    "x-secret-key",
    "x-shopify-access-token",
    "x-shopify-hmac-sha256",
    "x-vault-token",
)
HARMLESS = (
    "accept",
    "access-control-allow-credentials",
    "author",
    "authority",
    "content-security-policy",
    "content-type",
    "design",
    "etag",
    "idempotency-key",
    "if-match",
    "key",
    "sec-websocket-key",
    "www-authenticate",
    "x-author-id",
    "x-correlation-id",
    "x-idempotency-key",
    "x-oauth-scopes",
    "x-request-id",
)


@pytest.mark.parametrize("name", SECRET)
def test_a_secret_header_is_masked_however_it_is_spelled(name: str) -> None:
    joined = [name.replace("-", other) for other in ("_", ".", " ", ":")]
    spellings = [name, name.upper(), name.title(), f" {name} ", f"HTTP_{name.upper().replace('-', '_')}", *joined]

    spellings.append("".join(word.title() for word in name.split("-")))  # XApiKey
    if name in SECRET_HEADERS:
        spellings = spellings[:5]

    assert masked(dict.fromkeys(spellings, "s3cret")) == dict.fromkeys(spellings, MASK)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_header_stays_however_it_is_spelled(name: str) -> None:
    spellings = [name, name.upper(), name.title(), f"HTTP_{name.upper().replace('-', '_')}"]

    assert masked(dict.fromkeys(spellings, "plain")) == dict.fromkeys(spellings, "plain")
    assert masked("".join(f"{spelling}: plain\r\n" for spelling in spellings)).count("plain") == len(spellings)


def test_each_of_several_values_is_masked() -> None:
    assert masked({"Set-Cookie": ["a=1", "b=2"]}) == {"Set-Cookie": [MASK, MASK]}


def test_what_is_not_secret_stays_as_it_is() -> None:
    headers = {"Accept": "*/*", "Vary": "Authorization, Cookie", "X-Request-Id": ["17"]}

    assert masked(headers) == headers


def test_nested_headers_are_masked() -> None:
    headers = {"sent": [{"authorization": "Basic x"}, {"accept": "y"}], "cookie": {"session": 1}}

    assert masked(headers) == {"sent": [{"authorization": MASK}, {"accept": "y"}], "cookie": MASK}


@pytest.mark.parametrize("nothing", [None, "", [], {"Authorization": None}, {"Cookie": ""}, {"Cookie": []}])
def test_where_there_is_nothing_nothing_is_masked(nothing: object) -> None:
    assert masked(nothing) == nothing


def test_what_is_masked_stays_masked() -> None:
    once = masked({"Authorization": "Basic s3cret"})

    assert masked(once) == once


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Authorization: Basic s3cret", "Authorization: ***"),
        ("Accept: */*\r\nCOOKIE:s3cret=1; b=2\r\nHost: x\r\n", "Accept: */*\r\nCOOKIE: ***\r\nHost: x\r\n"),
        ("X-Api-Key: one\n\ts3cret\nHost: x", "X-Api-Key: ***\nHost: x"),
        ("HTTP_AUTHORIZATION=Bearer s3cret", "HTTP_AUTHORIZATION= ***"),
        ('{"Authorization": "Basic s3\\"cret", "Accept": "y"}', '{"Authorization": "***", "Accept": "y"}'),
        ("{'x-api-key': 's3cret', 'a': 'b'}", "{'x-api-key': \"***\", 'a': 'b'}"),
        ("[('Authorization', b's3cret'), ('A', 'b')]", "[('Authorization', \"***\"), ('A', 'b')]"),
        ('{"Set-Cookie": ["a]s3cret", "b"], "A": "b"}', '{"Set-Cookie": "***", "A": "b"}'),
        ('"{\\"Authorization\\": \\"s3cret\\"}"', None),
        ("{Authorization=[Basic s3cret], Accept=[*/*]}", "{Authorization= ***"),
        ("Accept: */*, Authorization: Basic s3cret", "Accept: */*, Authorization: ***"),
        ('{"Authorization": "Basic s3cret', '{"Authorization": "***"'),
    ],
)
def test_printed_headers_are_masked(text: str, result: str | None) -> None:
    answer = masked(text)

    assert "s3cret" not in answer
    assert result is None or answer == result


@pytest.mark.parametrize(
    "text",
    ["", "Accept: */*", "Vary: Cookie\r\nHost: x", "X-Author: x", "Authorization:", "Cookie: ***", "café"],
)
def test_printed_headers_without_secrets_stay_as_they_are(text: str) -> None:
    assert masked(text) == text


MINE = SECRET_HEADERS | {"x-device", "x.odd+one"}


@pytest.mark.parametrize("name", ["X-Device", "x_device", "HTTP_X_DEVICE", "X.Odd+One", "Cookie"])
def test_headers_that_are_added_to_the_list_are_masked_in_every_form(name: str) -> None:
    assert masked({name: ["s3cret"]}, MINE) == {name: [MASK]}
    assert masked([{name: "s3cret"}], MINE) == [{name: MASK}]
    assert masked(f"Accept: */*\r\n{name}: s3cret", MINE) == f"Accept: */*\r\n{name}: {MASK}"
    assert masked(f'{{"{name}": "s3cret"}}', MINE) == f'{{"{name}": "{MASK}"}}'


def test_what_is_added_to_the_list_is_matched_to_the_letter() -> None:
    assert masked("xzodd-one: a, x-devices: b", MINE) == "xzodd-one: a, x-devices: b"
    assert not is_secret("X-Device")
    assert masked_address("https://h/?x_device=s3cret&x-devices=1", MINE) == "https://h/?x_device=***&x-devices=1"


def test_pairs_of_names_and_values_are_masked() -> None:
    har = [{"name": "Authorization", "value": "s3cret"}, {"name": "Accept", "value": "y"}, {"key": "Token", "value": 1}]

    assert masked({"all": har}) == {
        "all": [{"name": "Authorization", "value": MASK}, har[1], {"key": "Token", "value": MASK}]
    }
    assert masked({"raw": [["X-Token", "s3cret"], ["Accept", "y"]]}) == {"raw": [["X-Token", MASK], ["Accept", "y"]]}


@pytest.mark.parametrize(
    ("address", "result"),
    [
        ("https://h.example/x?a=1&access_token=s3cret&b=2", "https://h.example/x?a=1&access_token=***&b=2"),
        ("https://h.example/#id_token=s3cret&state=1", "https://h.example/#id_token=***&state=1"),
        ("https://u:s3cret@h.example:81/x", "https://***@h.example:81/x"),
        ("https://s3cret@h.example", "https://***@h.example"),
        ("https://u:s3@cret@h.example/x", "https://***@h.example/x"),
        ("//u:s3cret@h.example", "//***@h.example"),
        ("u:s3cret@h.example/x", "***@h.example/x"),
        ("redis://:s3cret@h.example", "redis://***@h.example"),
        ("/x?api%5Fkey=s3cret", "/x?api%5Fkey=***"),
        ("/x?data[password]=s3cret&x=1", "/x?data[password]=***&x=1"),
        ("/x;jsessionid=s3cret", "/x;jsessionid=***"),
        ("/x?a=1;token=s3cret", "/x?a=1;token=***"),
        ("/x?token=s3 cret&x=1", "/x?token=***&x=1"),
        ("/x?X-Amz-Signature=s3cret&X-Amz-Date=1", "/x?X-Amz-Signature=***&X-Amz-Date=1"),
        ("/x?sv=1&sig=s3cret%26", "/x?sv=1&sig=***"),
        ("/x?next=%2Fy%3Ftoken%3Ds3cret%26z%3D1&a=2", "/x?next=%2Fy%3Ftoken%3D***%26z%3D1&a=2"),
        ("/x?token=", "/x?token="),
        ("/x?author=1&key=2&mail=a@h.example&page=3#top", "/x?author=1&key=2&mail=a@h.example&page=3#top"),
        ("https://h.example/@x//y@z", "https://h.example/@x//y@z"),
        ("https://h.example:81/a=b", "https://h.example:81/a=b"),
    ],
)
def test_what_is_secret_in_an_address_is_masked(address: str, result: str) -> None:
    assert masked_address(address) == result
    assert masked_address(result) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("see <https://u:s3cret@h.example/?token=s3cret> there", "see <https://***@h.example/?token=***> there"),
        ("to //u:s3cret@h.example", "to //***@h.example"),
        ("url: '/x?api_key=s3cret&a=1' failed", "url: '/x?api_key=***&a=1' failed"),
        ("GET http://h.example/a?b=1 for a@h.example failed", "GET http://h.example/a?b=1 for a@h.example failed"),
        ("Authentication failed: the token has expired", "Authentication failed: the token has expired"),
    ],
)
def test_what_is_secret_in_the_addresses_of_a_text_is_masked(text: str, result: str) -> None:
    assert without_secrets_in(text) == result


@pytest.mark.parametrize("name", ["Location", "Referer", "Link", "X-Original-URL", "Content-Location"])
def test_addresses_in_the_values_of_headers_are_masked(name: str) -> None:
    address, result = "https://u:s3cret@h.example/?token=s3cret&a=1", "https://***@h.example/?token=***&a=1"

    assert masked({name: [f"<{address}>; rel=next"]}) == {name: [f"<{result}>; rel=next"]}
    assert masked(f"Accept: */*\r\n{name}: {address}\r\nHost: h") == f"Accept: */*\r\n{name}: {result}\r\nHost: h"
    assert masked(f'{{"{name}": "{address}"}}') == f'{{"{name}": "{result}"}}'


def test_secrets_beyond_headers_are_masked_in_a_failed_call_and_bodies_are_not() -> None:
    body = {"token": "in a body"}
    told = an_exception(
        base_url="https://u:s3cret@h.example",
        full_url="https://h.example/?api_key=s3cret",
        exception="Max retries exceeded with url: /x?access_token=s3cret (Caused by it)",
        request={
            "payload": body,
            "auth": ["u", "s3cret"],
            "url": "/x?token=s3cret",
            "cookies": {"a": "s3cret"},
            "n": 1,
        },
        response={"body": body, "headers": {"Location": "/x?session=s3cret"}},
        additional_data={"headers": {"X-Api-Key": "s3cret"}, "retried": "https://h.example/?sig=s3cret"},
    )

    event = masked_event(told)

    assert event.is_masked
    assert "s3cret" not in repr(event)
    assert (event.base_url, event.full_url) == ("https://***@h.example", "https://h.example/?api_key=***")
    assert event.exception == "Max retries exceeded with url: /x?access_token=*** (Caused by it)"
    assert event.request == {"payload": body, "auth": [MASK, MASK], "url": "/x?token=***", "cookies": MASK, "n": 1}
    assert event.response == {"body": body, "headers": {"Location": "/x?session=***"}}
    assert event.additional_data == {"headers": {"X-Api-Key": MASK}, "retried": "https://h.example/?sig=***"}


def test_the_address_of_a_call_about_an_order_is_masked_and_other_events_stay() -> None:
    call = an_event(SystemLogRecorded, request_url="https://h.example/?sig=s3cret")
    plain = an_exception(request={"headers": {"Accept": "*/*"}})

    assert masked_event(call).request_url == "https://h.example/?sig=***"
    assert masked_event(plain) == plain
    assert masked_event(an_event()) == an_event()


def test_of_a_text_that_no_headers_are_as_long_as_the_rest_is_masked() -> None:
    answer = masked("x" * MOST_READ + "Authorization: s3cret")

    assert answer == "x" * MOST_READ + MASK


@pytest.mark.parametrize(
    "text",
    ["x-token" + " " * 10**7, '"x-api-key": [' + 'a"b' * 10**6, "x-api-key" + "\\" * 10**7, "cookie: s3cret; " * 10**6],
)
def test_of_a_text_as_long_as_no_headers_are_only_the_beginning_is_kept(text: str) -> None:
    answer = masked(text)

    assert "s3cret" not in answer
    assert answer.endswith(MASK)
    assert len(answer) < 100_000
