"""Proofs over HTTP, checked by docs/verifier.py in a process of its own, with the public key alone."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli.files.ledger_files import Verdict, verify_file
from tests.auditor import VERIFIER, Auditor
from tests.fix_server import Account
from tests.ledger_files import a_signer
from tests.native import ORDERS, an_order, append, assert_problem, comment, status

LEDGER = "/trail/v1/ledger"
RECEIPT = {"Prefer": "receipt"}


def paste(script: str, folder: Path, token: str, dsn: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "TOKEN": token, "ORDERTRAIL_DSN": dsn}
    return subprocess.run(
        ["sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
async def auditor(account: Account, tmp_path: Path) -> Auditor:
    return Auditor(tmp_path, await key_of(account))


async def key_of(account: Account) -> str:
    """Return the key of an account's ledger, as anybody can get it."""
    async with httpx.AsyncClient(base_url=account.url) as anybody:
        [key] = (await anybody.get(f"/trail/v1/ledgers/{account.tenant}/keys")).text.splitlines()
    return key


async def get(http: httpx.AsyncClient, path: str, **query: Any) -> Any:
    response = await http.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def test_an_append_is_answered_with_a_receipt_that_checks_offline(
    http: httpx.AsyncClient, auditor: Auditor
) -> None:
    order_id = await an_order(http)

    answer = await append(http, order_id, status("open"), comment("Hello"), **RECEIPT)

    assert answer.headers["preference-applied"] == "receipt"
    receipt = answer.json()["receipt"]
    assert [event["event_id"] for event in receipt["events"]] == [item["event_id"] for item in answer.json()["items"]]
    assert auditor.check(answer.json()).startswith("PROVEN: 2 events are")


async def test_of_many_appends_at_once_each_has_the_receipt_of_its_own_event(
    http: httpx.AsyncClient, auditor: Auditor
) -> None:
    order_id = await an_order(http)

    answers = await asyncio.gather(*[append(http, order_id, status(f"s{n}"), **RECEIPT) for n in range(20)])

    receipts = [answer.json()["receipt"] for answer in answers]
    ids = [answer.json()["items"][0]["event_id"] for answer in answers]
    assert [event["event_id"] for receipt in receipts for event in receipt["events"]] == ids
    assert auditor.check(receipts[-1]).startswith("PROVEN: 1 events are")


async def test_what_happens_to_an_integration_has_a_receipt_as_well(http: httpx.AsyncClient, auditor: Auditor) -> None:
    answer = await http.put("/trail/v1/integrations/7", json={"shop_name": "Books"}, headers=RECEIPT)

    assert answer.headers["preference-applied"] == "receipt"
    assert answer.json()["receipt"]["events"][0]["stream"] == "integration-7"
    assert auditor.check(answer.json()).startswith("PROVEN: 1 events are")


async def test_without_being_asked_for_there_is_no_receipt(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    for headers in ({}, {"Prefer": "return=minimal, respond-async"}):
        answer = await append(http, order_id, status("open"), **headers)

        assert "receipt" not in answer.json()
        assert "preference-applied" not in answer.headers


async def test_a_request_that_is_repeated_has_the_receipt_of_what_was_recorded_then(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    headers = {"Idempotency-Key": "k-1", "Prefer": "wait=5, receipt"}

    first, again = [await append(http, order_id, status("open"), **headers) for _ in range(2)]

    assert again.headers["idempotency-replayed"] == "true"
    assert first.json()["receipt"]["events"] == again.json()["receipt"]["events"]


async def test_an_event_is_proven_by_its_id_and_by_its_position(http: httpx.AsyncClient, auditor: Auditor) -> None:
    order_id = await an_order(http)
    [item] = (await append(http, order_id, comment("æ\n\u2028"))).json()["items"]

    by_id = await get(http, f"{LEDGER}/proofs/inclusion", event_id=item["event_id"])
    by_position = await get(http, f"{LEDGER}/proofs/inclusion", position=item["position"])

    assert by_id["events"][0]["position"] == item["position"]
    assert by_id["events"][0]["data"] == by_position["events"][0]["data"]
    assert auditor.check(by_id).startswith("PROVEN: 1 events are")
    assert auditor.check(by_position).startswith("PROVEN")


async def test_all_events_of_an_order_are_proven_at_once_among_those_of_others(
    http: httpx.AsyncClient, auditor: Auditor
) -> None:
    order_id, other = await an_order(http), await an_order(http)
    for n in range(5):
        await append(http, order_id, status(f"s{n}"))
        await append(http, other, status(f"s{n}"))

    proof = await get(http, f"{ORDERS}/{order_id}/proofs")

    assert [event["version"] for event in proof["events"]] == [1, 2, 3, 4, 5, 6]
    assert auditor.check(proof).startswith("PROVEN: 6 events are")


async def test_a_later_checkpoint_is_proven_to_continue_an_earlier_one(
    http: httpx.AsyncClient, auditor: Auditor
) -> None:
    order_id = await an_order(http)
    sizes, notes = [], []
    for n in range(3):
        answer = await append(http, order_id, status(f"s{n}"), comment("x"), **RECEIPT)
        notes.append(answer.json()["receipt"]["checkpoint"])
        sizes.append(int(notes[-1].split("\n")[1]))

    for old, new in ((0, 1), (0, 2), (1, 2), (2, 2)):
        proof = await get(http, f"{LEDGER}/proofs/consistency", **{"from": sizes[old], "to": sizes[new]})
        assert auditor.check(proof, notes[old], notes[new]).startswith("PROVEN: the ledger of")
    assert auditor.check(proof, notes[0], notes[2]).startswith("NOT PROVEN")
    assert (await http.get(f"{LEDGER}/checkpoint", params={"size": sizes[0]})).text == notes[0]
    assert (await http.get(f"{LEDGER}/checkpoint")).text == notes[2]


@pytest.mark.parametrize("field", ["tenant", "stream", "event_id", "type", "data", "metadata", "occurred_at"])
async def test_a_proof_of_a_changed_event_is_refused(http: httpx.AsyncClient, auditor: Auditor, field: str) -> None:
    order_id = await an_order(http)
    receipt = (await append(http, order_id, status("open"), comment("x"), **RECEIPT)).json()["receipt"]
    event, another = receipt["events"]
    event[field] = {"occurred_at": "2026-03-01T12:00:00.000001Z", "data": another["data"], "metadata": ""}.get(
        field, "x"
    )

    assert auditor.check(receipt).startswith("NOT PROVEN: event 2 is not one of the")


@pytest.mark.parametrize("member", ["data", "checkpoint", "events", "occurred_at"])
async def test_a_proof_that_says_something_twice_is_refused(
    http: httpx.AsyncClient, auditor: Auditor, tmp_path: Path, member: str
) -> None:
    receipt = json.dumps((await append(http, await an_order(http), status(), Prefer="receipt")).json()["receipt"])
    twice = receipt.replace(f'"{member}":', f'"{member}": 7, "{member}":', 1).encode()

    assert auditor.check_bytes(receipt.encode()).startswith("PROVEN")
    assert auditor.check_bytes(twice).startswith("NOT PROVEN: an object has a member twice")
    file = tmp_path / "twice.json"
    file.write_bytes(twice)
    assert verify_file(file, ()) is Verdict.DAMAGED


async def test_proofs_that_were_meddled_with_are_refused(http: httpx.AsyncClient, auditor: Auditor) -> None:
    order_id = await an_order(http)
    receipt = (await append(http, order_id, status("open"), **RECEIPT)).json()["receipt"]
    [event] = receipt["events"]
    size = int(receipt["checkpoint"].split("\n")[1])

    assert "NOT PROVEN" in auditor.check({**receipt, "events": [{**event, "version": 1}]})
    assert "NOT PROVEN" in auditor.check({**receipt, "events": [{**event, "position": event["position"] + 1}]})
    assert "NOT PROVEN" in auditor.check({**receipt, "events": [{**event, "proof": event["proof"][:-1]}]})
    assert "NOT PROVEN" in auditor.check(
        {**receipt, "events": [{**event, "proof": [*event["proof"], event["proof"][0]]}]}
    )
    larger = receipt["checkpoint"].replace(f"\n{size}\n", f"\n{size + 1}\n")
    assert "NOT PROVEN: it is not as it was signed" in auditor.check({**receipt, "checkpoint": larger})


async def test_what_is_no_proof_is_told_apart_from_one_that_fails(http: httpx.AsyncClient, auditor: Auditor) -> None:
    order_id = await an_order(http)
    first = (await append(http, order_id, status("open"), **RECEIPT)).json()["receipt"]
    second = (await append(http, order_id, status("x"), **RECEIPT)).json()["receipt"]
    old, new = first["checkpoint"], second["checkpoint"]
    sizes = {"from": old.split("\n")[1], "to": new.split("\n")[1]}
    consistency = await get(http, f"{LEDGER}/proofs/consistency", **sizes)

    assert auditor.check({**first, "events": []}) == "NOT CHECKED: there is no event in it\n"
    for none in ({"detail": "Not found"}, [], {**first, "checkpoint": "x"}, {**first, "events": [{}]}):
        assert auditor.check(none).startswith("NOT CHECKED: it is none of the files that this checks")
    assert auditor.check_bytes(json.dumps(first).encode()[:-9]).startswith("NOT CHECKED: it is none of the files")
    assert "proof.json is empty" in auditor.check_bytes(b"")
    assert "checkpoint-1 is empty" in auditor.check(consistency, old, "")
    assert auditor.check(consistency, old, new[:90]).startswith("NOT CHECKED: ")
    assert auditor.check(consistency, new, old).startswith("NOT PROVEN: ")


async def test_what_editors_and_shells_do_to_files_changes_nothing(
    http: httpx.AsyncClient, account: Account, tmp_path: Path
) -> None:
    order_id = await an_order(http)
    receipt = (await append(http, order_id, status("open"), **RECEIPT)).json()["receipt"]
    auditor = Auditor(tmp_path, f"\ufeff{await key_of(account)}\r\n\n")
    note = receipt["checkpoint"]
    size = note.split("\n")[1]
    proof = await get(http, f"{LEDGER}/proofs/consistency", **{"from": size, "to": size})

    assert auditor.check_bytes(b"\xef\xbb\xbf" + json.dumps(receipt, indent=1).encode()).startswith("PROVEN: ")
    for held in (note.rstrip("\n"), f"\ufeff{note}", note.replace("\n", "\r\n"), f"{note}\n\n"):
        assert auditor.check(proof, held, note).startswith("PROVEN: "), held


async def test_whoever_knows_several_keys_gives_a_line_for_each(
    http: httpx.AsyncClient, account: Account, tmp_path: Path
) -> None:
    order_id = await an_order(http)
    receipt = (await append(http, order_id, status("open"), **RECEIPT)).json()["receipt"]
    key = await key_of(account)
    name = key.partition("+")[0]

    for newer in (a_signer("newer", name), a_signer("another")):
        assert Auditor(tmp_path, f"{key}\n{newer.verifier}\n").check(receipt).startswith("PROVEN: 1 events are")


async def test_a_key_that_signed_nothing_proves_nothing(
    http: httpx.AsyncClient, account: Account, another_account: Callable[[], Awaitable[Account]], tmp_path: Path
) -> None:
    order_id = await an_order(http)
    receipt = (await append(http, order_id, status("open"), **RECEIPT)).json()["receipt"]

    verdict = Auditor(tmp_path, await key_of(await another_account())).check(receipt)

    assert verdict == "NOT CHECKED: there is no signature by this key\n"
    for no_key in ("", "x", (await key_of(account))[:-4]):
        assert Auditor(tmp_path, no_key).check(receipt).startswith("NOT CHECKED: ")


async def test_what_is_not_there_cannot_be_proven(http: httpx.AsyncClient) -> None:
    assert_problem(await http.get(f"{LEDGER}/checkpoint"), 404)
    await an_order(http)

    assert_problem(await http.get(f"{LEDGER}/proofs/inclusion", params={"event_id": "none"}), 404)
    assert_problem(await http.get(f"{LEDGER}/proofs/inclusion"), 422)
    assert_problem(await http.get(f"{LEDGER}/proofs/inclusion", params={"position": 1, "event_id": "a"}), 422)
    assert_problem(await http.get(f"{LEDGER}/proofs/consistency", params={"from": 2, "to": 1}), 422)
    assert_problem(await http.get(f"{ORDERS}/nobody/proofs"), 404)


async def test_proofs_are_for_those_who_may_read(http: httpx.AsyncClient, account: Account) -> None:
    order_id = await an_order(http)
    writer = {"Authorization": f"Bearer {(await account.key('write:orders'))['token']}"}

    for path in ("checkpoint", "proofs/inclusion?position=1", "proofs/consistency?from=1&to=1"):
        assert_problem(await http.get(f"{LEDGER}/{path}", headers=writer), 403)
    assert_problem(await http.get(f"{ORDERS}/{order_id}/proofs", headers=writer), 403)
    own = await append(http, order_id, status("open"), **writer, **RECEIPT)
    assert own.json()["receipt"]["events"][0]["type"] == "order.status_updated"


async def test_the_commands_for_auditors_work_when_they_are_pasted(account: Account, tmp_path: Path) -> None:
    page = VERIFIER.with_name("audit.md").read_text()
    commands = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    script = "set -eu\n" + "".join(commands).replace("http://127.0.0.1:8080", account.url)
    for tenant in ("/acme/", "--tenant acme"):
        script = script.replace(tenant, tenant.replace("acme", account.tenant))
    async with httpx.AsyncClient(base_url=account.url, headers={"Authorization": f"Bearer {account.token}"}) as http:
        await http.post(ORDERS, json={"order_id": "A-1001"})
    shutil.copy(VERIFIER, tmp_path)

    result = paste(script, tmp_path, account.token, account.dsn)

    assert result.returncode == 0, result.stderr
    assert result.stdout.count("PROVEN: ") == 2
    assert result.stdout.count("It continues the checkpoint that you hold.\nThe signature was checked with") == 2
    assert len(commands) == 6
