"""Sendcloud's dialect: its operations on integrations and their exception logs."""

from api.dialects.sendcloud import integrations, logs
from api.dialects.sendcloud.errors import render
from api.http.dialect import Dialect

# The logs come first: the path of the list of all, /logs, must not be read as the id of an integration.
DIALECT = Dialect(("/api/v3",), (logs.router, integrations.router), render)
