"""Finds the SQLSTATE with which a server refuses a connection. libpq and psycopg do not report it.

The error's text is in the server's language, and we must tell a wrong password from a server that is starting up. So we
connect once more, and read the code from libpq's trace of the conversation.
"""

import os
import re
import select
import time
from collections import OrderedDict
from math import inf
from typing import NamedTuple

import psycopg
from psycopg.pq import ConnStatus, PGconn, PollingStatus
from psycopg.pq.abc import PGconn as Attempt

# The severity in the server's language, the severity in English, and the code. The message follows and may be anything.
_CODE = re.compile(r'ErrorResponse\t S "[^"]*" V "\w+" C "(\w{5})"')
_REMEMBERED = 32
_WITHOUT_CODE_SECONDS = 60.0
"""How long we remember that a text came without a code, because libpq keeps some memory of every trace."""


class _Known(NamedTuple):
    code: str | None
    until: float


_known: OrderedDict[str, _Known] = OrderedDict()


def sqlstate_of_refusal(error: psycopg.OperationalError, conninfo: str, *, seconds: float) -> str | None:
    """Return the code of an error on connecting; None if no server gave one. Blocks for so long at most.

    Results are remembered: the same text has the same code.
    """
    words, now = str(error), time.monotonic()
    if words in _known and now < _known[words].until:
        return _known[words].code
    code = _asked_again(conninfo, seconds)
    _known[words] = _Known(code, now + _WITHOUT_CODE_SECONDS if code is None else inf)
    if len(_known) > _REMEMBERED:
        _known.popitem(last=False)
    return code


def _asked_again(conninfo: str, seconds: float) -> str | None:
    """Connect once more, and return the code of the refusal. Only libpq on Linux can be traced."""
    if not hasattr(os, "memfd_create"):
        return None
    # Keep the trace in memory only, because it contains our credentials.
    trace = os.memfd_create("trace")
    connection = PGconn.connect_start(conninfo.encode())
    try:
        connection.trace(trace)
        _try(connection, time.monotonic() + seconds)
        connection.untrace()
        codes = _CODE.findall(os.pread(trace, 2**16, 0).decode(errors="replace"))
    except psycopg.Error:
        return None
    finally:
        connection.finish()
        os.close(trace)
    return str(codes[-1]) if codes else None


def _try(connection: Attempt, deadline: float) -> None:
    """Go through a connection's steps until it is made, it fails, or the time is up."""
    waiting = select.poll()
    while connection.status != ConnStatus.BAD and (left := deadline - time.monotonic()) > 0:
        step = connection.connect_poll()
        if step not in {PollingStatus.READING, PollingStatus.WRITING}:
            return
        line = connection.socket
        waiting.register(line, select.POLLIN if step == PollingStatus.READING else select.POLLOUT)
        waiting.poll(left * 1_000)
        waiting.unregister(line)
