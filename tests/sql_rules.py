"""The rules for SQL that can be distributed by tenant, each as a check of a parsed statement."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pglast import ast, enums, parse_sql

from tests.sql_tenants import unpinned
from tests.sql_tree import parsed, parsed_with_functions, walk

SCHEMA = "ordertrail"
_TENANT_PARAMETERS = {"tenant", "new_tenant"}
_VOLATILE = {"clock_timestamp", "gen_random_uuid", "random", "timeofday"}
_SEQUENCES = {"nextval", "currval", "setval", "lastval"}


class Breach(NamedTuple):
    """A place where SQL breaks a rule."""

    rule: str
    what: str


def breaches(statement: str, tables: frozenset[str]) -> set[Breach]:
    """Return how a named statement breaks the rules. tables are those that belong to tenants."""
    trees, parameters = parsed(statement)
    tenants = {parameters[name] for name in _TENANT_PARAMETERS & parameters.keys()}
    return {breach for tree in trees for breach in (*_breaches(tree, tables, tenants), *_calls_of_appends(tree))}


def breaches_of_migration(text: str, tables: frozenset[str]) -> set[Breach]:
    """Return how the statements and the function bodies of a migration break the rules."""
    return {breach for tree in parsed_with_functions(text) for breach in _breaches(tree, tables, set())}


def tenants_tables(migrations: Iterable[str]) -> frozenset[str]:
    """Return the tables that these migrations create with a column for the tenant."""
    created = (raw.stmt for text in migrations for raw in parse_sql(text) if isinstance(raw.stmt, ast.CreateStmt))
    return frozenset(
        table.relation.relname
        for table in created
        if any(isinstance(e, ast.ColumnDef) and e.colname == "tenant" for e in table.tableElts or ())
    )


def _breaches(tree: ast.Node, tables: frozenset[str], tenants: set[int]) -> Iterator[Breach]:
    yield from (Breach("tenant", table) for table in unpinned(tree, tables, tenants))
    yield from (Breach("temporary", table) for table in _temporary_beside_ours(tree, tables))
    rows = set(_names_of_rows(tree))
    for node in walk(tree):
        yield from (Breach("row", what) for what in _rows_given(node, rows, tables))
        yield from (Breach("sequence", what) for what in _sequences(node))
        yield from (Breach("returning", what) for what in _ambiguous_returning(node))
        yield from (Breach("volatile", what) for what in _volatile(node))


def _temporary_beside_ours(tree: ast.Node, tables: frozenset[str]) -> set[str]:
    if isinstance(tree, ast.CreateStmt):
        return set()  # which may be made like one of ours
    relations = [node for node in walk(tree) if isinstance(node, ast.RangeVar)]
    temporary = {r.relname for r in relations if r.schemaname == "pg_temp" or r.relpersistence == "t"}
    is_beside = any(r.schemaname == SCHEMA or (r.schemaname is None and r.relname in tables) for r in relations)
    return temporary if is_beside else set()


def _names_of_rows(tree: ast.Node) -> Iterator[str]:
    for node in walk(tree):
        if isinstance(node, ast.RangeVar | ast.RangeSubselect) and node.alias:
            yield node.alias.aliasname
        elif isinstance(node, ast.RangeVar):
            yield node.relname


def _rows_given(node: ast.Node, rows: set[str], tables: frozenset[str]) -> Iterator[str]:
    """Yield what a function of ours takes, or what any function is given, that is a whole row."""
    match node:
        case ast.FuncCall():
            for argument in node.args or ():
                if isinstance(argument, ast.ColumnRef) and (name := ".".join(_path(argument))) in rows:
                    yield f"{node.funcname[-1].sval}({name})"
        case ast.CreateFunctionStmt():
            for parameter in node.parameters or ():
                schema, *_, type_ = ("", *(part.sval for part in parameter.argType.names))[-2:]
                if schema == SCHEMA or type_ in tables:
                    yield f"{node.funcname[-1].sval}({type_})"


def _sequences(node: ast.Node) -> Iterator[str]:
    match node:
        case ast.CreateSeqStmt():
            yield node.sequence.relname
        case ast.ColumnDef():
            is_identity = any(c.contype == enums.ConstrType.CONSTR_IDENTITY for c in node.constraints or ())
            if is_identity or "serial" in node.typeName.names[-1].sval:
                yield node.colname
        case ast.FuncCall() if node.funcname[-1].sval in _SEQUENCES:
            yield node.funcname[-1].sval


def _volatile(node: ast.Node) -> Iterator[str]:
    """Yield what an UPDATE or a DELETE asks that has another answer for each row: statement_timestamp has one."""
    if isinstance(node, ast.UpdateStmt | ast.DeleteStmt | ast.OnConflictClause):
        calls = (call.funcname[-1].sval for call in walk(node) if isinstance(call, ast.FuncCall))
        yield from (name for name in calls if name in _VOLATILE)


def _ambiguous_returning(node: ast.Node) -> Iterator[str]:
    """Yield the target of INSERT … SELECT … RETURNING that does not name the target for what it returns."""
    if not isinstance(node, ast.InsertStmt) or node.returningClause is None or node.selectStmt.valuesLists:
        return
    alias = node.relation.alias.aliasname if node.relation.alias else None
    returned = [_path(column) for column in walk(node.returningClause) if isinstance(column, ast.ColumnRef)]
    if alias is None or any(path[0] != alias for path in returned):
        yield node.relation.relname


def _calls_of_appends(tree: ast.Node) -> Iterator[Breach]:
    """Yield the calls of append functions that would not be sent whole to the tenant's node."""
    for call in walk(tree):
        if not isinstance(call, ast.FuncCall) or not _is_append(call):
            continue
        if not _is_alone(tree, call) or not all(isinstance(value, ast.ParamRef) for value in call.args):
            yield Breach("append", call.funcname[-1].sval)


def _is_append(call: ast.FuncCall) -> bool:
    return call.funcname[0].sval == SCHEMA and call.funcname[-1].sval.startswith("append")


def _is_alone(tree: ast.Node, call: ast.FuncCall) -> bool:
    """Return whether a statement selects from this call, and does nothing else."""
    if not isinstance(tree, ast.SelectStmt) or len(tree.fromClause or ()) != 1:
        return False
    [source] = tree.fromClause
    more = (tree.whereClause, tree.withClause, tree.groupClause, tree.sortClause, tree.limitCount)
    return isinstance(source, ast.RangeFunction) and source.functions[0][0] is call and not any(more)


def _path(column: Any) -> list[str]:
    return [getattr(field, "sval", "*") for field in column.fields]
