"""A client of Ordertrail: append events, read and follow the ledger, consume it, check webhooks."""

from ordertrail_client.asynchronous import AsyncClient
from ordertrail_client.consuming import Delivery
from ordertrail_client.core import Event, Page, Problem
from ordertrail_client.following import StreamEnded
from ordertrail_client.synchronous import Client
from ordertrail_client.webhooks import InvalidSignature, verify

__all__ = [
    "AsyncClient",
    "Client",
    "Delivery",
    "Event",
    "InvalidSignature",
    "Page",
    "Problem",
    "StreamEnded",
    "verify",
]
