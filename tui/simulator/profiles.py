"""Profiles of the simulated models, read from `configs/simulator.toml` and described as `GET /v1/models` does."""

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import parse_qs

import msgspec
import tomli
from msgspec import Meta

from tui.config.paths import builtin_config
from tui.errors import ConfigError
from tui.simulator.replies import ApiError

ThinkingType = Literal["adaptive", "enabled", "disabled", "between_tools"]
Effort = Literal["low", "medium", "high", "xhigh", "max"]

# Bounds are written as those in `tui.core.parameters`: typing takes equal annotations for one, whichever comes first.
_Spread = Annotated[float, Meta(ge=0.0, le=2.0)]
_Milliseconds = Annotated[float, Meta(ge=0, le=600_000)]
_Count = Annotated[int, Meta(ge=1, le=10_000_000)]
_Range = tuple[_Count, _Count]


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Behaviour of one model. Ranges are (least, most), both included."""

    display_name: str
    line: Literal["haiku", "sonnet", "opus", "fable", "mythos"] | None = None
    released: datetime.date
    listed: bool = True
    """True if `GET /v1/models` names it. An unlisted model answers all the same."""
    context_tokens: _Count
    """Most tokens that prompt and answer may have together."""
    max_output_tokens: _Count
    """Largest `max_tokens`."""

    ttft_ms: _Milliseconds
    """Median time to first token of an empty prompt, in milliseconds."""
    ttft_spread: _Spread
    """Sigma of the log-normal distribution of the time to first token; 0 for none."""
    prefill_ms_per_1k: _Milliseconds
    """Time that 1,000 input tokens outside the prompt cache add to the time to first token, milliseconds."""
    start_share: Annotated[float, Meta(ge=0.0, le=1.0)]
    """Share of the time to first token at which `message_start` goes out."""

    tokens_per_second: Annotated[float, Meta(gt=0, le=1_000_000)]
    """Median output speed."""
    speed_spread: _Spread
    """Sigma of the log-normal distribution of the speed over requests; 0 for none."""
    jitter: _Spread
    """Sigma of the log-normal distribution of each gap between chunks; 0 for none."""
    tokens_per_chunk: _Range
    """Tokens in one delta. The first delta has one, as in the API, so that TTFT is the time of one token."""
    fast_mode: Annotated[float, Meta(ge=1, le=10)] | None = None
    """Factor of `speed = "fast"` on the output speed. Without it the model refuses the parameter."""

    fast_beta: str | None = None
    """Name that the header `anthropic-beta` must give for the parameter `speed`; None if it needs none."""

    thinking: tuple[ThinkingType, ...] = ()
    """Accepted types of the parameter `thinking`."""
    thinks_unasked: bool = False
    """True if it thinks when the request does not say."""
    thinking_tokens: _Range = (1, 1)
    """Length of the thinking at the default effort, in tokens."""
    effort: tuple[Effort, ...] = ()
    """Accepted levels of `output_config.effort`."""
    default_effort: Effort = "high"
    """Level of a request that names none."""

    sampling: bool = False
    """True if temperature, top_p and top_k work under API version 2023-06-01."""
    prefill: bool = False
    """True if the last turn may be the assistant's."""

    cache_min_tokens: _Count = 1024
    """Shortest prompt that is cached."""

    answer_tokens: _Range
    """Length of the answers: the least to a very short prompt, the most to a long one."""
    whole_sentences: bool = True
    """True if an answer goes on to the end of its sentence. If not, it has exactly the planned number of tokens."""

    right: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None
    """Share of requests that are answered with what the prompt has last in double quotes; the others are not answered
    rightly. None for a model that writes prose."""

    judges: Literal["rule", "gullible"] = "rule"
    """Its verdict on an answer: by a rule, or as the answer itself tells it to."""

    def __post_init__(self) -> None:
        for name in ("tokens_per_chunk", "thinking_tokens", "answer_tokens"):
            least, most = getattr(self, name)
            if least > most:
                raise ValueError(f"{name}: the least, {least}, is above the most, {most}")
        if self.thinks_unasked and not self.thinking:
            raise ValueError("thinks_unasked: the model accepts no type of thinking")
        if self.effort and self.default_effort not in self.effort:
            raise ValueError(f"default_effort: {self.default_effort} is not in effort")


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    default: dict[str, Any]
    models: dict[str, dict[str, Any]]


def load(path: Path | None = None) -> dict[str, Profile]:
    """Read the profiles of `path`, or the built-in ones, by model id in the file's order.

    The table `default` has the values that a model's own table leaves out. Raises ConfigError.
    """
    path = path or builtin_config("simulator.toml")
    try:
        document = msgspec.convert(tomli.loads(path.read_text("utf-8")), _Document)
    except OSError as error:
        raise ConfigError(f"The profiles {path} cannot be read: {error.strerror}.") from None
    except (tomli.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"The profiles {path} cannot be used: {error}.") from None
    if not document.models:
        raise ConfigError(f"The profiles {path} name no model: add a table [models.NAME].")
    profiles = {}
    for name, table in document.models.items():
        try:
            profiles[name] = msgspec.convert(document.default | table, Profile)
        except msgspec.ValidationError as error:
            raise ConfigError(f"The profiles {path} cannot be used: models.{name}: {error}.") from None
    return profiles


def described_model(profiles: Mapping[str, Profile], name: str) -> dict[str, Any]:
    """Describe one model, listed or not, as `GET /v1/models/{id}` does. Raises ApiError."""
    if name not in profiles:
        raise ApiError(404, f"model: {name}")
    return _described(name, profiles[name])


def models_page(profiles: Mapping[str, Profile], query: str) -> dict[str, Any]:
    """Describe a page of the listed models, the newest first, as `GET /v1/models` does. Raises ApiError."""
    asked = {key: values[-1] for key, values in parse_qs(query, keep_blank_values=True).items()}
    limit = asked.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
        raise ApiError(400, "limit: Input should be between 1 and 1000")
    listed = [name for name, profile in profiles.items() if profile.listed]
    listed.sort(key=lambda name: profiles[name].released, reverse=True)
    if "after_id" in asked:
        listed = listed[_index(listed, asked["after_id"]) + 1 :]
        shown = listed[: int(limit)]
    elif "before_id" in asked:
        listed = listed[: _index(listed, asked["before_id"])]
        shown = listed[-int(limit) :]
    else:
        shown = listed[: int(limit)]
    return {
        "data": [_described(name, profiles[name]) for name in shown],
        "has_more": len(shown) < len(listed),
        "first_id": shown[0] if shown else None,
        "last_id": shown[-1] if shown else None,
    }


def _index(listed: list[str], name: str) -> int:
    if name not in listed:
        raise ApiError(400, f"There is no model {name!r} to page from.")
    return listed.index(name)


def _described(name: str, profile: Profile) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": profile.display_name,
        "line": profile.line,
        "lifecycle": "active",
        "created_at": f"{profile.released.isoformat()}T00:00:00Z",
        "deprecated_at": None,
        "retires_at": None,
        "max_input_tokens": profile.context_tokens,
        "max_tokens": profile.max_output_tokens,
        "capabilities": _capabilities(profile),
    }


def _capabilities(profile: Profile) -> dict[str, Any]:
    no = {"supported": False}
    effort: dict[str, Any] = {level: {"supported": level in profile.effort} for level in get_args(Effort)}
    types: dict[str, Any] = {kind: {"supported": kind in profile.thinking} for kind in ("adaptive", "enabled")}
    types["disabled"] = {"supported": not profile.thinking or "disabled" in profile.thinking}
    types["between_tools"] = {"supported": "between_tools" in profile.thinking}
    return {
        "batch": no,
        "citations": no,
        "code_execution": no,
        "context_management": no,
        "effort": {"supported": bool(profile.effort), **effort},
        "image_input": no,
        "pdf_input": no,
        "server_tools": {**no, "code_execution": no, "web_search": no},
        "structured_outputs": no,
        "thinking": {"supported": bool(profile.thinking), "types": types},
    }
