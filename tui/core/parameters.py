"""Request parameters a person can set, shared or per target, each declared once on its field of `Parameters`.

The request body, forms, configuration keys, lane heads, refusals and documentation derive from these declarations; only
what has structure on the wire (`is_structured`) is also code, in the request body. Names and values are the API's own,
as the SDK's types give them; ranges are those of the API's reference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from tui.core.protocol import Protocol
from tui.core.setting import Setting, declaration, settings_of

Effort = Literal["low", "medium", "high", "xhigh", "max"]
ThinkingType = Literal["adaptive", "enabled", "disabled", "between_tools"]
ThinkingDisplay = Literal["summarized", "omitted"]
Speed = Literal["standard", "fast"]
CacheTtl = Literal["5m", "1h"]
ServiceTier = Literal["auto", "standard_only"]

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Heat = Annotated[float, msgspec.Meta(ge=0.0, le=2.0)]
"""A temperature as the protocol that goes furthest takes it."""

SAMPLING = ("temperature", "top_p", "top_k")
"""Only older models and compatible servers accept these, and the API only under `OLDER_API_VERSION`."""

OLDER_API_VERSION = "2023-06-01"
"""The API version under which models that still take the sampling parameters accept them."""

REQUIRED = "max_tokens"
"""The one parameter that a request cannot go without."""


class Parameter(Setting, frozen=True, kw_only=True):
    """Declaration of one parameter. Empty texts in an annotation stand for what follows from the field's name."""

    example: Any
    """A value other than the API's default: for documentation and tests."""
    wire: str = ""
    """Place in the request's body of the Messages API, names joined by dots."""
    elsewhere: Mapping[Protocol, str] = msgspec.field(default_factory=dict)
    """Place in the body of each other protocol that has it."""
    words: Mapping[Any, Any] = msgspec.field(default_factory=dict)
    """Values that those protocols call otherwise, or leave empty."""
    most: Mapping[Protocol, float] = msgspec.field(default_factory=dict)
    """Largest value of a protocol that takes less than the field's type."""
    is_structured: bool = False
    """True where the value is not sent as it is: the request body has code for it."""
    is_counted: bool = False
    """True where `count_tokens` takes it as well."""
    moves_latency: bool = False
    """True for those that move latency most; forms show them first."""
    title: str = ""
    """Label of its row in a form."""
    word: str = ""
    """Its name in a lane's head, where room is short."""
    hint: str = ""
    """Text of an empty field: what may be typed. Empty where there are choices."""
    probes: tuple[Any, ...] = ()
    """Values that stand for all there are, to learn whether a model takes the parameter at all; empty: its choices."""
    named: str = ""
    """Pattern of what the API calls it in a refusal."""

    def of_field(self, name: str) -> "Parameter":
        """The declaration of the field `name`, with its empty texts filled in."""
        wire = self.wire or name
        title = self.title or name.replace("_", " ")
        table, _, leaf = wire.rpartition(".")
        named = self.named or (rf"(?:{table}(?:\.\w+)*\.)?{leaf}" if table else leaf)
        return msgspec.structs.replace(self, wire=wire, title=title, word=self.word or title, named=named)


def _openai(chat: str, responses: str) -> dict[Protocol, str]:
    """The places in the two protocols of OpenAI; empty where there is none."""
    places = {Protocol.CHAT: chat, Protocol.RESPONSES: responses}
    return {protocol: place for protocol, place in places.items() if place}


def _parameter(help: str, **declared: Any) -> msgspec.Meta:  # noqa: A002 - the declaration's own word
    return declaration(Parameter(help=help, **declared))


class Parameters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Request parameters. `None` means "not set": inherited from the shared ones, or left to the API."""

    max_tokens: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None,
        _parameter(
            "Most tokens the answer may have, thinking included.",
            unit="tokens", example=1024, moves_latency=True, hint="1 to 1,000,000", set_by="anyone",
            elsewhere=_openai("max_completion_tokens", "max_output_tokens"),
        ),
    ] = None  # fmt: skip
    stream: Annotated[
        bool | None,
        _parameter(
            "Sends the answer as it is written; false sends it in one piece, to show what streaming saves.",
            example=False,
            elsewhere=_openai("stream", "stream"),
            named="stream(?=[:`])",  # the word alone says where an error stood
            set_by="anyone",
        ),
    ] = None
    stop_sequences: Annotated[
        tuple[str, ...] | None,
        _parameter(
            "Texts at which the model stops; they do not appear in the answer.",
            example=("END",), title="stop", hint="texts, separated by commas", set_by="anyone",
            elsewhere=_openai("stop", ""),
        ),
    ] = None  # fmt: skip
    effort: Annotated[
        Effort | None,
        _parameter(
            "Effort that goes into the answer, thinking above all; less is faster.",
            example="low", wire="output_config.effort", is_counted=True, moves_latency=True, set_by="anyone",
            elsewhere=_openai("reasoning_effort", "reasoning.effort"),
        ),
    ] = None  # fmt: skip
    thinking: Annotated[
        ThinkingType | None,
        _parameter(
            "Thinking before the answer; models differ in the types they take.",
            example="adaptive", wire="thinking.type", is_structured=True, is_counted=True, moves_latency=True,
            named="thinking", set_by="anyone",
        ),
    ] = None  # fmt: skip
    thinking_budget: Annotated[
        Annotated[int, msgspec.Meta(ge=1024, le=1_000_000)] | None,
        _parameter(
            'Most thinking tokens, for thinking = "enabled", which needs it.',
            unit="tokens", example=2048, wire="thinking.budget_tokens", is_structured=True, is_counted=True,
            moves_latency=True, word="budget", hint="1,024 or more, for enabled", probes=(2048,), set_by="anyone",
        ),
    ] = None  # fmt: skip
    thinking_display: Annotated[
        ThinkingDisplay | None,
        _parameter(
            "Shows the thinking in summary, or withholds it; it takes its time either way.",
            example="omitted", wire="thinking.display", is_structured=True, is_counted=True, moves_latency=True,
            named=r"thinking(?:\.\w+)*\.display", set_by="anyone",
            elsewhere=_openai("", "reasoning.summary"), words={"summarized": "auto", "omitted": None},
        ),
    ] = None  # fmt: skip
    speed: Annotated[
        Speed | None,
        _parameter(
            "Fast mode, on models that have it: more output tokens per second at a higher price.",
            example="fast", is_counted=True, moves_latency=True, probes=("fast",), set_by="anyone",
        ),
    ] = None  # fmt: skip
    cache: Annotated[
        bool | CacheTtl | None,
        _parameter(
            "Caches the prompt: true for the API's own time, 5m or 1h.",
            example="1h", wire="cache_control", is_structured=True, is_counted=True, moves_latency=True,
            set_by="anyone",
        ),
    ] = None  # fmt: skip
    thread: Annotated[
        bool | None,
        _parameter(
            "Keeps a played conversation at the server (beta): each turn sends only what is new, not the transcript.",
            example=True, is_structured=True, moves_latency=True, probes=(True,), set_by="anyone",
        ),
    ] = None  # fmt: skip
    service_tier: Annotated[
        ServiceTier | None,
        _parameter(
            "Lets priority capacity serve the request, unless standard_only.",
            example="standard_only",
            elsewhere=_openai("service_tier", "service_tier"),
            words={"standard_only": "default"},
            word="tier",
            set_by="anyone",
        ),
    ] = None
    inference_geo: Annotated[
        Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None,
        _parameter("Region in which the model runs.", example="us", title="region", hint="such as us", set_by="anyone"),
    ] = None
    temperature: Annotated[
        Heat | None,
        _parameter(
            "Randomness; only older models and compatible servers accept it.",
            example=0.2, hint="0 to 1; 0 to 2 in OpenAI's protocols", probes=(0.5,), set_by="anyone",
            elsewhere=_openai("temperature", "temperature"), most={Protocol.MESSAGES: 1.0},
        ),
    ] = None  # fmt: skip
    top_p: Annotated[
        Share | None,
        _parameter(
            "Probability that the candidates for a token add up to; as temperature.",
            example=0.9, hint="0 to 1", probes=(0.5,), set_by="anyone", elsewhere=_openai("top_p", "top_p"),
        ),
    ] = None  # fmt: skip
    top_k: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None,
        _parameter(
            "Number of candidates for a token; as temperature.",
            example=40, hint="0 or more", probes=(40,), set_by="anyone",
        ),
    ] = None  # fmt: skip
    extra: Annotated[
        dict[str, Any] | None,
        _parameter(
            "Further fields of the request's body, merged into it last, tables into tables.",
            example={"metadata": {"user_id": "me"}}, elsewhere=_openai("extra", "extra"), is_structured=True,
            hint='{"name": "value"} or name = "value"',
            set_by="chosen files",
        ),
    ] = None  # fmt: skip

    def overridden_by(self, overrides: "Parameters") -> "Parameters":
        """These parameters with every field that `overrides` sets taken from there."""
        return msgspec.structs.replace(self, **dict(overrides.set_ones()))

    def without(self, names: Iterable[str]) -> "Parameters":
        """These parameters with the fields `names` not set."""
        return msgspec.structs.replace(self, **dict.fromkeys(names))

    def set_ones(self) -> Iterator[tuple[str, Any]]:
        """Name and value of every parameter that is set."""
        return ((name, value) for name in self.__struct_fields__ if (value := getattr(self, name)) is not None)

    @property
    def sampling(self) -> tuple[str, ...]:
        """Names of the sampling parameters that are set."""
        return tuple(name for name in SAMPLING if getattr(self, name) is not None)


def shared_by(parameters: Sequence[Parameters]) -> Parameters:
    """The parameters in which all of these agree."""
    first, *others = parameters
    names = first.__struct_fields__
    return first.without(name for name in names if any(getattr(one, name) != getattr(first, name) for one in others))


def _declarations() -> Iterator[tuple[str, Parameter]]:
    for name, declared in settings_of(Parameters).items():
        assert isinstance(declared, Parameter), f"{name} is not declared as a parameter"
        yield name, declared.of_field(name)


PARAMETERS: Mapping[str, Parameter] = MappingProxyType(dict(_declarations()))
"""The declaration of every parameter, by field, in the fields' order."""
