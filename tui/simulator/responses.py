"""The Responses API in front of the same simulated models: its requests, typed events, responses and errors.

A request is turned into one of the Messages API, and the events of the answer into typed events at the same times.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tui.simulator.openai import COMMON, common_fields, counts, effort, first_text, refuse_fields, with_schema
from tui.simulator.profiles import Profile
from tui.simulator.replies import ApiError, PlannedEvent, check_object, required

PATH = "/v1/responses"

_FIELDS = COMMON | {
    "background", "context_management", "conversation", "include", "input", "instructions", "max_output_tokens",
    "max_tool_calls", "previous_response_id", "prompt", "reasoning", "text", "truncation",
}  # fmt: skip
_REASONING = ("context", "effort", "generate_summary", "mode", "summary")
_STATEFUL = ("background", "conversation", "previous_response_id", "prompt")
_INCOMPLETE = {
    "max_tokens": "max_output_tokens",
    "model_context_window_exceeded": "max_output_tokens",
    "refusal": "content_filter",
}
_CODES = {"overloaded_error": "server_is_overloaded", "rate_limit_error": "rate_limit_exceeded"}


def message_fields(fields: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """The same request in the Messages API's words. Raises ApiError where a server of this protocol would refuse it."""
    refuse_fields(fields, _FIELDS)
    for name in _STATEFUL:
        if fields.get(name):
            raise ApiError(400, f"Unsupported parameter: '{name}': the simulator keeps no responses.")
    given = required(fields, "input")
    turns = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(turns, list):
        raise ApiError(400, "Invalid type for 'input': expected a string or an array of items.")
    if instructions := fields.get("instructions"):
        turns = [{"role": "system", "content": instructions}, *turns]
    reasoning = check_object(fields.get("reasoning") or {}, "reasoning", _REASONING)
    asked = common_fields(fields, profile, fields.get("max_output_tokens"), turns)
    asked |= effort(reasoning.get("effort"), profile, "reasoning.effort")
    text = check_object(fields.get("text") or {}, "text", ("format", "verbosity"))
    return with_schema(asked, text.get("format"), "text.format")


def streamed(events: Iterable[PlannedEvent], given: Mapping[str, Any]) -> Iterator[PlannedEvent]:
    """The events of a message as typed events, at the same times. `given` is what was asked."""
    return _Told(given).all(events)


def whole(events: Iterable[PlannedEvent], given: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """The response that all events add up to, in one piece, and its offset in nanoseconds."""
    told = _Told(given)
    (*_, last) = told.all(events)
    return told.response, last.offset_ns


class _Told:
    """A response as it is told, event by event."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        reasoning = given.get("reasoning") or {}
        self._summarises = bool(reasoning.get("summary") or reasoning.get("generate_summary"))
        self._number = 0
        self._item: dict[str, Any] = {}
        """The item that is open."""
        self._said: list[str] = []
        """Its text so far."""
        self._stop_reason = ""
        self.response: dict[str, Any] = {
            "id": "",
            "object": "response",
            "created_at": 0,
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "instructions": given.get("instructions"),
            "max_output_tokens": given.get("max_output_tokens"),
            "model": given["model"],
            "output": [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
            "service_tier": "default",
            "store": given.get("store", True),
            "temperature": given.get("temperature", 1.0),
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": given.get("tools") or [],
            "top_p": given.get("top_p", 1.0),
            "truncation": "disabled",
            "usage": None,
            "metadata": {},
        }

    def all(self, events: Iterable[PlannedEvent]) -> Iterator[PlannedEvent]:
        for event in events:
            if isinstance(event.body, bytes):
                yield event
            else:
                yield from self._one(event, event.body)

    def _one(self, event: PlannedEvent, body: dict[str, Any]) -> Iterator[PlannedEvent]:
        at = event.offset_ns
        match event.name:
            case "message_start":
                self.response["id"] = "resp_" + str(body["message"]["id"]).removeprefix("msg_")
                self.response["model"] = body["message"]["model"]
                yield self._event(at, "response.created", response=dict(self.response))
                yield self._event(at, "response.in_progress", response=dict(self.response))
            case "content_block_start":
                yield from self._open(at, body["content_block"])
            case "content_block_delta":
                yield from (one._replace(after=event.after) for one in self._change(at, body["delta"]))
            case "content_block_stop":
                yield from self._close(at)
            case "message_delta":
                self._stop_reason = body["delta"]["stop_reason"]
                self.response["usage"] = _usage(body["usage"]) if body.get("usage") else None
            case "message_stop":
                yield self._over(at)
            case "error":
                code = _CODES.get(body["error"]["type"], "server_error")
                self.response |= {"status": "failed", "error": {"code": code, "message": body["error"]["message"]}}
                yield self._event(at, "response.failed", response=self.response)
            case "ping":
                yield PlannedEvent(at, "comment", b": ping\n\n")
            case _:
                yield event

    def _open(self, at: int, block: Mapping[str, Any]) -> Iterator[PlannedEvent]:
        kind = block["type"]
        number = len(self.response["output"])
        item: dict[str, Any] = {"id": f"item_{number}", "type": kind, "status": "in_progress"}
        if kind in ("thinking", "redacted_thinking"):
            item = {"id": f"rs_{number}", "type": "reasoning", "summary": []}
        elif kind == "text":
            item |= {"id": f"msg_{number}", "type": "message", "role": "assistant", "content": []}
        elif kind == "tool_use":
            item |= {"id": f"fc_{number}", "type": "function_call", "call_id": "call_sim", "name": block["name"]}
            item["arguments"] = ""
        self._item, self._said = item, []
        yield self._event(at, "response.output_item.added", output_index=number, item=dict(item))
        if kind == "text":
            yield self._of_part(at, "response.content_part.added", part=_text_part(""))

    def _change(self, at: int, delta: Mapping[str, Any]) -> Iterator[PlannedEvent]:
        words = first_text(value for name, value in delta.items() if name != "type")
        match delta["type"]:
            case "text_delta":
                self._said.append(words)
                yield self._of_part(at, "response.output_text.delta", logprobs=[], delta=words)
            case "thinking_delta":
                if not self._summarises:
                    return
                if not self._said:
                    part = {"type": "summary_text", "text": ""}
                    yield self._of_summary(at, "response.reasoning_summary_part.added", part=part)
                self._said.append(words)
                yield self._of_summary(at, "response.reasoning_summary_text.delta", delta=words)
            case "input_json_delta":
                self._said.append(words)
                yield self._of_item(at, "response.function_call_arguments.delta", delta=words)
            case "signature_delta":
                pass
            case kind:
                yield self._of_item(at, f"response.{kind.removesuffix('_delta')}.delta", delta=words)

    def _close(self, at: int) -> Iterator[PlannedEvent]:
        words, kind = "".join(self._said), self._item["type"]
        if kind == "message":
            yield self._of_part(at, "response.output_text.done", logprobs=[], text=words)
            yield self._of_part(at, "response.content_part.done", part=_text_part(words))
            self._item["content"] = [_text_part(words)]
        elif kind == "reasoning" and words:
            part = {"type": "summary_text", "text": words}
            yield self._of_summary(at, "response.reasoning_summary_text.done", text=words)
            yield self._of_summary(at, "response.reasoning_summary_part.done", part=part)
            self._item["summary"] = [part]
        elif kind == "function_call":
            self._item["arguments"] = words
            name = self._item["name"]
            yield self._of_item(at, "response.function_call_arguments.done", name=name, arguments=words)
        if kind != "reasoning":
            self._item["status"] = "completed"
        number = len(self.response["output"])
        self.response["output"].append(self._item)
        yield self._event(at, "response.output_item.done", output_index=number, item=self._item)

    def _over(self, at: int) -> PlannedEvent:
        reason = _INCOMPLETE.get(self._stop_reason)
        self.response["status"] = "incomplete" if reason else "completed"
        self.response["incomplete_details"] = {"reason": reason} if reason else None
        return self._event(at, f"response.{self.response['status']}", response=self.response)

    def _of_item(self, at: int, kind: str, **fields: object) -> PlannedEvent:
        return self._event(at, kind, item_id=self._item["id"], output_index=len(self.response["output"]), **fields)

    def _of_part(self, at: int, kind: str, **fields: object) -> PlannedEvent:
        return self._of_item(at, kind, content_index=0, **fields)

    def _of_summary(self, at: int, kind: str, **fields: object) -> PlannedEvent:
        return self._of_item(at, kind, summary_index=0, **fields)

    def _event(self, at: int, kind: str, **fields: object) -> PlannedEvent:
        self._number += 1
        return PlannedEvent(at, kind, {"type": kind, "sequence_number": self._number - 1, **fields})


def _text_part(words: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": words}


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    prompt, read, written, output, reasoning = counts(usage)
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": prompt + output,
    }
