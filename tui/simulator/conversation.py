"""The turns of a request and its system prompt, checked as the API checks them."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import msgspec

from tui.simulator import tokens
from tui.simulator.profiles import Profile
from tui.simulator.refusals import ApiError, one_of, refuse_unknown, required


def conversation(fields: Mapping[str, Any], profile: Profile) -> tuple[str, tuple[int, ...]]:
    """The text of the last user turn, and how many input tokens there are up to the end of each part.

    The parts are tools and system prompt together, then the turns: the last number is that of all input tokens.
    """
    turns = required(fields, "messages")
    if not isinstance(turns, list):
        raise ApiError(400, "messages: Input should be a valid list")
    if not turns:
        raise ApiError(400, "messages: at least one message is required")
    counts = []
    last = ""
    for number, turn in enumerate(turns):
        where = f"messages.{number}"
        if not isinstance(turn, dict):
            raise ApiError(400, f"{where}: Input should be a valid dictionary or object to extract fields from")
        refuse_unknown({f"{where}.{name}": 0 for name in turn if name not in ("role", "content")}, frozenset())
        role = turn.get("role")
        if role == "system":
            message = 'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter'
            raise ApiError(400, f'{message}, not "system" as an input message role.')
        one_of(role, f"{where}.role", ("user", "assistant"))
        if "content" not in turn:
            raise ApiError(400, f"{where}.content: Field required")
        said = _text(turn["content"], f"{where}.content")
        if role == "user" and turn["content"] in ("", []):
            raise ApiError(400, f"{where}: user messages must have non-empty content")
        counts.append(tokens.count(said) + tokens.MESSAGE_TOKENS)
        last = said if role == "user" else last
    if turns[0]["role"] != "user":
        raise ApiError(400, 'messages: first message must use the "user" role')
    if turns[-1]["role"] == "assistant" and not profile.prefill:
        message = "This model does not support assistant message prefill."
        raise ApiError(400, f"{message} The conversation must end with a user message.")
    if turns[-1]["role"] == "assistant" and said != said.rstrip():
        raise ApiError(400, "messages: final assistant content cannot end with trailing whitespace")
    head = tokens.count(_text(fields.get("system", ""), "system"))
    if fields.get("tools"):
        head += tokens.count(msgspec.json.encode(fields["tools"]).decode())
    ends = tuple(accumulate(counts, initial=head))
    total = ends[-1]
    if total > profile.context_tokens:
        raise ApiError(400, f"prompt is too long: {total} tokens > {profile.context_tokens} maximum")
    return last, ends


def _text(content: object, where: str) -> str:
    """The text of a turn or of the system prompt: a string, or a list of blocks."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise ApiError(400, f"{where}: Input should be a valid string or list")
    texts = []
    for number, block in enumerate(content):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise ApiError(400, f"{where}.{number}.type: Field required")
        if block["type"] == "text":
            if not isinstance(block.get("text"), str):
                raise ApiError(400, f"{where}.{number}.text.text: Input should be a valid string")
            if not block["text"]:
                raise ApiError(400, f"{where}.{number}.text: text content blocks must be non-empty")
            texts.append(block["text"])
    return "\n".join(texts)
