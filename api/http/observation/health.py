"""Whether a worker is alive, whether it can serve, and its metrics."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from api.http.observation.delivery_metrics import of_deliveries
from api.http.observation.exposition import MeasuresCollector, gauge
from api.http.observation.looks import Look, Looks
from api.http.opening import Opening
from api.http.requests import Json, ServicesDep
from application.views.health import InstallationShape, StandbyHealth
from domain.errors import Misconfigured, Unavailable

router = APIRouter(include_in_schema=False)


def _looks(request: Request) -> Looks:
    looks: Looks = request.app.state.looks
    return looks


LooksDep = Annotated[Looks, Depends(_looks)]


@router.get("/healthz")
async def healthz() -> Json:
    """The process answers."""
    return Json({"status": "ok"})


@router.get("/readyz")
async def readyz(services: ServicesDep, looks: LooksDep) -> Json:
    """The database answers. Views and sealing that lag or have stopped are named, and so are refused writes; appends
    need neither views nor sealing.

    Damaged keys of personal data are counted. shape tells whether the installation is on one server or distributed, and
    lost_nodes which nodes cannot be reached, and how many tenants each has: these are in no other figure.
    standby tells whether reads go to it.
    """
    health = services.health
    await health.clock_ahead()  # it answers now, whatever was seen before
    projections, sealing, damaged, _, lost = await looks.at(health)
    shape = await health.shape()
    # Only the number of tenants for which a view has stopped. The log and the checkpoints name them, and the errors.
    stopped = {p.projection: len(p.stopped) for p in projections if p.stopped}
    if sealing.stopped:
        stopped["sealing"] = sealing.stopped
    lag = {**{p.projection: p.lag for p in projections}, "sealing": sealing.unsealed}
    refusal = health.refusal_of_writes()
    writes = {} if refusal is None else {"writes": refusal}
    standby = health.standby()
    read_from = {} if standby is None else {"standby": _told_of(standby)}
    is_partly = shape == InstallationShape.PARTLY_DISTRIBUTED
    status = "degraded" if stopped or damaged or refusal or is_partly or lost else "ok"
    said = {"status": status, "shape": shape, "lag": lag, "stopped": stopped, "damaged_keys": damaged}
    return Json({**said, "lost_nodes": lost, **writes, **read_from})


def _told_of(standby: StandbyHealth) -> dict[str, Any]:
    """Return what is told of a standby. The service is as ready without it: the primary answers then."""
    lag = {"lag_seconds": round(standby.lag_seconds, 3), "lag_bytes": standby.lag_bytes}
    return {"status": "used", **lag} if standby.why_not is None else {"status": "lost", "why": standby.why_not}


@router.get("/metrics")
async def metrics(request: Request, looks: LooksDep) -> Response:
    """Metrics for Prometheus, of all processes of the server, and of the database as far as it answers."""
    registry = CollectorRegistry()
    registry.register(MeasuresCollector())
    registry.register(_Seen(*await _seen(request.app.state.opening, looks)))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


async def _seen(opening: Opening, looks: Looks) -> tuple[Look | None, float | None, StandbyHealth | None]:
    """Return what is seen of the database, how far its clock is ahead, and its standby; nothing while it is away."""
    try:
        health = opening.require().health
        return await looks.at(health), await health.clock_ahead(), health.standby()
    except (Unavailable, Misconfigured):
        return None, None, None


class _Seen(Collector):
    """Collects what was seen of the whole installation: sums and the worst of all tenants, whatever their number."""

    def __init__(self, look: Look | None, clock_ahead: float | None, standby: StandbyHealth | None = None) -> None:
        self._look = look
        self._clock_ahead = clock_ahead
        self._standby = standby

    def collect(self) -> Iterator[Metric]:
        yield _one("ordertrail_database_up", "Whether the database answers", float(self._look is not None))
        if self._look is not None and self._clock_ahead is not None:
            ahead = "How far the database's clock is ahead of ours"
            yield _one("ordertrail_clock_ahead_seconds", ahead, self._clock_ahead)
            yield from _of_views(self._look)
            yield from _of_sealing(self._look)
            yield from of_deliveries(self._look.deliveries)
            unreachable = "Tenants whose node of the cluster cannot be reached"
            yield _one("ordertrail_unreachable_tenants", unreachable, sum(self._look.lost_nodes.values()))
        if self._standby is not None:
            yield from _of_standby(self._standby)


def _of_views(look: Look) -> Iterator[Metric]:
    views = [((p.projection,), p) for p in look.projections]
    labels = ("projection",)
    lag = "Events that a view has yet to read, of the tenant that has the most"
    yield gauge("ordertrail_projection_lag_events", lag, [(label, p.lag) for label, p in views], labels)
    since = "Seconds since the oldest event was recorded that a view has yet to read"
    yield gauge("ordertrail_projection_lag_seconds", since, [(label, p.seconds) for label, p in views], labels)
    stopped = "Tenants a view has stopped for"
    counts = [(label, len(p.stopped)) for label, p in views]
    yield gauge("ordertrail_projection_stopped_tenants", stopped, counts, labels)


def _of_sealing(look: Look) -> Iterator[Metric]:
    unsealed, stopped, seconds = look.sealing
    yield _one("ordertrail_unsealed_events", "Events of the longest tail that is not sealed", unsealed)
    yield _one(
        "ordertrail_seal_delay_seconds", "Seconds since the oldest event that is not sealed was recorded", seconds
    )
    yield _one("ordertrail_sealing_stopped_tenants", "Tenants sealing has stopped for", stopped)
    damaged = "Keys of personal data that were needed and could not be read"
    yield _one("ordertrail_damaged_keys", damaged, look.damaged_keys)


def _of_standby(standby: StandbyHealth) -> Iterator[Metric]:
    is_used = float(standby.why_not is None)
    yield _one("ordertrail_standby_up", "Whether reads go to the standby that is set", is_used)
    if is_used:
        behind = "For how many seconds the primary has been further than the standby"
        yield _one("ordertrail_standby_lag_seconds", behind, standby.lag_seconds)
        size = "Bytes of the primary's write-ahead log that the standby has yet to replay"
        yield _one("ordertrail_standby_lag_bytes", size, standby.lag_bytes)


def _one(name: str, says: str, value: float) -> Metric:
    return gauge(name, says, [((), value)])
