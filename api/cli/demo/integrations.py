"""Two integrations: the web shop, which lets its certificate expire, and a marketplace that shut its door."""

from functools import partial
from typing import Any

from api.cli.demo.steps import exception, recovered, registered

WEB_SHOP, WEB_SHOP_URL = 501, "https://shop.kilnandkettle.example"
MARKET, MARKET_URL = 502, "https://api.teamarket.example"

_ASKED: dict[str, Any] = {"headers": {"Accept": "application/json", "User-Agent": "integrations/3.8"}}
_NOTE: dict[str, Any] = {
    "headers": {"Content-Type": "application/json", "User-Agent": "integrations/3.8"},
    "payload": {"order_note": {"note": "Shipped with DHL, JVGL0612345678901234"}},
}
_EXPIRED = (
    "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
    "certificate has expired'))"
)
_TIMED_OUT = "HTTPSConnectionPool(host='shop.kilnandkettle.example', port=443): Read timed out. (read timeout=30)"
_DENIED: dict[str, Any] = {
    "request": {"headers": {**_ASKED["headers"], "Authorization": "Bearer the-markets-token"}},
    "response_code": 401,
    "response": {
        "headers": {"Content-Type": "application/json", "WWW-Authenticate": 'Bearer error="invalid_token"'},
        "body": {"message": "The access token was revoked"},
    },
}
_GONE: dict[str, Any] = {
    "request": _ASKED,
    "response_code": 404,
    "response": {
        "headers": {"Content-Type": "text/html; charset=utf-8"},
        "body": "<!doctype html><title>This shop has moved out</title>",
    },
}
_UNAUTHORIZED = "401 Client Error: Unauthorized"
_NOT_FOUND = "404 Client Error: Not Found"

_web_shop_fails = partial(exception, WEB_SHOP, WEB_SHOP_URL)
_market_fails = partial(exception, MARKET, MARKET_URL)

_ORDERS = "GET /wp-json/wc/v3/orders?status=processing"
_NOTES = "POST /wp-json/wc/v3/orders/77201/notes"
_SSL, _TIMEOUT, _HTTP = (f"requests.exceptions.{name}" for name in ("SSLError", "ReadTimeout", "HTTPError"))

STEPS = (
    [
        registered("1 07:00", WEB_SHOP, "Kiln & Kettle", WEB_SHOP_URL, type="woocommerce", webhook_active=True),
        _web_shop_fails("2 12:16", _NOTES, _SSL, _EXPIRED, response_code=495, request=_NOTE),
        _web_shop_fails("2 12:46", _NOTES, _SSL, _EXPIRED, response_code=495, request=_NOTE),
        _web_shop_fails("2 14:05", _ORDERS, _TIMEOUT, _TIMED_OUT, request=_ASKED),
        _web_shop_fails("2 14:20", _ORDERS, _TIMEOUT, _TIMED_OUT, request=_ASKED),
        _web_shop_fails("2 14:35", _ORDERS, _HTTP, "504 Server Error", response_code=504, request=_ASKED),
        recovered("2 15:10", WEB_SHOP, "Sanne renewed the certificate; the orders have an index now"),
    ],
    [
        registered("1 07:01", MARKET, "Tea Market", MARKET_URL, type="api", webhook_active=False),
        _market_fails("6 06:00", "GET /v2/orders", _HTTP, _UNAUTHORIZED, **_DENIED),
        _market_fails("6 12:00", "GET /v2/orders", _HTTP, _UNAUTHORIZED, **_DENIED),
        _market_fails("6 18:00", "GET /v2/orders", _HTTP, _UNAUTHORIZED, **_DENIED),
        _market_fails("7 06:00", "GET /v2/shops/kiln-and-kettle", _HTTP, _NOT_FOUND, **_GONE),
        _market_fails("8 06:00", "GET /v2/shops/kiln-and-kettle", _HTTP, _NOT_FOUND, **_GONE),
    ],
)
