"""`ordertrail load`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.bootstrap import open_database
from api.cli import loading
from api.cli.files.load_lines import Format, LoadFile
from api.cli.settings import DataDir, Dsn, plain_errors, run, settings_with
from api.cli.terminal.progress import progress

app = typer.Typer(add_completion=False)

Url = Annotated[str | None, typer.Option(help="The server to load into over HTTP, as http://localhost:8080.")]
Token = Annotated[
    str | None, typer.Option(envvar="ORDERTRAIL_TOKEN", help="The credential's token, if it is loaded over HTTP.")
]
TenantOption = Annotated[
    str | None, typer.Option("--tenant", help="The tenant, if it is loaded straight into the database.")
]
FormatOption = Annotated[Format | None, typer.Option("--format", help="What the file holds; else its name says it.")]
Mapping = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="MEMBER=COLUMN",
        help="Of a CSV file: the column that a member of the event is in, as data.status=State; "
        "MEMBER==TEXT is the same text for all; MEMBER=COLUMN:json is a number, an object …",
    ),
]


@app.command()
def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file.")],
    format_: FormatOption = None,
    map_: Mapping = None,
    url: Url = None,
    token: Token = None,
    tenant: TenantOption = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Load a file of events: a line of JSON each (native or CloudEvents), or CSV. It may be compressed.

    Lines with an event_id are recorded once, so an interrupted load is started again as it was. Ends with 1 if lines
    were refused.
    """
    with plain_errors(status=2), progress() as begin:
        source = LoadFile(file, format_, map_ or (), begin(file.name))
        if url is not None:
            loaded = loading.load_over_http(source, url, token)
        else:
            with open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
                loaded = run(loading.load_directly(source, database, tenant))
    for refused in loaded.refusals:
        print(f"{file}:{source.line_of(refused.line)}: {refused.detail}", file=sys.stderr)
    print(
        f"{loaded.recorded:,} events recorded, {loaded.repeated:,} recorded before, {loaded.refused:,} lines refused",
        f"; all of them are at {loaded.all_refusals}" if loaded.all_refusals and url else "",
        sep="",
    )
    if loaded.refused:
        raise typer.Exit(1)
