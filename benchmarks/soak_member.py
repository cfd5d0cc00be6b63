"""A member of the soak, to be killed and frozen: python -m benchmarks.soak_member URL TOKEN CONSUMER LOG."""

import os
import random
import sys
import time
from typing import Any

import httpx

POISON = 997
"""Every event at such a position is refused, always."""


def main(url: str, token: str, consumer: str, log: str) -> None:
    chance = random.Random()
    member = f"soak-{os.getpid()}-{chance.randrange(10**9)}"
    # Lines that are appended at once are whole, and in one order over all processes.
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{url}/trail/v1/consumers/{consumer}", headers=headers, timeout=30) as client:
        said: dict[str, Any] = {}
        while True:
            try:
                answer = client.post("/fetch", json={"member": member, "limit": 40, "wait": 1, **said})
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            said = {}
            if answer.is_success:
                said = handle(answer.json()["items"], file, chance)
            elif answer.status_code != 409:  # a worker was killed; after a 409, others own the partitions
                time.sleep(0.1)


def handle(items: list[dict[str, Any]], file: int, chance: random.Random) -> dict[str, Any]:
    """Handle events in their orders' order; return what is to be said of them."""
    acknowledged, refused, failed = [], [], set[str]()
    for item in items:
        said = {name: item[name] for name in ("partition", "token", "position")}
        if item["subject"] in failed:
            continue
        if item["position"] % POISON == 0 or chance.random() < 0.01:
            failed.add(item["subject"])
            refused.append({**said, "delay_seconds": 0.2, "reason": "it failed"})
            continue
        line = f"{item['partition']} {item['token']} {item['position']} {item['subject']} {item['id']}\n"
        os.write(file, line.encode())
        time.sleep(0.001)
        acknowledged.append({**said, "subject": item["subject"]} if item["held"] else said)
    return {"acknowledged": acknowledged, "refused": refused}


if __name__ == "__main__":
    main(*sys.argv[1:])
