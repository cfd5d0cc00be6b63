"""How doctor looks at an installation: step by step, and as far as it gets."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from api.bootstrap import Checkup, check_up, database_as_it_is, look_at_standby, open_services
from api.cli.doctor import judgements
from api.cli.doctor.findings import DoctorFinding, completed, wrong
from api.cli.settings import faults_of, run
from api.services import Services
from api.settings import Settings, read_settings
from domain.errors import Busy, Misconfigured, OrdertrailError

MIGRATE_OR_SERVE = "Run ordertrail migrate, or ordertrail serve, which makes it"


def examine(**given: Any) -> list[DoctorFinding]:
    """Check an installation with the settings of the environment and these. Nothing is changed."""
    found: list[DoctorFinding] = []
    try:
        settings = read_settings(**given)
    except ValidationError as error:
        found.append(wrong("settings", "; ".join(faults_of(error)), "Mend it in the environment or the option"))
        return completed(found)
    except Misconfigured as error:
        found.append(wrong("settings", str(error), "Mend it in the environment"))
        return completed(found)
    found.append(judgements.of_settings(settings, list(os.environ)))
    with _silently(), _or_wrong(found, "database", "Look whether it runs and whether the DSN names it"):
        _look_at_database(found, settings)
    return completed(found)


def _look_at_database(found: list[DoctorFinding], settings: Settings) -> None:
    if settings.dsn is None and not _holds_a_database(settings.data_dir):
        found.append(wrong("database", f"there is none in {settings.data_dir} yet", MIGRATE_OR_SERVE))
        return
    with database_as_it_is(settings) as dsn:
        seen = check_up(dsn)
        found += [
            judgements.of_database(seen),
            judgements.of_roles(seen),
            judgements.of_schema(seen),
            judgements.of_durability(seen, is_allowed=settings.allow_unsafe_server),
            judgements.of_nodes(seen),
            judgements.of_disk(seen),
        ]
        if _can_be_served(seen):
            seen_of_standby = None if settings.read_dsn is None else run(look_at_standby(dsn, settings.read_dsn))
            found.append(judgements.of_standby(seen_of_standby))
            with _or_wrong(found, "keys", "Give ORDERTRAIL_INSTALLATION_KEY as at the first start"):
                run(_look_at_service(found, dsn, settings))


def _holds_a_database(data_dir: Path) -> bool:
    return (data_dir.expanduser() / "postgres" / "PG_VERSION").exists()


def _can_be_served(seen: Checkup) -> bool:
    return seen.is_migrated and not seen.wrong_roles


async def _look_at_service(found: list[DoctorFinding], dsn: str, settings: Settings) -> None:
    """Look at what can be seen with the rights of the service only."""
    async with open_services(dsn) as services:
        ahead = await services.health.clock_ahead()
        found.append(judgements.of_clock(ahead, settings.max_clock_ahead_seconds))
        damaged, unreachable = await _damaged_keys(services)
        is_given = settings.installation_key is not None
        found.append(judgements.of_keys(damaged, is_given=is_given, unreachable=unreachable))
        found.append(judgements.of_sealing(await services.health.sealing()))
        found.append(judgements.of_views(await services.health.projections()))


async def _damaged_keys(services: Services) -> tuple[list[str], int]:
    """Return whose keys the installation's key does not open, and how many tenants' could not be looked at."""
    damaged, unreachable = [], 0
    for tenant in await services.credentials.tenants():
        try:
            damaged += [f"{subject} of {tenant}" async for subject in services.readability.damaged_keys(tenant)]
        except Busy:
            unreachable += 1
    return damaged, unreachable


@contextmanager
def _silently() -> Iterator[None]:
    """Log nothing: the findings say what is wrong."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def _or_wrong(found: list[DoctorFinding], check: str, advice: str) -> Iterator[None]:
    """Make an error the finding of a check that has none yet."""
    try:
        yield
    except OrdertrailError as error:
        # What is not misconfigured is away, whatever was asked for last.
        where = check if isinstance(error, Misconfigured) or check == "database" else "database"
        found.append(wrong(where, str(error), advice if where == check else "Look whether it still runs"))
