"""An order of which one event was changed in the database."""

import subprocess
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.acceptance.every_interface.fix_told import Everything, items_of
from tests.damage import change_event

LISTS = (
    "feed",
    "timeline",
    "timeline, newest first",
    "change logs",
    "system logs",
    "order events",
    "action logs",
    "logs",
)
Lists = Mapping[str, list[dict[str, Any]]]


class Damaged:
    """Two orders of which everything was told, and what is read of one before and after an event was changed."""

    def __init__(self, everything: Everything) -> None:
        self.everything = everything
        self.answers: dict[str, httpx.Response] = {}

    async def change(self, event: str, change: str) -> None:
        account = self.everything.account
        self.told = await self.everything.tell("A-1", 1)
        await self.everything.tell("B-2", 2)
        self.position = self.told[event]
        self.before = self._lists(await self.everything.read("A-1", self.told, limit=99))
        [self.was] = [item for item in self.before["feed"] if item["position"] == self.position]
        await change_event(account.dsn, account.tenant, self.position, change)
        self.answers = await self.everything.read("A-1", self.told)

    @property
    def item(self) -> dict[str, Any]:
        """The event in the feed."""
        [item] = [item for item in items_of(self.answers["feed"]) if item["position"] == self.position]
        return item

    def refused(self) -> set[str]:
        """Return what is not answered, short of proofs: of what is not the event that was sealed there can be none."""
        proofs = {"proofs", "inclusion"}
        assert {self.answers[name].status_code for name in proofs} <= {200, 500, 503}
        return {name for name, answer in self.answers.items() if answer.status_code != 200} - proofs

    def others(self) -> tuple[Lists, Lists]:
        """Return all lists without the event: before, and now."""
        return self._without(self.before), self._without(self._lists(self.answers))

    @staticmethod
    def _lists(answers: Mapping[str, httpx.Response]) -> Lists:
        return {name: items_of(answers[name]) for name in LISTS}

    def _without(self, lists: Lists) -> Lists:
        names = {self.position, self.was["id"], f"{self.position:019}"}
        rest = {
            name: [item for item in items if names.isdisjoint({item.get(n) for n in ("position", "id", "identifier")})]
            for name, items in lists.items()
        }
        # Its entries do not tell which events they are.
        del rest["action logs"]
        return rest


@pytest.fixture
def damaged(everything: Everything) -> Damaged:
    return Damaged(everything)


def run(command: list[Any]) -> tuple[int, str]:
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return result.returncode, result.stdout
