"""Whether a worker is alive, whether it can serve, and its metrics."""

import asyncio

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.responses import Response

from api.http.requests import Json, ServicesDep

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> Json:
    """The process answers."""
    return Json({"status": "ok"})


@router.get("/readyz")
async def readyz(services: ServicesDep) -> Json:
    """The database answers. Views and sealing that lag or have stopped are named, and so are refused writes; appends
    need neither views nor sealing.

    Damaged keys of personal data are counted.
    """
    health = services.health
    projections, sealing, damaged = await asyncio.gather(health.projections(), health.sealing(), health.damaged_keys())
    # Only the number of tenants for which a view has stopped. The log and the checkpoints name them, and the errors.
    stopped = {p.projection: len(p.stopped) for p in projections if p.stopped}
    if sealing.stopped:
        stopped["sealing"] = sealing.stopped
    lag = {**{p.projection: p.lag for p in projections}, "sealing": sealing.unsealed}
    refusal = health.refusal_of_writes()
    writes = {} if refusal is None else {"writes": refusal}
    status = "degraded" if stopped or damaged or refusal else "ok"
    return Json({"status": status, "lag": lag, "stopped": stopped, "damaged_keys": damaged, **writes})


@router.get("/metrics")
async def metrics(services: ServicesDep) -> Response:
    """Metrics for Prometheus, of the whole installation. Every worker returns the same."""
    registry = CollectorRegistry()
    lag = Gauge("ordertrail_projection_lag_events", "Events a view has yet to read", ["projection"], registry=registry)
    stopped = Gauge(
        "ordertrail_projection_stopped_tenants", "Tenants a view has stopped for", ["projection"], registry=registry
    )
    unsealed = Gauge("ordertrail_unsealed_events", "Events of the longest tail that is not sealed", registry=registry)
    unsealable = Gauge("ordertrail_sealing_stopped_tenants", "Tenants sealing has stopped for", registry=registry)
    damaged = Gauge(
        "ordertrail_damaged_keys", "Keys of personal data that were needed and could not be read", registry=registry
    )
    damaged.set(await services.health.damaged_keys())
    ahead = Gauge("ordertrail_clock_ahead_seconds", "How far the database's clock is ahead of ours", registry=registry)
    ahead.set(await services.health.clock_ahead())
    sealing = await services.health.sealing()
    unsealed.set(sealing.unsealed)
    unsealable.set(sealing.stopped)
    for projection in await services.health.projections():
        lag.labels(projection.projection).set(projection.lag)
        stopped.labels(projection.projection).set(len(projection.stopped))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
