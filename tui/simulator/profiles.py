"""The simulated models: what `configs/simulator.toml` may say of each, read and checked."""

import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import tomli
from msgspec import Meta

from tui.config.paths import builtin_config
from tui.errors import ConfigError

ThinkingType = Literal["adaptive", "enabled", "disabled", "between_tools"]
Effort = Literal["low", "medium", "high", "xhigh", "max"]

_Spread = Annotated[float, Meta(ge=0, le=2)]
_Milliseconds = Annotated[float, Meta(ge=0, le=600_000)]
_Count = Annotated[int, Meta(ge=1, le=10_000_000)]
_Range = tuple[_Count, _Count]


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one model behaves. Ranges are (least, most), both included."""

    display_name: str
    line: Literal["haiku", "sonnet", "opus", "fable", "mythos"] | None = None
    released: datetime.date
    listed: bool = True
    """Whether `GET /v1/models` names it; an unlisted model answers all the same."""
    context_tokens: _Count
    """Most tokens that prompt and answer may have together."""
    max_output_tokens: _Count
    """Largest `max_tokens`."""

    ttft_ms: _Milliseconds
    """Median time to first token of an empty prompt, in milliseconds."""
    ttft_spread: _Spread
    """Sigma of the log-normal distribution of the time to first token; 0 for none."""
    prefill_ms_per_1k: _Milliseconds
    """What 1,000 input tokens that are not read from the prompt cache add to the time to first token, milliseconds."""
    start_share: Annotated[float, Meta(ge=0, le=1)]
    """`message_start` goes out at this share of the time to first token."""

    tokens_per_second: Annotated[float, Meta(gt=0, le=1_000_000)]
    """Median output speed."""
    speed_spread: _Spread
    """Sigma of the log-normal distribution of the speed over requests; 0 for none."""
    jitter: _Spread
    """Sigma of the log-normal distribution of each gap between chunks; 0 for none."""
    tokens_per_chunk: _Range
    """Tokens in one delta. The first delta has one, as in the API, so that TTFT is the time of one token."""
    fast_mode: Annotated[float, Meta(ge=1, le=10)] | None = None
    """What `speed = "fast"` multiplies the output speed by; without it the model refuses the parameter."""

    fast_beta: str | None = None
    """What the header `anthropic-beta` must name for the parameter `speed`; without it the model takes it so."""

    thinking: tuple[ThinkingType, ...] = ()
    """Accepted types of the parameter `thinking`."""
    thinks_unasked: bool = False
    """Whether it thinks when the request does not say."""
    thinking_tokens: _Range = (1, 1)
    """Length of the thinking at the default effort, in tokens."""
    effort: tuple[Effort, ...] = ()
    """Accepted levels of `output_config.effort`."""
    default_effort: Effort = "high"
    """The level of a request that names none."""

    sampling: bool = False
    """Whether temperature, top_p and top_k work under API version 2023-06-01."""
    prefill: bool = False
    """Whether the last turn may be the assistant's."""

    cache_min_tokens: _Count = 1024
    """Shortest prompt that is cached."""

    answer_tokens: _Range
    """Length of the answers: the least to a very short prompt, the most to a long one."""
    whole_sentences: bool = True
    """Whether an answer goes on to the end of its sentence. If not, it has exactly the planned number of tokens."""

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
    """The profiles of `path`, or the built-in ones, by model id in the file's order.

    A model takes from the table `default` what its own table leaves out. Raises ConfigError in one sentence.
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
