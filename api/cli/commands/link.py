"""`ordertrail link`."""

from typing import Annotated

import typer

from api.bootstrap import open_database
from api.cli.settings import AsJson, DataDir, Dsn, plain_errors, print_json, run, settings_with
from api.cli.tenancy import links

app = typer.Typer(add_completion=False)


@app.command()
def link(
    tenant: Annotated[str, typer.Option(help="Whose orders the link shows.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it allows, such as viewer or read:orders. Default: admin.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Where people reach the server. Default: as the settings say.")
    ] = None,
    as_json: AsJson = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Print a link that signs somebody in to the pages under /ui: once, within 15 minutes."""
    with plain_errors():
        settings = settings_with(dsn=dsn, data_dir=data_dir)
        address = (url or settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
        with open_database(settings) as database:
            made = run(links.sign_in_link(database, address, tenant, scopes=tuple(scope or ["admin"])))
        if as_json:
            print_json({"tenant": tenant, "link": made})
        else:
            print(links.link_text(made))
