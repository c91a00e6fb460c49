"""The body of `POST /v1/messages`, checked as the API checks it, and the errors in its words."""

from collections.abc import Mapping
from typing import Any

import msgspec

from tui.simulator import tokens
from tui.simulator.profiles import Effort, Profile

NEW_VERSION = "2026-10-21"
"""From this API version on there is no temperature, top_p or top_k."""

VERSIONS = ("2023-01-01", "2023-06-01", NEW_VERSION)

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class ApiError(Exception):
    """An answer other than 200, in the API's shape."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})

    @property
    def type(self) -> str:
        """The API's name for this kind of error."""
        return _ERROR_TYPES[self.status]


class MessageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the script needs of a request that was found good."""

    model: str
    prompt: str
    """The text of the last user turn."""
    input_tokens: int
    max_tokens: int
    identity: bytes
    """The content, without how it is delivered: equal for equal prompts and parameters."""
    stop_sequences: tuple[str, ...] = ()
    stream: bool = False
    thinks: bool = False
    thinking_budget: int | None = None
    """Most thinking tokens."""
    thinking_omitted: bool = False
    """Whether the thinking is withheld; it takes its time and tokens all the same."""
    effort: Effort | None = None
    fast: bool = False
    inference_geo: str | None = None


def decode(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(400, f"The request body is not valid JSON: {error}") from None


def known_profile(fields: Mapping[str, Any], profiles: Mapping[str, Profile]) -> Profile:
    """The profile of the model that the request names."""
    model = _required(fields, "model")
    if not isinstance(model, str):
        raise ApiError(400, "model: Input should be a valid string")
    if model not in profiles:
        raise ApiError(404, f"model: {model}")
    return profiles[model]


def message_request(fields: Mapping[str, Any], version: str, profile: Profile) -> MessageRequest:
    """The request, or the API's refusal of it."""
    _refuse_unknown(fields, _FIELDS)
    max_tokens = _integer(_required(fields, "max_tokens"), "max_tokens", least=0)
    prompt, input_tokens = conversation(fields, profile)
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
    content = {name: value for name, value in fields.items() if name not in ("stream", "metadata")}
    _one_of(fields.get("service_tier", "auto"), "service_tier", ("auto", "standard_only"))
    return MessageRequest(
        model=fields["model"],
        prompt=prompt,
        input_tokens=input_tokens,
        max_tokens=max_tokens,
        identity=msgspec.json.encode(content, order="sorted"),
        stop_sequences=_stop_sequences(fields.get("stop_sequences")),
        stream=stream,
        thinks=thinks,
        thinking_budget=budget,
        thinking_omitted=omitted,
        effort=_effort(fields.get("output_config"), profile),
        fast=_fast(fields.get("speed"), profile),
        inference_geo=_optional_string(fields.get("inference_geo"), "inference_geo"),
    )


def count_request(fields: Mapping[str, Any], profile: Profile) -> int:
    """Input tokens of a request to count them."""
    _refuse_unknown(fields, _COUNT_FIELDS)
    return conversation(fields, profile)[1]


_COUNT_FIELDS = frozenset(
    {
        "cache_control", "context_management", "messages", "model", "output_config", "speed", "system", "thinking",
        "tool_choice", "tools",
    }
)  # fmt: skip
_SAMPLING = ("temperature", "top_p", "top_k")
_FIELDS = _COUNT_FIELDS | {
    "container", "diagnostics", "inference_geo", "max_tokens", "mcp_servers", "metadata", "service_tier",
    "stop_sequences", "stream", *_SAMPLING,
}  # fmt: skip


def _refuse_unknown(fields: Mapping[str, Any], known: frozenset[str]) -> None:
    for name in fields:
        if name not in known:
            raise ApiError(400, f"{name}: Extra inputs are not permitted")


def _required(fields: Mapping[str, Any], name: str) -> Any:
    if name not in fields:
        raise ApiError(400, f"{name}: Field required")
    return fields[name]


def _integer(value: object, name: str, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ApiError(400, f"{name}: Input should be a valid integer")
    if value < least:
        raise ApiError(400, f"{name}: Input should be greater than or equal to {least}")
    return value


def _optional_string(value: object, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ApiError(400, f"{name}: Input should be a valid string")
    return value


def _one_of(value: object, name: str, known: tuple[str, ...]) -> None:
    if value not in known:
        names = [f"'{one}'" for one in known]
        raise ApiError(400, f"{name}: Input should be {', '.join(names[:-1])} or {names[-1]}" if names[1:] else name)


def conversation(fields: Mapping[str, Any], profile: Profile) -> tuple[str, int]:
    """The text of the last user turn, and the input tokens of all turns and the system prompt."""
    turns = _required(fields, "messages")
    if not isinstance(turns, list):
        raise ApiError(400, "messages: Input should be a valid list")
    if not turns:
        raise ApiError(400, "messages: at least one message is required")
    total = 0
    last = ""
    for number, turn in enumerate(turns):
        where = f"messages.{number}"
        if not isinstance(turn, dict):
            raise ApiError(400, f"{where}: Input should be a valid dictionary or object to extract fields from")
        _refuse_unknown({f"{where}.{name}": 0 for name in turn if name not in ("role", "content")}, frozenset())
        role = turn.get("role")
        if role == "system":
            message = 'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter'
            raise ApiError(400, f'{message}, not "system" as an input message role.')
        _one_of(role, f"{where}.role", ("user", "assistant"))
        if "content" not in turn:
            raise ApiError(400, f"{where}.content: Field required")
        said = _text(turn["content"], f"{where}.content")
        if role == "user" and turn["content"] in ("", []):
            raise ApiError(400, f"{where}: user messages must have non-empty content")
        total += tokens.count(said) + tokens.MESSAGE_TOKENS
        last = said if role == "user" else last
    if turns[0]["role"] != "user":
        raise ApiError(400, 'messages: first message must use the "user" role')
    if turns[-1]["role"] == "assistant" and not profile.prefill:
        message = "This model does not support assistant message prefill."
        raise ApiError(400, f"{message} The conversation must end with a user message.")
    total += tokens.count(_text(fields.get("system", ""), "system"))
    if fields.get("tools"):
        total += tokens.count(msgspec.json.encode(fields["tools"]).decode())
    if total > profile.context_tokens:
        raise ApiError(400, f"prompt is too long: {total} tokens > {profile.context_tokens} maximum")
    return last, total


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


def _stop_sequences(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(stop, str) for stop in value):
        raise ApiError(400, "stop_sequences: Input should be a valid list of strings")
    if not all(stop.strip() for stop in value):
        raise ApiError(400, "stop_sequences: each stop sequence must contain non-whitespace")
    return tuple(value)


def _check_sampling(fields: Mapping[str, Any], version: str, profile: Profile) -> None:
    """temperature, top_p and top_k: gone from the new API version, and refused by the newer models under any."""
    for name in _SAMPLING:
        if name not in fields:
            continue
        if version >= NEW_VERSION:
            raise ApiError(400, f"{name}: Extra inputs are not permitted")
        if not profile.sampling:
            raise ApiError(400, f"`{name}` is deprecated for this model.")
        value = fields[name]
        if name == "top_k":
            _integer(value, name, least=0)
        elif not isinstance(value, int | float) or isinstance(value, bool):
            raise ApiError(400, f"{name}: Input should be a valid number")
        elif not 0 <= value <= 1:
            raise ApiError(400, f"{name}: range: 0..1")
    if "temperature" in fields and "top_p" in fields:
        message = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        raise ApiError(400, message)


def _thinking(value: object, max_tokens: int, profile: Profile) -> tuple[bool, int | None, bool]:
    """Whether the model thinks, its budget in tokens if there is one, and whether the thinking is withheld."""
    if value is None:
        return profile.thinks_unasked, None, False
    if not isinstance(value, dict) or "type" not in value:
        raise ApiError(400, "thinking.type: Field required")
    kind = value["type"]
    _one_of(kind, "thinking.type", ("adaptive", "disabled", "enabled"))
    if kind not in profile.thinking:
        if not profile.thinking and kind == "disabled":
            return False, None, False
        raise ApiError(400, f'"thinking.type.{kind}" is not supported for this model.')
    _one_of(value.get("display") or "summarized", "thinking.display", ("summarized", "omitted"))
    omitted = value.get("display") == "omitted"
    if kind != "enabled":
        _refuse_unknown({f"thinking.{name}": 0 for name in value if name not in ("type", "display")}, frozenset())
        return kind == "adaptive", None, omitted
    if "budget_tokens" not in value:
        raise ApiError(400, "thinking.enabled.budget_tokens: Field required")
    budget = _integer(value["budget_tokens"], "thinking.enabled.budget_tokens", least=1024)
    if budget >= max_tokens:
        raise ApiError(400, "`max_tokens` must be greater than `thinking.budget_tokens`.")
    return True, budget, omitted


def _effort(config: object, profile: Profile) -> Effort | None:
    if config is None:
        return None
    if not isinstance(config, dict):
        raise ApiError(400, "output_config: Input should be a valid dictionary or object to extract fields from")
    _refuse_unknown({f"output_config.{name}": 0 for name in config if name not in ("effort", "format")}, frozenset())
    effort = config.get("effort")
    if effort is None:
        return None
    _one_of(effort, "output_config.effort", ("low", "medium", "high", "xhigh", "max"))
    if not profile.effort:
        raise ApiError(400, "This model does not support the effort parameter.")
    if effort not in profile.effort:
        known = ", ".join(profile.effort)
        message = f"output_config.effort: '{effort}' is not supported by this model."
        raise ApiError(400, f"{message} Supported levels: {known}")
    return effort  # type: ignore[no-any-return]


def _fast(speed: object, profile: Profile) -> bool:
    if speed is None:
        return False
    _one_of(speed, "speed", ("standard", "fast"))
    if speed == "fast" and profile.fast_mode is None:
        raise ApiError(400, "speed: 'fast' is not supported for this model.")
    return speed == "fast"
