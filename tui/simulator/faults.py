"""Faults on demand: bad streams and refusals by name, for all requests (`--fault`) or one (`x-simulator-fault`).

A fault of the stream is a function from planned events to other ones, which a test can call without a socket. Faults
concern answers of models; those of the stream do nothing to an answer in one piece. In OpenAI's protocols the planned
events are changed before they are translated, but for faults of bytes.
"""

import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import chain, count
from typing import Any

from tui.simulator import odd_answers
from tui.simulator.replies import EVENT_STREAM, After, ApiError, PlannedEvent

Events = Iterator[PlannedEvent]

_BEFORE = 5
"""Number of deltas before a fault in mid-stream."""

_MS = 1_000_000

STALL_NS = 400 * _MS
EARLY_NS = 50 * _MS
PING_EVERY_NS = 100 * _MS
HUGE_CHARACTERS = 5_000_000

HOSTILE = (
    "\x1b[2J\x1b[31mred\x1b[0m",  # clears the screen
    "\x1b]0;title\x07",
    "\x1b]52;c;aGFja2Vk\x07",  # writes the clipboard
    "\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\",
    "\x1bP+q544e\x1b\\",  # asks the terminal, which would answer on its input
    "\x1b[6n",
    "\x9b31m\x9d0;c1\x9c",  # the same in eight-bit controls
    "\x07\x08\x08\x7f\x00\r\x0b\x0c",
    "\u202eevil\u202c \u2066isolated\u2069",
    "[bold red]markup[/] [@click=app.quit]click[/] [/] [link=https://example.com]",
    "zero\u200bwidth\u2060 \ufeff\u00ad",
    "a" + "\u0301" * 40,
)
"""Texts that must not reach the terminal unchanged."""


@dataclass(frozen=True)
class Fault:
    """A fault, described in a few words by `help`."""

    help: str
    stream: Callable[[Events], Events] | None = None
    """Function that turns the events into faulty ones."""
    status: int | None = None
    """HTTP status of the error to answer with."""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further response headers."""
    wait_until_s: int | None = None
    """Least time that `retry-after` says, as a date, seconds from the answer on."""
    body: bytes | None = None
    """Body of the error, where another server than the API sends it; `headers` has its type."""
    html: bool = False
    """True if the answer is a page of HTML."""
    then_ok: bool = False
    """True if only every other request of the same content gets it, from the first."""
    of_bytes: bool = False
    """True if it concerns the bytes of the stream, whatever the protocol."""
    any_delivery: bool = False
    """True if it concerns answers in one piece too, because it ends them before the first byte."""
    other_delivery: bool = False
    """True if a stream is answered in one piece, and what was asked in one piece by a stream."""
    content_type: str | None = EVENT_STREAM
    """Content type of a stream; None sends none."""
    when_kept: After | None = None
    """Fate of a connection that has served before, at its next request, which is not looked at."""

    def refusal(self, now_s: float) -> ApiError:
        """The error to answer with at this time of day, seconds since 1970."""
        assert self.status is not None
        headers = dict(self.headers)
        if self.wait_until_s is not None:
            # Such a date has whole seconds; the next one keeps the wait from being shorter.
            headers["retry-after"] = formatdate(math.ceil(now_s) + self.wait_until_s, usegmt=True)
        return ApiError(self.status, self.message, headers)


def _silent(_: Events) -> Events:
    yield PlannedEvent(0, "", b"", After.HANG)


def _before_headers(after: After) -> Callable[[Events], Events]:
    """Return the fault that ends the connection at the time of the first event."""
    return lambda events: iter([next(events)._replace(name="", body=b"", after=after)])


def _cut(after: After) -> Callable[[Events], Events]:
    """Return the fault that ends the stream with half a delta."""
    return lambda events: _halved(events, after)


def _halved(events: Events, after: After) -> Events:
    for number, event in _numbered(events):
        if number == _BEFORE:
            data = event.encoded()
            yield event._replace(body=data[: len(data) // 2], after=after)
            return
        yield event


def _numbered(events: Events) -> Iterator[tuple[int, PlannedEvent]]:
    """Yield each event with its number among the deltas, from 0, or -1 for other events."""
    numbers = count()
    for event in events:
        # In OpenAI's protocols their names end in another way.
        is_delta = event.name == "content_block_delta" or event.name.endswith(".delta")
        yield (next(numbers) if is_delta else -1), event


def _error_after_200(events: Events) -> Events:
    for number, event in _numbered(events):
        if number == _BEFORE:
            error = {"type": "overloaded_error", "message": "Overloaded"}
            yield PlannedEvent(event.offset_ns, "error", {"type": "error", "error": error})
            return
        yield event


def _no_message_stop(events: Events) -> Events:
    return (event for event in events if event.name != "message_stop")


def _inserted(events: Events, make: Callable[[PlannedEvent], PlannedEvent]) -> Events:
    """Add an event before every third delta."""
    for number, event in _numbered(events):
        if number >= 0 and number % 3 == 0:
            yield make(event)
        yield event


def _unknown_events(events: Events) -> Events:
    body = {"type": "weather_report", "outlook": {"clouds": 8}}
    return _inserted(events, lambda event: PlannedEvent(event.offset_ns, "weather_report", body))


def _unknown_deltas(events: Events) -> Events:
    def make(event: PlannedEvent) -> PlannedEvent:
        return event._replace(body={**_json(event), "delta": {"type": "scent_delta", "scent": "lilac"}})

    return _inserted(events, make)


def _odd_delta(change: Callable[[bytes], bytes]) -> Callable[[Events], Events]:
    """Return the fault that changes the bytes of a delta in mid-stream."""

    def replaced(events: Events) -> Events:
        for number, event in _numbered(events):
            yield event._replace(body=change(event.encoded())) if number == _BEFORE else event

    return replaced


def _broken_json(event: bytes) -> bytes:
    return event.rstrip()[:-1] + b"oops}\n\n"


def _broken_utf8(event: bytes) -> bytes:
    end = event.rindex(b'"')  # of the text, which stands last
    return event[:end] + b"a\xff\xfe\xc3(z" + event[end:]


def _huge_event(events: Events) -> Events:
    def enlarge(text: str) -> str:
        return (text + " huge") * (HUGE_CHARACTERS // (len(text) + 5))

    return _texts(events, lambda number, text: enlarge(text) if number == _BEFORE else text)


def _texts(events: Events, change: Callable[[int, str], str]) -> Events:
    """Change the text of each text delta."""
    numbers = count()
    for event in events:
        delta = _json(event).get("delta", {})
        if delta.get("type") == "text_delta":
            delta = {**delta, "text": change(next(numbers), delta["text"])}
            yield event._replace(body={**_json(event), "delta": delta})
        else:
            yield event


def _control_characters(events: Events) -> Events:
    return _texts(events, lambda number, text: HOSTILE[number % len(HOSTILE)] + text)


def _endless_pings(events: Events) -> Events:
    start = next(events)
    yield start
    for number in count(1):
        yield PlannedEvent(start.offset_ns + number * PING_EVERY_NS, "ping", {"type": "ping"})


def _stall(events: Events) -> Events:
    late = 0
    for number, event in _numbered(events):
        late = STALL_NS if number == _BEFORE else late
        yield event._replace(offset_ns=event.offset_ns + late)


def _empty_first_block(events: Events) -> Events:
    """Open the message and send an empty text at 50 ms; send the text when it was planned."""
    for number, event in _numbered(events):
        if number == 0:
            yield event._replace(offset_ns=EARLY_NS, body={**_json(event), "delta": {"type": "text_delta", "text": ""}})
            yield event
            break
        yield event._replace(offset_ns=EARLY_NS)
    yield from events


def _gzip(events: Events) -> Events:
    packer = zlib.compressobj(wbits=31)
    last = None
    for event in events:
        last = event
        yield event._replace(body=packer.compress(event.encoded()) + packer.flush(zlib.Z_SYNC_FLUSH))
    yield from chain(() if last is None else [last._replace(name="", body=packer.flush())])


def _json(event: PlannedEvent) -> dict[str, Any]:
    return event.body if isinstance(event.body, dict) else {}


_RATE_LIMIT = "This request would exceed your organization's rate limit."

FAULTS: Mapping[str, Fault] = {
    "close-before-headers": Fault(
        "closes instead of answering", stream=_before_headers(After.CLOSE), any_delivery=True
    ),
    "reset-before-headers": Fault(
        "resets instead of answering", stream=_before_headers(After.RESET), any_delivery=True
    ),
    "close-when-kept": Fault(
        "closes a kept connection at its next request, before any byte of the answer", when_kept=After.CLOSE
    ),
    "reset-when-kept": Fault(
        "resets a kept connection at its next request, before any byte of the answer", when_kept=After.RESET
    ),
    "silent": Fault("takes the request and never answers", stream=_silent, any_delivery=True),
    "close-mid-event": Fault("closes in the middle of an event", stream=_cut(After.CLOSE), of_bytes=True),
    "reset": Fault("resets the connection (RST) in the middle of an event", stream=_cut(After.RESET), of_bytes=True),
    "half-event-then-silence": Fault("sends half an event, then nothing more", stream=_cut(After.HANG), of_bytes=True),
    "error-after-200": Fault("sends an overloaded_error event in mid-stream", stream=_error_after_200),
    "html-200": Fault("answers 200 with a page of HTML", html=True),
    "empty-stream": Fault("answers 200 with an event stream of nothing", stream=lambda _: iter(())),
    "wrong-content-type": Fault("sends the stream as text/plain", content_type="text/plain"),
    "no-content-type": Fault("sends the stream without a content type", content_type=None),
    "other-delivery": Fault("answers in one piece where a stream was asked for, and the reverse", other_delivery=True),
    "no-message-stop": Fault("ends without message_stop", stream=_no_message_stop),
    "unknown-events": Fault("mixes in events of an unknown type", stream=_unknown_events),
    "unknown-deltas": Fault("mixes in deltas of an unknown type", stream=_unknown_deltas),
    "malformed-json": Fault("sends one delta that is no JSON", stream=_odd_delta(_broken_json), of_bytes=True),
    "invalid-utf8": Fault("sends one delta that is no UTF-8", stream=_odd_delta(_broken_utf8), of_bytes=True),
    "huge-event": Fault("sends one delta of 5 MB", stream=_huge_event),
    "endless-pings": Fault("opens the message, then sends pings for ever", stream=_endless_pings),
    "no-usage": Fault("leaves out usage", stream=odd_answers.with_usages()),
    "negative-usage": Fault(
        "sends negative token counts", stream=odd_answers.with_usages(input_tokens=-7, output_tokens=-42)
    ),
    "absurd-usage": Fault(
        "sends token counts of 10^18", stream=odd_answers.with_usages(input_tokens=10**18, output_tokens=10**18)
    ),
    "stall": Fault("pauses 400 ms in mid-stream", stream=_stall),
    "empty-first-block": Fault("opens with a ping and an empty text at 50 ms, text later", stream=_empty_first_block),
    "gzip": Fault("compresses the stream", stream=_gzip, of_bytes=True, headers={"content-encoding": "gzip"}),
    "control-characters": Fault("text with escape sequences, bidi overrides and markup", stream=_control_characters),
    "tool-use": Fault(
        "goes on with the input of a tool after five deltas",
        stream=odd_answers.with_block(
            "tool_use", "input_json_delta", "partial_json", id="toolu_sim", name="weather", input={}
        ),
    ),
    "buffered": Fault("sends the whole stream at its end, as a proxy that buffers does", stream=odd_answers.buffered),
    "bursts": Fault("sends in bursts 250 ms apart, as a proxy that collects does", stream=odd_answers.bursts),
    "tool-use-only": Fault(
        "answers with the input of a tool alone",
        stream=odd_answers.with_block(
            "tool_use", "input_json_delta", "partial_json", after=0, id="toolu_sim", name="weather", input={}
        ),
    ),
    "unknown-blocks": Fault(
        "goes on with a block of an unknown type after five deltas",
        stream=odd_answers.with_block("hologram", "hologram_delta", "hologram"),
    ),
    "refusal": Fault("refuses after five deltas, with an explanation", stream=odd_answers.refusal),
    "context-window": Fault(
        "stops where the context ends", stream=odd_answers.stopping("model_context_window_exceeded")
    ),
    "pause-turn": Fault("pauses its turn at the end", stream=odd_answers.stopping("pause_turn")),
    "redacted-thinking": Fault(
        "thinks before the text and sends none of it, but its count",
        stream=odd_answers.with_hidden_thinking(redacted=True),
    ),
    "withheld-thinking": Fault(
        "thinks before the text and sends neither it nor its count",
        stream=odd_answers.with_hidden_thinking(redacted=False),
    ),
    "zero-usage": Fault("counts no output tokens", stream=odd_answers.with_usage(output_tokens=0)),
    "excess-usage": Fault(
        "counts more output tokens than max_tokens", stream=odd_answers.with_usage(output_tokens=1_000_000)
    ),
    "start-usage": Fault("counts output tokens at the start alone", stream=odd_answers.with_usage(output_tokens=None)),
    "empty-details": Fault(
        "sends a list for the details of the count", stream=odd_answers.with_usage(output_tokens_details=[])
    ),
    "server-cache": Fault("reads the prompt from a cache that was not asked for", stream=odd_answers.cached),
    "other-model": Fault("names another model than the one asked", stream=odd_answers.by_another_model),
    "second-message": Fault("begins a second message in mid-stream", stream=odd_answers.spliced),
    "done-after-stop": Fault("sends `data: [DONE]` after the end", stream=odd_answers.with_sentinel(instead=False)),
    "done-for-stop": Fault(
        "sends `data: [DONE]` instead of message_stop", stream=odd_answers.with_sentinel(instead=True)
    ),
    "gateway-502": Fault(
        "a proxy answers 502 with a page of its own",
        status=502,
        headers={"server": "nginx/1.22.1", "content-type": "text/html"},
        body=b"<html><head><title>502 Bad Gateway</title></head></html>",
    ),
    "gateway-login": Fault(
        "a proxy redirects to a login", status=302, headers={"location": "https://login.example/sso"}, body=b""
    ),
    "gateway-detail": Fault(
        "a gateway refuses by `detail`",
        status=422,
        headers={"content-type": "application/json"},
        body=b'{"detail":[{"loc":["body","top_k"],"msg":"Input should be a valid integer"}]}',
    ),
    "gateway-text": Fault(
        "a gateway refuses in plain text",
        status=503,
        headers={"content-type": "text/plain"},
        body=b"no healthy upstream",
    ),
    "gateway-200": Fault(
        "a gateway says an error with status 200",
        status=200,
        headers={"content-type": "application/json"},
        body=b'{"error":{"message":"no healthy upstream","code":503}}',
    ),
    "retry-after-ms": Fault(
        "answers 429 with retry-after-ms: 300 to every other request of the same content",
        status=429,
        message=_RATE_LIMIT,
        headers={"retry-after-ms": "300"},
        then_ok=True,
    ),
    "retry-after-date": Fault(
        "answers 429 with retry-after: a date 1 to 2 s ahead to every other request of the same content",
        status=429,
        message=_RATE_LIMIT,
        wait_until_s=1,
        then_ok=True,
    ),
    "retry-after-long": Fault(
        "answers 429 with retry-after: 3600", status=429, message=_RATE_LIMIT, headers={"retry-after": "3600"}
    ),
    "retry-after-date-long": Fault(
        "answers 429 with retry-after: a date an hour ahead", status=429, message=_RATE_LIMIT, wait_until_s=3600
    ),
    "error-400": Fault("answers 400", status=400, message="The simulator was asked for this error."),
    "error-401": Fault("answers 401", status=401, message="invalid x-api-key"),
    "error-403": Fault("answers 403", status=403, message="Your API key does not have permission to use this model."),
    "error-404": Fault("answers 404", status=404, message="Not found"),
    "error-413": Fault("answers 413", status=413, message="Request exceeds the maximum size"),
    "error-429": Fault(
        "answers 429 with retry-after: 1", status=429, message=_RATE_LIMIT, headers={"retry-after": "1"}
    ),
    "429-then-ok": Fault(
        "answers 429 with retry-after: 1 to every other request of the same content, from the first",
        status=429,
        message=_RATE_LIMIT,
        headers={"retry-after": "1"},
        then_ok=True,
    ),
    "error-500": Fault("answers 500", status=500, message="Internal server error"),
    "error-504": Fault("answers 504", status=504, message="The request took too long to process."),
    "error-529": Fault("answers 529", status=529, message="Overloaded"),
}
"""All faults by name."""
