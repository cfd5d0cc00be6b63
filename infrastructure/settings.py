"""What can be set from outside: environment variables that start with ORDERTRAIL_, read by the composition root."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_data_dir() -> Path:
    """Return the user's data folder for us, as the XDG base directory specification has it."""
    home = os.environ.get("XDG_DATA_HOME", "")
    # The specification says to ignore relative paths.
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "share"
    return base / "ordertrail"


class Settings(BaseSettings):
    """Read from the environment when it is constructed, never before."""

    model_config = SettingsConfigDict(env_prefix="ORDERTRAIL_", env_ignore_empty=True, frozen=True, extra="forbid")

    dsn: str | None = Field(
        None,
        repr=False,  # it may hold a password
        description="The PostgreSQL database, as a postgresql:// URI or key=value pairs; "
        "without it, a PostgreSQL of our own runs in the data directory.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Where the embedded PostgreSQL keeps its files; "
        "by default ordertrail in XDG_DATA_HOME or in ~/.local/share.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="The address the HTTP server listens on.")
    port: int = Field(8080, ge=0, le=65_535, description="The port the HTTP server listens on; 0 takes any free one.")
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
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severity that is logged: debug, info, warning or error."
    )
