"""`ordertrail doctor`."""

import typer

from api.cli.doctor.examination import examine
from api.cli.doctor.findings import all_is_well
from api.cli.settings import AsJson, DataDir, Dsn, print_json

app = typer.Typer(add_completion=False)


@app.command()
def doctor(as_json: AsJson = False, dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """Check settings, database, roles, schema, durability, disk, clock, keys, sealing and views, and change nothing.

    The exit status is 0 if all is well, and 1 if something is wrong or could not be checked.
    """
    found = examine(dsn=dsn, data_dir=data_dir)
    if as_json:
        print_json({"ok": all_is_well(found), "checks": [finding.document() for finding in found]})
    else:
        print("\n".join(finding.text() for finding in found))
    raise typer.Exit(0 if all_is_well(found) else 1)
