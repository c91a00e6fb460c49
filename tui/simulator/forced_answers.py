"""Answers of a given form: the input of a tool that must be called, and structured output.

Both are JSON made from a schema, the same one every time. A tool is called only where `tool_choice` forces it, or where
the user's last words say to call or use it by its name, so that no agent runs anything that its user did not ask for.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tui.simulator.replies import ApiError, check_object, one_of

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_CHOICES = ("auto", "any", "tool", "none")
_FORCING = ("any", "tool")
_DEEPEST = 12


def forced(fields: Mapping[str, Any], *, thinks: bool) -> tuple[str | None, str | None]:
    """Name of the tool that must be called, and the JSON to say: its input or structured output. Raises ApiError."""
    tool = _forced_tool(fields, thinks=thinks) or _asked_for(fields)
    if tool is not None:
        return tool["name"], _json(tool["input_schema"])
    schema = _output_schema(fields.get("output_config"))
    return None, None if schema is None else _json(schema)


def check_results(turns: Sequence[Mapping[str, Any]]) -> None:
    """Raise ApiError for the result of a tool that the turn before did not call."""
    for number, turn in enumerate(turns):
        called = {block.get("id") for block in _blocks(turns[number - 1], "tool_use")} if number else set()
        for place, block in enumerate(_blocks(turn, "tool_result")):
            if block.get("tool_use_id") not in called:
                raise ApiError(
                    400,
                    f"messages.{number}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{block.get('tool_use_id')}. Each `tool_result` block must have a corresponding `tool_use` block "
                    "in the previous message.",
                )


def sample(schema: object, root: object = None, depth: int = 0) -> Any:
    """A value that the schema allows."""
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return None
    if isinstance(at := schema.get("$ref"), str):
        return sample(_referred(root, at), root, depth + 1)
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    if schema.get("enum"):
        return schema["enum"][0]
    for name in ("anyOf", "oneOf"):
        if schema.get(name):
            return sample(schema[name][0], root, depth + 1)
    kind = schema.get("type") or ("object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    match kind:
        case "object":
            wanted = schema.get("properties", {})
            return {name: sample(part, root, depth + 1) for name, part in wanted.items()}
        case "array":
            return [sample(schema.get("items", {}), root, depth + 1)] * max(1, schema.get("minItems", 1))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
    return "a short text".ljust(schema.get("minLength", 0), ".")


def _json(schema: object) -> str:
    return msgspec.json.encode(sample(schema)).decode()


def _forced_tool(fields: Mapping[str, Any], *, thinks: bool) -> dict[str, Any] | None:
    tools = fields.get("tools") or []
    if not isinstance(tools, list):
        raise ApiError(400, "tools: Input should be a valid list")
    # Tools that the API runs itself have types of their own, and no schema.
    own: list[tuple[int, dict[str, Any]]] = [(number, tool) for number, tool in enumerate(tools) if _is_custom(tool)]
    for number, tool in own:
        if not _TOOL_NAME.fullmatch(str(tool.get("name", ""))):
            raise ApiError(400, f"tools.{number}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if not isinstance(tool.get("input_schema"), dict):
            raise ApiError(400, f"tools.{number}.custom.input_schema: Field required")
    choice = fields.get("tool_choice")
    if choice is None:
        return None
    check_object(choice, "tool_choice", ("type", "name", "disable_parallel_tool_use"))
    one_of(choice.get("type"), "tool_choice.type", _CHOICES)
    if not tools:
        raise ApiError(400, "tool_choice: tool_choice may only be specified while providing tools")
    if choice["type"] not in _FORCING:
        return None
    if thinks:
        raise ApiError(400, "Thinking may not be enabled when tool_choice forces tool use.")
    named = [tool for _, tool in own if choice["type"] == "any" or tool["name"] == choice.get("name")]
    if not named:
        raise ApiError(400, f"Tool '{choice.get('name')}' not found in provided tools")
    return named[0]


def _asked_for(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """The tool that the user's last words name, unless it may not be called, or its result is there already."""
    choice, last = fields.get("tool_choice") or {}, fields["messages"][-1]
    if choice.get("type") == "none" or last["role"] != "user" or _blocks(last, "tool_result"):
        return None
    content = last["content"]
    said = content if isinstance(content, str) else " ".join(str(block["text"]) for block in _blocks(last, "text"))
    own = [tool for tool in fields.get("tools") or () if _is_custom(tool)]
    return next((tool for tool in own if re.search(rf"(?i)\b(?:call|use) (?:the tool )?{tool['name']}\b", said)), None)


def _is_custom(tool: object) -> bool:
    if not isinstance(tool, dict):
        raise ApiError(400, "tools: Input should be a valid dictionary")
    return tool.get("type") in (None, "custom")


def _output_schema(config: object) -> object:
    wanted = config.get("format") if isinstance(config, dict) else None
    if wanted is None:
        return None
    check_object(wanted, "output_config.format", ("type", "schema"))
    if wanted.get("type") != "json_schema":
        raise ApiError(400, "output_config.format.type: Input should be 'json_schema'")
    if not isinstance(wanted.get("schema"), dict):
        raise ApiError(400, "output_config.format.schema: Field required")
    return wanted["schema"]


def _blocks(turn: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    content = turn.get("content")
    blocks = content if isinstance(content, list) else []
    return [block for block in blocks if isinstance(block, dict) and block.get("type") == kind]


def _referred(root: object, at: str) -> object:
    """The part of the schema to which `#/a/b` points; None for any other reference."""
    found = root if at.startswith("#") else None
    for name in at.removeprefix("#").strip("/").split("/"):
        found = found.get(name) if isinstance(found, dict) and name else found
    return found
