"""What is answered at addresses under /ui that no page has."""

from fastapi import APIRouter

from api.web.route import PageRoute
from api.web.security import VisitorDep
from domain.errors import NotFound

router = APIRouter(prefix="/ui", route_class=PageRoute, include_in_schema=False)


class PageNotFound(NotFound):
    """There is no page at this address."""


@router.get("/{address:path}")
async def get_missing(address: str, visitor: VisitorDep) -> None:
    """Say that there is no such page, to whoever is signed in: they find their way on from there."""
    raise PageNotFound
