"""Spans take an extra, and the server says so before it starts."""

import pytest

from api.server.observation import spans
from api.server.observation.spans import NoTelemetry, exporting_spans, require_telemetry


def test_a_server_that_is_to_send_spans_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    require_telemetry()
    monkeypatch.setattr(spans, "find_spec", lambda name: None)

    with pytest.raises(NoTelemetry, match=r"install ordertrail\[otel\]"):
        require_telemetry()
    with pytest.raises(NoTelemetry), exporting_spans("http://127.0.0.1:4318"):
        pass
