"""A call as the document has it."""

import json
from typing import Any

from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "carriyo"
REQUEST: dict[str, Any] = json.loads((FIXTURES / "create_request.json").read_text())
BODIES = ("request_url", "request_body", "raw_request_body", "response_body")
