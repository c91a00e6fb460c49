"""The real engine process against the real simulator process, over loopback."""

import asyncio
import itertools
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from canary import KEY

from tui.core.events import (
    FailureKind,
    Kind,
    Mark,
    Marked,
    RunEnded,
    RunStarted,
    Status,
)
from tui.core.record import RequestRecord
from tui.simulator.process import SimulatorProcess

from .driver import Driver, TruthPipe, started

pytestmark = pytest.mark.asyncio(loop_scope="module")


def arrivals(record: RequestRecord) -> list[int]:
    return record.timeline.content_ns


# Answers


async def test_three_targets_in_parallel(engine: Driver, simulator: SimulatorProcess) -> None:
    url = simulator.base_url
    specs = [engine.spec(url, model) for model in ("sim-fast", "sim-thinking", "sim-chunked")]
    fast, thinking, chunked = await engine.run(*specs)
    assert [record.status for record in (fast, thinking, chunked)] == [Status.DONE, Status.DONE, Status.TRUNCATED]
    assert (fast.usage.output_tokens, thinking.usage.output_tokens, chunked.usage.output_tokens) == (20, 40, 50)
    assert thinking.usage.thinking_tokens == 20
    assert thinking.timeline.thinking_pieces == 20
    assert thinking.text(Kind.THINKING)
    assert fast.text(Kind.THINKING) == ""
    assert all(record.text() for record in (fast, thinking, chunked))
    assert fast.usage.input_tokens
    assert fast.http_status == 200
    assert fast.api_request_id is not None
    assert fast.api_request_id.startswith("req_")

    first, last = engine.events[0], engine.events[-1]
    assert isinstance(first, RunStarted)
    assert first.request_ids == tuple(spec.request_id for spec in specs)
    assert isinstance(last, RunEnded)
    sent = [record.timeline.sent_ns for record in (fast, thinking, chunked)]
    stamps = [stamp for stamp in sent if stamp is not None]
    assert len(stamps) == 3
    assert last.send_spread_ns == max(stamps) - min(stamps)
    # In parallel: the last was sent before the first had ended.
    ended = [record.timeline.ended_ns for record in (fast, thinking, chunked)]
    assert max(stamps) < min(stamp for stamp in ended if stamp is not None)


async def test_the_stamps_of_a_request_are_in_order(engine: Driver, simulator: SimulatorProcess) -> None:
    (record,) = await engine.run(engine.spec(simulator.base_url, "sim-thinking"))
    timeline = record.timeline
    stamps = [
        timeline.queued_ns,
        timeline.sent_ns,
        timeline.headers_ns,
        timeline.message_start_ns,
        timeline.thinking_started_ns,
        *timeline.content_ns,
        timeline.message_stop_ns,
        timeline.ended_ns,
    ]
    present = [stamp for stamp in stamps if stamp is not None]
    assert len(present) == len(stamps)
    assert present == sorted(present)
    assert record.ttft_ns is not None
    assert record.total_ns is not None
    assert timeline.first_text_ns is not None
    assert 0 < record.ttft_ns < record.total_ns
    assert timeline.first_text_ns > timeline.content_ns[0]


async def test_a_later_run_takes_the_connections_of_the_one_before(engine: Driver) -> None:
    with SimulatorProcess.start() as fresh:
        first = await engine.run(*(engine.spec(fresh.base_url) for _ in range(3)))
        second = await engine.run(*(engine.spec(fresh.base_url) for _ in range(3)))
    for record in first:
        assert record.timeline.connect_started_ns is not None
        assert record.timeline.connected_ns is not None
        assert record.timeline.reused_ns is None
    for record in second:
        assert record.timeline.reused_ns is not None
        assert record.timeline.connect_started_ns is None
        assert record.status is Status.DONE


async def test_a_server_that_went_and_came_back_is_reached(engine: Driver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    for _ in range(2):
        with started("-m", "tui", "simulate", "--port", str(port)) as server:
            assert server.stdout is not None
            await asyncio.to_thread(server.stdout.readline)
            (record,) = await engine.run(engine.spec(f"http://127.0.0.1:{port}"))
            server.terminate()
        assert record.status is Status.DONE
        assert record.timeline.connected_ns is not None


async def test_nothing_arrives_before_it_was_written(engine: Driver, logged: tuple[str, TruthPipe]) -> None:
    url, truth = logged
    records = await engine.run(*(engine.spec(url, model) for model in ("sim-fast", "sim-thinking", "sim-chunked")))
    lines = await truth.lines(3)
    for record in records:
        assert record.api_request_id is not None
        line = lines[record.api_request_id]
        planned = [planned_ns for name, planned_ns, _ in line["events"] if name == "content_block_delta"]
        if record.spec.model == "sim-thinking":
            # One of the deltas is the thinking block's signature: no content.
            planned.pop(record.timeline.thinking_pieces)
        assert len(planned) == len(arrivals(record))
        assert all(arrived >= written for arrived, written in zip(arrivals(record), planned, strict=True))
        assert record.timeline.queued_ns is not None
        assert record.timeline.queued_ns <= line["received_ns"] <= planned[0]
        assert line["end"] == "complete"


async def test_a_temperature_goes_out_under_the_older_version(engine: Driver, simulator: SimulatorProcess) -> None:
    (record,) = await engine.run(engine.spec(simulator.base_url, temperature=0.2))
    assert record.status is Status.DONE


async def test_sixteen_at_once(engine: Driver, simulator: SimulatorProcess) -> None:
    records = await engine.run(*(engine.spec(simulator.base_url, max_tokens=10) for _ in range(16)))
    assert {record.status for record in records} == {Status.TRUNCATED}
    assert {record.usage.output_tokens for record in records} == {10}


async def test_the_key_is_said_nowhere(engine: Driver, simulator: SimulatorProcess) -> None:
    keys = ("KEY_GOOD", "KEY_TORN")
    good, torn = await engine.run(*(engine.spec(simulator.base_url, key_env=key) for key in keys))
    assert good.status is Status.DONE
    assert torn.failure is not None
    assert torn.failure.kind is FailureKind.BAD_KEY
    assert "KEY_TORN" in torn.failure.message
    assert KEY not in repr(engine.events)


async def test_pieces_come_in_their_order(engine: Driver, simulator: SimulatorProcess) -> None:
    (record,) = await engine.run(engine.spec(simulator.base_url, "sim-thinking"))
    stamps = arrivals(record)
    assert all(earlier <= later for earlier, later in itertools.pairwise(stamps))
    kinds = [kind for kind, _ in record.pieces]
    assert kinds == sorted(kinds, reverse=True)  # thinking, then text


# Cancelling


async def test_a_cancelled_lane_closes_its_connection_and_the_others_finish(
    engine: Driver, logged: tuple[str, TruthPipe]
) -> None:
    url, truth = logged
    endless, short = engine.spec(url, "sim-steady", max_tokens=100_000), engine.spec(url, "sim-thinking")
    engine.start(endless, short)
    await engine.streaming(endless.request_id)
    engine.client.cancel((endless.request_id,))
    await engine.over()
    cancelled, done = engine.records[endless.request_id], engine.records[short.request_id]
    assert cancelled.status is Status.CANCELLED
    assert cancelled.failure is None
    assert cancelled.text()
    assert cancelled.total_ns is None
    assert done.status is Status.DONE
    assert done.usage.output_tokens == 40
    lines = await truth.lines(2)
    assert cancelled.api_request_id is not None
    assert lines[cancelled.api_request_id]["end"] == "cancelled"
    assert {line["end"] for line in lines.values()} == {"cancelled", "complete"}
    (after,) = await engine.run(engine.spec(url))
    assert after.status is Status.DONE


async def test_all_are_cancelled(engine: Driver, logged: tuple[str, TruthPipe]) -> None:
    url, truth = logged
    specs = [engine.spec(url, "sim-steady", max_tokens=100_000) for _ in range(3)]
    engine.start(*specs)
    for spec in specs:
        await engine.streaming(spec.request_id)
    engine.client.cancel(tuple(spec.request_id for spec in specs))
    await engine.over()
    assert {record.status for record in engine.records.values()} == {Status.CANCELLED}
    assert {line["end"] for line in (await truth.lines(3)).values()} == {"cancelled"}


async def test_a_cancellation_right_behind_the_start_is_not_lost(engine: Driver, simulator: SimulatorProcess) -> None:
    spec = engine.spec(simulator.base_url, "sim-steady", max_tokens=100_000)
    engine.start(spec)
    engine.client.cancel((spec.request_id,))
    await engine.over()
    assert engine.records[spec.request_id].status is Status.CANCELLED


async def test_one_that_waits_for_its_answer_can_be_cancelled(engine: Driver, with_fault: Callable[[str], str]) -> None:
    spec = engine.spec(with_fault("silent"))
    engine.start(spec)
    await engine.until(lambda event: isinstance(event, Marked) and event.mark is Mark.SENT)
    engine.client.cancel((spec.request_id,))
    await engine.over()
    assert engine.records[spec.request_id].status is Status.CANCELLED


# Failures


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("error-400", FailureKind.BAD_REQUEST, "asked for this error"),
        ("error-403", FailureKind.FORBIDDEN, "permission"),
        ("error-413", FailureKind.TOO_LARGE, "Shorten"),
        ("error-429", FailureKind.RATE_LIMITED, "wait 1 s"),
        ("error-500", FailureKind.SERVER_ERROR, "500 api_error"),
        ("error-529", FailureKind.OVERLOADED, "529 overloaded_error"),
        ("html-200", FailureKind.PROTOCOL, "text/html"),
        ("empty-stream", FailureKind.BROKEN_STREAM, "sent no message"),
        ("close-before-headers", FailureKind.CONNECTION, "disconnected"),
        ("reset-before-headers", FailureKind.CONNECTION, "Check the network"),
    ],
)
async def test_refusals(
    engine: Driver, with_fault: Callable[[str], str], fault: str, kind: FailureKind, words: str
) -> None:
    (record,) = await engine.run(engine.spec(with_fault(fault)))
    engine.failing(record, kind, words)
    assert arrivals(record) == []
    assert record.failure is not None
    if fault == "error-429":
        assert record.failure.retry_after_s == 1.0
    if fault.startswith("error-"):
        assert record.http_status == record.failure.http_status == int(fault.removeprefix("error-"))
        assert record.api_request_id is not None


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("close-mid-event", FailureKind.BROKEN_STREAM, "what came is kept"),
        ("reset", FailureKind.BROKEN_STREAM, "what came is kept"),
        ("error-after-200", FailureKind.OVERLOADED, "overloaded_error in the answer"),
        ("malformed-json", FailureKind.PROTOCOL, "cannot be read"),
        ("no-message-stop", FailureKind.BROKEN_STREAM, "without the end of the message"),
    ],
)
async def test_a_stream_that_breaks_off_keeps_its_text(
    engine: Driver, with_fault: Callable[[str], str], fault: str, kind: FailureKind, words: str
) -> None:
    (record,) = await engine.run(engine.spec(with_fault(fault)))
    engine.failing(record, kind, words)
    assert record.text()
    assert len(arrivals(record)) >= 5


@pytest.mark.parametrize(
    ("fault", "output_tokens"),
    [
        ("unknown-events", 20),
        ("unknown-deltas", 20),
        ("invalid-utf8", 20),
        ("huge-event", 20),
        ("no-usage", None),
        ("negative-usage", None),
        ("absurd-usage", None),
        ("gzip", 20),
        ("control-characters", 20),
        ("stall", 20),
    ],
)
async def test_a_strange_stream_is_still_an_answer(
    engine: Driver, with_fault: Callable[[str], str], fault: str, output_tokens: int | None
) -> None:
    (record,) = await engine.run(engine.spec(with_fault(fault)))
    assert record.status is Status.DONE
    assert len(arrivals(record)) == (27 if fault == "unknown-deltas" else 20)  # an unknown delta is content too
    assert record.usage.output_tokens == output_tokens
    if fault == "huge-event":
        assert len(record.text()) > 4_000_000


async def test_an_empty_first_block_is_no_first_token(engine: Driver, tmp_path: Path) -> None:
    truth = TruthPipe(tmp_path / "truth")
    with SimulatorProcess.start(fault="empty-first-block", log=truth.path) as process:
        (record,) = await engine.run(engine.spec(process.base_url, "sim-chunked"))
        line = await truth.line()
    truth.close()
    assert record.status is Status.TRUNCATED
    empty, first, *_ = [planned_ns for name, planned_ns, _ in line["events"] if name == "content_block_delta"]
    assert empty < first <= arrivals(record)[0]


async def test_each_lane_fails_alone(engine: Driver, simulator: SimulatorProcess) -> None:
    url = simulator.base_url
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    no_key, blank, bad_key, model, refused, name, tls, parameter, good = await engine.run(
        engine.spec(url, key_env="KEY_THAT_IS_NOT_SET"),
        engine.spec(url, key_env="KEY_BLANK"),
        engine.spec(url, key_env="KEY_BAD"),
        engine.spec(url, "claude-nonsense-9"),
        engine.spec(nobody),
        engine.spec("http://name.invalid"),
        engine.spec(url.replace("http:", "https:")),
        engine.spec(url, "claude-opus-5-5", temperature=0.3),
        engine.spec(url, key_env="KEY_GOOD"),
    )
    engine.failing(no_key, FailureKind.NO_KEY, "KEY_THAT_IS_NOT_SET", "--demo")
    engine.failing(blank, FailureKind.NO_KEY, "KEY_BLANK")
    engine.failing(bad_key, FailureKind.BAD_KEY, "Invalid bearer token", "KEY_BAD")
    engine.failing(model, FailureKind.UNKNOWN_MODEL, "claude-nonsense-9", "Choose another model")
    engine.failing(refused, FailureKind.CONNECTION_REFUSED, nobody, "Start the server")
    engine.failing(name, FailureKind.NAME_NOT_FOUND, "name.invalid", "base URL")
    engine.failing(tls, FailureKind.TLS, "https://127.0.0.1", "write http://")
    engine.failing(parameter, FailureKind.BAD_REQUEST, "temperature")
    assert good.status is Status.DONE


# A parent that does not read


async def test_a_parent_that_stops_reading_loses_nothing(engine: Driver, logged: tuple[str, TruthPipe]) -> None:
    url, truth = logged
    (read_at_once,) = await engine.run(engine.spec(url, "sim-steady", max_tokens=30, user="tell " * 1000))
    await truth.line()
    stdout = engine.client._stdout
    assert isinstance(stdout, asyncio.ReadTransport)
    # Texts that overflow pipe and buffers many times over.
    with SimulatorProcess.start(fault="huge-event") as huge:
        specs = [engine.spec(url, "sim-steady", max_tokens=30), engine.spec(huge.base_url)]
        stdout.pause_reading()
        engine.start(*specs)
        line = await truth.line()
        assert line["end"] == "complete"
        assert engine.events == []
        resumed_ns = time.monotonic_ns()
        stdout.resume_reading()
        await engine.over()
    late, long = (engine.records[spec.request_id] for spec in specs)
    assert len(long.text()) > 4_000_000
    assert len(arrivals(long)) == 20
    # The stamps are those of arrival in the engine, not of our reading.
    planned = [planned_ns for name, planned_ns, _ in line["events"] if name == "content_block_delta"]
    assert len(arrivals(late)) == len(planned) == len(arrivals(read_at_once)) == 30
    assert planned[0] <= arrivals(late)[0] < resumed_ns
