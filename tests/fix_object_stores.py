"""Object stores: an S3 endpoint on this machine, and folders."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    assert server._server is not None
    server._server.app = _one_at_a_time(server._server.app)
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def _one_at_a_time(app: Callable[..., Any]) -> Callable[..., Any]:
    """Return an application that is never in two requests: a key that is put twice at once is more than moto can do."""
    lock = Lock()

    def answer(*request: Any) -> Any:
        with lock:
            return app(*request)

    return answer


@pytest.fixture
def s3_url(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of the test's own, and what the provider's tools read in the environment."""
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-west-1"}
    for name, value in {**credentials, "AWS_ENDPOINT_URL": s3_endpoint}.items():
        monkeypatch.setenv(name, value)
    bucket = f"calls-{secrets.token_hex(6)}"
    place = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3", endpoint_url=s3_endpoint, region_name="eu-west-1").create_bucket(
        Bucket=bucket, CreateBucketConfiguration=place
    )
    return f"s3://{bucket}/trail"


@pytest.fixture
def keys_in_s3(s3_url: str, s3_endpoint: str) -> Callable[[], list[str]]:
    """Tells what is in the bucket."""
    bucket = s3_url.split("/")[2]

    def keys() -> list[str]:
        client = boto3.client("s3", endpoint_url=s3_endpoint, region_name="eu-west-1")
        return [found["Key"] for found in client.list_objects_v2(Bucket=bucket).get("Contents", [])]

    return keys


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    return f"{tmp_path.as_uri()}/calls"
