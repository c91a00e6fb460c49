"""Answers that are right and unusual: content that is not text, other endings, odd counts, and what gateways add.

Each function turns the planned events of a usual answer into those of such a one.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from tui.simulator.replies import PlannedEvent

Events = Iterator[PlannedEvent]

TEXT_DELTAS = 5
"""Deltas of text before what is unusual begins."""
HIDDEN_TOKENS = 25
BURSTS_EVERY_NS = 250_000_000
OTHER_MODEL = "sim-other"
EXPLANATION = "The simulator was asked to refuse."


def with_block(
    kind: str, delta: str, field: str, *, after: int = TEXT_DELTAS, **head: object
) -> Callable[[Events], Events]:
    """From delta `after` on, the text comes in a block of this kind, by deltas with this field."""

    def changed(events: Events) -> Events:
        seen, index = 0, 0
        for event in events:
            body = _json(event)
            if event.name == "content_block_delta" and body["delta"]["type"] == "text_delta":
                if seen == after:
                    index = body["index"] + 1
                    yield _event(event, "content_block_stop", index=body["index"])
                    yield _event(event, "content_block_start", index=index, content_block={"type": kind, **head})
                if seen >= after:
                    text = {"type": delta, field: body["delta"]["text"]}
                    event = _event(event, "content_block_delta", index=index, delta=text)
                seen += 1
            elif event.name == "content_block_stop" and index:
                event = _event(event, "content_block_stop", index=index)
            elif event.name == "message_delta" and kind == "tool_use":
                event = _stopped(event, "tool_use")
            yield event

    return changed


def refusal(events: Events) -> Events:
    """Text that stops for a refusal."""
    seen = 0
    for event in events:
        seen += event.name == "content_block_delta"
        if event.name == "content_block_delta" and seen > TEXT_DELTAS:
            continue
        if event.name == "message_delta":
            details = {"type": "refusal", "category": "general_harms", "explanation": EXPLANATION}
            event = _stopped(event, "refusal", stop_details=details)
        yield event


def stopping(reason: str) -> Callable[[Events], Events]:
    """The usual answer with another stop reason."""
    return lambda events: (_stopped(event, reason) if event.name == "message_delta" else event for event in events)


def with_hidden_thinking(*, redacted: bool) -> Callable[[Events], Events]:
    """A block of thinking before the text of which nothing is sent; redacted, the usage says how long it was."""

    def changed(events: Events) -> Events:
        start = next(events)
        yield start
        block = {"type": "redacted_thinking", "data": "c2lt"} if redacted else {"type": "thinking", "thinking": ""}
        yield _event(start, "content_block_start", index=0, content_block=block)
        if not redacted:
            yield _event(start, "content_block_delta", index=0, delta={"type": "signature_delta", "signature": "c2lt"})
        yield _event(start, "content_block_stop", index=0)
        for event in events:
            usage = _json(event).get("usage")
            if isinstance(usage, dict):
                hidden = {"thinking_tokens": HIDDEN_TOKENS} if redacted else None
                counts = {"output_tokens": usage["output_tokens"] + HIDDEN_TOKENS, "output_tokens_details": hidden}
                event = event._replace(body={**_json(event), "usage": {**usage, **counts}})
            yield event

    return changed


def with_usage(**counts: object) -> Callable[[Events], Events]:
    """The usual answer with these fields of the usage at its end; None takes one out."""

    def changed(event: PlannedEvent) -> PlannedEvent:
        if event.name != "message_delta":
            return event
        usage = {**_json(event)["usage"], **counts}
        kept = {name: value for name, value in usage.items() if value is not None}
        return event._replace(body={**_json(event), "usage": kept})

    return lambda events: map(changed, events)


def with_usages(**counts: int) -> Callable[[Events], Events]:
    """The usual answer with these counts in both usages, or without any usage where none are given."""

    def changed(events: Events) -> Events:
        for event in events:
            body = _json(event)
            if event.name == "message_start":
                yield event._replace(body={**body, "message": without_or_with(body["message"])})
            else:
                yield event._replace(body=without_or_with(body)) if event.name == "message_delta" else event

    def without_or_with(holder: dict[str, Any]) -> dict[str, Any]:
        rest = {name: value for name, value in holder.items() if name != "usage"}
        return {**rest, "usage": holder["usage"] | counts} if counts else rest

    return changed


def cached(events: Events) -> Events:
    """The usual answer of a server that reads all but one token of the prompt from a cache of its own."""
    for event in events:
        body = _json(event)
        holder = body.get("message", body)
        if "usage" in holder:
            usage = holder["usage"]
            prompt = usage["input_tokens"] + usage["cache_read_input_tokens"]
            holder["usage"] = {**usage, "input_tokens": 1, "cache_read_input_tokens": prompt - 1}
        yield event


def by_another_model(events: Events) -> Events:
    """The usual answer, by another model than the one asked."""
    for event in events:
        if event.name == "message_start":
            _json(event)["message"]["model"] = OTHER_MODEL
        yield event


def spliced(events: Events) -> Events:
    """An answer in the middle of which a second message begins."""
    start = next(events)
    yield start
    seen = 0
    for event in events:
        seen += event.name == "content_block_delta"
        if event.name == "content_block_delta" and seen > TEXT_DELTAS:
            message = {**_json(start)["message"], "id": "msg_second"}
            yield _event(event, "message_start", message=message)
            seen = -1_000_000
        yield event


def with_sentinel(*, instead: bool) -> Callable[[Events], Events]:
    """The usual answer with the end of OpenAI's streams, `data: [DONE]`, after its own or instead."""

    def changed(events: Events) -> Events:
        for event in events:
            if event.name != "message_stop":
                yield event
                continue
            if not instead:
                yield event
            yield event._replace(name="", body=b"data: [DONE]\n\n")

    return changed


def buffered(events: Events) -> Events:
    """Hold everything back until the end, as a proxy does that compresses or collects."""
    found = list(events)
    return _together(event._replace(offset_ns=found[-1].offset_ns) for event in found)


def bursts(events: Events) -> Events:
    """Hold everything back until the next of moments `BURSTS_EVERY_NS` apart, as one does that waits for more."""
    return _together(
        event._replace(offset_ns=-(-event.offset_ns // BURSTS_EVERY_NS) * BURSTS_EVERY_NS) for event in events
    )


def _together(events: Events) -> Events:
    """Join the events of each moment into one write."""
    for _, at_once in groupby(events, key=lambda event: event.offset_ns):
        found = list(at_once)
        yield found[-1]._replace(name="", body=b"".join(event.encoded() for event in found))


def _stopped(event: PlannedEvent, reason: str, **more: object) -> PlannedEvent:
    body = _json(event)
    return event._replace(body={**body, "delta": {**body["delta"], "stop_reason": reason, **more}})


def _event(at: PlannedEvent, name: str, **body: object) -> PlannedEvent:
    return PlannedEvent(at.offset_ns, name, {"type": name, **body})


def _json(event: PlannedEvent) -> dict[str, Any]:
    return event.body if isinstance(event.body, dict) else {}
