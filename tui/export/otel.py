"""OpenTelemetry metrics, by the semantic conventions for generative AI (client metrics; status: development).

Source: open-telemetry/semantic-conventions-genai, docs/gen-ai/gen-ai-metrics.md, read 2026-11-22. Histograms have the
bounds given there. Every other figure that is summed up over requests is a histogram `latency_tui.` with its name, from
the table of figures. Beside the conventions' attributes stand `latency_tui.target`, `latency_tui.endpoint`,
`latency_tui.simulated`, and in a conversation `latency_tui.turn` and `.call`. Warm-up is left out. The points carry the
time of the export, not of the measurement: that is how metrics work. Needs the extra `otel`; nothing of it is imported
before it is used.
"""

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tui.core.events import Status
from tui.core.figures import SAMPLED, Figure, Unit
from tui.core.metrics import NS_PER_S
from tui.core.record import RequestRecord
from tui.core.run import StoredRun
from tui.core.sanitize import clean
from tui.errors import UsageError
from tui.export.portable import known_keys, portable

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, Meter, MeterProvider

TOKENS = "gen_ai.client.token.usage"
DURATION = "gen_ai.client.operation.duration"
FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
PER_CHUNK = "gen_ai.client.operation.time_per_output_chunk"
CHECKED = "latency_tui.checked_answers"
_CONVENTIONAL = {Figure.TTFT: FIRST_CHUNK, Figure.ITL: PER_CHUNK}
"""Figures that the conventions have a name for."""
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

    duration = meter.create_histogram(
        DURATION,
        unit="s",
        description="Request sent to its end, however it ended.",
        explicit_bucket_boundaries_advisory=_SECONDS,
    )
    tokens = meter.create_histogram(
        TOKENS, unit="{token}", description="Tokens used.", explicit_bucket_boundaries_advisory=_COUNTS
    )
    histograms = {figure: _histogram(meter, figure) for figure in SAMPLED}
    answers = meter.create_counter(CHECKED, unit="{answer}", description="Answers that their prompt's checks judged.")
    for request in (request for run in runs if run.info.counted for request in run.requests):
        attributes = _attributes(request)
        if request.passed is not None:
            judged = attributes | {"latency_tui.passed": request.passed}
            answers.add(1, judged | ({"latency_tui.overruled": True} if request.overruled is not None else {}))
        if (took := _duration_ns(request)) is not None:
            duration.record(took / NS_PER_S, attributes | _error(request))
        for figure, histogram in histograms.items():
            for value in figure.samples_of(request):
                histogram.record(value / NS_PER_S if figure.declared.unit is Unit.TIME else value, attributes)
        for kind, count in (("input", _input_tokens(request)), ("output", request.output_tokens)):
            if count is not None:
                tokens.record(count, attributes | {"gen_ai.token.type": kind})


def _histogram(meter: "Meter", figure: Figure) -> "Histogram":
    times = figure.declared.unit is Unit.TIME
    return meter.create_histogram(
        _CONVENTIONAL.get(figure, f"latency_tui.{figure}"),
        unit="s" if times else "{token}/s",
        description=figure.declared.help,
        explicit_bucket_boundaries_advisory=_SECONDS if times else _COUNTS,
    )


def _attributes(request: RequestRecord) -> _Attributes:
    spec = request.spec
    attributes: _Attributes = {
        "gen_ai.operation.name": "chat",
        # Whose format it speaks, as the conventions say.
        "gen_ai.provider.name": "openai" if spec.endpoint.kind.startswith("openai") else "anthropic",
        "gen_ai.request.model": clean(spec.model),
        "latency_tui.target": clean(spec.target),
        "latency_tui.endpoint": clean(spec.endpoint.name),
        "latency_tui.simulated": spec.endpoint.simulated,
    }
    if request.response.proxy is not None:
        attributes["latency_tui.proxy"] = clean(request.response.proxy)
    if spec.turn is not None:
        attributes |= {"latency_tui.turn": spec.turn, "latency_tui.call": spec.call}
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
