"""Why the embedded PostgreSQL does not run."""

from domain.errors import Misconfigured, OrdertrailError, Unavailable


class EmbeddedServerError(OrdertrailError):
    """The embedded PostgreSQL cannot run in this data directory."""


class UnusableDirectory(EmbeddedServerError, Misconfigured):
    """The embedded PostgreSQL cannot use this data directory."""


class PostgresDoesNotStart(EmbeddedServerError, Unavailable):
    """The embedded PostgreSQL does not start."""
