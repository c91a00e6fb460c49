"""Requests that the API would refuse, in its words."""

from base64 import b64encode
from typing import Any

import pytest
from attached_files import png

from tui.simulator.message_request import (
    NEW_VERSION,
    MessageRequest,
    count_request,
    decode,
    known_profile,
    message_request,
)
from tui.simulator.replies import ApiError

from .raw import PROFILES, asked, body

_ASSISTANT_LAST = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Well,"}]


def turn(content: Any, role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content}]}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in body().items() if key != name}


@pytest.mark.parametrize(
    ("model", "fields", "message"),
    [
        ("sim-fast", {"max_tokens": "5"}, "max_tokens: Input should be a valid integer"),
        ("sim-fast", {"max_tokens": True}, "max_tokens: Input should be a valid integer"),
        ("sim-fast", {"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
        (
            "claude-haiku-4-5",
            {"max_tokens": 64_001},
            "max_tokens: 64001 > 64000, which is the maximum allowed number of",
        ),
        ("sim-fast", {"stream": "yes"}, "stream: Input should be a valid boolean"),
        ("sim-fast", {"flavour": 1}, "flavour: Extra inputs are not permitted"),
        ("sim-fast", {"messages": "Hello"}, "messages: Input should be a valid list"),
        ("sim-fast", {"messages": []}, "messages: at least one message is required"),
        ("sim-fast", {"messages": ["Hello"]}, "messages.0: Input should be a valid dictionary"),
        ("sim-fast", {"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        ("sim-fast", turn("Hello", "system"), 'messages: Unexpected role "system".'),
        ("sim-fast", turn("Hello", "robot"), "messages.0.role: Input should be 'user' or 'assistant'"),
        ("sim-fast", turn("Hello", "assistant"), 'messages: first message must use the "user" role'),
        ("sim-fast", turn(""), "messages.0: user messages must have non-empty content"),
        ("sim-fast", turn(7), "messages.0.content: Input should be a valid string or list"),
        ("sim-fast", turn(["Hello"]), "messages.0.content.0.type: Field required"),
        ("sim-fast", turn([{"type": "text"}]), "messages.0.content.0.text.text: Input should be a valid string"),
        ("sim-fast", turn([{"type": "text", "text": ""}]), "messages.0.content.0.text: text content blocks must be"),
        ("sim-fast", {"messages": [{"role": "user", "content": "a", "mood": 1}]}, "messages.0.mood: Extra inputs"),
        ("claude-opus-5-5", {"messages": _ASSISTANT_LAST}, "This model does not support assistant message prefill."),
        (
            "claude-haiku-4-5",
            {"messages": [_ASSISTANT_LAST[0], {"role": "assistant", "content": "Well, "}]},
            "messages: final assistant content cannot end with trailing whitespace",
        ),
        (
            "claude-haiku-4-5",
            {"messages": _ASSISTANT_LAST, "thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
            "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`.",
        ),
        ("claude-haiku-4-5", turn("a " * 200_001), "prompt is too long: 200006 tokens > 200000 maximum"),
        ("sim-fast", {"system": 5}, "system: Input should be a valid string or list"),
        ("sim-fast", {"stop_sequences": "END"}, "stop_sequences: Input should be a valid list of strings"),
        ("sim-fast", {"stop_sequences": [" "]}, "stop_sequences: each stop sequence must contain non-whitespace"),
        ("sim-fast", {"temperature": 1.0}, "temperature: Extra inputs are not permitted"),
        ("sim-fast", {"top_k": 5}, "top_k: Extra inputs are not permitted"),
        ("sim-fast", {"thinking": {}}, "thinking.type: Field required"),
        (
            "sim-fast",
            {"thinking": {"type": "deep"}},
            "thinking.type: Input should be 'adaptive', 'between_tools', 'disabled' or 'enabled'",
        ),
        ("claude-opus-5-5", {"thinking": {"type": "disabled"}}, '"thinking.type.disabled" is not supported for this'),
        (
            "claude-opus-5-5",
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive"',
        ),
        (
            "claude-sonnet-5-5",
            {"thinking": {"type": "disabled"}},
            '"thinking.type.disabled" is not supported for this model. To turn thinking off on this model, send',
        ),
        ("claude-haiku-4-5", {"thinking": {"type": "adaptive"}}, "adaptive thinking is not supported on this model"),
        ("claude-haiku-4-5", {"thinking": {"type": "between_tools"}}, '"thinking.type.between_tools" is not supported'),
        (
            "claude-opus-5",
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}},
            "\"thinking.type.disabled\" is not supported with output_config.effort 'max'.",
        ),
        ("sim-fast", {"cache_control": {}}, "cache_control.type: Field required"),
        ("sim-fast", {"cache_control": {"type": "eternal"}}, "cache_control.type: Input should be 'ephemeral'"),
        (
            "sim-fast",
            {"cache_control": {"type": "ephemeral", "ttl": "2m"}},
            "cache_control.ttl: Input should be '5m' or",
        ),
        (
            "sim-fast",
            {"cache_control": {"type": "ephemeral", "x": 1}},
            "cache_control.x: Extra inputs are not permitted",
        ),
        (
            "sim-fast",
            turn([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": 5}}]),
            "messages.0.content.0.cache_control.ttl: Input should be '5m' or '1h'",
        ),
        ("sim-fast", {"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
        (
            "sim-fast",
            {"thinking": {"type": "enabled", "budget_tokens": 1000}},
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        ),
        (
            "sim-fast",
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
            "`max_tokens` must be greater than `thinking.budget_tokens`.",
        ),
        ("sim-fast", {"thinking": {"type": "adaptive", "display": "loud"}}, "thinking.display: Input should be"),
        ("sim-fast", {"thinking": {"type": "adaptive", "budget_tokens": 9}}, "thinking.budget_tokens: Extra inputs"),
        ("sim-fast", {"output_config": "low"}, "output_config: Input should be a valid dictionary"),
        ("sim-fast", {"output_config": {"zeal": 1}}, "output_config.zeal: Extra inputs are not permitted"),
        ("sim-fast", {"output_config": {"effort": "huge"}}, "output_config.effort: Input should be 'low', 'medium',"),
        ("claude-haiku-4-5", {"output_config": {"effort": "low"}}, "This model does not support the effort parameter."),
        ("sim-thinking", {"output_config": {"effort": "max"}}, "output_config.effort: 'max' is not supported by"),
        ("claude-haiku-5-5", {"speed": "fast"}, "speed: 'fast' is not supported for this model."),
        ("sim-fast", {"speed": "slow"}, "speed: Input should be 'standard' or 'fast'"),
        ("sim-fast", {"service_tier": "gold"}, "service_tier: Input should be 'auto' or 'standard_only'"),
        ("sim-fast", {"inference_geo": 5}, "inference_geo: Input should be a valid string"),
    ],
)
def test_a_bad_request_is_refused_in_the_apis_words(model: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        asked(model, **fields)
    assert caught.value.status == 400
    assert caught.value.type == "invalid_request_error"
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("name", ["max_tokens", "messages", "model"])
def test_what_is_required(name: str) -> None:
    with pytest.raises(ApiError, match=f"{name}: Field required"):
        message_request(without(name), NEW_VERSION, known_profile(without(name), PROFILES))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"temperature": "hot"}, "temperature: Input should be a valid number"),
        ({"temperature": 1.5}, "temperature: range: 0..1"),
        ({"top_p": -0.1}, "top_p: range: 0..1"),
        ({"top_k": 1.5}, "top_k: Input should be a valid integer"),
        ({"temperature": 0.5, "top_p": 0.5}, "`temperature` and `top_p` cannot both be specified for this model."),
    ],
)
def test_sampling_parameters_have_their_ranges_under_the_old_version(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        message_request(body(**fields), "2023-06-01", PROFILES["sim-fast"])
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"\xff"', b'{"a":"\\ud800"}', b'{"a":' * 10_000])
def test_what_is_no_json_object(data: bytes) -> None:
    with pytest.raises(ApiError, match="The request body is not valid JSON"):
        decode(data)


def test_everything_the_sdk_can_send_is_taken() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": b64encode(png(4, 3)).decode()}
    taken = message_request(
        body(
            stream=True,
            max_tokens=5000,
            system=[{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
            messages=[
                *_ASSISTANT_LAST,
                {"role": "user", "content": [{"type": "text", "text": "Go"}, {"type": "image", "source": source}]},
            ],
            stop_sequences=["END"],
            thinking={"type": "enabled", "budget_tokens": 2000, "display": "omitted"},
            output_config={"effort": "low"},
            speed="fast",
            cache_control={"type": "ephemeral"},
            service_tier="auto",
            inference_geo="eu",
            metadata={"user_id": "someone"},
            tools=[{"name": "look", "input_schema": {"type": "object"}}],
        ),
        NEW_VERSION,
        PROFILES["sim-fast"],
    )
    assert isinstance(taken, MessageRequest)
    assert taken.prompt == "Go"
    assert (taken.thinks, taken.thinking_budget, taken.thinking_omitted) == (True, 2000, True)
    assert (taken.effort, taken.fast, taken.stop_sequences, taken.inference_geo) == ("low", True, ("END",), "eu")


def test_the_order_of_the_fields_is_no_other_content() -> None:
    profile = PROFILES["sim-fast"]
    fields = body(stop_sequences=["END"])
    turned = dict(reversed(fields.items()))
    assert message_request(fields, NEW_VERSION, profile) == message_request(turned, NEW_VERSION, profile)


def test_counting_refuses_what_belongs_to_an_answer() -> None:
    with pytest.raises(ApiError, match="max_tokens: Extra inputs are not permitted"):
        count_request(body(), PROFILES["sim-fast"])
    assert count_request(without("max_tokens"), PROFILES["sim-fast"]) == asked()[1].input_tokens
