"""Faults as they change the planned events; `test_connections.py` has those that end connections."""

import zlib
from email.utils import parsedate_to_datetime
from itertools import islice

import msgspec
import pytest

from tui.simulator.api import SimulatedApi
from tui.simulator.faults import FAULTS, HOSTILE, HUGE_CHARACTERS
from tui.simulator.message_request import NEW_VERSION
from tui.simulator.odd_answers import BURSTS_EVERY_NS
from tui.simulator.replies import After, PlannedEvent, Reply
from tui.simulator.script import plan

from .raw import PROFILES, asked, body, texts

_MS = 1_000_000


def good() -> list[PlannedEvent]:
    return list(plan(*asked("sim-steady", max_tokens=20), 0, 0))


def faulty(name: str, most: int | None = None) -> list[PlannedEvent]:
    stream = FAULTS[name].stream
    assert stream is not None
    return list(islice(stream(iter(good())), most))


def wire(events: list[PlannedEvent]) -> bytes:
    return b"".join(event.encoded() for event in events)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.stream])
def test_planned_times_never_run_backwards(name: str) -> None:
    offsets = [event.offset_ns for event in faulty(name, 200)]
    assert offsets == sorted(offsets)


@pytest.mark.parametrize(
    ("name", "after"),
    [("close-mid-event", After.CLOSE), ("reset", After.RESET), ("half-event-then-silence", After.HANG)],
)
def test_a_cut_stream_is_the_good_one_up_to_half_a_delta(name: str, after: After) -> None:
    events = faulty(name)
    assert wire(good()).startswith(wire(events))
    assert len(texts(events)) == 5
    assert not wire(events).endswith(b"\n\n")
    assert [event.after for event in events] == [After.CONTINUE] * (len(events) - 1) + [after]


@pytest.mark.parametrize(
    ("name", "after"),
    [("close-before-headers", After.CLOSE), ("reset-before-headers", After.RESET), ("silent", After.HANG)],
)
def test_an_answer_that_never_begins_has_no_bytes(name: str, after: After) -> None:
    (event,) = faulty(name)
    assert event.encoded() == b""
    assert event.after is after


def test_an_empty_stream_is_empty() -> None:
    assert faulty("empty-stream") == []


def test_the_error_in_mid_stream_is_the_last_event() -> None:
    events = faulty("error-after-200")
    assert texts(events) == texts(good())[:5]
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert events[-1].encoded() == b"event: error\ndata: " + msgspec.json.encode(error) + b"\n\n"


def test_no_message_stop_leaves_out_that_event_only() -> None:
    assert faulty("no-message-stop") == good()[:-1]


def test_unknown_events_and_deltas_come_beside_the_good_ones() -> None:
    events = faulty("unknown-events")
    assert [event for event in events if event.name != "weather_report"] == good()
    assert len(events) > len(good())
    assert texts(faulty("unknown-deltas")) == texts(good())
    assert len(texts(faulty("unknown-deltas"), "scent")) == 7


@pytest.mark.parametrize(
    ("name", "error"), [("malformed-json", msgspec.DecodeError), ("invalid-utf8", UnicodeDecodeError)]
)
def test_one_delta_is_unreadable(name: str, error: type[Exception]) -> None:
    unlike = [event for event, right in zip(faulty(name), good(), strict=True) if event != right]
    assert len(unlike) == 1
    data = unlike[0].encoded().split(b"data: ")[1].strip()
    with pytest.raises(error):
        msgspec.json.decode(data.decode())


def test_the_huge_event_has_5_mb() -> None:
    assert HUGE_CHARACTERS * 0.99 < max(len(text) for text in texts(faulty("huge-event"))) <= HUGE_CHARACTERS


def test_pings_are_endless() -> None:
    events = faulty("endless-pings", 1001)
    assert events[0].name == "message_start"
    assert {event.name for event in events[1:]} == {"ping"}
    assert events[1000].offset_ns - events[0].offset_ns == 1000 * 100 * _MS


@pytest.mark.parametrize("name", ["no-usage", "negative-usage", "absurd-usage"])
def test_usage_is_wrong_at_the_start_and_at_the_end(name: str) -> None:
    found = []
    for event in faulty(name):
        assert isinstance(event.body, dict)
        if event.name in ("message_start", "message_delta"):
            found.append(event.body.get("message", event.body).get("usage"))
    if name == "no-usage":
        assert found == [None, None]
    else:
        assert all(abs(usage["output_tokens"]) in (42, 10**18) for usage in found)
    assert texts(faulty(name)) == texts(good())


def test_the_stall_is_400_ms() -> None:
    late = [event.offset_ns - right.offset_ns for event, right in zip(faulty("stall"), good(), strict=True)]
    assert sorted(set(late)) == [0, 400 * _MS]
    assert late == sorted(late)


def test_an_empty_first_block_comes_at_50_ms_and_the_text_at_200() -> None:
    events = faulty("empty-first-block")
    early = [event for event in events if event.offset_ns == 50 * _MS]
    assert [event.name for event in early] == ["message_start", "content_block_start", "ping", "content_block_delta"]
    assert texts(events) == ["", *texts(good())]
    assert events[len(early)].offset_ns == 200 * _MS


def test_gzip_is_the_good_stream_packed_event_by_event() -> None:
    events = faulty("gzip")
    unpacker = zlib.decompressobj(wbits=31)
    for event, right in zip(events, good(), strict=False):
        assert unpacker.decompress(event.encoded()) == right.encoded()
    assert unpacker.decompress(events[-1].encoded()) == b""
    assert unpacker.eof
    assert FAULTS["gzip"].headers == {"content-encoding": "gzip"}


def test_hostile_texts_stand_before_the_good_ones() -> None:
    spoken = texts(faulty("control-characters"))
    assert all(text.startswith(HOSTILE[number % len(HOSTILE)]) for number, text in enumerate(spoken))
    assert len(spoken) > len(HOSTILE)


def test_a_buffered_stream_is_the_good_one_in_one_write_at_its_end() -> None:
    (event,) = faulty("buffered")
    assert event.encoded() == wire(good())
    assert event.offset_ns == good()[-1].offset_ns


def test_bursts_are_the_good_stream_at_few_moments_no_earlier() -> None:
    events, plain = faulty("bursts"), good()
    assert wire(events) == wire(plain)
    assert {event.offset_ns for event in events} == {
        -(-one.offset_ns // BURSTS_EVERY_NS) * BURSTS_EVERY_NS for one in plain
    }
    assert len(events) == len({event.offset_ns for event in events})


@pytest.mark.parametrize(("name", "least"), [("retry-after-date", 1), ("retry-after-date-long", 3600)])
@pytest.mark.parametrize("now_s", [1_700_000_000.0, 1_700_000_000.001, 1_700_000_000.999])
def test_a_wait_until_a_date_is_never_shorter_than_said(name: str, least: int, now_s: float) -> None:
    refusal = FAULTS[name].refusal(now_s)
    value = refusal.headers["retry-after"]
    assert refusal.status == 429
    assert value.endswith(" GMT")
    assert least <= parsedate_to_datetime(value).timestamp() - now_s < least + 1


def test_a_fault_that_changes_the_headers_of_a_stream_leaves_its_bytes_and_times() -> None:
    for name in ("wrong-content-type", "no-content-type"):
        reply, plain = streamed(name), streamed(None)
        assert list(reply.events) == list(plain.events)
        assert {**plain.headers, **reply.headers}.keys() == plain.headers.keys()
    assert "content-type" not in streamed("no-content-type").headers
    assert streamed("wrong-content-type").headers["content-type"] == "text/plain"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions", "/v1/responses"])
def test_a_refusal_leaves_nothing_in_the_answer_that_follows(path: str) -> None:
    api = SimulatedApi(PROFILES, fault="429-then-ok")
    first, second = (answer(api, path) for _ in range(2))
    assert (first.status, first.headers["retry-after"]) == (429, "1")
    assert second.status == 200
    assert "retry-after" not in second.headers


def streamed(fault: str | None) -> Reply:
    return answer(SimulatedApi(PROFILES, fault=fault), "/v1/messages")


def answer(api: SimulatedApi, path: str) -> Reply:
    fields = {"model": "sim-fast", "input": "Hello."} if "responses" in path else body()
    content = msgspec.json.encode(fields | {"stream": True})
    return api.answer("POST", path, {"anthropic-version": NEW_VERSION}, content)
