"""The AsyncAPI document: valid by its own validator, and true of what streams send."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from api.native.following.asyncapi import PATH
from tests.native import an_order, append, status
from tests.paths import ROOT
from tests.streams import lined

NODE_MODULES = ROOT / ".venv" / "node" / "node_modules"
VALIDATE = """
const { Parser } = require('@asyncapi/parser')
new Parser().parse(require('fs').readFileSync(0, 'utf8')).then(({ document, diagnostics }) => {
  console.log(JSON.stringify({ isValid: document !== undefined, errors: diagnostics.filter(d => d.severity === 0) }))
})
"""


@pytest.fixture
async def document(http: httpx.AsyncClient) -> dict[str, Any]:
    response = await http.get(PATH, headers={"Authorization": ""})
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


async def test_the_document_is_valid(document: dict[str, Any], tmp_path: Path) -> None:
    assert NODE_MODULES.exists(), "This test needs a package of Node's; install it with: make .venv/node/ready"

    assert validated(document) == {"isValid": True, "errors": []}

    del document["channels"]["feed"]["messages"]["event"]["$ref"], document["operations"]["sendFeed"]["action"]
    assert not validated(document)["isValid"]


def validated(document: dict[str, Any]) -> Any:
    run = subprocess.run(
        ["node", "-e", VALIDATE],
        input=json.dumps(document),
        cwd=NODE_MODULES.parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(run.stdout)


async def test_streams_send_what_the_document_says(document: dict[str, Any], http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, status("open"))
    for channel, path in (("feed", "/trail/v1/feed"), ("timeline", f"/trail/v1/orders/{order_id}/timeline")):
        assert document["channels"][channel]["address"] == path.replace(order_id, "{order_id}")
        async with lined(http, path) as lines:
            beat, *items = [await anext(lines) for _ in range(3)]

        names = list(document["channels"][channel]["messages"])
        assert [valid_for(document, names[0], item) for item in items] == [True, True]
        assert valid_for(document, "heartbeat", beat)
        assert not valid_for(document, names[0], beat)


def valid_for(document: dict[str, Any], message: str, sent: dict[str, Any]) -> bool:
    payload = document["components"]["messages"][message]["payload"]
    return bool(jsonschema_rs.validator_for({**payload, "components": document["components"]}).is_valid(sent))
