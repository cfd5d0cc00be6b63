"""A database that is migrated again has the role, the membership and the rights that it is to have."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infrastructure.postgres.session import MissingRight, runtime_dsn
from infrastructure.postgres.statements import statements
from infrastructure.setup import rights as rights_module
from infrastructure.setup.migrations import migrate
from infrastructure.setup.owner_session import owner_session
from infrastructure.setup.rights import RoleMayTooMuch, granted
from tests.cluster import require_one_server
from tests.fix_postgres import database

OWNER, SERVER = "shop", "web"
"""Who owns the database and may create roles; who may only become the runtime role. Neither is a superuser."""
MEMBER_BUT_NOT_ADMIN = {True: "", False: "SET OPTION FOR"}
"""What is taken from somebody who may make themselves a member, by whether the server is older than 16."""


@pytest.fixture
def owned_dsn(any_server_dsn: str) -> Iterator[str]:
    """A migrated database of an owner who is no superuser, on each of the servers in turn; the owner's DSN."""
    require_one_server(any_server_dsn, "only a superuser can make a database of a cluster")
    with psycopg.connect(any_server_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE")
        admin.execute(f"CREATE ROLE {SERVER} LOGIN")
        if admin.execute("SELECT to_regrole('ordertrail_runtime')").fetchone() == (None,):
            admin.execute("CREATE ROLE ordertrail_runtime NOLOGIN")
        admin.execute(f"GRANT ordertrail_runtime TO {OWNER}, {SERVER}")
        try:
            with database(any_server_dsn) as dsn:
                admin.execute(f"ALTER DATABASE {conninfo_to_dict(dsn)['dbname']} OWNER TO {OWNER}")
                owned = make_conninfo(dsn, user=OWNER)
                migrate(owned)
                yield owned
        finally:
            admin.execute(f"DROP OWNED BY {OWNER}, {SERVER}")
            admin.execute(f"DROP ROLE {OWNER}, {SERVER}")


@pytest.fixture
def superuser_dsn(owned_dsn: str) -> str:
    return make_conninfo(owned_dsn, user="postgres")


@pytest.fixture
def web_dsn(owned_dsn: str) -> str:
    return make_conninfo(owned_dsn, user=SERVER)


def run(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def is_old(dsn: str) -> bool:
    with psycopg.connect(dsn) as connection:
        return connection.info.server_version < 160_000


def rights(dsn: str) -> frozenset[object]:
    with owner_session(dsn) as session:
        return granted(session)


def owners(dsn: str) -> set[str]:
    """Return whose the tables and functions are."""
    query = """
        SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'ordertrail'::regnamespace
        UNION SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = 'ordertrail'::regnamespace
    """
    with psycopg.connect(dsn) as connection:
        return {owner for (owner,) in connection.execute(query)}


def mended(dsn: str) -> list[str]:
    """Migrate, and return what was told of it."""
    told: list[str] = []
    assert migrate(dsn, told.append) == []
    return told


def test_a_database_that_is_new_or_needs_nothing_tells_nothing(any_empty_dsn: str) -> None:
    told: list[str] = []

    migrate(any_empty_dsn, told.append)
    migrate(any_empty_dsn, told.append)

    assert told == []


def test_rights_that_were_taken_or_given_are_mended_and_told(owned_dsn: str) -> None:
    before = rights(owned_dsn)
    run(
        owned_dsn,
        "REVOKE SELECT ON ordertrail.events FROM ordertrail_runtime",
        "REVOKE UPDATE (size) ON ordertrail.trees FROM ordertrail_runtime",
        "REVOKE EXECUTE ON FUNCTION ordertrail.append_group FROM ordertrail_runtime",
        "GRANT DELETE ON ordertrail.events TO ordertrail_runtime",
        "GRANT UPDATE (wrapped) ON ordertrail.subject_keys TO ordertrail_runtime",
        "GRANT SELECT ON ordertrail.installation TO PUBLIC",
        "GRANT CREATE ON SCHEMA ordertrail TO ordertrail_runtime",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA ordertrail GRANT ALL ON TABLES TO ordertrail_runtime",
    )
    later = len(rights(owned_dsn) - before) - 4
    assert later > 1

    assert mended(owned_dsn) == [f"The rights of ordertrail_runtime were mended: 3 were missing, {4 + later} too many"]

    assert rights(owned_dsn) == before
    assert mended(owned_dsn) == []


def test_rights_of_other_roles_are_left_alone(owned_dsn: str) -> None:
    run(owned_dsn, f"GRANT USAGE ON SCHEMA ordertrail TO {SERVER}", f"GRANT SELECT ON ordertrail.events TO {SERVER}")
    run(owned_dsn, "REVOKE SELECT ON ordertrail.events FROM ordertrail_runtime")

    assert len(mended(owned_dsn)) == 1

    run(make_conninfo(owned_dsn, user=SERVER), "SELECT FROM ordertrail.events")


def test_where_nothing_is_to_be_done_nothing_is_waited_for_and_nothing_written(owned_dsn: str) -> None:
    with psycopg.connect(owned_dsn) as other, ThreadPoolExecutor(1) as pool:
        other.execute(statements("setup")["lock"])
        other.execute("LOCK TABLE ordertrail.events, ordertrail.ledgers IN ACCESS EXCLUSIVE MODE")
        before = other.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()

        assert pool.submit(migrate, owned_dsn).result(timeout=60) == []

        other.rollback()
        after = other.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
    assert before is not None
    assert after == (before[0] + 1,)


def test_a_membership_that_is_missing_is_made_by_who_may_make_it(owned_dsn: str, superuser_dsn: str) -> None:
    run(superuser_dsn, f"REVOKE ordertrail_runtime FROM {OWNER}")
    # Until release 15 a role that may create roles may grant them all; from then on, those that it administers.
    run(superuser_dsn, f"GRANT ordertrail_runtime TO {OWNER} WITH ADMIN OPTION")
    run(superuser_dsn, f"REVOKE {MEMBER_BUT_NOT_ADMIN[is_old(superuser_dsn)]} ordertrail_runtime FROM {OWNER}")

    told = f"{OWNER} is a member of the role ordertrail_runtime now, which the service runs as"
    assert mended(owned_dsn) == [told]

    run(runtime_dsn(owned_dsn), "SELECT FROM ordertrail.events")


def test_who_may_not_make_the_membership_is_told_what_to_run(owned_dsn: str, superuser_dsn: str) -> None:
    run(superuser_dsn, f"ALTER ROLE {OWNER} NOCREATEROLE", f"REVOKE ordertrail_runtime FROM {OWNER}")

    with pytest.raises(MissingRight, match=f"Run as a superuser: GRANT ordertrail_runtime TO {OWNER}"):
        migrate(owned_dsn)


def test_a_superuser_who_is_not_the_owner_leaves_everything_to_the_owner(
    owned_dsn: str, superuser_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(
        owned_dsn,
        "DROP FUNCTION ordertrail.append_alone",
        "DELETE FROM ordertrail._yoyo_migration WHERE migration_id = '0015_append_alone'",
    )

    assert migrate(superuser_dsn) == ["0015_append_alone"]

    assert owners(superuser_dsn) == {OWNER}


def test_a_schema_that_changed_hands_is_mended_by_its_new_owner(owned_dsn: str, superuser_dsn: str) -> None:
    run(
        superuser_dsn,
        f"ALTER ROLE {SERVER} CREATEROLE",
        f"REASSIGN OWNED BY {OWNER} TO {SERVER}",
        "REVOKE ALL ON ALL TABLES IN SCHEMA ordertrail FROM ordertrail_runtime",
    )
    new_owner = make_conninfo(owned_dsn, user=SERVER)

    with pytest.raises(MissingRight, match=f"run ordertrail migrate as {SERVER}, who owns the schema"):
        migrate(owned_dsn)
    assert len(mended(new_owner)) == 1

    run(runtime_dsn(new_owner), "SELECT FROM ordertrail.events")
    assert migrate(owned_dsn) == []


def test_what_belongs_to_somebody_else_in_the_schema_is_given_to_its_owner(owned_dsn: str, superuser_dsn: str) -> None:
    run(
        superuser_dsn,
        "ALTER TABLE ordertrail.events OWNER TO postgres",
        "ALTER FUNCTION ordertrail.append_alone OWNER TO postgres",
    )
    with pytest.raises(
        MissingRight, match=f"something in it to postgres; {OWNER} may not change that: run ordertrail migrate once as"
    ):
        migrate(owned_dsn)

    assert (
        mended(superuser_dsn)[0]
        == f"What belonged to postgres in the schema belongs to the schema's owner now, {OWNER}"
    )

    assert owners(superuser_dsn) == {OWNER}
    assert mended(owned_dsn) == []


def test_who_may_only_become_the_runtime_role_needs_no_more_where_all_is_right(web_dsn: str) -> None:
    assert mended(web_dsn) == []

    with psycopg.connect(runtime_dsn(web_dsn)) as connection:
        assert connection.execute("SELECT current_user, session_user").fetchone() == ("ordertrail_runtime", SERVER)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("DELETE FROM ordertrail._yoyo_migration WHERE migration_id = '0015_append_alone'", "0015_append_alone"),
        ("REVOKE UPDATE (size) ON ordertrail.trees FROM ordertrail_runtime", "does not give the role"),
        ("REVOKE USAGE ON SCHEMA ordertrail FROM ordertrail_runtime", "does not give the role"),
        ("REVOKE SELECT ON ordertrail.installation FROM ordertrail_runtime", "does not give the role"),
    ],
)
def test_who_may_only_become_the_runtime_role_is_told_who_can_do_what_is_to_be_done(
    owned_dsn: str, web_dsn: str, change: str, complaint: str
) -> None:
    run(owned_dsn, change)

    with pytest.raises(
        MissingRight, match=f"{complaint}.*{SERVER} may not.*run ordertrail migrate as {OWNER}"
    ) as error:
        migrate(web_dsn)

    assert "\n" not in str(error.value)


def test_who_may_become_neither_is_told_what_is_missing(superuser_dsn: str, web_dsn: str) -> None:
    run(superuser_dsn, f"REVOKE ordertrail_runtime FROM {SERVER}")

    with pytest.raises(MissingRight, match=f"as a superuser: GRANT ordertrail_runtime TO {SERVER}"):
        migrate(web_dsn)


@pytest.mark.parametrize(
    ("give", "take", "what"),
    [
        (
            "ALTER ROLE ordertrail_runtime BYPASSRLS",
            "ALTER ROLE ordertrail_runtime NOBYPASSRLS",
            "is above row security",
        ),
        ("ALTER ROLE ordertrail_runtime SUPERUSER", "ALTER ROLE ordertrail_runtime NOSUPERUSER", "is a superuser"),
        (
            "GRANT pg_write_all_data, pg_read_all_data TO ordertrail_runtime",
            "REVOKE pg_write_all_data, pg_read_all_data FROM ordertrail_runtime",
            "is a member of pg_read_all_data and pg_write_all_data",
        ),
    ],
)
def test_a_role_that_was_given_more_elsewhere_is_not_used(
    owned_dsn: str, superuser_dsn: str, web_dsn: str, give: str, take: str, what: str
) -> None:
    run(superuser_dsn, give)
    try:
        for dsn in (owned_dsn, superuser_dsn, web_dsn):
            with pytest.raises(RoleMayTooMuch, match=f"ordertrail_runtime, which the service runs as, {what};"):
                migrate(dsn)
    finally:
        run(superuser_dsn, take)
    assert migrate(owned_dsn) == []


def test_a_right_that_only_a_superuser_can_take_away_is_named(owned_dsn: str, superuser_dsn: str) -> None:
    run(
        owned_dsn,
        f"GRANT USAGE ON SCHEMA ordertrail TO {SERVER}",
        f"GRANT DELETE ON ordertrail.events TO {SERVER} WITH GRANT OPTION",
    )
    run(make_conninfo(owned_dsn, user=SERVER), "GRANT DELETE ON ordertrail.events TO ordertrail_runtime")

    with pytest.raises(MissingRight, match="ordertrail_runtime has DELETE on events, which the schema's owner"):
        migrate(owned_dsn)


def test_the_list_of_rights_is_applied_again_when_a_release_changes_it(
    owned_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = rights_module._GRANT + b"\nGRANT DELETE ON ordertrail.snapshots TO ordertrail_runtime"
    monkeypatch.setattr(rights_module, "_GRANT", grant)

    assert mended(owned_dsn) == ["The rights of ordertrail_runtime were mended: 1 were missing, 0 too many"]
    assert mended(owned_dsn) == []
