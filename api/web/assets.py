"""The files of our own that pages load. Their names hold a digest of their content, so browsers keep them for good."""

import gzip
import re
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

FOREVER = "public, max-age=31536000, immutable"
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_MENTION = re.compile(r"asset:([a-z-]+\.[a-z]+)")
"""How a file names another one."""

router = APIRouter(include_in_schema=False)


class Asset(NamedTuple):
    """A file as it is served."""

    url: str
    media_type: str
    content: bytes
    packed: bytes


@cache
def assets() -> dict[str, Asset]:
    """Return all files by their plain names."""
    folder = files("api.web").joinpath("static")
    sources = {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir()}
    made: dict[str, Asset] = {}
    for name in sources:
        _make(name, sources, made)
    return made


def _make(name: str, sources: dict[str, str], made: dict[str, Asset]) -> Asset:
    """Make a file after those that it names, since its digest depends on their names."""
    if name not in made:
        text = _MENTION.sub(lambda match: _make(match[1], sources, made).url, sources[name])
        content = text.encode()
        stem, _, ending = name.rpartition(".")
        url = f"/ui/static/{stem}.{sha256(content).hexdigest()[:10]}.{ending}"
        made[name] = Asset(url, TYPES[ending], content, gzip.compress(content, mtime=0))
    return made[name]


def asset_url(name: str) -> str:
    """Return the address of a file."""
    return assets()[name].url


@cache
def _by_url() -> dict[str, Asset]:
    return {asset.url: asset for asset in assets().values()}


@router.get("/ui/static/{name}")
async def get_asset(request: Request, name: str) -> Response:
    """Return a file of ours. Nobody needs a credential for it: it is the same for all."""
    asset = _by_url().get(f"/ui/static/{name}")
    if asset is None:
        raise HTTPException(404)
    headers = {"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
    if not takes_gzip(request):
        return Response(asset.content, media_type=asset.media_type, headers=headers)
    return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})


def takes_gzip(request: Request) -> bool:
    """Return whether the client of a request takes a compressed answer."""
    return "gzip" in request.headers.get("accept-encoding", "")
