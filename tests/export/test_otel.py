"""OpenTelemetry: the conventions' metrics, as a collector gets them."""

import http.server
import sys
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from canary import KEY
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader

from tui.core.figures import SAMPLED, Figure
from tui.core.run import StoredRun
from tui.core.sanitize import clean
from tui.errors import UsageError
from tui.export import otel

from .samples import all_runs, hostile_run, simple_run, warm_up_run


def points(runs: list[StoredRun]) -> dict[str, list[HistogramDataPoint]]:
    """The points of every metric, by its name."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
    otel.record(runs, provider)
    data = reader.get_metrics_data()
    provider.shutdown()
    found: dict[str, list[HistogramDataPoint]] = {}
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                found[metric.name] = [
                    point for point in metric.data.data_points if isinstance(point, HistogramDataPoint)
                ]
    return found


def of(found: list[HistogramDataPoint], **wanted: Any) -> HistogramDataPoint:
    names = {name.replace("__", "."): value for name, value in wanted.items()}
    (point,) = [point for point in found if names.items() <= dict(point.attributes or {}).items()]
    return point


def test_every_metric_has_what_was_measured() -> None:
    found = points([simple_run()])
    others = {f"latency_tui.{figure}" for figure in SAMPLED if figure not in (Figure.TTFT, Figure.ITL)}
    assert set(found) <= {otel.DURATION, otel.FIRST_CHUNK, otel.PER_CHUNK, otel.TOKENS, otel.CHECKED} | others
    assert {"latency_tui.total", "latency_tui.ttfo", "latency_tui.tpot", "latency_tui.otps"} <= set(found)
    first = of(found[otel.FIRST_CHUNK], latency_tui__target="claude-haiku-5-5")
    assert dict(first.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-haiku-5-5",
        "server.address": "127.0.0.1",
        "server.port": 8099,
        "latency_tui.target": "claude-haiku-5-5",
        "latency_tui.endpoint": "simulator",
        "latency_tui.simulated": True,
        "latency_tui.proxy": "http://proxy.test:3128 (from HTTPS_PROXY)",
    }
    assert (first.count, first.sum) == (1, 0.12)
    assert first.explicit_bounds[:3] == (0.01, 0.02, 0.04)
    assert first.explicit_bounds[-1] == 81.92
    gaps = of(found[otel.PER_CHUNK], latency_tui__target="claude-haiku-5-5")
    assert (gaps.count, gaps.max) == (3, 0.05)
    assert of(found[otel.DURATION], latency_tui__target="claude-haiku-5-5").sum == 0.215
    assert of(found[otel.DURATION], error__type="overloaded").sum == 0.06
    assert of(found[otel.DURATION], error__type="cancelled").count == 1
    tokens = {
        kind: of(found[otel.TOKENS], latency_tui__target="claude-sonnet-5-5", gen_ai__token__type=kind).sum
        for kind in ("input", "output")
    }
    assert tokens == {"input": 16, "output": 31}
    assert of(found[otel.TOKENS], latency_tui__target="claude-haiku-5-5", gen_ai__token__type="input").explicit_bounds[
        :3
    ] == (1, 4, 16)


def test_the_other_figures_of_the_table_are_there_with_what_it_says_of_a_request() -> None:
    run = simple_run()
    found = points([run])
    for request in run.requests:
        for figure in (Figure.TOTAL, Figure.TTFO, Figure.TPOT):
            value = figure.declared.of(request)
            here = [
                point
                for point in found[f"latency_tui.{figure}"]
                if (point.attributes or {})["latency_tui.target"] == request.spec.target
            ]
            assert [point.sum for point in here] == ([] if value is None else [pytest.approx(value / 1e9)])


def test_the_provider_is_whose_format_the_endpoint_speaks() -> None:
    run = simple_run()
    for request in run.requests:
        endpoint = msgspec.structs.replace(request.spec.endpoint, kind="openai")
        request.spec = msgspec.structs.replace(request.spec, endpoint=endpoint)
    assert {(p.attributes or {})["gen_ai.provider.name"] for p in points([run])[otel.DURATION]} == {"openai"}


def test_what_is_not_there_is_not_recorded() -> None:
    found = points([simple_run()])
    assert not [
        point for point in found[otel.DURATION] if (point.attributes or {})["latency_tui.target"] == "interrupted"
    ]
    outputs = [p for p in found[otel.TOKENS] if (p.attributes or {})["gen_ai.token.type"] == "output"]
    assert {(point.attributes or {})["latency_tui.target"] for point in outputs} == {
        "claude-haiku-5-5",
        "claude-sonnet-5-5",
        "claude-opus-5-5",
    }
    assert points([warm_up_run()]) == {}


def test_attributes_hold_no_control_characters() -> None:
    values = [
        value
        for metric in points([hostile_run()]).values()
        for point in metric
        for value in (point.attributes or {}).values()
        if isinstance(value, str)
    ]
    assert [value for value in values if value != clean(value)] == []
    assert any("<script>" in value for value in values)


class Collector(http.server.BaseHTTPRequestHandler):
    status = 200
    bodies: list[bytes]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(self.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Collector]]:
    handler = type("Handler", (Collector,), {"bodies": []})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_collector_gets_them(collector: type[Collector], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    runs = all_runs()
    record = runs[1].requests[0]
    record.spec = msgspec.structs.replace(record.spec, target=KEY)
    otel.send(runs)
    (body,) = collector.bodies
    request = ExportMetricsServiceRequest.FromString(body)
    (resource,) = request.resource_metrics
    assert {metric.name for scope in resource.scope_metrics for metric in scope.metrics} >= {
        otel.DURATION,
        otel.FIRST_CHUNK,
        otel.PER_CHUNK,
        otel.TOKENS,
    }
    services = [item.value.string_value for item in resource.resource.attributes if item.key == "service.name"]
    assert services == ["latency-tui"]
    assert KEY.encode() not in body


def test_a_collector_that_refuses_is_a_sentence(collector: type[Collector]) -> None:
    collector.status = 400
    with pytest.raises(UsageError, match="did not take the metrics; check OTEL_EXPORTER_OTLP_ENDPOINT"):
        otel.send([simple_run()])


def test_nothing_measured_is_a_sentence() -> None:
    with pytest.raises(UsageError, match="nothing to send"):
        otel.send([warm_up_run()])


def test_a_missing_extra_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)
    with pytest.raises(UsageError, match=r"pip install 'latency-tui\[otel\]'\.$"):
        otel.send([simple_run()])
