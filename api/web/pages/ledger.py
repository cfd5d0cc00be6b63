"""The ledger: how it grows, how far it is signed, and how far everything is that follows it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Request, Response

from api.http.problems import Fault, InvalidRequest
from api.http.reading.query import number_in
from api.http.requests import ServicesDep
from api.services import Services
from api.web.pages.followers import followers_of
from api.web.rendering import page
from api.web.route import PageRoute, form_of
from api.web.security import VisitorDep
from api.web.showing.charts import ChartLine, growth_line
from api.web.sign_in import see
from application.access.callers import CACHE_SECONDS, Caller, authorise
from application.access.credentials import KeyRecord, NewKey
from application.access.scopes import ROLES, grants
from domain.errors import Forbidden, NotSealed, Unproven
from domain.values import TenantName

PATH = "/ui/ledger"
MAX_DAYS = 36_500
MAX_NAME = 255
PERIODS = {"1": "1 day", "30": "30 days", "90": "90 days", "365": "a year"}
SCOPES = (*ROLES, "read", "write:orders", "admin")
"""The scopes that the form offers; the command line takes any."""
_MOST_ENDED = 20

router = APIRouter(prefix="/ui", route_class=PageRoute, include_in_schema=False)

FormDep = Annotated[dict[str, str], Depends(form_of)]


class Sealed(NamedTuple):
    """The newest checkpoint, or why there is none."""

    size: int
    root: str
    note: str
    why_not: str | None = None


@router.get("/ledger")
async def get_ledger(request: Request, visitor: VisitorDep, services: ServicesDep) -> Response:
    """Show a tenant's ledger, and everything that is kept about it."""
    return await ledger_page(request, visitor, services)


async def ledger_page(
    request: Request, visitor: Caller, services: Services, *, made: NewKey | None = None, status: int = 200
) -> Response:
    """Return the page; made is a credential to show once."""
    authorise(visitor, "read:ledger")
    tenant = visitor.tenant.name
    head = await services.store.head(tenant)
    keys = await services.tenant_keys.of_tenant(tenant) if grants(visitor.scopes, "admin:credentials") else []
    now = datetime.now(UTC)
    return page(
        request,
        "ledger.html",
        status=status,
        visitor=visitor,
        head=head,
        growth=await _growth(services, tenant, head),
        sealed=await _sealed(services, tenant),
        stopped=await services.verification.stopped(tenant),
        views=await services.browsing.standings(tenant),
        followers=await followers_of(services, visitor) if _may_see_followers(visitor) else None,
        retention=await services.retention.find(tenant),
        keys=_shown_keys(keys, now),
        now=now,
        made=made,
        scopes=[scope for scope in SCOPES if grants(visitor.scopes, scope)],
        periods=PERIODS,
        seconds=CACHE_SECONDS,
    )


def _may_see_followers(visitor: Caller) -> bool:
    return grants(visitor.scopes, "read:consumers") or grants(visitor.scopes, "read:webhooks")


async def _growth(services: Services, tenant: TenantName, head: int) -> ChartLine | None:
    return growth_line(await services.browsing.growth(tenant, head), head)


async def _sealed(services: Services, tenant: TenantName) -> Sealed:
    """Return the newest checkpoint. A page about a damaged ledger must be shown all the more."""
    try:
        note = await services.proofs.checkpoint(tenant)
    except (NotSealed, Unproven) as error:
        return Sealed(0, "", "", str(error))
    _, size, root, *_ = note.split("\n")
    return Sealed(int(size), root, note)


def _shown_keys(keys: Sequence[KeyRecord], now: datetime) -> list[KeyRecord]:
    """Return credentials, those that can be used first, and the newest first."""
    found = sorted(keys, key=lambda key: key.created_at, reverse=True)
    usable = [key for key in found if key.ends.state(now).is_usable]
    return usable + [key for key in found if not key.ends.state(now).is_usable][:_MOST_ENDED]


@router.post("/ledger/retention")
async def post_retention(visitor: VisitorDep, services: ServicesDep, form: FormDep) -> Response:
    """Keep the bodies of calls for so many days from now on; for ever, if none are named."""
    authorise(visitor, "admin:ledger")
    told = form.get("days")
    days = None if told is None else number_in(told, highest=MAX_DAYS)
    if told is not None and days is None:
        raise InvalidRequest(Fault(("body", "days"), f"is not a number of days from 0 to {MAX_DAYS}", "int"))
    await services.retention.keep(visitor.tenant.name, None if days is None else timedelta(days))
    return see(f"{PATH}#retention")


@router.post("/ledger/credentials")
async def post_credential(request: Request, visitor: VisitorDep, services: ServicesDep, form: FormDep) -> Response:
    """Create a credential, with no more than the visitor may do themselves; its secret is shown once."""
    authorise(visitor, "admin:credentials")
    scope, days = form.get("scope", ""), form.get("days", "")
    _require_known(scope, days, form)
    if not grants(visitor.scopes, scope):
        raise Forbidden(f"You cannot give the scope {scope}, because your own credential lacks it")
    made = await services.tenant_keys.create(
        visitor.tenant.name, scopes=(scope,), name=form.get("name", ""), period=timedelta(int(days))
    )
    return await ledger_page(request, visitor, services, made=made, status=201)


def _require_known(scope: str, days: str, form: Mapping[str, str]) -> None:
    if scope not in SCOPES or days not in PERIODS or len(form.get("name", "")) > MAX_NAME:
        raise InvalidRequest(Fault(("body",), "names a scope or a period that is not offered", "choice"))


@router.post("/ledger/credentials/{key_id}/revoke")
async def post_revoke(key_id: str, visitor: VisitorDep, services: ServicesDep) -> Response:
    """End a credential of the tenant for good."""
    authorise(visitor, "admin:credentials")
    await services.tenant_keys.revoke(visitor.tenant.name, key_id)
    return see(f"{PATH}#credentials")
