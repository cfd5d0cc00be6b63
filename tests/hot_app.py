"""An application with hot routes, for tests of the ways that lead to them."""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Query, Request, Response
from pydantic import BaseModel, StringConstraints
from starlette.types import Receive, Scope, Send

from api.http.conditions import IfMatch, IfMatchDep
from api.http.credentials import Authentication
from api.http.hot import HotRoutes, hot
from api.http.problems import InvalidRequest, UnsupportedMediaType
from api.http.requests import Json, KeyDep, StrictRoute

MAX_BODY_BYTES = 1_000


class Thing(BaseModel):
    size: int
    tags: list[str] = []


class Page(BaseModel):
    limit: int = 10


class Refused(Exception):
    """An error of the application."""


async def _asked(request: Request) -> list[str]:
    asked: list[str] = request.app.state.opening.require()
    return asked


async def _determined(request: Request, services: Annotated[list[str], Depends(_asked)]) -> Any:
    services.append("caller")
    if request.headers.get("authorization") != "me":
        raise Refused
    return "me"


_caller = Authentication(_determined)
CallerDep = Annotated[str, Depends(_caller)]


@hot
async def put_thing(
    thing_id: Annotated[str, StringConstraints(max_length=5)],
    body: Thing,
    caller: CallerDep,
    key: KeyDep,
    if_match: IfMatchDep,
    x_mark: Annotated[int | None, Header()] = None,
) -> Json:
    if body.size < 0:
        raise Refused
    return Json(
        {
            "id": thing_id,
            "size": body.size,
            "by": caller,
            "x_mark": x_mark,
            "key": key and key.key,
            "if_match": sorted(if_match.tags) if isinstance(if_match, IfMatch) else None,
        }
    )


@hot
async def list_things(query: Annotated[Page, Query()], caller: CallerDep) -> Json:
    return Json({"limit": query.limit})


class App:
    """An application with hot routes, and how many requests its framework was handed."""

    def __init__(self, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self.framework = FastAPI()
        self.framework.router.route_class = StrictRoute
        self.asked: list[str] = []
        self.framework.put("/things/{thing_id}")(put_thing)
        self.framework.get("/things")(list_things)
        for error, status in ((Refused, 403), (UnsupportedMediaType, 415), (InvalidRequest, 422)):
            self.framework.add_exception_handler(
                error, lambda _, exc, status=status: Response(str(exc), status_code=status)
            )
        self.framework.add_middleware(self._count)  # type: ignore[arg-type]
        self.handed_on = 0
        self.framework.state.opening = self
        self.hot = HotRoutes(self.framework, max_body_bytes=max_body_bytes, render=self.render)

    def require(self) -> list[str]:
        """Return the services: who was asked for."""
        return self.asked

    def _count(self, app: Any) -> Any:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self.handed_on += 1
            await app(scope, receive, send)

        return counted

    @staticmethod
    def render(request: Request, error: Exception) -> Response:
        return Response(f"{request.url.path}: {type(error).__name__}", status_code=418)
