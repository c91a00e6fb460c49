"""Bad streams: each ends in a clear state, with what came kept, and leaves nothing behind in the engine."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tui.core.engine_events import StampSource
from tui.core.events import AttemptFailed, Content, Event, FailureKind, Instrument, RequestEnded, RunEnded, Status
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Retries, Timeouts
from tui.engine.request import RequestSender
from tui.simulator.faults import FAULTS, HUGE_CHARACTERS
from tui.simulator.odd_answers import HIDDEN_TOKENS
from tui.simulator.process import SimulatorProcess

from .driver import WITHIN_S, Driver, TruthPipe
from .scripted import send_one

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]

EARLY_NS = 50_000
"""As far as the offset between the stamps' clock and ours may err."""

SHORT = Timeouts(connect=600, first_token=2, between_tokens=1)

Broken = tuple[str, FailureKind, int, bool]

BROKEN: list[Broken] = [
    # The fault, what the failure is called, how many pieces came before it, whether the message had begun.
    ("close-before-headers", FailureKind.CONNECTION, 0, False),
    ("reset-before-headers", FailureKind.CONNECTION, 0, False),
    ("silent", FailureKind.TIMEOUT, 0, False),
    ("close-mid-event", FailureKind.BROKEN_STREAM, 5, True),
    ("reset", FailureKind.BROKEN_STREAM, 5, True),
    ("half-event-then-silence", FailureKind.TIMEOUT, 5, True),
    ("error-after-200", FailureKind.OVERLOADED, 5, True),
    ("html-200", FailureKind.PROTOCOL, 0, False),
    ("empty-stream", FailureKind.BROKEN_STREAM, 0, False),
    ("no-message-stop", FailureKind.BROKEN_STREAM, 20, True),
    ("malformed-json", FailureKind.PROTOCOL, 5, True),
    ("second-message", FailureKind.BROKEN_STREAM, 5, True),
    ("done-for-stop", FailureKind.BROKEN_STREAM, 20, True),
    ("endless-pings", FailureKind.TIMEOUT, 0, True),
]

STRANGE = [
    # Faults that leave an answer: the usage that is reported.
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
    ("empty-first-block", 20),
    ("redacted-thinking", 20 + HIDDEN_TOKENS),
    ("withheld-thinking", 20 + HIDDEN_TOKENS),
    ("zero-usage", 0),
    ("excess-usage", 1_000_000),
    ("start-usage", None),
    ("empty-details", 20),
    ("server-cache", 20),
    ("other-model", 20),
    ("done-after-stop", 20),
    ("pause-turn", 20),
]

ODD = {"buffered", "bursts", "tool-use", "tool-use-only", "unknown-blocks", "refusal", "context-window"}
"""Faults that leave another content, another end or other times: see `test_odd_answers`."""

ON_THE_WAY = {"wrong-content-type", "no-content-type", "other-delivery", "close-when-kept", "reset-when-kept"}
ON_THE_WAY |= {"retry-after-date", "retry-after-long", "retry-after-date-long"}
"""Faults of the way an answer comes, and of waits: see `test_request_faults`."""


GATEWAYS = [
    # Refusals of something in front of the API: kind, and its own words or address.
    ("gateway-502", FailureKind.SERVER_ERROR, "nginx/1.22.1"),
    ("gateway-login", FailureKind.PROTOCOL, "https://login.example/sso"),
    ("gateway-detail", FailureKind.BAD_REQUEST, "body.top_k: Input should be a valid integer"),
    ("gateway-text", FailureKind.SERVER_ERROR, "no healthy upstream"),
    ("gateway-200", FailureKind.SERVER_ERROR, "no healthy upstream"),
]


@pytest.mark.parametrize(("fault", "kind", "words"), GATEWAYS)
async def test_a_gateway_s_own_words_are_kept(
    engine: Driver, with_fault: Callable[[str], str], fault: str, kind: FailureKind, words: str
) -> None:
    (record,) = await engine.run(engine.spec(with_fault(fault)))
    engine.failing(record, kind, words)
    assert record.failure is not None
    assert "request id" not in record.failure.message  # there is none to report


async def test_a_wait_in_milliseconds_is_kept(engine: Driver, with_fault: Callable[[str], str]) -> None:
    spec = engine.spec(with_fault("retry-after-ms"))
    (record,) = await engine.run(msgspec.structs.replace(spec, retries=Retries(max=1)))
    assert record.complete
    (failed,) = [event for event in engine.events if isinstance(event, AttemptFailed)]
    assert failed.wait_s == 0.3


async def test_every_bad_stream_of_the_simulator_is_here() -> None:
    refusals = {name for name in FAULTS if name.startswith(("error-4", "error-5"))}
    refusals |= {name for name, *_ in GATEWAYS} | {"429-then-ok", "retry-after-ms"}
    assert {*FAULTS} - refusals == {name for name, *_ in BROKEN} | {name for name, _ in STRANGE} | ODD | ON_THE_WAY


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], tuple[str, TruthPipe]]]:
    """Starts one simulator with this fault and a log."""
    truth = TruthPipe(tmp_path / "truth")
    running: list[SimulatorProcess] = []

    def start(fault: str) -> tuple[str, TruthPipe]:
        running.append(SimulatorProcess.start(fault=fault, log=truth.path))
        return running[-1].base_url, truth

    yield start
    for process in running:
        process.stop()
    truth.close()


def sockets(pid: int) -> set[str]:
    """The sockets that this process has open."""
    found = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(fd.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


async def left_over(engine: Driver, before: set[str], expected: int) -> set[str]:
    """The sockets beyond those from before, as soon as no more than expected are left, or when time is up."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        left = sockets(engine.client.pid) - before
        if len(left) <= expected or time.monotonic() > deadline:
            return left
        await asyncio.sleep(0.01)


def deltas(line: dict[str, Any]) -> list[tuple[int, int]]:
    """(planned, written) of each delta."""
    return [(planned, written) for name, planned, written in line["events"] if name == "content_block_delta"]


def check_order(engine: Driver, record: RequestRecord) -> None:
    """The request's last word is that it ended, and after it comes the end of the run."""
    mine = [event for event in engine.events if getattr(event, "request_id", None) == record.spec.request_id]
    assert isinstance(mine[-1], RequestEnded)
    assert sum(isinstance(event, RequestEnded) for event in mine) == 1
    assert isinstance(engine.events[-1], RunEnded)
    assert record.timeline.ended_ns is not None
    stamps = [record.timeline.queued_ns, record.timeline.sent_ns, *record.timeline.content_ns]
    present = [stamp for stamp in stamps if stamp is not None]
    assert present == sorted(present)


Serve = Callable[[str], tuple[str, TruthPipe]]


@pytest.mark.parametrize(("fault", "kind", "pieces", "begun"), BROKEN)
async def test_a_broken_stream(
    engine: Driver, serve: Serve, fault: str, kind: FailureKind, pieces: int, begun: bool
) -> None:
    base_url, truth = serve(fault)
    before = sockets(engine.client.pid)
    timeouts = SHORT if kind is FailureKind.TIMEOUT else Timeouts()
    (record,) = await engine.run(engine.spec(base_url, timeouts=timeouts))
    check_order(engine, record)
    assert record.status is Status.FAILED
    assert record.failure is not None
    assert record.failure.kind is kind
    assert record.failure.message.isprintable()
    line = await truth.line()

    # What came is kept, with its times.
    timeline = record.timeline
    assert timeline.sent_ns is not None
    assert timeline.sent_ns <= line["received_ns"]
    assert len(timeline.content_ns) == pieces
    assert bool(record.text()) == bool(pieces)
    assert (timeline.message_start_ns is not None) == begun
    assert timeline.message_stop_ns is None
    assert (timeline.headers_ns is not None) == (line["status"] is not None)
    assert record.http_status == line["status"]
    for stamp, (planned_ns, written_ns) in zip(timeline.content_ns, deltas(line), strict=False):
        assert planned_ns - EARLY_NS <= stamp <= written_ns + WITHIN_S * 1_000_000_000
    if pieces:
        assert record.instrument is not None
        assert record.instrument.stamp_source is StampSource.KERNEL

    # No figure of a whole answer.
    assert record.total_ns is None
    assert record.otps is None
    assert (record.ttft_ns is None) == (pieces == 0)

    # Ends where the whole body was read leave a connection that serves again; all others leave nothing. What follows on
    # a second message is read to the end where it has come by then.
    ends_whole = ("empty-stream", "no-message-stop", "error-after-200", "done-for-stop", "html-200", "second-message")
    whole_body = fault in ends_whole
    left = await left_over(engine, before, int(whole_body))
    assert len(left) <= int(whole_body)


@pytest.mark.parametrize(("fault", "output_tokens"), STRANGE)
async def test_a_strange_stream_is_still_an_answer(
    engine: Driver, serve: Serve, fault: str, output_tokens: int | None
) -> None:
    base_url, truth = serve(fault)
    before = sockets(engine.client.pid)
    for turn in range(2):
        (record,) = await engine.run(engine.spec(base_url))
        check_order(engine, record)
        assert record.status is Status.DONE
        assert record.failure is None
        line = await truth.line()
        assert line["end"] == "complete"
        assert len(record.timeline.content_ns) == (27 if fault == "unknown-deltas" else 20)
        assert record.usage.output_tokens == output_tokens
        if output_tokens is None:
            assert (record.usage.input_tokens is None) == (fault != "start-usage")
            assert record.otps is None
        assert record.ttft_ns is not None
        assert record.total_ns is not None
        timed = {"redacted-thinking": 20, "withheld-thinking": None, "zero-usage": None, "excess-usage": None}
        # On a machine so busy that the server writes in bursts, the answer was held back, and has no pace.
        assert record.timed_tokens == (None if record.has_no_pace else timed.get(fault, output_tokens))
        if fault == "huge-event":
            assert len(record.text()) > HUGE_CHARACTERS * 9 // 10
        # The connection is kept, and used again: one socket, not two.
        assert (record.timeline.reused_ns is not None) == bool(turn)
        assert len(await left_over(engine, before, 1)) == 1


async def test_after_all_of_it_the_engine_answers_and_holds_no_more_than_at_first(engine: Driver) -> None:
    with SimulatorProcess.start() as good:
        before = sockets(engine.client.pid)
        for _ in range(3):
            records = await engine.run(*(engine.spec(good.base_url) for _ in range(4)))
            assert {record.status for record in records} == {Status.DONE}
            assert len(await left_over(engine, before, 4)) == 4


async def test_a_cancelled_stream_leaves_nothing(engine: Driver) -> None:
    with SimulatorProcess.start() as endless:
        before = sockets(engine.client.pid)
        specs = [engine.spec(endless.base_url, "sim-steady", max_tokens=100_000) for _ in range(3)]
        engine.start(*specs)
        await engine.until(lambda event: isinstance(event, Content))
        engine.client.cancel(tuple(spec.request_id for spec in specs))
        await engine.over()
        assert {record.status for record in engine.records.values()} == {Status.CANCELLED}
        assert await left_over(engine, before, 0) == set()


async def test_the_rehearsal_leaves_nothing() -> None:
    """A fresh engine has the two sockets by which asyncio wakes itself, the one that keeps the kernel stamping, and no
    other."""
    driver = Driver()
    ready = await driver.connect()
    assert ready.calibration is not None
    assert ready.calibration.stamp_source is StampSource.KERNEL
    assert ready.calibration.delay_max_ns is not None
    assert len(await left_over(driver, set(), 3)) == 3
    await driver.close()


# In this process, where tasks can be counted


def spec(base_url: str) -> RequestSpec:
    return RequestSpec(
        request_id=1,
        target="lane",
        model="sim-fast",
        endpoint=Endpoint(name="test", base_url=base_url),
        prompt=Prompt(user="How does a gateway limit requests?"),
        parameters=Parameters(max_tokens=50),
        timeouts=SHORT,
    )


@pytest.mark.parametrize("fault", [name for name, *_ in BROKEN])
async def test_no_task_is_left(serve: Serve, fault: str) -> None:
    base_url, _ = serve(fault)
    before = asyncio.all_tasks()
    sender = RequestSender({})
    events: list[Event] = []
    ended = await send_one(sender, spec(base_url), events.append)
    assert ended.status is Status.FAILED
    assert asyncio.all_tasks() == before
    assert sender._decode_queue._gathered._jobs == sender._decode_queue._urgent._jobs == {}
    assert sum(isinstance(event, Instrument) for event in events) <= 1
    await sender.aclose()


async def test_an_answer_with_a_length_ends_with_it() -> None:
    """As a proxy sends it that gathers the whole stream first: nothing waits for chunks that never come."""
    event = (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}\n\n'
    )
    stop = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        body = event + stop
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
        writer.write(b"content-length: %d\r\n\r\n%b" % (len(body), body))
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        sender = RequestSender({})
        events: list[Event] = []
        for _ in range(2):
            async with asyncio.timeout(WITHIN_S):
                base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
                ended = await send_one(sender, spec(base_url), events.append)
            assert ended.status is Status.DONE
        assert [event.texts for event in events if isinstance(event, Content)] == [["x"], ["x"]]
        assert connections == 2
        await sender.aclose()


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"200 OK\r\ncontent-type: application/json\r\ncontent-length: 0", "answered 200 with nothing"),
        (b"200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 0", "sent no message"),
        (b"200 OK\r\ncontent-length: 0", "answered 200 with nothing"),
        (b"204 No Content", "answered 204 with nothing"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_success_of_nothing_fails_at_once(head: bytes, said: str, stream: bool) -> None:
    """The connection stays open, so that only the head says that nothing will come."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + head + b"\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        sender = RequestSender({})
        asked = spec(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        asked = msgspec.structs.replace(asked, parameters=msgspec.structs.replace(asked.parameters, stream=stream))
        async with asyncio.timeout(WITHIN_S):
            ended = await send_one(sender, asked, lambda _: None)
        await sender.aclose()
    assert ended.failure is not None
    assert said in ended.failure.message
