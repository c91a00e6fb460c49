"""Faults of the way an answer comes and of waits, by the simulator through the real engine, on every wire."""

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tui.core.events import AttemptFailed, FailureKind, Responded, RunStarted, Status
from tui.core.finished import finished_fields
from tui.core.observation import observe
from tui.core.plan import RequestSpec
from tui.core.record import RequestRecord, State
from tui.core.remarks import remarks, remarks_on
from tui.core.target import Retries
from tui.simulator.process import SimulatorProcess

from .driver import WITHIN_S, Driver, TruthPipe

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKENS = 20
"""What the model that is asked answers, one token a delta."""
EARLY_NS = 50_000
"""As far as the offset between the stamps' clock and ours may err."""

on_every_wire = pytest.mark.parametrize("kind", ["anthropic", "openai", "openai-responses"])


class Server:
    """The simulator, which logs what it did; each request names its fault."""

    def __init__(self, base_url: str, truth: TruthPipe) -> None:
        self.truth = truth
        self._base_url = base_url

    def spec(
        self, engine: Driver, kind: str, fault: str | None, retries: Retries | None = None, **more: Any
    ) -> RequestSpec:
        spec = engine.spec(self._base_url + ("/v1" if kind.startswith("openai") else ""))
        headers = {} if fault is None else {"x-simulator-fault": fault}
        return msgspec.structs.replace(
            spec,
            endpoint=msgspec.structs.replace(spec.endpoint, kind=kind, headers=headers),
            parameters=msgspec.structs.replace(spec.parameters, **more),
            retries=retries or Retries(),
        )

    async def answer(self, engine: Driver, kind: str, fault: str | None, **more: Any) -> tuple[RequestRecord, Any]:
        """The record of one request, and the server's line on it."""
        (record,) = await engine.run(self.spec(engine, kind, fault, **more))
        return record, await self.truth.line()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    path: Path = tmp_path_factory.mktemp("truth") / "log"
    truth = TruthPipe(path)
    with SimulatorProcess.start(log=path) as process:
        yield Server(process.base_url, truth)
    truth.close()


def came_as_sent(record: RequestRecord, line: Any) -> None:
    """The whole answer is there, and each piece has the time at which it was sent."""
    assert record.status is Status.DONE, record.failure
    pieces = {"content_block_delta", "chunk.delta", "response.output_text.delta"}
    sent = [(planned, written) for name, planned, written in line["events"] if name in pieces]
    stamps = record.timeline.content_ns
    assert len(stamps) == len(sent) == TOKENS
    for stamp, (planned, written) in zip(stamps, sent, strict=True):
        assert planned - EARLY_NS <= stamp <= written + WITHIN_S * 1_000_000_000


@on_every_wire
@pytest.mark.parametrize("fault", ["wrong-content-type", "no-content-type"])
async def test_a_stream_is_read_whatever_its_content_type(
    engine: Driver, server: Server, kind: str, fault: str
) -> None:
    record, line = await server.answer(engine, kind, fault)
    came_as_sent(record, line)
    assert (line["fault"], line["end"]) == (fault, "complete")
    assert (record.http_status, record.output_tokens, record.response.streamed) == (200, TOKENS, None)
    assert (record.is_streamed, remarks(record)) == (True, ())
    assert None not in (record.ttft_ns, record.otps, record.total_ns)


@on_every_wire
async def test_one_piece_for_a_stream_is_taken_and_said_and_has_no_speed(
    engine: Driver, server: Server, kind: str
) -> None:
    record, line = await server.answer(engine, kind, "other-delivery")
    ((name, planned, written),) = line["events"]
    assert name == "response"
    assert (record.status, record.output_tokens, record.response.streamed) == (Status.DONE, TOKENS, False)
    assert record.text()
    assert record.timeline.sent_ns is not None
    assert record.total_ns is not None
    came_ns = record.timeline.sent_ns + record.total_ns
    assert planned - EARLY_NS <= came_ns <= written + WITHIN_S * 1_000_000_000
    fields = finished_fields(record)
    assert (fields["otps"], fields["tpot_ms"], fields["itl_ms"]) == (None, None, None)
    assert any("in one piece, though a stream was asked for" in remark for remark in remarks(record))


@on_every_wire
async def test_a_stream_for_one_piece_is_taken_and_said(engine: Driver, server: Server, kind: str) -> None:
    record, line = await server.answer(engine, kind, "other-delivery", stream=False)
    came_as_sent(record, line)
    assert record.response.streamed is True
    # Chat Completions counts in a stream only where that is asked for.
    assert record.output_tokens == (None if kind == "openai" else TOKENS)
    assert any("streamed, though one piece was asked for" in remark for remark in remarks(record))


@on_every_wire
@pytest.mark.parametrize("fault", ["close-when-kept", "reset-when-kept"])
@pytest.mark.parametrize("stream", [None, False])
async def test_a_kept_connection_that_ends_at_its_next_request_is_replaced_once_visibly(
    engine: Driver, server: Server, kind: str, fault: str, stream: bool | None
) -> None:
    first, line = await server.answer(engine, kind, None, stream=stream)  # leaves a connection
    assert (first.status, first.attempt, line["end"]) == (Status.DONE, 1, "complete")
    (record,) = await engine.run(server.spec(engine, kind, fault, stream=stream))
    broken, line = await server.truth.line(), await server.truth.line()
    assert (broken["status"], broken["events"], broken["end"]) == (None, [], "fault")
    assert (line["status"], line["end"]) == (200, "complete")
    assert (record.status, record.http_status, record.output_tokens) == (Status.DONE, 200, TOKENS)
    # Shown as an attempt of its own, though the plan allows none, and in no figure of the answer.
    (failed,) = [event for event in engine.events if isinstance(event, AttemptFailed)]
    assert (failed.failure.kind, failed.wait_s) == (FailureKind.CONNECTION, 0)
    assert "sent once more on a fresh one" in failed.failure.message
    (earlier,) = record.earlier
    assert earlier.timeline.reused_ns is not None
    assert (record.timeline.reused_ns, record.attempt) == (None, 2)
    assert record.timeline.connected_ns is not None
    assert record.timeline.sent_ns is not None
    assert broken["end_ns"] <= record.timeline.sent_ns <= line["received_ns"]
    # Under tables and in reports too, where no lane shows the attempts.
    seen = [one for each in (first, record) if (one := observe(each)) is not None]
    assert "lane: 1 of 2 answers needed more than one attempt: times are those of the last one." in remarks_on(
        "lane", seen
    )
    assert not any("attempt" in remark for remark in remarks_on("lane", seen[:1]))


@on_every_wire
async def test_a_wait_until_a_date_is_kept(engine: Driver, server: Server, kind: str) -> None:
    spec = server.spec(engine, kind, "retry-after-date", Retries(max=1))
    (record,) = await engine.run(spec)
    refused, line = await server.truth.line(), await server.truth.line()
    assert (refused["status"], line["status"]) == (429, 200)
    assert (record.status, record.output_tokens, record.attempt) == (Status.DONE, TOKENS, 2)
    (failed,) = [event for event in engine.events if isinstance(event, AttemptFailed)]
    (said, _) = [event.response.headers for event in engine.events if isinstance(event, Responded)]
    (started,) = [event for event in engine.events if isinstance(event, RunStarted)]
    failed_at_s = (started.unix_ns + failed.t_ns - started.t_ns) / 1e9
    assert failed.failure.kind is FailureKind.RATE_LIMITED
    # A busy machine may be late between the two, which the shortest of back-offs would not explain.
    assert failed.wait_s == pytest.approx(parsedate_to_datetime(said["retry-after"]).timestamp() - failed_at_s, abs=0.4)
    assert record.timeline.sent_ns is not None
    assert record.timeline.sent_ns - failed.t_ns >= failed.wait_s * 1e9 - EARLY_NS


@on_every_wire
@pytest.mark.parametrize("fault", ["retry-after-long", "retry-after-date-long"])
async def test_a_wait_longer_than_allowed_ends_the_request(
    engine: Driver, server: Server, kind: str, fault: str
) -> None:
    (record,) = await engine.run(server.spec(engine, kind, fault, Retries(max=3)))
    assert (await server.truth.line())["status"] == 429
    engine.failing(record, FailureKind.RATE_LIMITED, "rate limit", "longer than retries.longest_wait")
    assert record.failure is not None
    assert record.failure.retry_after_s == pytest.approx(3600, abs=WITHIN_S)
    assert (record.http_status, record.attempt, record.earlier) == (429, 1, [])
    # Where the plan allows as much, the same answer is waited for, as a state that can be left.
    spec = server.spec(engine, kind, fault, Retries(max=3, longest_wait=7200))
    engine.start(spec)
    failed = await engine.until(lambda event: isinstance(event, AttemptFailed))
    assert isinstance(failed, AttemptFailed)
    assert failed.wait_s == pytest.approx(3600, abs=WITHIN_S)
    assert engine.records[spec.request_id].state is State.RETRYING
    engine.client.cancel((spec.request_id,))
    await engine.over()
    assert engine.records[spec.request_id].status is Status.CANCELLED
    await server.truth.line()
