"""OpenTelemetry metrics, by the semantic conventions for generative AI (client metrics; status: development).

Source: open-telemetry/semantic-conventions-genai, docs/gen-ai/gen-ai-metrics.md, read 2026-11-22. Histograms have the
bounds given there. Beside the conventions' attributes stand `latency_tui.target`, `latency_tui.endpoint` and
`latency_tui.simulated`. Warm-up runs are left out. The points carry the time of the export, not of the measurement:
that is how metrics work. Needs the extra `otel`; nothing of it is imported before it is used.
"""

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tui.core import metrics
from tui.core.events import Status
from tui.core.metrics import NS_PER_S
from tui.core.record import RequestRecord
from tui.core.run import StoredRun
from tui.core.sanitize import clean
from tui.errors import UsageError
from tui.export.portable import known_keys, portable

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, MeterProvider

TOKENS = "gen_ai.client.token.usage"
DURATION = "gen_ai.client.operation.duration"
FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
PER_CHUNK = "gen_ai.client.operation.time_per_output_chunk"
_SECONDS = [0.01 * 2**power for power in range(14)]
_COUNTS = [4**power for power in range(14)]

_Attributes = dict[str, str | int | bool]


def send(runs: Iterable[StoredRun]) -> None:
    """Send the runs' metrics by OTLP over HTTP to where the environment's `OTEL_EXPORTER_OTLP_*` say.

    Raises UsageError when the extra is missing or the collector does not take them.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    except ImportError:
        raise UsageError("OpenTelemetry is not installed; install it with: pip install 'latency-tui[otel]'.") from None
    reader = InMemoryMetricReader()
    resource = Resource.create({SERVICE_NAME: "latency-tui"})
    provider = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
    runs = list(runs)
    record(portable(runs, known_keys(runs, os.environ), with_texts=False), provider)
    data = reader.get_metrics_data()
    provider.shutdown()
    if data is None:
        raise UsageError("There is nothing to send to OpenTelemetry: no request in these runs was measured.")
    # Its words for every attempt would stand before our one sentence.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    exporter = OTLPMetricExporter()
    try:
        sent = exporter.export(data) is MetricExportResult.SUCCESS
    finally:
        exporter.shutdown()
    if not sent:
        raise UsageError(
            "The OpenTelemetry collector did not take the metrics; check OTEL_EXPORTER_OTLP_ENDPOINT and that it runs."
        )


def record(runs: Iterable[StoredRun], provider: "MeterProvider") -> None:
    """Record the runs' requests in instruments of `provider`."""
    meter = provider.get_meter("latency-tui")

    def seconds(name: str, what: str) -> "Histogram":
        return meter.create_histogram(name, unit="s", description=what, explicit_bucket_boundaries_advisory=_SECONDS)

    duration = seconds(DURATION, "Request sent to its end.")
    first = seconds(FIRST_CHUNK, "Request sent to first content of any kind (TTFT).")
    per_chunk = seconds(PER_CHUNK, "Gaps between consecutive pieces of content.")
    tokens = meter.create_histogram(
        TOKENS, unit="{token}", description="Tokens used.", explicit_bucket_boundaries_advisory=_COUNTS
    )
    for request in (request for run in runs if run.info.counted for request in run.requests):
        attributes = _attributes(request)
        if (took := _duration_ns(request)) is not None:
            duration.record(took / NS_PER_S, attributes | _error(request))
        if (ttft := request.ttft_ns) is not None:
            first.record(ttft / NS_PER_S, attributes)
        for gap in metrics.gap_samples_ns(request.timeline):
            per_chunk.record(gap / NS_PER_S, attributes)
        for kind, count in (("input", _input_tokens(request)), ("output", request.output_tokens)):
            if count is not None:
                tokens.record(count, attributes | {"gen_ai.token.type": kind})


def _attributes(request: RequestRecord) -> _Attributes:
    spec = request.spec
    attributes: _Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",  # whose format it speaks, as the conventions say
        "gen_ai.request.model": clean(spec.model),
        "latency_tui.target": clean(spec.target),
        "latency_tui.endpoint": clean(spec.endpoint.name),
        "latency_tui.simulated": spec.endpoint.simulated,
    }
    return attributes | _server(spec.endpoint.base_url)


def _server(base_url: str) -> _Attributes:
    try:
        parts = urlsplit(base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return {}  # from a file from elsewhere
    return {"server.address": parts.hostname, "server.port": port} if parts.hostname else {}


def _error(request: RequestRecord) -> _Attributes:
    if request.failure is not None:
        return {"error.type": request.failure.kind.value}
    ends = (Status.CANCELLED, Status.REFUSED)
    return {"error.type": request.status.value} if request.status in ends else {}


def _duration_ns(request: RequestRecord) -> int | None:
    """From the send, or for what was never sent from when it was queued, to the end."""
    stamps = request.timeline
    start = stamps.queued_ns if stamps.sent_ns is None else stamps.sent_ns
    return None if start is None or stamps.ended_ns is None else stamps.ended_ns - start


def _input_tokens(request: RequestRecord) -> int | None:
    """All tokens of the prompt: the API counts those read from the cache and written to it apart."""
    usage = request.usage
    if usage.input_tokens is None:
        return None
    return usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
