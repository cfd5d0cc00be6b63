"""Whether a statement pins the tenant of each table that it touches to a parameter."""

from collections.abc import Iterator
from typing import Any

from pglast import ast, enums

from tests.sql_tree import walk

_PARAMETER = "in_tenant"
"""The parameter of functions that is the tenant."""
Names = frozenset[str]


def unpinned(statement: ast.Node, tables: Names, tenants: set[int]) -> list[str]:
    """Return the tables that a statement touches without their tenant. tenants are the numbers of its parameters that
    are the tenant.
    """
    return list(_Statements(tables, tenants).of(statement, frozenset(), frozenset()))


class _Statements:
    def __init__(self, tables: Names, tenants: set[int]) -> None:
        self._tables = tables
        self._tenants = tenants

    def of(self, node: ast.Node, outer: Names, common: Names) -> Iterator[str]:
        """Yield what one statement leaves unpinned. outer are names of relations around it, whose tenant is pinned;
        common are the names of common table expressions.
        """
        if isinstance(node, ast.SelectStmt | ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt):
            for expression in node.withClause.ctes if node.withClause else ():
                yield from self.of(expression.ctequery, outer, common)
                common |= {expression.ctename}
        match node:
            case ast.SelectStmt(op=enums.SetOperation.SETOP_NONE):
                yield from self._level(node, node.fromClause or (), outer, common)
            case ast.SelectStmt():
                yield from self.of(node.larg, outer, common)
                yield from self.of(node.rarg, outer, common)
            case ast.UpdateStmt():
                yield from self._level(node, (node.relation, *(node.fromClause or ())), outer, common)
            case ast.DeleteStmt():
                yield from self._level(node, (node.relation, *(node.usingClause or ())), outer, common)
            case ast.InsertStmt():
                yield from self._insert(node, outer, common)
            case _:
                for query in walk(node, into_queries=False):
                    if isinstance(query, ast.SelectStmt):
                        yield from self.of(query, outer, common)

    def _level(self, node: Any, sources: tuple[Any, ...], outer: Names, common: Names) -> Iterator[str]:
        level = _Level(self._tables, self._tenants, common)
        for source in sources:
            level.add(source)
        level.restrict(node.whereClause)
        pinned = level.pinned(outer)
        yield from (level.touched[alias] for alias in level.touched.keys() - pinned)
        around = outer | pinned | level.others
        for part in walk((*sources, *_expressions(node)), into_queries=False):
            if isinstance(part, ast.SelectStmt):
                yield from self.of(part, around, common)

    def _insert(self, node: ast.InsertStmt, outer: Names, common: Names) -> Iterator[str]:
        query = node.selectStmt
        yield from self.of(query, outer, common)
        if node.relation.relname not in self._tables:
            return
        columns = [column.name for column in node.cols or ()]
        place = columns.index("tenant") if "tenant" in columns else 0
        for values in query.valuesLists or ([target.val for target in query.targetList],):
            if (columns and "tenant" not in columns) or not self._is_tenant(values[place]):
                yield node.relation.relname

    def _is_tenant(self, value: ast.Node) -> bool:
        """Return whether a value is the tenant: the parameter, or a column of a relation whose tenant is pinned."""
        if isinstance(value, ast.ColumnRef):
            return getattr(value.fields[-1], "sval", "tenant") in {"tenant", _PARAMETER}
        return isinstance(value, ast.ParamRef) and value.number in self._tenants


class _Level:
    """The relations that one query reads, and what it says of their tenants."""

    def __init__(self, tables: Names, tenants: set[int], common: Names) -> None:
        self._tables, self._tenants, self._common = tables, tenants, common
        self.touched: dict[str, str] = {}
        """The tables of tenants by their names here."""
        self.others: Names = frozenset()
        self._groups: list[set[str]] = []
        """The names of relations that have the same tenant; the parameter is in_tenant."""

    def add(self, source: Any) -> set[str]:
        """Add what stands in FROM, and return its names."""
        match source:
            case ast.RangeVar():
                name = source.alias.aliasname if source.alias else source.relname
                is_common = source.schemaname is None and source.relname in self._common
                if source.relname in self._tables and not is_common and source.schemaname != "pg_temp":
                    self.touched[name] = source.relname
                else:
                    self.others |= {name}
                return {name}
            case ast.JoinExpr():
                names = self.add(source.larg) | self.add(source.rarg)
                if any(column.sval == "tenant" for column in source.usingClause or ()):
                    self._groups.append(set(names))
                self.restrict(source.quals)
                return names
            case ast.RangeSubselect() | ast.RangeFunction() if source.alias:
                self.others |= {source.alias.aliasname}
                return {source.alias.aliasname}
            case _:
                return set()

    def restrict(self, condition: Any) -> None:
        """Take note of the equalities that must hold."""
        match condition:
            case ast.BoolExpr(boolop=enums.BoolExprType.AND_EXPR):
                for part in condition.args:
                    self.restrict(part)
            case ast.A_Expr(kind=enums.A_Expr_Kind.AEXPR_OP) if condition.name[-1].sval == "=":
                sides = [self._tenant_of(condition.lexpr), self._tenant_of(condition.rexpr)]
                if all(sides):
                    self._groups.append(set().union(*sides))

    def pinned(self, outer: Names) -> Names:
        """Return the relations here whose tenant is that of the parameter."""
        reached = {_PARAMETER, *outer, *self.others}
        while more := [group for group in self._groups if group & reached and group - reached]:
            reached = reached.union(*more)
        return frozenset(reached & self.touched.keys())

    def _tenant_of(self, node: Any) -> set[str]:
        """Return whose tenant an expression is; empty if it is nobody's."""
        if isinstance(node, ast.ParamRef):
            return {_PARAMETER} if node.number in self._tenants else set()
        if not isinstance(node, ast.ColumnRef) or not isinstance(node.fields[-1], ast.String):
            return set()
        names = [field.sval for field in node.fields]
        if names == [_PARAMETER]:
            return {_PARAMETER}
        if names[-1] != "tenant":
            return set()
        return {names[-2]} if len(names) > 1 else set(self.touched)


def _expressions(node: Any) -> Iterator[Any]:
    """Yield the places of a query, besides FROM and WITH, where other queries may stand."""
    names = (
        "targetList",
        "whereClause",
        "havingClause",
        "groupClause",
        "sortClause",
        "windowClause",
        "returningClause",
    )
    yield from (value for name in names if (value := getattr(node, name, None)) is not None)
