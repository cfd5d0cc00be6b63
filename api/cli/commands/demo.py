"""`ordertrail demo`."""

from typing import Any

import typer

from api.bootstrap import served_database
from api.cli import maintenance
from api.cli.commands.serve import Host, Port
from api.cli.demo import example
from api.cli.settings import DataDir, Dsn, plain_errors, run, settings_with
from api.cli.tenancy import links
from api.server import parent as server

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    host: Host = None,
    port: Port = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Serve, load a realistic example over HTTP, show how to look at it, and go on serving."""
    with plain_errors():
        settings = settings_with(host=host, port=port, dsn=dsn, data_dir=data_dir)
        place = "your database" if settings.dsn else str(settings.data_dir)
        with server.listening(settings.host, settings.port) as listener, served_database(settings) as database:
            server.serve(
                database,
                listener,
                workers=1,
                on_ready=lambda url, dsn: example.show(url, *run(_signed_in(dsn, url)), place),
            )


async def _signed_in(dsn: str, url: str) -> tuple[dict[str, Any], str]:
    """Return a credential of the demo's tenant, and a link that signs in with it."""
    key = await maintenance.demo_key(dsn)
    return key, await links.link_of(dsn, url, key["key_id"], key["secret"])
