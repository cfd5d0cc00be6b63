"""The alert rules and the dashboard: they name what there is, Prometheus reads them, and the runbook has each alert."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.exposed import series_names
from tests.paths import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "ordertrail.json").read_text())
RULES = [rule for g in yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"] for rule in g["rules"]]
RUNBOOK = (ROOT / "docs" / "operations.md").read_text().partition("\n## Alerts\n")[2].partition("\n## ")[0]
OF_PROMETHEUS = {"up"}
_NAME = re.compile(r"\b(ordertrail_\w+|up)\b(?!=)")

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed; Debian has it in the package prometheus"
)


def queries_of_dashboard() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]


def named_in(queries: list[str]) -> set[str]:
    without_texts = (re.sub(r'"[^"]*"', '""', query) for query in queries)
    return {name for query in without_texts for name in _NAME.findall(query)}


@pytest.mark.parametrize(
    "queries", [[rule["expr"] for rule in RULES], list(queries_of_dashboard())], ids=["alerts", "dashboard"]
)
def test_every_metric_that_is_named_exists(queries: list[str]) -> None:
    named = named_in(queries)

    assert len(named) > 10
    assert named - series_names() - OF_PROMETHEUS == set()


def test_the_dashboard_shows_every_metric() -> None:
    shown = named_in(list(queries_of_dashboard()))

    missing = {name for name in series_names() if not name.endswith(("_count", "_sum"))} - shown
    assert missing == set()


def test_the_panels_of_the_dashboard_have_places_of_their_own() -> None:
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]

    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_leads_to_its_entry_in_the_runbook(rule: dict[str, Any]) -> None:
    name = rule["alert"]

    entry = RUNBOOK.partition(f"\n### {name}\n")[2].partition("\n### ")[0]

    assert len(entry.split()) > 20, f"docs/operations.md does not say what to do about {name}"
    assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}"
    assert rule["labels"]["severity"] in {"critical", "warning"}


def test_the_runbook_has_no_alert_that_there_is_not() -> None:
    assert re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE) == [rule["alert"] for rule in RULES]


@promtool
@pytest.mark.parametrize(
    "arguments", ["check rules alerts.yaml", "test rules alerts_test.yaml", "check config prometheus.yaml"]
)
def test_prometheus_takes_the_rules(arguments: str) -> None:
    result = subprocess.run(
        ["promtool", *arguments.split()], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr
