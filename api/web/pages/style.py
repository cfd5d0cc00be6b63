"""The design system, shown by itself: the page that designers and developers look things up on."""

import re

from fastapi import APIRouter, Request, Response

from api.web.assets import assets
from api.web.rendering import page
from api.web.route import PageRoute
from api.web.showing.wording import GONE

router = APIRouter(prefix="/ui", route_class=PageRoute, include_in_schema=False)


@router.get("/style")
async def get_style(request: Request) -> Response:
    """Show every part that pages are made of. It says nothing of anybody, so everybody may see it."""
    icons = re.findall(r'<symbol id="([a-z]+)"', assets()["icons.svg"].content.decode())
    return page(request, "style.html", icons=icons, gone=GONE)
