"""Bad streams and refusals, on demand: each by name, for all requests (`--fault`) or one (`x-simulator-fault`).

A fault of the stream is a function from the planned events to other ones, so that it can be tested without a socket.
Faults concern `POST /v1/messages`; those of the stream do nothing to an answer in one piece.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from tui.simulator.planned import After, Planned

Events = Iterator[Planned]

_BEFORE = 5
"""How many deltas go out before a fault in mid-stream."""

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
"""Texts that must not reach the terminal as they are."""


@dataclass(frozen=True)
class Fault:
    """One fault."""

    help: str
    """What happens, in a few words."""
    stream: Callable[[Events], Events] | None = None
    """What becomes of the events."""
    status: int | None = None
    """The error to answer with."""
    message: str = ""
    """The error's message."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further response headers."""
    html: bool = False
    """Whether the answer is a page of HTML."""
    then_ok: bool = False
    """Whether only every other request of the same content meets it, beginning with the first."""
    any_delivery: bool = False
    """Whether the fault of the stream concerns answers in one piece too: it ends before the first byte."""


def _silent(_: Events) -> Events:
    yield Planned(0, "", b"", After.HANG)


def _close_before_headers(events: Events) -> Events:
    yield next(events)._replace(name="", body=b"", after=After.CLOSE)


def _reset_before_headers(events: Events) -> Events:
    yield next(events)._replace(name="", body=b"", after=After.RESET)


def _empty(_: Events) -> Events:
    return iter(())


def _close_mid_event(events: Events) -> Events:
    return _cut(events, After.CLOSE)


def _reset(events: Events) -> Events:
    return _cut(events, After.RESET)


def _half_event(events: Events) -> Events:
    return _cut(events, After.HANG)


def _cut(events: Events, after: After) -> Events:
    """The events up to half of one delta."""
    for number, event in _numbered(events):
        if number == _BEFORE:
            data = event.encoded()
            yield event._replace(body=data[: len(data) // 2], after=after)
            return
        yield event


def _numbered(events: Events) -> Iterator[tuple[int, Planned]]:
    """Each event with its number among the deltas, from 0; others with -1."""
    numbers = count()
    for event in events:
        yield (next(numbers) if event.name == "content_block_delta" else -1), event


def _error_after_200(events: Events) -> Events:
    for number, event in _numbered(events):
        if number == _BEFORE:
            error = {"type": "overloaded_error", "message": "Overloaded"}
            yield Planned(event.offset_ns, "error", {"type": "error", "error": error})
            return
        yield event


def _no_message_stop(events: Events) -> Events:
    return (event for event in events if event.name != "message_stop")


def _inserted(events: Events, make: Callable[[Planned], Planned]) -> Events:
    """The events with one more before every third delta."""
    for number, event in _numbered(events):
        if number >= 0 and number % 3 == 0:
            yield make(event)
        yield event


def _unknown_events(events: Events) -> Events:
    body = {"type": "weather_report", "outlook": {"clouds": 8}}
    return _inserted(events, lambda event: Planned(event.offset_ns, "weather_report", body))


def _unknown_deltas(events: Events) -> Events:
    def make(event: Planned) -> Planned:
        return event._replace(body={**_json(event), "delta": {"type": "scent_delta", "scent": "lilac"}})

    return _inserted(events, make)


def _raw_delta(events: Events, data: bytes) -> Events:
    """The events with one delta in mid-stream as `data`."""
    for number, event in _numbered(events):
        yield (
            event._replace(body=b"event: content_block_delta\ndata: " + data + b"\n\n") if number == _BEFORE else event
        )


def _malformed_json(events: Events) -> Events:
    return _raw_delta(events, b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"oops}')


def _invalid_utf8(events: Events) -> Events:
    data = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\xff\xfe\xc3(z"}}'
    return _raw_delta(events, data)


def _huge_event(events: Events) -> Events:
    def enlarge(text: str) -> str:
        return (text + " huge") * (HUGE_CHARACTERS // (len(text) + 5))

    return _texts(events, lambda number, text: enlarge(text) if number == _BEFORE else text)


def _texts(events: Events, change: Callable[[int, str], str]) -> Events:
    """The events with the text of each text delta changed."""
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
        yield Planned(start.offset_ns + number * PING_EVERY_NS, "ping", {"type": "ping"})


def _usage(events: Events, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Events:
    """The events with both usages changed; None takes them out."""
    for event in events:
        body = _json(event)
        if event.name == "message_start":
            yield event._replace(body={**body, "message": _with_usage(body["message"], change)})
        elif event.name == "message_delta":
            yield event._replace(body=_with_usage(body, change))
        else:
            yield event


def _with_usage(holder: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> dict[str, Any]:
    usage = change(holder["usage"])
    rest = {name: value for name, value in holder.items() if name != "usage"}
    return rest if usage is None else {**rest, "usage": usage}


def _no_usage(events: Events) -> Events:
    return _usage(events, lambda _: None)


def _negative_usage(events: Events) -> Events:
    return _usage(events, lambda usage: {**usage, "input_tokens": -7, "output_tokens": -42})


def _absurd_usage(events: Events) -> Events:
    return _usage(events, lambda usage: {**usage, "input_tokens": 10**18, "output_tokens": 10**18})


def _stall(events: Events) -> Events:
    late = 0
    for number, event in _numbered(events):
        late = STALL_NS if number == _BEFORE else late
        yield event._replace(offset_ns=event.offset_ns + late)


def _empty_first_block(events: Events) -> Events:
    """All that opens the message, and an empty text, at 50 ms; the text when it was planned."""
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


def _json(event: Planned) -> dict[str, Any]:
    return event.body if isinstance(event.body, dict) else {}


FAULTS: Mapping[str, Fault] = {
    "close-before-headers": Fault("closes instead of answering", stream=_close_before_headers, any_delivery=True),
    "reset-before-headers": Fault("resets instead of answering", stream=_reset_before_headers, any_delivery=True),
    "silent": Fault("takes the request and never answers", stream=_silent, any_delivery=True),
    "close-mid-event": Fault("closes in the middle of an event", stream=_close_mid_event),
    "reset": Fault("resets the connection (RST) in the middle of an event", stream=_reset),
    "half-event-then-silence": Fault("sends half an event, then nothing more", stream=_half_event),
    "error-after-200": Fault("sends an overloaded_error event in mid-stream", stream=_error_after_200),
    "html-200": Fault("answers 200 with a page of HTML", html=True),
    "empty-stream": Fault("answers 200 with an event stream of nothing", stream=_empty),
    "no-message-stop": Fault("ends without message_stop", stream=_no_message_stop),
    "unknown-events": Fault("mixes in events of an unknown type", stream=_unknown_events),
    "unknown-deltas": Fault("mixes in deltas of an unknown type", stream=_unknown_deltas),
    "malformed-json": Fault("sends one delta that is no JSON", stream=_malformed_json),
    "invalid-utf8": Fault("sends one delta that is no UTF-8", stream=_invalid_utf8),
    "huge-event": Fault("sends one delta of 5 MB", stream=_huge_event),
    "endless-pings": Fault("opens the message, then sends pings for ever", stream=_endless_pings),
    "no-usage": Fault("leaves out usage", stream=_no_usage),
    "negative-usage": Fault("sends negative token counts", stream=_negative_usage),
    "absurd-usage": Fault("sends token counts of 10^18", stream=_absurd_usage),
    "stall": Fault("pauses 400 ms in mid-stream", stream=_stall),
    "empty-first-block": Fault("opens with a ping and an empty text at 50 ms, text later", stream=_empty_first_block),
    "gzip": Fault("compresses the stream", stream=_gzip, headers={"content-encoding": "gzip"}),
    "control-characters": Fault("text with escape sequences, bidi overrides and markup", stream=_control_characters),
    "error-400": Fault("answers 400", status=400, message="The simulator was asked for this error."),
    "error-401": Fault("answers 401", status=401, message="invalid x-api-key"),
    "error-403": Fault("answers 403", status=403, message="Your API key does not have permission to use this model."),
    "error-404": Fault("answers 404", status=404, message="Not found"),
    "error-413": Fault("answers 413", status=413, message="Request exceeds the maximum size"),
    "error-429": Fault(
        "answers 429 with retry-after: 1",
        status=429,
        message="This request would exceed your organization's rate limit.",
        headers={"retry-after": "1"},
    ),
    "429-then-ok": Fault(
        "answers 429 with retry-after: 1 to every other request of the same content, from the first",
        status=429,
        message="This request would exceed your organization's rate limit.",
        headers={"retry-after": "1"},
        then_ok=True,
    ),
    "error-500": Fault("answers 500", status=500, message="Internal server error"),
    "error-504": Fault("answers 504", status=504, message="The request took too long to process."),
    "error-529": Fault("answers 529", status=529, message="Overloaded"),
}
"""Every fault by name."""
