"""Body of `POST /v1/messages`, checked as the API checks it."""

from collections.abc import Collection, Mapping
from itertools import accumulate
from typing import Any

import msgspec

from tui.simulator import forced_answers, tokens
from tui.simulator.cache import CacheUse, DiagnosticsRequest, Prefix, diagnostics_request, prefixes
from tui.simulator.profiles import Effort, Profile
from tui.simulator.replies import ApiError, check_object, integer, one_of, optional_string, refuse_unknown, required

NEW_VERSION = "2026-10-21"
"""First API version without temperature, top_p and top_k."""

VERSIONS = ("2023-01-01", "2023-06-01", NEW_VERSION)


class MessageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A valid request, as the script needs it."""

    model: str
    prompt: str
    """Text of the last user turn."""
    input_tokens: int
    max_tokens: int
    identity: bytes
    """Content without the way of delivery: equal for equal prompts and parameters."""
    stop_sequences: tuple[str, ...] = ()
    stream: bool = False
    thinks: bool = False
    thinking_budget: int | None = None
    """Most thinking tokens."""
    thinking_omitted: bool = False
    """True if thinking is withheld. It takes its time and tokens all the same."""
    effort: Effort | None = None
    fast: bool = False
    inference_geo: str | None = None
    prefixes: tuple[Prefix, ...] = ()
    """Beginnings of the prompt for the prompt cache."""
    held_tokens: int = 0
    """Tokens of the prompt that its thread holds: they cost as always, and take no time."""
    cache: CacheUse = CacheUse()
    """Tokens that it reads from the prompt cache and writes to it."""
    tool: str | None = None
    """Name of the tool that must be called; `said` is its input."""
    said: str | None = None
    """The answer, word for word, where its form is given."""
    wants_diagnostics: DiagnosticsRequest | None = None
    diagnostics: dict[str, Any] | None = None
    """Diagnostics in the answer."""


def decode(body: bytes) -> dict[str, Any]:
    """Decode the JSON object in `body`. Raises ApiError."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(400, f"The request body is not valid JSON: {error}") from None


def known_profile(fields: Mapping[str, Any], profiles: Mapping[str, Profile]) -> Profile:
    """Return the profile of the model that the request names. Raises ApiError."""
    model = required(fields, "model")
    if not isinstance(model, str):
        raise ApiError(400, "model: Input should be a valid string")
    if model not in profiles:
        raise ApiError(404, f"model: {model}")
    return profiles[model]


def message_request(
    fields: Mapping[str, Any], version: str, profile: Profile, betas: Collection[str] = ()
) -> MessageRequest:
    """Check a request whose header `anthropic-beta` names `betas`. Raises ApiError where the API would refuse it."""
    refuse_unknown(fields, _FIELDS)
    max_tokens = integer(required(fields, "max_tokens"), "max_tokens", least=0)
    prompt, ends = conversation(fields, profile)
    _check_sampling(fields, version, profile)
    if max_tokens > profile.max_output_tokens:
        raise ApiError(
            400,
            f"max_tokens: {max_tokens} > {profile.max_output_tokens}, which is the maximum allowed number of output "
            f"tokens for {fields['model']}",
        )
    stream = fields.get("stream", False)
    if not isinstance(stream, bool):
        raise ApiError(400, "stream: Input should be a valid boolean")
    thinks, budget, omitted = _thinking(fields.get("thinking"), max_tokens, profile)
    _check_prefill(fields["messages"], thinks=thinks)
    effort = _effort(fields.get("output_config"), profile)
    if effort in ("xhigh", "max") and fields.get("thinking") and not thinks:
        kind = fields["thinking"]["type"]
        raise ApiError(400, f"\"thinking.type.{kind}\" is not supported with output_config.effort '{effort}'.")
    content = {name: value for name, value in fields.items() if name not in _BESIDE}
    one_of(fields.get("service_tier", "auto"), "service_tier", ("auto", "standard_only"))
    tool, said = forced_answers.forced(fields, thinks=thinks)
    return MessageRequest(
        model=fields["model"],
        tool=tool,
        said=said,
        prompt=prompt,
        input_tokens=ends[-1],
        max_tokens=max_tokens,
        identity=msgspec.json.encode(content, order="sorted"),
        stop_sequences=_stop_sequences(fields.get("stop_sequences")),
        stream=stream,
        thinks=thinks,
        thinking_budget=budget,
        thinking_omitted=omitted,
        effort=effort,
        fast=_fast(fields.get("speed"), profile, betas),
        inference_geo=optional_string(fields.get("inference_geo"), "inference_geo"),
        prefixes=prefixes(fields, ends),
        wants_diagnostics=diagnostics_request(fields, ends[-1]),
    )


def _check_prefill(turns: list[dict[str, Any]], *, thinks: bool) -> None:
    if thinks and turns[-1]["role"] == "assistant":
        raise ApiError(
            400,
            f"messages.{len(turns) - 1}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`. "
            "When `thinking` is enabled, a final `assistant` message must start with a thinking block.",
        )


def count_request(fields: Mapping[str, Any], profile: Profile) -> int:
    """Count the input tokens of a request to `count_tokens`. Raises ApiError."""
    refuse_unknown(fields, _COUNT_FIELDS)
    return conversation(fields, profile)[1][-1]


def conversation(fields: Mapping[str, Any], profile: Profile) -> tuple[str, tuple[int, ...]]:
    """Return the text of the last user turn, and the number of input tokens up to the end of each part.

    The parts are tools and system prompt together, then the turns, so the last number counts all input tokens.
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
        check_object(turn, where, ("role", "content"))
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
        counts.append(tokens.count(said) + tokens.MESSAGE_TOKENS + tokens.count_files(turn["content"]))
        last = said if role == "user" else last
    forced_answers.check_results(turns)
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
    """Return the text of a turn or of the system prompt, given as a string or a list of blocks."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise ApiError(400, f"{where}: Input should be a valid string or list")
    texts = []
    for number, block in enumerate(content):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise ApiError(400, f"{where}.{number}.type: Field required")
        if block["type"] in tokens.FILE_BLOCKS:
            tokens.check_file(block, f"{where}.{number}")
        elif block["type"] == "tool_use":
            texts.append(msgspec.json.encode(block.get("input")).decode())
        elif block["type"] == "tool_result":
            texts.append(_text(block.get("content", ""), f"{where}.{number}.content"))
        elif block["type"] == "text":
            if not isinstance(block.get("text"), str):
                raise ApiError(400, f"{where}.{number}.text.text: Input should be a valid string")
            if not block["text"]:
                raise ApiError(400, f"{where}.{number}.text: text content blocks must be non-empty")
            texts.append(block["text"])
    return "\n".join(texts)


_COUNT_FIELDS = frozenset(
    {
        "cache_control", "context_management", "messages", "model", "output_config", "speed", "system", "thinking",
        "tool_choice", "tools",
    }
)  # fmt: skip
_BESIDE = ("stream", "metadata", "diagnostics", "thread")
"""Fields that are no content."""
_SAMPLING = ("temperature", "top_p", "top_k")
_FIELDS = _COUNT_FIELDS | {
    "container", "diagnostics", "inference_geo", "max_tokens", "mcp_servers", "metadata", "service_tier",
    "stop_sequences", "stream", "thread", *_SAMPLING,
}  # fmt: skip


def _stop_sequences(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(stop, str) for stop in value):
        raise ApiError(400, "stop_sequences: Input should be a valid list of strings")
    if not all(stop.strip() for stop in value):
        raise ApiError(400, "stop_sequences: each stop sequence must contain non-whitespace")
    return tuple(value)


def _check_sampling(fields: Mapping[str, Any], version: str, profile: Profile) -> None:
    """Refuse temperature, top_p and top_k under the new API version, and for newer models under any version."""
    for name in _SAMPLING:
        if name not in fields:
            continue
        if version >= NEW_VERSION:
            raise ApiError(400, f"{name}: Extra inputs are not permitted")
        if not profile.sampling:
            raise ApiError(400, f"`{name}` is deprecated for this model.")
        value = fields[name]
        if name == "top_k":
            integer(value, name, least=0)
        elif not isinstance(value, int | float) or isinstance(value, bool):
            raise ApiError(400, f"{name}: Input should be a valid number")
        elif not 0 <= value <= 1:
            raise ApiError(400, f"{name}: range: 0..1")
    if "temperature" in fields and "top_p" in fields:
        message = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        raise ApiError(400, message)


def _thinking(value: object, max_tokens: int, profile: Profile) -> tuple[bool, int | None, bool]:
    """Return whether the model thinks, its budget in tokens if there is one, and whether thinking is withheld."""
    if value is None:
        return profile.thinks_unasked, None, False
    if not isinstance(value, dict) or "type" not in value:
        raise ApiError(400, "thinking.type: Field required")
    kind = value["type"]
    one_of(kind, "thinking.type", ("adaptive", "between_tools", "disabled", "enabled"))
    if kind not in profile.thinking:
        if not profile.thinking and kind == "disabled":
            return False, None, False
        raise ApiError(400, _not_for_this_model(kind, profile))
    one_of(value.get("display") or "summarized", "thinking.display", ("summarized", "omitted"))
    omitted = value.get("display") == "omitted"
    if kind != "enabled":
        check_object(value, "thinking", ("type", "display"))
        return kind == "adaptive", None, omitted
    if "budget_tokens" not in value:
        raise ApiError(400, "thinking.enabled.budget_tokens: Field required")
    budget = integer(value["budget_tokens"], "thinking.enabled.budget_tokens", least=1024)
    if budget >= max_tokens:
        raise ApiError(400, "`max_tokens` must be greater than `thinking.budget_tokens`.")
    return True, budget, omitted


def _not_for_this_model(kind: str, profile: Profile) -> str:
    """Return the reason for refusing a type of thinking, in the API's words."""
    if kind == "adaptive":
        return "adaptive thinking is not supported on this model"
    refused = f'"thinking.type.{kind}" is not supported for this model.'
    if kind == "disabled" and "between_tools" in profile.thinking:
        return f'{refused} To turn thinking off on this model, send "thinking": {{"type": "between_tools"}}.'
    if "adaptive" in profile.thinking:
        return f'{refused} Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
    return refused


def _effort(config: object, profile: Profile) -> Effort | None:
    if config is None:
        return None
    effort = check_object(config, "output_config", ("effort", "format")).get("effort")
    if effort is None:
        return None
    one_of(effort, "output_config.effort", ("low", "medium", "high", "xhigh", "max"))
    if not profile.effort:
        raise ApiError(400, "This model does not support the effort parameter.")
    if effort not in profile.effort:
        known = ", ".join(profile.effort)
        message = f"output_config.effort: '{effort}' is not supported by this model."
        raise ApiError(400, f"{message} Supported levels: {known}")
    return effort  # type: ignore[no-any-return]


def _fast(speed: object, profile: Profile, betas: Collection[str]) -> bool:
    if speed is None:
        return False
    if profile.fast_beta is not None and profile.fast_beta not in betas:
        raise ApiError(400, "speed: Extra inputs are not permitted")
    one_of(speed, "speed", ("standard", "fast"))
    if speed == "fast" and profile.fast_mode is None:
        raise ApiError(400, "speed: 'fast' is not supported for this model.")
    return speed == "fast"
