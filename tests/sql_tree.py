"""SQL as PostgreSQL's own parser sees it: statements, those within functions, and the nodes of their trees."""

import re
from collections.abc import Iterator
from typing import Any

from pglast import ast, parse_plpgsql, parse_sql

_PARAMETER = re.compile(r"%\((\w+)\)s")
_STATEMENT, _ASSIGNMENT = 0, 3
"""How PL/pgSQL marks whole statements and assignments; everything else is an expression."""


def parsed(statement: str) -> tuple[list[ast.Node], dict[str, int]]:
    """Return a named statement of ours, parsed, and the numbers of its parameters by their names."""
    names = list(dict.fromkeys(_PARAMETER.findall(statement)))
    numbered = _PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", statement).replace("%%", "%")
    return list(parsed_with_functions(numbered)), {name: n for n, name in enumerate(names, 1)}


def parsed_with_functions(text: str) -> Iterator[ast.Node]:
    """Yield each statement of a script, and after one that makes a function, the statements in its body."""
    for raw in parse_sql(text):
        yield raw.stmt
        if isinstance(raw.stmt, ast.CreateFunctionStmt | ast.DoStmt):
            end = raw.stmt_location + raw.stmt_len if raw.stmt_len else None
            for body in _bodies(raw.stmt, text[raw.stmt_location : end]):
                yield from (inner.stmt for inner in parse_sql(body))


def walk(node: Any, *, into_queries: bool = True) -> Iterator[ast.Node]:
    """Yield a node and all below it. A query within it is yielded, but perhaps not entered."""
    if isinstance(node, tuple):
        for each in node:
            yield from walk(each, into_queries=into_queries)
    elif isinstance(node, ast.Node):
        yield node
        if into_queries or not isinstance(node, ast.SelectStmt):
            for name in node:
                yield from walk(getattr(node, name), into_queries=into_queries)


def _bodies(node: ast.Node, text: str) -> Iterator[str]:
    """Yield the statements in the body of a function or of DO."""
    given = node.args if isinstance(node, ast.DoStmt) else node.options
    options = {option.defname: option.arg for option in given or ()}
    language = options["language"].sval if "language" in options else "plpgsql"
    if language == "plpgsql":
        yield from _in_plpgsql(parse_plpgsql(text))
    elif "as" in options:
        yield options["as"][0].sval


def _in_plpgsql(tree: Any) -> Iterator[str]:
    if isinstance(tree, list):
        for branch in tree:
            yield from _in_plpgsql(branch)
    elif isinstance(tree, dict):
        if (expression := tree.get("PLpgSQL_expr")) is not None:
            query, mode = expression["query"], expression["parseMode"]
            query = query.partition(":=")[2] if mode == _ASSIGNMENT else query
            yield query if mode == _STATEMENT else f"SELECT {query}"
        for branch in tree.values():
            yield from _in_plpgsql(branch)
