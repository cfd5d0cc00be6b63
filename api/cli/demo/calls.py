"""Calls between the shop and its carriers, logged as an HTTP client of the OkHttp kind times them."""

import json
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import NamedTuple

from api.cli.demo.steps import Body, Step, iso, moment


class Took(NamedTuple):
    """The phases of a call in milliseconds; a connection that is reused is neither looked up nor opened again."""

    dns: int = 0
    tcp: int = 0
    tls: int = 0
    overhead: int = 1
    send: int = 1
    wait: int = 0
    receive: int = 1

    @property
    def is_reused(self) -> bool:
        return self.dns + self.tcp + self.tls == 0

    def durations(self) -> Body:
        return {
            "dns_lookup_duration": self.dns,
            "tcp_connection_duration": self.tcp,
            "tls_handshake_duration": self.tls,
            "sending_request_duration": self.send,
            "wait_response_duration": self.wait,
            "receive_response_duration": self.receive,
            "overhead_duration": self.overhead,
            "total_duration": sum(self),
            "connection_reused": self.is_reused,
        }

    def statistics(self, at: datetime, without: tuple[str, ...]) -> Body:
        """Return when each phase began and ended, for a call that began at this moment and had no such phases."""
        phases = (
            ("call_start", 0),
            ("dns_start", 0),
            ("dns_end", self.dns),
            ("connect_start", 0),
            ("secure_connect_start", self.tcp),
            ("secure_connect_end", self.tls),
            ("connect_end", 0),
            ("connection_acquired", self.overhead),
            ("request_headers_start", 0),
            ("request_headers_end", 0),
            ("request_body_start", 0),
            ("request_body_end", self.send),
            ("response_headers_start", self.wait),
            ("response_headers_end", 0),
            ("response_body_start", 0),
            ("response_body_end", self.receive),
            ("connection_released", 0),
            ("call_end", 0),
        )
        moments: Body = {}
        for name, milliseconds in phases:
            at += timedelta(milliseconds=milliseconds)
            if not name.startswith(without):
                moments[name] = iso(at)
        return moments


class Parcel(NamedTuple):
    """What is shipped, and by whom."""

    carrier: str
    shipment: str


class Answer(NamedTuple):
    """What a call is answered."""

    status: int
    body: Body


def call(
    when: str,
    request_type: str,
    request: str,
    took: Took,
    *,
    parcel: Parcel,
    sent: Body | None = None,
    answer: Answer | None = None,
    correlation: str | None = None,
) -> Step:
    """We call a carrier, which may not answer; request is like "POST https://…"."""
    method, url = request.split()
    headers = {
        "Accept": ["application/json"],
        "Authorization": ["Bearer the-carriers-token"],  # to be seen masked
        "User-Agent": ["okhttp/4.12.0"],
        "X-Correlation-Id": [correlation or parcel.shipment],
    }
    if sent:
        headers["Content-Type"] = ["application/json; charset=utf-8"]
    body = {
        "event_type": "OUTBOUND",
        "request_type": request_type,
        "source_type": "SHIPPING_SERVICE",
        "source_id": "shipping-7d9f",
        "request_method": method,
        "request_url": url,
        "request_headers": headers,
        "request_body": json.dumps(sent) if sent else None,
        "correlation_id": correlation,
    }
    return _logged(when, took, body, parcel, answer)


def webhook(when: str, path: str, took: Took, parcel: Parcel, sent: Body, correlation: str | None = None) -> Step:
    """A carrier tells us how a parcel fares."""
    body = {
        "event_type": "INBOUND",
        "request_type": "SHIPMENT_HANDLER_TRACK",
        "source_type": "CARRIER",
        "source_id": parcel.carrier,
        "webhook_id": f"wh-{parcel.carrier}",
        "request_method": "POST",
        "request_url": f"https://hooks.kilnandkettle.example{path}",
        "request_headers": {
            "Content-Type": ["application/json"],
            "User-Agent": [f"{parcel.carrier}-webhooks/2.3"],
            "X-Forwarded-For": ["198.51.100.24", "10.0.0.7"],
        },
        "request_body": json.dumps(sent),
        "correlation_id": correlation,
    }
    return _logged(when, took, body, parcel, Answer(202, {"accepted": True}))


def _logged(when: str, took: Took, call_: Body, parcel: Parcel, answer: Answer | None) -> Step:
    """Return the system log of a call that began then."""

    without: tuple[str, ...] = ("dns", "connect_", "secure") if took.is_reused else ()
    without += ("request_body",) if call_["request_body"] is None else ()
    without += ("response",) if answer is None else ()

    def body(at: datetime) -> Body:
        told = {
            **call_,
            "carrier_id": parcel.carrier,
            "entity_ids": [parcel.shipment],
            "request_time": _milliseconds(at),
            "call_statistics": took.statistics(at, without),
            "duration_statistics": took.durations(),
        }
        return told if answer is None else {**told, **_answered(at + timedelta(milliseconds=sum(took)), answer)}

    return Step(moment(when), "carriyo", "/orders/{order}/system-logs", body)


def _answered(at: datetime, answer: Answer) -> Body:
    """Return what is logged of an answer that came at this moment."""
    return {
        "response_time": _milliseconds(at),
        "response_code": answer.status,
        "response_headers": {
            "Content-Type": ["application/json"],
            "Date": [format_datetime(at, usegmt=True)],
            "X-Request-Id": [f"req-{_milliseconds(at):x}"],
        },
        "response_body": json.dumps(answer.body),
    }


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
