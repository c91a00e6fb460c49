"""Message threads: conversations that the simulator keeps for five minutes, so that only new turns are sent (beta)."""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import tee
from typing import Any

import msgspec

from tui.simulator import script
from tui.simulator.replies import ApiError, PlannedEvent, check_object, one_of

BETA = "message-threads-2026-08-12"
_LIFETIME_NS = 300 * 1_000_000_000
_MOST_KEPT = 512
_KEPT = ("system", "tools", "messages")
"""Fields of a request that its thread keeps."""


class _Thread(msgspec.Struct):
    fields: dict[str, Any]
    tokens: int
    """Those of the conversation, the latest answer included."""
    until_ns: int
    is_continued: bool = False


class Threads:
    """Threads by the id of their latest answer."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._kept: dict[str, _Thread] = {}

    def whole(self, fields: dict[str, Any], betas: Collection[str]) -> tuple[dict[str, Any], int]:
        """The request with all that its thread holds, and how many tokens that is. Raises ApiError."""
        asked = fields.get("thread")
        if asked is None:
            return fields, 0
        if BETA not in betas:
            raise ApiError(400, "thread: Extra inputs are not permitted")
        check_object(asked, "thread", ("type", "previous_message_id"))
        one_of(asked.get("type"), "thread.type", ("create", "continue"))
        if asked["type"] == "create":
            return fields, 0
        for name in ("system", "tools"):
            if name in fields:
                raise ApiError(400, f"{name}: may not be sent when a thread is continued")
        thread = self._kept.get(str(asked.get("previous_message_id")))
        if thread is None or thread.until_ns < self._now_ns():
            raise ApiError(404, "No usable thread was found for `previous_message_id`.", code="thread_not_found")
        if thread.is_continued:
            raise ApiError(409, "This thread was continued already.", code="thread_already_continued")
        new = fields.get("messages")
        if not isinstance(new, list):
            raise ApiError(400, "messages: Input should be a valid list")
        thread.is_continued = True
        return {**fields, **thread.fields, "messages": [*thread.fields["messages"], *new]}, thread.tokens

    def keep(self, fields: Mapping[str, Any], tokens: int, events: Iterator[PlannedEvent]) -> Iterator[PlannedEvent]:
        """The same events; the conversation with the answer that they make is kept under its id."""
        told, events = tee(events)
        message, _ = script.folded(told)
        said = [block for block in message["content"] if block.get("text") != ""]
        self._kept[message["id"]] = _Thread(
            fields={
                **{name: fields[name] for name in _KEPT if name in fields},
                "messages": [*fields["messages"], {"role": "assistant", "content": said}],
            },
            tokens=tokens + message["usage"]["output_tokens"],
            until_ns=self._now_ns() + _LIFETIME_NS,
        )
        while len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return events
