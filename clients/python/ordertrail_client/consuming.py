"""Taking part in a consumer: what a member was given, and what it says of it."""

from dataclasses import dataclass
from typing import Any

from ordertrail_client.core import Call, Event

WAIT_SECONDS = 20
LEASE_LOST = "lease-lost"


@dataclass
class Delivery:
    """An event that is handed out. Unless it is refused, it is done when the next one is asked for."""

    event: Event
    refused: dict[str, Any] | None = None

    @property
    def token(self) -> int:
        """Grows with each owner of the event's partition: hand it on with what you write elsewhere."""
        return int(self.event["token"])

    @property
    def attempt(self) -> int:
        """1, or one more than how often the event was refused in a row."""
        return int(self.event["attempt"])

    def refuse(self, reason: str = "", *, delay_seconds: float = 30) -> None:
        """Say that it could not be handled. It comes again after the delay, and the later ones of its order then."""
        self.refused = {**_place(self.event), "delay_seconds": delay_seconds, "reason": reason[:4_000]}


class Membership:
    """One member of a consumer: what it has to handle, and what it has to say."""

    def __init__(self, name: str, *, member: str | None, limit: int) -> None:
        self._path = f"/trail/v1/consumers/{name}"
        self._member = member
        self._limit = limit
        self._acknowledged: dict[tuple[int, str | None], dict[str, Any]] = {}
        self._refused: list[dict[str, Any]] = []
        self._held_up: set[str] = set()

    def fetch(self) -> Call:
        """Return the request that says what is done, and asks for more."""
        body: dict[str, Any] = {**self._said(), "limit": self._limit, "wait": WAIT_SECONDS}
        if self._member is not None:
            body["member"] = self._member
        return Call("POST", f"{self._path}/fetch", body=body)

    def leave(self) -> list[Call]:
        """Return the requests that say what is done, and leave."""
        if self._member is None:
            return []
        last = {**self._said(), "member": self._member}
        return [
            Call("POST", f"{self._path}/acknowledge", body=last),
            Call("DELETE", f"{self._path}/members/{self._member}"),
        ]

    def fetched(self, body: dict[str, Any]) -> list[Event]:
        """Return the events that were handed out. What was said before is taken."""
        self._member = body["member"]
        self.forget()
        items: list[Event] = body["items"]
        return items

    def forget(self) -> None:
        """Say nothing of what was handed out: it comes again, to this member or to another."""
        self._acknowledged.clear()
        self._refused.clear()
        self._held_up.clear()

    def is_held_up(self, event: Event) -> bool:
        """Whether an earlier event of the same order was refused: this one comes after it."""
        return event["subject"] in self._held_up

    def done(self, delivery: Delivery) -> None:
        """Note what became of an event."""
        event = delivery.event
        if delivery.refused is not None:
            self._refused.append(delivery.refused)
            self._held_up.add(event["subject"])
            return
        subject = event["subject"] if event["held"] else None
        said = _place(event) if subject is None else {**_place(event), "subject": subject}
        self._acknowledged[event["partition"], subject] = said

    def _said(self) -> dict[str, Any]:
        return {"acknowledged": list(self._acknowledged.values()), "refused": list(self._refused)}


def _place(event: Event) -> dict[str, Any]:
    return {name: event[name] for name in ("partition", "token", "position")}
