"""Parameters, fields, counts and refusals in which OpenAI's protocols are alike, and the servers that imitate them."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from tui.core.events import FailureKind, MessageOpened
from tui.core.parameters import PARAMETERS
from tui.core.plan import RequestSpec
from tui.engine.failures import Refusal
from tui.engine.server_words import words_of
from tui.engine.wires import LONGEST_WORD, is_count, merged

_KINDS: dict[str, FailureKind] = {
    "400": FailureKind.BAD_REQUEST,
    "401": FailureKind.BAD_KEY,
    "402": FailureKind.FORBIDDEN,
    "403": FailureKind.FORBIDDEN,
    "404": FailureKind.UNKNOWN_MODEL,
    "429": FailureKind.RATE_LIMITED,
    "503": FailureKind.OVERLOADED,
    "invalid_request_error": FailureKind.BAD_REQUEST,
    "invalid_prompt": FailureKind.BAD_REQUEST,
    "context_length_exceeded": FailureKind.TOO_LARGE,
    "invalid_api_key": FailureKind.BAD_KEY,
    "insufficient_quota": FailureKind.RATE_LIMITED,
    "rate_limit_exceeded": FailureKind.RATE_LIMITED,
    "rate_limit_error": FailureKind.RATE_LIMITED,
    "overloaded_error": FailureKind.OVERLOADED,
    "server_is_overloaded": FailureKind.OVERLOADED,
    "capacity_exceeded": FailureKind.OVERLOADED,
    "model_not_found": FailureKind.UNKNOWN_MODEL,
}
"""Kinds of failure by the word or the number that an error gives as its code or type."""


def with_parameters(built: dict[str, Any], spec: RequestSpec, renamed: Mapping[str, str]) -> dict[str, Any]:
    """The body with every parameter that is set, where its declaration says; `extra` is merged into it last.

    `renamed` are other fields for some of them, by name, for a server that knows only those.
    """
    for name, value in spec.parameters.set_ones():
        declared = PARAMETERS[name]
        place = renamed.get(name) or declared.elsewhere.get(spec.endpoint.protocol)
        if not place or name == "extra" or value == ():
            continue
        said: Any = list(value) if isinstance(value, tuple) else declared.words.get(value, value)
        for part in reversed(place.split(".")):
            said = {part: said}
        built = _with(built, said)
    return _with(built, spec.parameters.extra or {})


def _with(built: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    return {**built, **{name: merged(built.get(name), value) for name, value in more.items()}}


def refusal_of(answer: object) -> Refusal:
    """The refusal in an error's JSON, in any of the forms that servers of these protocols use."""
    if isinstance(answer, list) and answer:  # Google's
        answer = answer[0]
    if not isinstance(answer, dict):
        return Refusal("", str(answer or ""))
    error = answer.get("error") or answer
    if not isinstance(error, dict):
        return Refusal("", str(error))
    names = [str(error[name]) for name in ("code", "type") if error.get(name) not in (None, "", "error")]
    kind = next((_KINDS[name] for name in names if name in _KINDS), None)
    return Refusal(names[-1] if names else "", words_of(answer), kind)


def opened_by(answer: Mapping[str, Any], request_id: int) -> MessageOpened | None:
    """The head of an answer: its id and the model that gives it; None without an id that can be believed."""
    name, model = (
        word if isinstance(word, str) and 0 < len(word) <= LONGEST_WORD else None
        for word in (answer.get("id"), answer.get("model"))
    )
    return None if name is None else MessageOpened(request_id=request_id, message_id=name, model=model)


def decode(data: bytes) -> object:
    """The JSON in `data`. Raises ValueError or RecursionError."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Invalid UTF-8 and halves of surrogate pairs are the server's fault; the rest is still worth having.
        value = json.loads(data.decode("utf-8", "replace"))
        text = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return msgspec.json.decode(text)


def decoded(data: bytes) -> Mapping[str, Any]:
    """The object in an event; empty for what is none."""
    try:
        read = decode(data)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def counts_of(
    prompt: object, output: object, *, reasoning: object, cached: object, written: object
) -> dict[str, int | None]:
    """Token counts as this program has them: input without what a cache held or took, output with the reasoning."""
    asked, read, kept = count_of(prompt), count_of(cached), count_of(written)
    if asked is not None:
        read = None if read is None else min(read, asked)
        kept = None if kept is None else min(kept, asked - (read or 0))
        asked -= (read or 0) + (kept or 0)
    return {
        "input_tokens": asked,
        "output_tokens": count_of(output),
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": kept,
        "thinking_tokens": count_of(reasoning),
    }


def objects(value: object) -> list[dict[str, Any]]:
    """The objects in a list; none in what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def table(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object in a field; empty where there is none."""
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """The value if it is a text; empty else."""
    return value if isinstance(value, str) else ""


def count_of(value: object) -> int | None:
    """The value if it is a number of tokens that can be believed."""
    return value if is_count(value) else None
