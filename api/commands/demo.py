"""`ordertrail demo`."""

import typer

from api import maintenance, server
from api.bootstrap import database_care, open_database
from api.command import DataDir, Dsn, plain_errors, run, settings_with
from api.commands.serve import Host, Port
from api.demo import example

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
        with server.listening(settings.host, settings.port) as listener, open_database(settings) as database:
            key = run(maintenance.demo_key(database))
            place = "your database" if settings.dsn else str(settings.data_dir)
            server.serve(
                database,
                listener,
                workers=1,
                look_after=database_care(settings),
                on_ready=lambda url: example.show(url, key, place),
            )
