"""Advice on how to mend a failed call. It is derived from the exception, its text and the answer's status."""

import re
from enum import Enum

MOST_READ = 4_000
"""How many characters of an exception's text are read. A library's own words come first, and are short."""
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


class Hint(Enum):
    """What is wrong, and what to do about it."""

    SSL = (
        "The shop's certificate was not accepted. Renew it, install it with its whole chain, and check that it is made "
        "out for this host name."
    )
    DNS = "The shop's host name was not found. Check the shop's URL for mistakes, and the domain's DNS records."
    REFUSED = (
        "The shop's server refused the connection. Check that it is up and listens on this port, and that its firewall "
        "lets us through."
    )
    TIMEOUT = (
        "The shop did not answer in time. Check its load and what slows the request down, or ask for less at a time."
    )
    BROKEN_OFF = (
        "The shop's server broke the connection off. Check its error log, and the limits of the proxies before it."
    )
    UNREACHABLE = "The shop could not be reached. Check the shop's URL, and that its server is up."
    PROXY = "The proxy on the way to the shop failed. Check the proxy's address and credentials."
    URL = "The shop's URL cannot be called. Correct it: it must begin with https:// and a host name."
    REDIRECTS = "The shop redirects in circles. Set the shop's URL to the address that it redirects to in the end."
    CONTENT = (
        "The shop's answer could not be read. Check that the URL leads to the shop's API and that no plugin or error "
        "page changes what it answers."
    )
    UNAUTHORIZED = (
        "The shop does not know the credentials. They were revoked, expired or mistyped: connect the shop again."
    )
    FORBIDDEN = (
        "The shop knows the credentials but does not allow this. Give them the permission, or let us pass its firewall."
    )
    NOT_FOUND = (
        "The shop has nothing at this address. Check the shop's URL, that its API is switched on, and that what was "
        "asked for still exists."
    )
    UNPROCESSABLE = (
        "The shop understood the request and refused its content. What its answer complains about has to be corrected."
    )
    TOO_MANY = "The shop was asked too often. Wait as long as its Retry-After says, and ask less often."
    SERVER_ERROR = "The shop's server failed. Its own error log says why; try again once it is mended."


_TYPES = {
    Hint.SSL: "SSLError SSLCertVerificationError SSLEOFError SSLZeroReturnError CertificateError ClientSSLError "
    "ClientConnectorSSLError ClientConnectorCertificateError ServerFingerprintMismatch",
    Hint.DNS: "NameResolutionError gaierror herror ClientConnectorDNSError",
    Hint.REFUSED: "ConnectionRefusedError",
    Hint.TIMEOUT: "Timeout ConnectTimeout ReadTimeout WriteTimeout TimeoutException TimeoutError ConnectTimeoutError "
    "ReadTimeoutError timeout ServerTimeoutError ConnectionTimeoutError SocketTimeoutError",
    Hint.BROKEN_OFF: "ConnectionResetError ConnectionAbortedError BrokenPipeError RemoteDisconnected "
    "ServerDisconnectedError ClientConnectionResetError ClientPayloadError ChunkedEncodingError ProtocolError "
    "IncompleteRead InvalidChunkLength ReadError WriteError RemoteProtocolError",
    Hint.PROXY: "ProxyError ProxySchemeUnknown ClientProxyConnectionError ClientHttpProxyError InvalidProxyURL",
    Hint.URL: "InvalidURL MissingSchema InvalidSchema LocationParseError LocationValueError URLSchemeUnknown "
    "UnsupportedProtocol LocalProtocolError InvalidUrlClientError NonHttpUrlClientError",
    Hint.REDIRECTS: "TooManyRedirects InvalidUrlRedirectClientError NonHttpUrlRedirectClientError",
    Hint.CONTENT: "JSONDecodeError ContentDecodingError DecodeError DecodingError ContentTypeError UnicodeDecodeError",
}
_BY_TYPE = {name: hint for hint, names in _TYPES.items() for name in names.split()}

# These types can mean many things; the exception's text says which.
_UNCLEAR = {
    "ClientConnectionError",
    "ClientConnectorError",
    "ClientOSError",
    "ConnectError",
    "ConnectionError",
    "MaxRetryError",
    "NetworkError",
    "NewConnectionError",
    "OSError",
    "RetryError",
    "TransportError",
}
# Only patterns of the libraries' own words, because the text also holds the shop's host and path.
_TEXTS = (
    (r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|\[SSL|SSL\w{0,40}Error", Hint.SSL),
    (r"[Nn]ame ?[Rr]esolution|getaddrinfo|gaierror|servname provided|service not known|No address assoc", Hint.DNS),
    (r"[Cc]onnection refused|actively refused|Connect call failed|ConnectionRefusedError", Hint.REFUSED),
    (r"timed out|Timeout(?:Error)?\b", Hint.TIMEOUT),
    (r"reset by peer|[Cc]onnection aborted|Broken pipe|closed connection|disconnected", Hint.BROKEN_OFF),
)

_BY_CODE = {
    401: Hint.UNAUTHORIZED,
    403: Hint.FORBIDDEN,
    404: Hint.NOT_FOUND,
    407: Hint.PROXY,
    408: Hint.TIMEOUT,
    410: Hint.NOT_FOUND,
    422: Hint.UNPROCESSABLE,
    429: Hint.TOO_MANY,
    # nginx answers these to a client whose certificate it does not accept; clients report them for the server's.
    495: Hint.SSL,
    496: Hint.SSL,
    504: Hint.TIMEOUT,
    # Proxies in front of a shop answer these on its behalf.
    521: Hint.REFUSED,
    522: Hint.TIMEOUT,
    523: Hint.UNREACHABLE,
    524: Hint.TIMEOUT,
    525: Hint.SSL,
    526: Hint.SSL,
}


def hint(exception_type: str | None, response_code: int | None, exception: str | None = None) -> str | None:
    """Return how to mend a failed call; None if there is no advice.

    exception_type is the name of a class of Python, requests, urllib3, httpx or aiohttp, with or without its module.
    """
    name = _class_name(exception_type)
    by_type = _BY_TYPE.get(name)
    # An error answer need not be readable, so its status tells more. Any other exception tells more than the status.
    if by_type is None or by_type is Hint.CONTENT:
        by_type = _of_code(response_code) or by_type or _of_unclear(name, exception or "")
    return by_type.value if by_type else None


def _class_name(exception_type: str | None) -> str:
    """Return the last part of requests.exceptions.SSLError, or of <class 'requests.exceptions.SSLError'>."""
    parts = _IDENTIFIER.findall(exception_type or "")
    return parts[-1] if parts else ""


def _of_code(response_code: int | None) -> Hint | None:
    if response_code is None:
        return None
    return _BY_CODE.get(response_code) or (Hint.SERVER_ERROR if 500 <= response_code <= 599 else None)


def _of_unclear(name: str, text: str) -> Hint | None:
    if name not in _UNCLEAR:
        return None
    text = text[:MOST_READ]
    return next((found for pattern, found in _TEXTS if re.search(pattern, text)), Hint.UNREACHABLE)
