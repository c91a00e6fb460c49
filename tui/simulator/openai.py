"""Fields of requests, errors, counts and the list of models that OpenAI's two protocols share in the simulator."""

from collections.abc import Iterable, Mapping
from typing import Any

from tui.simulator.profiles import Profile
from tui.simulator.replies import ApiError, Reply, integer, json_reply
from tui.simulator.tokens import file_of_part

SYSTEM_ROLES = ("system", "developer")
COMMON = frozenset(
    {
        "metadata", "model", "moderation", "parallel_tool_calls", "prompt_cache_key", "prompt_cache_options",
        "prompt_cache_retention", "safety_identifier", "service_tier", "store", "stream", "stream_options",
        "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user",
    }
)  # fmt: skip
"""Fields of requests of both."""
_CHOICES = {"none": "none", "auto": "auto", "required": "any"}
"""Choices of a tool, each with the Messages API's word."""
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")


def refuse_fields(fields: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raise ApiError if the request has a field that is not `known`."""
    for name in fields:
        if name not in known:
            raise ApiError(400, f"Unknown parameter: '{name}'.")


def common_fields(fields: Mapping[str, Any], profile: Profile, most: object, turns: list[Any]) -> dict[str, Any]:
    """The fields of a request of the Messages API for the same: `most` tokens, turns, sampling, tier and tools.

    Raises ApiError where a server of these protocols would refuse them.
    """
    if not all(isinstance(turn, dict) for turn in turns):
        raise ApiError(400, "Invalid type for the conversation: expected an array of objects.")
    said = [{"role": turn.get("role"), "content": _words(turn.get("content"))} for turn in turns]
    told = [_turn(turn) for turn in turns if turn.get("role") not in SYSTEM_ROLES]
    asked: dict[str, Any] = {
        "model": fields["model"],
        "messages": _joined(told),
        "max_tokens": profile.max_output_tokens if most is None else integer(most, "max_tokens", least=1),
        "stream": fields.get("stream") or False,
    }
    if system := [turn["content"] for turn in said if turn["role"] in SYSTEM_ROLES]:
        asked["system"] = "\n".join(system)
    for name, limit in (("temperature", 2), ("top_p", 1)):
        if (value := fields.get(name)) is not None:
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= limit:
                raise ApiError(400, f"Invalid '{name}': expected a number from 0 to {limit}.")
            if not profile.sampling and value != 1:
                raise ApiError(400, f"Unsupported value: '{name}' does not support {value} with this model.")
    if fields.get("service_tier") not in (None, *_TIERS):
        raise ApiError(400, f"Invalid value for 'service_tier'. Supported values are: {', '.join(_TIERS)}.")
    if fields.get("tools"):
        asked["tools"] = [_tool(tool) for tool in fields["tools"]]
    if fields.get("tool_choice") is not None:
        asked |= _choice_of_tool(fields["tool_choice"], profile)
    return asked


def _choice_of_tool(choice: object, profile: Profile) -> dict[str, Any]:
    """The fields of the Messages API for a choice of a tool; its name stands in `function` in one of the protocols."""
    if isinstance(choice, str):
        if choice not in _CHOICES:
            raise ApiError(400, f"Invalid value: 'tool_choice'. Supported values are: {', '.join(_CHOICES)}.")
        chosen: dict[str, Any] = {"type": _CHOICES[choice]}
    elif isinstance(choice, dict) and choice.get("type") == "function":
        told = choice.get("function", choice)
        chosen = {"type": "tool", "name": told.get("name") if isinstance(told, dict) else None}
    else:
        raise ApiError(400, "Invalid type for 'tool_choice': expected a word or a function.")
    # Only the Messages API refuses a forced call of a model that thinks.
    is_forced, can_stop = chosen["type"] in ("any", "tool"), "disabled" in profile.thinking
    return {"tool_choice": chosen, **({"thinking": {"type": "disabled"}} if is_forced and can_stop else {})}


def _tool(tool: Any) -> Any:
    """A tool in the Messages API's words; its description stands in `function` in one of the two protocols."""
    if not isinstance(tool, dict) or tool.get("type") != "function":
        return tool
    told = tool.get("function") or tool
    schema = told.get("parameters") or {"type": "object", "properties": {}}
    return {"name": told.get("name"), "description": told.get("description", ""), "input_schema": schema}


def _turn(turn: Mapping[str, Any]) -> dict[str, Any]:
    """A turn in the Messages API's words: what was said, calls of tools, or the result of one."""
    if turn.get("role") == "tool" or turn.get("type") == "function_call_output":
        result = _words(turn.get("content") or turn.get("output"))
        called = turn.get("tool_call_id") or turn.get("call_id")
        return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": called, "content": result}]}
    calls = [{**call.get("function", {}), "id": call.get("id")} for call in turn.get("tool_calls") or ()]
    if turn.get("type") == "function_call":
        calls = [{**turn, "id": turn.get("call_id")}]
    if not calls:
        parts = turn.get("content")
        files = [file_of_part(each) for each in parts if isinstance(each, dict)] if isinstance(parts, list) else []
        if found := [block for block in files if block is not None]:
            return {"role": turn.get("role"), "content": [*found, {"type": "text", "text": _words(parts)}]}
        return {"role": turn.get("role"), "content": _words(parts)}
    words = _words(turn.get("content"))
    blocks: list[dict[str, Any]] = [{"type": "text", "text": words}] if words else []
    blocks += [{"type": "tool_use", "id": call["id"], "name": call.get("name"), "input": {}} for call in calls]
    return {"role": "assistant", "content": blocks}


def _joined(turns: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The turns with those behind each other of one role joined, where one is more than words."""
    joined: list[dict[str, Any]] = []
    for turn in turns:
        before = joined[-1] if joined else None
        if before and before["role"] == turn["role"] and not isinstance(turn["content"], str):
            said = before["content"]
            said = [{"type": "text", "text": said}] if isinstance(said, str) and said else said or []
            joined[-1] = {**before, "content": [*said, *turn["content"]]}
        else:
            joined.append(turn)
    return joined


def effort(level: object, profile: Profile, name: str) -> dict[str, Any]:
    """The fields of the Messages API for this effort of reasoning, which the protocol calls `name`."""
    if level is None:
        return {}
    if level not in _EFFORTS:
        raise ApiError(400, f"Invalid value for '{name}'. Supported values are: {', '.join(_EFFORTS)}.")
    if level == "none":
        return {"thinking": {"type": "disabled"}} if "disabled" in profile.thinking else {}
    if not profile.effort:
        raise ApiError(400, f"Unsupported parameter: '{name}' is not supported with this model.")
    return {"output_config": {"effort": "low" if level == "minimal" else level}}


def with_schema(asked: dict[str, Any], form: object, name: str) -> dict[str, Any]:
    """The same with the schema of structured output that `form`, the field `name`, asks for; without one as it is."""
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return asked
    schema = form.get("json_schema", form)
    if not isinstance(schema, dict) or not isinstance(schema.get("schema"), dict) or not schema.get("name"):
        raise ApiError(400, f"Missing required parameter: '{name}.json_schema'.")
    config = {**asked.get("output_config", {}), "format": {"type": "json_schema", "schema": schema["schema"]}}
    return {**asked, "output_config": config}


def counts(usage: Mapping[str, Any]) -> tuple[int, int, int, int, int]:
    """Counts as these protocols have them: input with what a cache held or took, those two, output, its reasoning."""
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    details = usage.get("output_tokens_details") or {}
    prompt = usage["input_tokens"] + written + read
    return prompt, read, written, usage.get("output_tokens", 0), details.get("thinking_tokens", 0)


def error(kind: str, message: str) -> dict[str, Any]:
    """The object that says what went wrong."""
    return {"message": message, "type": kind, "param": None, "code": None}


def error_reply(refused: ApiError, headers: Mapping[str, str]) -> Reply:
    """The refusal in the shape of these protocols."""
    return json_reply({"error": error(refused.type, str(refused))}, {**headers, **refused.headers}, refused.status)


def models(profiles: Mapping[str, Profile]) -> dict[str, Any]:
    """The list of `GET /v1/models` in the shape of these protocols."""
    listed = [name for name, profile in profiles.items() if profile.listed]
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "simulator"} for name in listed]
    return {"object": "list", "data": data}


def first_text(values: Iterable[object]) -> str:
    """The first text among them; empty without one."""
    return next((value for value in values if isinstance(value, str)), "")


def _words(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part["text"]) for part in parts if isinstance(part, dict) and "text" in part)
