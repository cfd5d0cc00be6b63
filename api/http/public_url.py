"""The address that links in answers begin with."""

from fastapi import Request


def public_url(request: Request) -> str:
    """Return the address of the server for its clients, without a slash at its end: the configured one, or that of the
    socket on which the request came.

    It is never the one that a Host header names: anybody may send any, and a signed link would lead there.
    """
    if (given := _given(request)) is not None:
        return given
    host, port = request.scope["server"]
    named = f"[{host}]" if ":" in host else host
    return f"{request.scope['scheme']}://{named}:{port}" if port else f"{request.scope['scheme']}://{named}"


def public_url_or_host(request: Request) -> str:
    """Return the configured address, or the one that the client named: for links that open nothing by themselves."""
    return _given(request) or str(request.base_url).rstrip("/")


def _given(request: Request) -> str | None:
    given: str | None = getattr(request.app.state, "public_url", None)
    return given and given.rstrip("/")
