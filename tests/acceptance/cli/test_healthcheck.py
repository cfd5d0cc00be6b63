"""`ordertrail healthcheck` tells containers whether a server is ready."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest

from tests.commands import ordertrail
from tests.fix_server import Server, running


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Run a server that is not ours; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_ready_server_is_found_by_its_settings(server: Server, host: str) -> None:
    port = str(urlsplit(server.url).port)

    result = ordertrail("healthcheck", ORDERTRAIL_HOST=host, ORDERTRAIL_PORT=port)

    assert (result.returncode, result.stdout, result.stderr) == (0, "ok\n", "")


def test_a_proxy_is_not_asked(server: Server) -> None:
    with answering(502, b"") as proxy:
        assert ordertrail("healthcheck", "--url", server.url, http_proxy=proxy).returncode == 0


def test_a_server_without_its_database_is_not_ready() -> None:
    with running("postgresql://127.0.0.1:1/none") as server:
        result = ordertrail("healthcheck", "--url", server.url)

    assert (result.returncode, result.stdout) == (1, "")
    assert "is not ready: 503" in result.stderr


@pytest.mark.parametrize(("status", "body"), [(200, b"hello"), (200, b'{"a": 1}'), (404, b""), (200, b"[1]")])
def test_another_server_is_not_ready(status: int, body: bytes) -> None:
    with answering(status, body) as url:
        result = ordertrail("healthcheck", "--url", url)

    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)


def test_nobody_and_no_url_are_told_apart() -> None:
    assert ordertrail("healthcheck", "--url", "http://127.0.0.1:1").returncode == 1
    assert ordertrail("healthcheck", "--url", "127.0.0.1:8080").returncode == 2
