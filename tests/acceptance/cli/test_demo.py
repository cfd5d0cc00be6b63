"""`ordertrail demo`, as `make demo` runs it: what it prints works as printed, and running it again changes nothing."""

import json
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
import pytest

from tests.fix_embedded import is_up, kill_postmasters
from tests.fix_server import ORDERTRAIL


class Demo(NamedTuple):
    """A running demo and what it printed."""

    process: subprocess.Popen[str]
    text: str
    url: str
    token: str
    curls: list[str]

    def get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.get(self.url + path, headers=headers, trust_env=False).raise_for_status().json()

    def state_of(self, order_id: str) -> Any:
        return self.get(f"/v1/accounts/T12345678/shopping/orders/{order_id}/events")["state"]


@contextmanager
def demo(data_dir: Path) -> Iterator[Demo]:
    """Run the demo until it serves; stop it as Ctrl-C does."""
    command = [ORDERTRAIL, "demo", "--port", "0", "--data-dir", data_dir]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines = []
        while not (lines and lines[-1].startswith("Ctrl-C")):
            lines.append(process.stdout.readline())
            assert lines[-1], f"The demo ended after it printed: {''.join(lines)}"
        text = "".join(lines)
        [url] = re.findall(r"Ordertrail is at +(\S+)", text)
        [token] = re.findall(r"token is +(ot_\S+)", text)
        yield Demo(process, text, url, token, [line for line in lines if line.startswith("curl ")])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        process.stdout.close()


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ot-", dir="/tmp") as folder:
        try:
            yield Path(folder, "data")
        finally:
            kill_postmasters(Path(folder))


@pytest.fixture(scope="module")
def running(data_dir: Path) -> Iterator[Demo]:
    with demo(data_dir) as running:
        yield running


@pytest.fixture(scope="module")
def shown(running: Demo) -> list[Any]:
    """What the printed lines answer, run by a shell."""
    without_proxies = {"PATH": "/usr/local/bin:/usr/bin:/bin", "NO_PROXY": "*"}
    return [
        json.loads(subprocess.run(line, shell=True, check=True, capture_output=True, env=without_proxies).stdout)
        for line in running.curls
    ]


def test_where_it_is_and_how_to_look_at_it_is_printed(running: Demo, data_dir: Path) -> None:
    assert len(running.curls) == 3
    assert all(shlex.split(line)[0] == "curl" for line in running.curls)
    assert f"{running.url}/docs" in running.text
    assert running.text.endswith(f"Ctrl-C stops it; the data stays in {data_dir}\n")
    assert httpx.get(f"{running.url}/docs", trust_env=False).status_code == 200


def test_the_first_line_shows_a_timeline_of_several_kinds(shown: list[Any]) -> None:
    items = shown[0]["items"]

    assert len(items) >= 30
    assert {item["kind"] for item in items} == {"action", "service", "call"}
    assert shown[0]["next"] is None
    times = [item["occurred_at"] for item in items]
    assert times == sorted(times)
    assert len({time[:10] for time in times}) >= 3


def test_one_correlation_id_runs_through_a_call_a_service_state_and_a_status_change(shown: list[Any]) -> None:
    types = [item["type"] for item in shown[0]["items"] if item["correlation_id"] == "4be1c2a07d9f4c1b"]

    assert types[0] == "order.system_log_recorded"
    assert types[-1] == "order.delivery_status_updated"
    assert types.count("order.service_event_recorded") == 2


def test_the_second_line_shows_an_action_log_of_many_keys(shown: list[Any]) -> None:
    keys = [item["key"] for item in shown[1]["items"]]

    assert len(set(keys)) >= 15
    assert keys[-1] == "order_created"
    assert {"order_edit", "order_split", "order_split_changes", "updated_delivery_details "} <= set(keys)


def test_the_third_line_shows_a_state_that_stays_a_failure_though_it_was_repaired(shown: list[Any]) -> None:
    shipping = [event["state"] for event in shown[2]["events"] if event.get("service") == "shipping"]

    assert shown[2]["state"] == "failure"
    assert sorted(shipping) == ["failure", "success"]


def test_orders_are_in_the_states_that_the_story_tells(running: Demo) -> None:
    states = {order_id: running.state_of(order_id) for order_id in ("KK-1001-B", "KK-1003", "KK-1006", "KK-1007")}

    assert states == {"KK-1001-B": "success", "KK-1003": "success", "KK-1006": "success", "KK-1007": "failure"}
    assert running.get("/trail/v1/orders/KK-1004")["status"] == "cancelled"
    assert running.get("/trail/v1/orders/KK-1002")["customer"]["name"] == "Clara Weber"


def test_the_money_of_the_split_adds_up(running: Demo) -> None:
    parent, child = (running.get(f"/trail/v1/orders/{order_id}") for order_id in ("KK-1001", "KK-1001-B"))

    assert (parent["totals"]["total"]["label"], child["totals"]["total"]["label"]) == ("€96", "€58")
    assert parent["children"] == ["KK-1001-B"]
    assert child["parent"] == "KK-1001"


def test_both_integrations_have_logged_what_went_wrong(running: Demo) -> None:
    feed = running.get("/trail/v1/feed?type=integration.exception_logged")["items"]

    codes = {
        stream: [event["data"].get("response_code") for event in feed if event["subject"] == stream]
        for stream in ("integration-501", "integration-502")
    }
    assert codes == {"integration-501": [495, 495, None, None, 504], "integration-502": [401, 401, 401, 404, 404]}


def test_a_customer_who_is_forgotten_is_in_no_interface_of_the_example(running: Demo, data_dir: Path) -> None:
    paths = (
        "/trail/v1/orders/KK-1003",
        "/trail/v1/orders/KK-1003/timeline?limit=100",
        "/v1/orders/KK-1003/action_logs",
        "/v1/accounts/T12345678/shopping/orders/KK-1003/events",
        "/trail/v1/orders?text=nair",
        "/trail/v1/feed?limit=1000",
    )

    def shown() -> str:
        return json.dumps([running.get(path) for path in paths])

    assert "Signed for by P. Nair" in shown()

    forget = [ORDERTRAIL, "forget", "--tenant", "demo", "--order", "KK-1003", "--yes"]
    subprocess.run([*forget, "--data-dir", data_dir], check=True, capture_output=True, timeout=60)

    after = shown()
    assert "Nair" not in after
    assert "[redacted]" in after


def test_running_it_again_changes_nothing_and_ctrl_c_stops_everything(data_dir: Path, running: Demo) -> None:
    head = running.get("/trail/v1/ledger")["head"]
    assert head > 100

    with demo(data_dir) as again:
        assert again.get("/trail/v1/ledger")["head"] == head
        processes = psutil.Process(again.process.pid).children(recursive=True)
        assert len(processes) >= 2

    assert "the example was there already" in again.text
    assert again.process.returncode == 0
    assert not any(process.is_running() for process in processes)
    assert is_up(data_dir), "the first one still uses it"


def test_ctrl_c_stops_the_database_too(data_dir: Path, running: Demo) -> None:
    running.process.send_signal(signal.SIGINT)

    assert running.process.wait(60) == 0
    assert not is_up(data_dir)
