"""The frames between the engine and its parent."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.engine_events import Armed, EngineFailed, Hello, Ponged, StampSource
from tui.core.events import (
    Content,
    EngineReady,
    Event,
    Failure,
    FailureKind,
    Kind,
    Mark,
    Marked,
    RequestEnded,
    Responded,
    RunEnded,
    RunStarted,
    Status,
    Usage,
    UsageReported,
)
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Timeouts
from tui.engine.protocol import (
    MAX_FRAME_BYTES,
    MAX_REMOTE_FRAME_BYTES,
    PROTOCOL,
    CancelRequests,
    Command,
    Fire,
    FrameSplitter,
    Ping,
    Settle,
    StartRun,
    decode_command,
    decode_events,
    encode_command,
    encode_events,
    greeting,
    greeting_in,
)
from tui.errors import ChildError

EVENTS: list[Event] = [
    Hello(
        app_version="1",
        sdk_version="2.12.0",
        python="3.11",
        platform="Linux",
        hostname="h",
        pid=1,
        stamp_source=StampSource.KERNEL,
        resolution_ns=1,
        unix_ns=1,
        mono_ns=2,
    ),
    EngineReady(pid=1, sdk_version="2.12.0"),
    Ponged(number=1, t_ns=2),
    Armed(run_id=1),
    RunStarted(run_id=1, t_ns=2, unix_ns=3, request_ids=(1, 2)),
    Marked(request_id=1, mark=Mark.SENT, t_ns=4),
    Responded(request_id=1, t_ns=5, http_status=200, api_request_id="req_1"),
    Content(request_id=1, kind=Kind.THINKING, t_ns=[6, 7], texts=["a", "é\U0001f600"]),
    UsageReported(request_id=1, usage=Usage(input_tokens=1)),
    RequestEnded(
        request_id=1,
        t_ns=8,
        status=Status.FAILED,
        failure=Failure(kind=FailureKind.TIMEOUT, message="m", retry_after_s=1.5),
    ),
    RunEnded(run_id=1, t_ns=9, send_spread_ns=10),
    EngineFailed(t_ns=11, message="gone"),
]
SPEC = RequestSpec(
    request_id=1,
    target="t",
    model="m",
    endpoint=Endpoint(name="e", base_url="http://localhost"),
    prompt=Prompt(system="s", user="u"),
    parameters=Parameters(max_tokens=5, stop_sequences=("a", "b"), temperature=0.0),
    timeouts=Timeouts(),
)
COMMANDS: list[Command] = [
    StartRun(run_id=1, requests=(SPEC, SPEC)),
    CancelRequests(request_ids=(1, 2)),
    Fire(run_id=1, at_ns=5),
    Ping(number=1),
    Settle(keys={"KEY": "value"}),
]


def payloads(data: bytes) -> list[bytes]:
    return list(FrameSplitter().feed(data))


@given(st.lists(st.sampled_from(EVENTS), max_size=6), st.lists(st.integers(0, 600), max_size=20))
def test_events_come_through_in_any_chunking(events: list[Event], places: list[int]) -> None:
    data = b"".join(encode_events([event]) for event in events)
    splitter = FrameSplitter()
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    received: list[Event] = []
    for start, end in pairwise(edges):
        for payload in splitter.feed(data[start:end]):
            received += decode_events(payload)
    assert received == events


def test_a_batch_is_one_frame() -> None:
    (payload,) = payloads(encode_events(EVENTS))
    assert decode_events(payload) == EVENTS


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_come_through(command: Command) -> None:
    (payload,) = payloads(encode_command(command))
    assert decode_command(payload) == command


def test_a_frame_that_is_too_long_means_out_of_step() -> None:
    splitter = FrameSplitter()
    with pytest.raises(ChildError, match="out of step"):
        list(splitter.feed((MAX_FRAME_BYTES + 1).to_bytes(4, "big")))


def test_text_on_the_pipe_means_out_of_step() -> None:
    with pytest.raises(ChildError, match="out of step"):
        payloads(b"Traceback (most recent call last):")


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"\x81\xa4type\xa2\xff\xff", b"\x91\x81\xa4type\xa2\xff\xff"),
        *(
            b"\x91\x82\xa4type\xa5hello\xa4some" + b"\x91" * 100_000,
            b"\x82\xa4type\xa6settle\xa4keys" + b"\x91" * 100_000,
        ),
        *(None, 5, [], {"type": "dance"}, {"type": "start_run", "run_id": "x"}, [{"type": "no_event"}]),
    ],
)
def test_other_things_are_refused(value: Any) -> None:
    payload = value if isinstance(value, bytes) else msgspec.msgpack.encode(value)
    with pytest.raises(ChildError, match="was sent something"):
        decode_command(payload)
    if value != []:
        with pytest.raises(ChildError, match="sent something"):
            decode_events(payload)


@pytest.mark.parametrize("before", [b"", b"hello\n", b"no newline", b"\xff\x00\n\n", b"LATENCY-TUI ENGINE x\n"])
@given(cut=st.integers(0, 60), after=st.binary(max_size=30))
def test_the_first_line_is_found_behind_what_a_shell_printed(before: bytes, cut: int, after: bytes) -> None:
    data = before + greeting("1.2.3rc1+local") + after
    found = greeting_in(data)
    assert found is not None
    assert (found.protocol, found.app_version, found.before, found.after) == (PROTOCOL, "1.2.3rc1+local", before, after)
    assert greeting_in(data[: min(cut, len(before) + 20)]) is None


def test_a_long_event_of_content_is_divided_between_its_pieces() -> None:
    text = "x" * 1_000_000
    content = Content(request_id=1, kind=Kind.TEXT, t_ns=list(range(30)), texts=[text] * 30)
    data = encode_events([EVENTS[0], content, EVENTS[-1]])
    received = [
        event for payload in FrameSplitter(MAX_REMOTE_FRAME_BYTES).feed(data) for event in decode_events(payload)
    ]
    parts = [event for event in received if isinstance(event, Content)]
    assert len(parts) > 1
    assert [stamp for part in parts for stamp in part.t_ns] == content.t_ns
    assert sum(len(part.texts) for part in parts) == 30
    assert (received[0], received[-1]) == (EVENTS[0], EVENTS[-1])
