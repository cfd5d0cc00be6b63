"""What doctor makes of what it sees: each function judges one thing."""

from collections.abc import Sequence
from difflib import get_close_matches
from shutil import disk_usage

from api.bootstrap import Checkup
from api.cli.doctor.findings import DoctorFinding, ok, wrong
from api.settings import PREFIX, SECRETS, Settings
from application.views.health import InstallationShape, ProjectionHealth, SealingHealth, StandbyHealth

MIN_FREE_BYTES = 2**30
MAX_DELAY_SECONDS = 60.0
"""How long an event may wait to be sealed, and to be in the views, before something is wrong."""
MIGRATE = "Run ordertrail migrate as the schema's owner"
SERVE = "Run ordertrail serve, or look for errors of its projector in its log"


def of_settings(settings: Settings, variables: Sequence[str]) -> DoctorFinding:
    """Judge the settings, and variables that look like settings."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    in_files = [f"{PREFIX}{name.upper()}_FILE" for name in SECRETS]
    for name in sorted(set(variables) - {*known, *in_files}):
        if name.startswith(PREFIX) and (meant := get_close_matches(name, known, n=1, cutoff=0.9)):
            return wrong("settings", f"{name} is no setting", f"Is {meant[0]} meant?")
    place = "ORDERTRAIL_DSN" if settings.dsn else f"the embedded one in {settings.data_dir}"
    return ok("settings", f"all are valid; the database is {'that of ' if settings.dsn else ''}{place}")


def of_database(seen: Checkup) -> DoctorFinding:
    """Judge whether the database takes writes."""
    if seen.refusal_of_writes:
        return wrong(
            "database",
            f"PostgreSQL {seen.version} answers and takes no writes: {seen.refusal_of_writes}",
            "Name the server that takes writes in the DSN, or end its read-only mode",
        )
    return ok("database", f"PostgreSQL {seen.version} answers and takes writes")


def of_roles(seen: Checkup) -> DoctorFinding:
    """Judge the runtime role and its rights."""
    if seen.wrong_roles:
        return wrong("roles", seen.wrong_roles, f"{MIGRATE}; it mends them, or says what a superuser has to run")
    return ok("roles", "the runtime role has the rights of this release, and no others")


def of_schema(seen: Checkup) -> DoctorFinding:
    """Judge the schema."""
    if seen.wrong_schema:
        return wrong("schema", seen.wrong_schema, MIGRATE)
    return ok("schema", "it is that of this release")


def of_durability(seen: Checkup, *, is_allowed: bool) -> DoctorFinding:
    """Judge whether a confirmed commit is safe."""
    weaker = f"; its default synchronous_commit = {seen.synchronous_commit} is replaced in each of our sessions"
    default = "" if seen.synchronous_commit in {"on", "remote_apply"} else weaker
    if seen.unsafe:
        allowed = "; ORDERTRAIL_ALLOW_UNSAFE_SERVER accepts that" if is_allowed else ""
        return wrong(
            "durability",
            f"the server runs with {' and '.join(seen.unsafe)}, so a crash may lose what was confirmed{allowed}",
            "Turn it on in the server's configuration",
        )
    return ok("durability", f"fsync and full_page_writes are on, and commits wait for the disk{default}")


def of_nodes(seen: Checkup) -> DoctorFinding:
    """Judge where the installation is, and the nodes of its cluster."""
    if seen.shape == InstallationShape.ONE_SERVER:
        return ok("nodes", "the installation is on one server")
    if seen.shape == InstallationShape.PARTLY_DISTRIBUTED:
        return wrong("nodes", "distributing it over the nodes was interrupted", "Run ordertrail distribute")
    lost = [f"{n.name} with {n.tenants} tenants does not answer ({n.loss})" for n in seen.nodes if n.loss]
    if lost:
        return wrong("nodes", "; ".join(lost), "Start its server, or mend the network between the coordinator and it")
    amiss = [f"{node.name}: {what}" for node in seen.nodes for what in node.wrong]
    if amiss:
        return wrong(
            "nodes", "; ".join(amiss), "Mend the configuration of the server; run ordertrail distribute for roles"
        )
    tenants = ", ".join(f"{node.name} with {node.tenants} tenants" for node in seen.nodes if node.tenants)
    return ok("nodes", f"the installation is distributed, and each of {len(seen.nodes)} nodes answers: {tenants}")


def of_disk(seen: Checkup) -> DoctorFinding:
    """Judge the room on the database's disk, if it is a disk of this machine."""
    size = f"the database takes {_size(seen.size)}"
    if seen.folder is None:
        return ok("disk", f"{size}; how much is free on its server cannot be seen from here")
    free = disk_usage(seen.folder).free
    if free < MIN_FREE_BYTES:
        return wrong("disk", f"{size}, and {_size(free)} are free", "Give its disk more room; a full disk stops writes")
    return ok("disk", f"{size}, and {_size(free)} are free")


def of_clock(ahead: float, limit: float) -> DoctorFinding:
    """Judge how far the database's clock is from ours. One that is behind stops nothing, and dates events wrongly."""
    apart = f"the database's clock is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    if ahead > limit:
        return wrong("clock", f"{apart}, so nothing is recorded (limit: {limit:g} s)", "Set both clocks right by NTP")
    if -ahead > limit:
        return wrong("clock", f"{apart}, so events get times that are too early", "Set both clocks right by NTP")
    return ok("clock", f"{apart} (limit: {limit:g} s)")


def of_keys(damaged: Sequence[str], *, is_given: bool, unreachable: int = 0) -> DoctorFinding:
    """Judge the installation's key and the keys that it opens; damaged has a line for each that it does not.

    unreachable is how many tenants' keys could not be looked at.
    """
    if damaged:
        others = f" and {len(damaged) - 1} others" if len(damaged) > 1 else ""
        return wrong(
            "keys",
            f"the key of {damaged[0]}{others} cannot be opened",
            "Restore the rows in ordertrail.subject_keys from a backup; ordertrail verify names all",
        )
    if unreachable:
        return wrong("keys", f"those of {unreachable} tenants could not be looked at", "See the nodes")
    where = "is a setting" if is_given else "is in the database, so every backup holds it too"
    return ok("keys", f"the installation's key {where}, and it opens every key")


def of_sealing(health: SealingHealth) -> DoctorFinding:
    """Judge sealing."""
    if health.stopped:
        return wrong(
            "sealing", f"it has stopped for {health.stopped} tenants", "Run ordertrail verify, which says what is wrong"
        )
    if not health.unsealed:
        return ok("sealing", "every event is sealed")
    says = f"up to {health.unsealed} events of a tenant are not sealed, for {health.seconds:.1f} s at most"
    return wrong("sealing", says, SERVE) if health.seconds > MAX_DELAY_SECONDS else ok("sealing", says)


def of_views(views: Sequence[ProjectionHealth]) -> DoctorFinding:
    """Judge the views."""
    for view in views:
        if view.stopped:
            return wrong(
                "views",
                f"{view.projection} has stopped for {len(view.stopped)} tenants, first {view.stopped[0]}",
                "Run ordertrail verify; then ordertrail rebuild, or a release that can read the event",
            )
    lag = max((view.lag for view in views), default=0)
    seconds = max((view.seconds for view in views), default=0.0)
    if not lag:
        return ok("views", "they have read every event")
    says = f"they lack up to {lag} events of a tenant, for {seconds:.1f} s at most"
    return wrong("views", says, SERVE) if seconds > MAX_DELAY_SECONDS else ok("views", says)


def of_standby(health: StandbyHealth | None) -> DoctorFinding:
    """Judge the standby that reads may be answered from; None if none is set."""
    if health is None:
        return ok("standby", "none is set; the database answers all reads")
    if health.why_not is not None:
        return wrong(
            "standby", f"nothing is read from it: {health.why_not}", "Look at the server that ORDERTRAIL_READ_DSN names"
        )
    return ok("standby", f"reads go to it; it is {_size(health.lag_bytes)} behind")


def _size(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
