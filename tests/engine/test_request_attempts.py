"""Retries, through the real engine: off unless asked for, visible, each attempt with its timeline."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from tui.core.events import AttemptFailed, FailureKind, Mark, Marked, RunEnded, Status
from tui.core.plan import RequestSpec
from tui.core.record import State
from tui.core.target import Retries

from .driver import Driver

pytestmark = pytest.mark.asyncio(loop_scope="module")

MS = 1_000_000


def event(name: str, **fields: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


START = event("message_start", message={"usage": {"input_tokens": 3, "output_tokens": 1}})
TEXT = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hello"})
STOP = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 1}) + event("message_stop")
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


def streamed(*events: bytes) -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in events)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + chunks + b"0\r\n\r\n"


def refusal(status: int, kind: str, *headers: str) -> bytes:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": "No."}}).encode()
    lines = [f"HTTP/1.1 {status} No", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


OK = streamed(START, TEXT, STOP)
LIMITED = refusal(429, "rate_limit_error", "retry-after: 0.3", "request-id: req_1")
CLOSE = b""
"""No answer: the connection is closed."""


class Script:
    """A server that gives these answers, one per request, and when it was asked and answered."""

    def __init__(self, answers: tuple[bytes, ...]) -> None:
        self._answers = list(answers)
        self.asked_ns: list[int] = []
        self.answered_ns: list[int] = []
        self.base_url = ""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.partition(b":")[2]))
                self.asked_ns.append(time.monotonic_ns())
                answer = self._answers.pop(0)
                self.answered_ns.append(time.monotonic_ns())
                if not answer:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[Script]:
    script = Script(answers)
    server = await asyncio.start_server(script.take, "127.0.0.1", 0)
    try:
        script.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield script
    finally:
        # Not waited for: from Python 3.12 on that takes until the engine lets its connections go.
        server.close()


def asking(engine: Driver, script: Script, retries: int) -> RequestSpec:
    return msgspec.structs.replace(engine.spec(script.base_url), retries=Retries(max=retries, longest_wait=600))


async def test_a_wait_is_a_state_until_the_next_attempt_begins(engine: Driver) -> None:
    async with answering(LIMITED, OK) as script:
        spec = asking(engine, script, 1)
        engine.start(spec)
        await engine.until(lambda event: isinstance(event, AttemptFailed))
        record = engine.records[spec.request_id]
        assert (record.state, record.waits_s) == (State.RETRYING, 0.3)
        assert record.state.in_flight
        await engine.over()
    assert (record.state, record.waits_s) == (State.DONE, None)


async def test_off_by_default(engine: Driver) -> None:
    async with answering(LIMITED, OK) as script:
        (record,) = await engine.run(engine.spec(script.base_url))
    assert record.status is Status.FAILED
    assert record.failure is not None
    assert record.failure.kind is FailureKind.RATE_LIMITED
    assert record.http_status == 429
    assert record.attempt == 1
    assert len(script.asked_ns) == 1


async def test_it_waits_as_asked_and_each_attempt_has_its_own_timeline(engine: Driver) -> None:
    async with answering(LIMITED, LIMITED, OK) as script:
        (record,) = await engine.run(asking(engine, script, 3))
    assert record.status is Status.DONE
    assert record.attempt == 3
    for number, attempt in enumerate(record.earlier):
        assert attempt.failure.retry_after_s == 0.3
        assert (attempt.http_status, attempt.api_request_id) == (429, "req_1")
        timeline = attempt.timeline
        assert timeline.queued_ns is not None
        assert timeline.sent_ns is not None
        assert timeline.headers_ns is not None
        assert timeline.ended_ns is not None
        assert timeline.content_ns == []
        assert timeline.queued_ns <= timeline.sent_ns <= script.asked_ns[number]
        assert script.answered_ns[number] - 50_000 <= timeline.headers_ns <= timeline.ended_ns
        # The next one came no earlier than the server had asked for.
        assert script.asked_ns[number + 1] - script.answered_ns[number] >= 300 * MS
    sent_ns = record.timeline.sent_ns
    assert sent_ns is not None
    assert script.answered_ns[1] + 300 * MS <= sent_ns <= script.asked_ns[2]
    # Only the last attempt is in the TTFT.
    assert record.ttft_ns == record.timeline.content_ns[0] - sent_ns
    assert record.retry_ns is not None
    assert record.retry_ns >= 600 * MS
    # The refusals left the connection open, and it was used again.
    assert record.timeline.reused_ns is not None
    assert record.timeline.connect_started_ns is None
    waits = [event.wait_s for event in engine.events if isinstance(event, AttemptFailed)]
    assert waits == [0.3, 0.3]


async def test_the_last_attempt_fails_like_an_only_one(engine: Driver) -> None:
    async with answering(LIMITED, refusal(529, "overloaded_error"), OK) as script:
        (record,) = await engine.run(asking(engine, script, 1))
    assert record.status is Status.FAILED
    assert record.failure is not None
    assert record.failure.kind is FailureKind.OVERLOADED
    assert record.http_status == 529
    assert record.attempt == 2
    assert record.ttft_ns is None
    assert len(script.asked_ns) == 2


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (refusal(500, "api_error", "retry-after: 0"), FailureKind.SERVER_ERROR),
        (refusal(529, "overloaded_error", "retry-after: 0"), FailureKind.OVERLOADED),
        (CLOSE, FailureKind.CONNECTION),
        # An error in the stream before any content: the API's way to turn away late.
        (streamed(START, OVERLOADED), FailureKind.OVERLOADED),
    ],
)
async def test_what_is_retried(engine: Driver, refused: bytes, kind: FailureKind) -> None:
    async with answering(refused, OK) as script:
        (record,) = await engine.run(asking(engine, script, 1))
    assert record.status is Status.DONE
    (first,) = record.earlier
    assert first.failure.kind is kind
    assert record.usage.output_tokens == 1
    assert len(record.timeline.content_ns) == 1


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (refusal(400, "invalid_request_error"), FailureKind.BAD_REQUEST),
        (refusal(401, "authentication_error"), FailureKind.BAD_KEY),
        (refusal(404, "not_found_error"), FailureKind.UNKNOWN_MODEL),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n", FailureKind.PROTOCOL),
        # Content came: sending it again would hide half an answer in another.
        (streamed(START, TEXT, OVERLOADED), FailureKind.OVERLOADED),
        (streamed(START, TEXT), FailureKind.BROKEN_STREAM),
    ],
)
async def test_what_is_not(engine: Driver, refused: bytes, kind: FailureKind) -> None:
    async with answering(refused, OK) as script:
        (record,) = await engine.run(asking(engine, script, 3))
    assert record.status is Status.FAILED
    assert record.failure is not None
    assert record.failure.kind is kind
    assert record.attempt == 1
    assert len(script.asked_ns) == 1


@pytest.mark.parametrize("retry_after", ["soon", "nan", "-1", "inf", "Wed, 99 Oct 2026 07:28:00 GMT"])
async def test_a_wait_that_cannot_be_read_is_a_back_off(engine: Driver, retry_after: str) -> None:
    async with answering(refusal(429, "rate_limit_error", f"retry-after: {retry_after}"), OK) as script:
        (record,) = await engine.run(asking(engine, script, 1))
    assert record.status is Status.DONE
    (failed,) = [event for event in engine.events if isinstance(event, AttemptFailed)]
    assert failed.wait_s == 0.5
    assert failed.failure.retry_after_s is None


def plain_200(content_type: str, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (
        content_type.encode(),
        len(body),
        body,
    )


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        ("application/json", b'{"error":{"message":"prompt is too long"}}', "prompt is too long"),
        ("application/json", b'{"detail":"no such deployment"}', "no such deployment"),
        ("text/html", b"<html><title>Sign in</title></html>", "Sign in"),
        ("text/event-stream", b'data: {"error":"quota used up"}\n\n', "quota used up"),
        ("text/event-stream", b"event: error\ndata: gateway down\n\n", "gateway down"),
    ],
)
async def test_the_words_of_a_200_that_is_no_answer_are_kept(
    engine: Driver, content_type: str, body: bytes, said: str
) -> None:
    async with answering(plain_200(content_type, body)) as script:
        (record,) = await engine.run(engine.spec(script.base_url))
    assert record.status is Status.FAILED
    assert record.failure is not None
    assert said in record.failure.message


async def test_the_back_off_doubles(engine: Driver) -> None:
    overloaded = refusal(529, "overloaded_error")
    async with answering(overloaded, overloaded, OK) as script:
        (record,) = await engine.run(asking(engine, script, 2))
    assert record.status is Status.DONE
    waits = [event.wait_s for event in engine.events if isinstance(event, AttemptFailed)]
    assert waits == [0.5, 1.0]
    for number, wait_s in enumerate(waits):
        assert script.asked_ns[number + 1] - script.answered_ns[number] >= wait_s * 1000 * MS


async def test_one_that_waits_for_its_next_attempt_can_be_cancelled(engine: Driver) -> None:
    async with answering(refusal(429, "rate_limit_error", "retry-after: 500"), OK) as script:
        spec = asking(engine, script, 1)
        engine.start(spec)
        await engine.until(lambda event: isinstance(event, AttemptFailed))
        record = engine.records[spec.request_id]
        assert record.state is State.RETRYING
        engine.client.cancel((spec.request_id,))
        await engine.over()
        assert len(script.asked_ns) == 1
    assert record.status is Status.CANCELLED
    assert len(record.earlier) == 1
    assert record.ttft_ns is None


async def test_a_wait_beyond_the_requests_own_limit_is_not_waited_for(engine: Driver) -> None:
    async with answering(refusal(429, "rate_limit_error", "retry-after: 99999999"), OK) as script:
        (record,) = await engine.run(asking(engine, script, 1))
        assert len(script.asked_ns) == 1
    assert record.failure is not None
    assert record.failure.kind is FailureKind.RATE_LIMITED
    assert "retries.longest_wait" in record.failure.message


async def test_others_do_not_wait_for_one_that_is_sent_again(engine: Driver) -> None:
    """And the spread of the run's sends is that of its start: a retry is no part of it."""
    async with answering(LIMITED, OK) as script, answering(OK) as good:
        retried, whole = await engine.run(asking(engine, script, 1), engine.spec(good.base_url))
    assert retried.status is whole.status is Status.DONE
    starts = [retried.earlier[0].timeline.sent_ns, whole.timeline.sent_ns]
    stamps = [stamp for stamp in starts if stamp is not None]
    (ended,) = [event for event in engine.events if isinstance(event, RunEnded)]
    assert ended.send_spread_ns == max(stamps) - min(stamps)
    assert whole.timeline.content_ns[0] < script.answered_ns[1]


async def test_marks_of_attempts_follow_each_other(engine: Driver) -> None:
    async with answering(LIMITED, OK) as script:
        await engine.run(asking(engine, script, 1))
    marks = [event.mark for event in engine.events if isinstance(event, Marked)]
    assert marks.count(Mark.QUEUED) == marks.count(Mark.SENT) == 2
    # The kernel stamps the acknowledgement, on loopback before the process comes to stamp that it has sent.
    told_later = (Mark.RESOLVED, Mark.ACKED)
    stamps = [event.t_ns for event in engine.events if isinstance(event, Marked) and event.mark not in told_later]
    assert stamps == sorted(stamps)
