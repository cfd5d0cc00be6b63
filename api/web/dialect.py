"""The pages, as the application takes them: like a dialect, with routes and a form of its own for errors."""

from api.http.dialect import Dialect
from api.web import assets, sign_in
from api.web.errors import render
from api.web.pages import order, orders, style

_ROUTERS = tuple(part.router for part in (assets, sign_in, orders, order, style))

DIALECT = Dialect(("/ui",), _ROUTERS, render)
