"""What doctor found, and how it is printed."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from api.cli.terminal.tables import printable

CHECKS = (
    "settings", "database", "roles", "schema", "durability", "nodes", "disk", "clock", "keys", "sealing", "views",
    "standby",
)  # fmt: skip
"""All checks, in their order. Each needs the ones before it, more or less."""


class Status(StrEnum):
    """Whether all is well."""

    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class DoctorFinding(NamedTuple):
    """The result of a check."""

    check: str
    status: Status
    says: str
    advice: str = ""
    """What to do. If a check is ok, there is nothing to do."""

    def document(self) -> dict[str, Any]:
        """Return it in its printed JSON form."""
        return {**self._asdict(), "advice": self.advice or None}

    def text(self) -> str:
        """Return it as a line for people."""
        width = max(map(len, CHECKS))
        advice = f". {self.advice}" if self.advice else ""
        line = f"{self.status.upper() if self.status is Status.WRONG else self.status:<8} {self.check:<{width}}  "
        return printable(f"{line}{self.says}{advice}").replace("\n", " ")


def ok(check: str, says: str) -> DoctorFinding:
    """Return that a check found nothing wrong."""
    return DoctorFinding(check, Status.OK, says)


def wrong(check: str, says: str, advice: str) -> DoctorFinding:
    """Return what a check found wrong, and what to do."""
    return DoctorFinding(check, Status.WRONG, says, advice)


def completed(found: Iterable[DoctorFinding]) -> list[DoctorFinding]:
    """Return the findings in the order of the checks. A check that was not made is unknown."""
    by_check = {finding.check: finding for finding in found}
    return [by_check.get(check, DoctorFinding(check, Status.UNKNOWN, "could not be checked")) for check in CHECKS]


def all_is_well(found: Sequence[DoctorFinding]) -> bool:
    """Return whether every check was made and found nothing wrong."""
    return all(finding.status is Status.OK for finding in found)
