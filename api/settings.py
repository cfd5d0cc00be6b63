"""The settings: environment variables that start with ORDERTRAIL_."""

import os
from base64 import b64decode
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.errors import Misconfigured

PREFIX = "ORDERTRAIL_"
KEY_BYTES = 32
HeaderName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9!#$%&'*+.^`|~-]+$", max_length=255)]
"""The name of a header in the form in which names are compared: lower case, with hyphens."""


def default_data_dir() -> Path:
    """Return the user's data folder for us, by the XDG base directory specification."""
    home = os.environ.get("XDG_DATA_HOME", "")
    # The specification says to ignore relative paths.
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "share"
    return base / "ordertrail"


def _names(value: Any) -> Any:
    """Return the names in a text, separated by commas or spaces, in the form in which headers are compared."""
    if not isinstance(value, str):
        return value
    return frozenset(name.lower().replace("_", "-") for name in value.replace(",", " ").split())


def _listed(value: Any) -> Any:
    """Return the parts of a text, separated by commas or spaces."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _key(value: Any) -> Any:
    """Return the 32 bytes of a text in base64."""
    if not isinstance(value, str):
        return value
    try:
        key = b64decode(value, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"is not {KEY_BYTES} bytes in base64")
    return key


def _networks(value: Any) -> Any:
    """Return the addresses and networks in a text, separated by commas or spaces."""
    if not isinstance(value, str):
        return value
    networks = [ip_network(each, strict=False) for each in value.replace(",", " ").split()]
    return tuple(str(n.network_address if n.num_addresses == 1 else n) for n in networks)


class Settings(BaseSettings):
    """Read from the environment when it is constructed, never before."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    dsn: str | None = Field(
        None,
        repr=False,  # it may hold a password
        description="The PostgreSQL database, as a postgresql:// URI or key=value pairs; "
        "without it, a PostgreSQL of our own runs in the data directory.",
    )
    read_dsn: str | None = Field(
        None,
        repr=False,  # it may hold a password
        description="A standby of the database, as a DSN; reads are answered from it as far as it shows what they have "
        "to show. Without it, the database itself answers all.",
    )
    allow_unsafe_server: bool = Field(
        False,
        description="Whether to go on with a server that may lose what it has confirmed, since fsync or "
        "full_page_writes is off; for tests, and for storage that makes up for it.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Where the embedded PostgreSQL keeps its files; "
        "by default ordertrail in XDG_DATA_HOME or in ~/.local/share.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="The address the HTTP server listens on.")
    port: int = Field(8080, ge=0, le=65_535, description="The port the HTTP server listens on; 0 takes any free one.")
    max_connections: int = Field(
        2_000,
        ge=1,
        le=100_000,
        description="How many connections of clients a worker has; beyond that, idle ones are closed for new ones.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_networks)] = Field(
        ("127.0.0.1", "::1"),
        description="Addresses and networks of the proxies before us, such as 10.0.0.0/8; their X-Forwarded-For says "
        "who the client is, and X-Forwarded-Proto how it asked.",
    )
    public_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$")] | None = Field(
        None,
        description="The address by which clients reach the server, such as https://trail.example.com; links in "
        "answers begin with it. Without it, they have the address of the socket, which a proxy hides.",
    )
    workers: int = Field(1, ge=1, le=256, description="How many processes serve HTTP.")
    max_body_bytes: int = Field(
        16 * 1024 * 1024, ge=1024, description="The largest request body that is accepted, in bytes."
    )
    read_wait_seconds: float = Field(
        1.0,
        ge=0,
        le=60,
        allow_inf_nan=False,
        description="How long a read waits for the views to reach what was written before it; "
        "after that it answers with what is there.",
    )
    max_queue_seconds: float = Field(
        0.2,
        ge=0.01,
        le=60,
        allow_inf_nan=False,
        description="How long the requests that a worker has under way may take to be answered, by its present pace; "
        "if it would take longer, more requests are refused at once.",
    )
    installation_key: Annotated[bytes | None, BeforeValidator(_key)] = Field(
        None,
        repr=False,
        description="The key that the keys of personal data, signatures and tokens are encrypted with, "
        "32 bytes in base64; without it, one is kept in the database.",
    )
    bodies_url: Annotated[str, StringConstraints(pattern=r"^(s3|gs|az|abfss?|file)://.")] | None = Field(
        None,
        description="Where the bodies of logged calls are kept: s3://bucket/prefix, gs://bucket/prefix, "
        "az://account/container/prefix or file:///folder; without it, in the database. Credentials, regions and "
        "endpoints come from the variables that the provider's own tools read.",
    )
    masked_headers: Annotated[frozenset[HeaderName], NoDecode, BeforeValidator(_names)] = Field(
        frozenset(),
        description="Headers and parameters whose values are masked in logged calls besides those whose names say "
        "that they are secret, as X-Device, pin.",
    )
    webhook_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (),
        description="Networks that webhooks may be sent to besides the public internet, as 10.1.0.0/16, ::1/128; "
        "http:// goes to these only.",
    )
    idempotency_days: int = Field(
        30,
        ge=1,
        le=36_500,
        description="How many days after its use an Idempotency-Key is forgotten. The ids of events never are.",
    )
    max_clock_ahead_seconds: float = Field(
        60.0,
        ge=1,
        le=86_400,
        allow_inf_nan=False,
        description="How far the database's clock may be ahead of a worker's; if it is further, nothing is appended.",
    )
    heartbeat_seconds: float = Field(
        15.0,
        ge=0.1,
        le=3_600,
        allow_inf_nan=False,
        description="How long a stream may be silent before a heartbeat is sent.",
    )
    stream_seconds: float = Field(
        3_600.0,
        ge=1,
        le=86_400,
        allow_inf_nan=False,
        description="How long a stream lasts at most; its client then connects again and goes on.",
    )
    max_streams: int = Field(2_000, ge=0, le=100_000, description="How many streams a worker has open at most.")
    shopline_rate: int = Field(
        20,
        ge=0,
        le=100_000,
        description="How many requests a second SHOPLINE's interface takes of one credential in each worker; "
        "0 sets no limit.",
    )
    sendcloud_limits: bool = Field(
        False,
        description="Whether Sendcloud's interface takes no more of one credential than the vendor's: 1000 reads and "
        "100 writes a minute, 15 writes a second.",
    )
    carriyo_rate: int = Field(
        0,
        ge=0,
        le=100_000,
        description="How many requests a second Carriyo's interface takes of one credential in each worker; "
        "0 sets no limit.",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="How the log is written: text for people, or json for programs; one line for each entry."
    )
    access_log: bool = Field(False, description="Whether the log has a line for each request.")
    otlp_endpoint: Annotated[str, StringConstraints(pattern=r"^https?://.")] | None = Field(
        None,
        description="Where spans of requests are sent by OTLP over HTTP, such as http://collector:4318; "
        "without it, nowhere. It takes the extra ordertrail[otel].",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severity that is logged: debug, info, warning or error."
    )

    @property
    def idempotency_period(self) -> timedelta:
        """How long an Idempotency-Key is known after its use."""
        return timedelta(days=self.idempotency_days)


SECRETS = tuple(name for name, field in Settings.model_fields.items() if not field.repr)
"""The settings that are secret. Each may also be in a file, which a variable of the same name and _FILE names."""


def read_settings(**given: Any) -> Settings:
    """Return the settings: the given ones, else those of the environment, else the defaults. Raises Misconfigured."""
    return Settings(**{**_in_files(), **{name: value for name, value in given.items() if value is not None}})


def _in_files() -> dict[str, str]:
    """Return the secrets that are in files. Raises Misconfigured."""
    variables = {name: f"{PREFIX}{name.upper()}" for name in SECRETS}
    return {name: _content(variable) for name, variable in variables.items() if os.environ.get(f"{variable}_FILE")}


def _content(variable: str) -> str:
    if os.environ.get(variable):
        raise Misconfigured(f"{variable} and {variable}_FILE are both set; set one of them")
    try:
        return Path(os.environ[f"{variable}_FILE"]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not text"
        raise Misconfigured(f"{variable}_FILE cannot be read: {reason}") from exc
