"""Every setting: its type, limits, unit and meaning, in the one table that loading, errors and listings read.

Defaults are values of `configs/default.toml`, the lowest layer, so that each stands in one place.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_type_hints

import msgspec

from tui.config import urls
from tui.config.wording import shown
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Retries, Target, Timeouts

AUTO = "auto"
"""The default endpoint that means: the API when its key is set, else the simulator."""
ANTHROPIC = "anthropic"
SIMULATOR = "simulator"
"""The built-in simulator. Its URL is known only once it runs, so it has no table under `endpoints`."""
CUSTOM = "custom"
"""The endpoint that `--base-url` defines."""

FrameRate = Annotated[float, msgspec.Meta(ge=1, le=30)]


class UiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the screen."""

    frame_rate: FrameRate = 10.0
    """Screen updates per second."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings in effect, checked."""

    endpoint: str = AUTO
    """Default endpoint of the sitting: `auto`, `simulator`, or a name in `endpoints`."""
    prompt: Prompt
    parameters: Parameters
    targets: tuple[Target, ...]
    """1 to `tui.core.plan.MAX_TARGETS` targets."""
    endpoints: dict[str, Endpoint]
    """By name; without the simulator."""
    timeouts: Timeouts
    retries: Retries
    ui: UiSettings


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a table."""

    name: str
    type: Any
    help: str
    """One sentence."""
    unit: str = ""
    required: bool = False
    refuse: Callable[[Any], str | None] | None = None
    """Says what is wrong with a value of the right type, as the end of a sentence that starts with the key."""


def _of(struct: type[msgspec.Struct], field: str) -> Any:
    """A field's type with its limits and without `| None`: TOML has no null, a key is there or it is not."""
    hint = get_type_hints(struct, include_extras=True)[field]
    inner = [part for part in get_args(hint) if part is not type(None)]
    return inner[0] if type(None) in get_args(hint) else hint


def refuse_label(value: str) -> str | None:
    """What is wrong with `value` as a name that is shown on screen."""
    if not value.strip() or len(value) > 256 or not value.isprintable():
        return f"must be 1 to 256 printable characters, but is {shown(value)}"
    return None


def refuse_endpoint_name(value: str) -> str | None:
    """What is wrong with `value` as the name of an endpoint."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        return f"must be 1 to 64 letters, digits, - or _, but is {shown(value)}"
    return None


def _refuse_variable(value: str) -> str | None:
    # Upper case only, and never repeated: what stands here by mistake is most often the key itself.
    if value and not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", value):
        return (
            "must be the name of an environment variable (upper-case letters, digits and _); "
            "a key itself never belongs in a file"
        )
    return None


def _refuse_stop_sequences(value: tuple[str, ...]) -> str | None:
    return "must not contain an empty text" if "" in value else None


PARAMETERS = (
    Key(
        name="max_tokens",
        type=_of(Parameters, "max_tokens"),
        unit="tokens",
        help="Most tokens the answer may have, thinking included.",
    ),
    Key(
        name="stop_sequences",
        type=_of(Parameters, "stop_sequences"),
        help="Texts at which the model stops; they do not appear in the answer.",
        refuse=_refuse_stop_sequences,
    ),
    Key(
        name="temperature",
        type=_of(Parameters, "temperature"),
        help="Randomness, 0 to 1; only older models and compatible servers accept it.",
    ),
)
TARGET = (
    Key(name="model", type=str, required=True, help="The model's id.", refuse=refuse_label),
    Key(name="endpoint", type=str, help="Endpoint to ask; absent: the default one.", refuse=refuse_endpoint_name),
    Key(name="name", type=str, help="What the lane is called; absent: the model's id.", refuse=refuse_label),
    *PARAMETERS,
)
ENDPOINT = (
    Key(
        name="base_url",
        type=str,
        help="Scheme, host and port of a server that speaks the Messages API, without /v1.",
        refuse=urls.complaint,
    ),
    Key(
        name="api_key_env",
        type=str,
        help="Name of the environment variable that holds the key; empty or absent: no key is sent.",
        refuse=_refuse_variable,
    ),
)
TOP = (
    Key(
        name="endpoint",
        type=str,
        help="Endpoint of targets that name none: auto (the API when its key is set, else the simulator) or a name.",
        refuse=refuse_endpoint_name,
    ),
)
TABLES: dict[str, tuple[Key, ...]] = {
    "prompt": (
        Key(name="system", type=str, help="The system text; may be empty."),
        Key(name="user", type=str, help="The user's turn."),
    ),
    "parameters": PARAMETERS,
    "timeouts": (
        Key(name="connect", type=_of(Timeouts, "connect"), unit="seconds", help="Name look-up, TCP and TLS together."),
        Key(
            name="first_token",
            type=_of(Timeouts, "first_token"),
            unit="seconds",
            help="From the request sent to the first content token.",
        ),
        Key(
            name="between_tokens",
            type=_of(Timeouts, "between_tokens"),
            unit="seconds",
            help="Silence between two events of a stream.",
        ),
        Key(name="request", type=_of(Timeouts, "request"), unit="seconds", help="The whole request."),
    ),
    "retries": (
        Key(
            name="max",
            type=_of(Retries, "max"),
            unit="attempts",
            help="Most attempts after the first when the server turns a request away; each is shown apart.",
        ),
    ),
    "ui": (
        Key(
            name="frame_rate",
            type=_of(UiSettings, "frame_rate"),
            unit="per second",
            help="Screen updates; fewer suit a slow connection.",
        ),
    ),
}
"""The tables with fixed keys. `targets` (of TARGET) and `endpoints.NAME` (of ENDPOINT) are lists and maps."""
COLLECTIONS = ("targets", "endpoints")


def keys_by_path() -> dict[str, Key]:
    """Every key with a fixed place, by its dotted path."""
    paths = {key.name: key for key in TOP}
    for table, keys in TABLES.items():
        paths |= {f"{table}.{key.name}": key for key in keys}
    return paths
