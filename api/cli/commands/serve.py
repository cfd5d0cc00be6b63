"""`ordertrail serve`."""

from typing import Annotated

import typer

from api.bootstrap import served_database
from api.cli.settings import DataDir, Dsn, plain_errors, settings_with
from api.server import parent as server

app = typer.Typer(add_completion=False)

Host = Annotated[str | None, typer.Option(help="The address to listen on.")]
Port = Annotated[int | None, typer.Option(min=0, max=65_535, help="The port to listen on; 0 takes any free one.")]


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="How many processes answer requests.")] = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Run the HTTP interfaces and the projector, until Ctrl-C."""
    with plain_errors():
        settings = settings_with(host=host, port=port, workers=workers, dsn=dsn, data_dir=data_dir)
        with server.listening(settings.host, settings.port) as listener, served_database(settings) as database:
            server.serve(
                database,
                listener,
                workers=settings.workers,
                on_ready=lambda url, _dsn: _tell(url),
                on_waiting=_tell,
            )


def _tell(url: str) -> None:
    print(f"Ordertrail is at {url}, its interfaces at {url}/docs", flush=True)
