"""`ordertrail key create | list | revoke | rotate | rotate-signing | retire-signing`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from api.bootstrap import open_database
from api.cli import keys, ledgers, maintenance
from api.cli.settings import AsJson, DataDir, Dsn, plain_errors, print_json, run, settings_with
from api.cli.terminal.durations import duration, expiry

app = typer.Typer(help="Credentials.", no_args_is_help=True, add_completion=False)

KeyId = Annotated[str, typer.Argument(help="The key id, as it was printed when it was created.")]
OfTenant = Annotated[str | None, typer.Option(help="The tenant of the credential; another tenant's is refused.")]


@app.command("create")
def create_key(  # noqa: PLR0913 its options
    tenant: Annotated[str, typer.Option(help="The tenant that the credential belongs to.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it allows, such as write:orders, viewer or support. Default: admin.")
    ] = None,
    name: Annotated[str, typer.Option(help="A name for the credential, which is shown with what it does.")] = "",
    performer_id: Annotated[
        str | None, typer.Option(help="The id of the person it acts for, who is shown as the one who did it.")
    ] = None,
    performer_name: Annotated[str, typer.Option(help="That person's name.")] = "",
    performer_type: Annotated[str, typer.Option(help="What that person is.")] = "User",
    expires: Annotated[
        str | None, typer.Option(help="When it ends: in 30d (or s, m, h, w), on 2027-01-31, or at an RFC 3339 time.")
    ] = None,
    as_json: AsJson = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Create a credential. Its secret is shown once."""
    with plain_errors():
        expires_at = None if expires is None else expiry("--expires", expires, datetime.now(UTC))
        with open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
            performer = maintenance.performer_of(performer_id, performer_name, performer_type)
            created = maintenance.create_key(
                database,
                tenant,
                scopes=tuple(scope or ["admin"]),
                name=name,
                performer=performer,
                expires_at=expires_at,
            )
            _print_secret(run(created), as_json=as_json)


@app.command("list")
def list_keys(
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    active: Annotated[bool, typer.Option("--active", help="Only those that can be used.")] = False,
    as_json: AsJson = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """List credentials, including those that were revoked or have expired. Secrets are not shown."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        found = run(keys.list_keys(database, tenant, only_active=active))
        if as_json:
            print_json({"items": [keys.key_document(key) for key in found]})
        else:
            print(keys.keys_table(found))


@app.command("revoke")
def revoke_key(
    key_id: KeyId, tenant: OfTenant = None, as_json: AsJson = False, dsn: Dsn = None, data_dir: DataDir = None
) -> None:
    """End a credential for good, with its tokens and its links. It stays in the list, with the time."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        key, is_new = run(keys.revoke_key(database, key_id, tenant))
        if as_json:
            print_json(keys.key_document(key))
        else:
            print(keys.revoked_text(key, is_new=is_new))


@app.command("rotate")
def rotate_key(
    key_id: KeyId,
    keep: Annotated[
        str, typer.Option(help="How long the present secret stays good, such as 90s, 45m, 24h, 7d; 0 ends it at once.")
    ] = "24h",
    tenant: OfTenant = None,
    as_json: AsJson = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Give a credential another secret, which is shown once. An earlier secret, if there is one, ends at once."""
    with plain_errors():
        period = duration("--keep", keep)
        with open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
            _print_secret(run(keys.rotate_key(database, key_id, tenant, keep=period)), as_json=as_json)
        if not as_json:
            print(keys.rotated_text(keep, period))


@app.command("rotate-signing")
def rotate_signing(as_json: AsJson = False, dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """Add a key that checkpoints are signed with from now on, beside the present one."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        public_key = run(ledgers.rotate_signing_key(database))
        if as_json:
            print_json({"public_key": public_key})
        else:
            print(f"Checkpoints are also signed with the new key {public_key}. Tell your auditors, as")
            print(
                "GET /trail/v1/ledgers/<tenant>/keys shows it, and then retire the old: ordertrail key retire-signing"
            )


@app.command("retire-signing")
def retire_signing(as_json: AsJson = False, dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """Stop signing with all keys but the newest. Their signatures can still be verified."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        count = run(ledgers.retire_signing_keys(database))
        if as_json:
            print_json({"retired": count})
        else:
            print(f"{count} signing keys retired")


def _print_secret(key: keys.Document, *, as_json: bool) -> None:
    if as_json:
        print_json(key)
        return
    print(keys.new_key_text(key))
    print("The secret and the token are not shown again.")
