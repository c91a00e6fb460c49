"""Every setting: its type, limits, unit and meaning, in the one table that loading, errors and listings read.

Defaults are values of `configs/default.toml`, the lowest layer, so that each stands in one place.
"""

from typing import Annotated, Literal

import msgspec

from tui.config.endpoint_keys import ENDPOINT
from tui.config.keys import Key, refuse_endpoint_name, refuse_label
from tui.config.parameter_keys import PARAMETERS
from tui.config.prompt_keys import PROMPT, VARIANT
from tui.config.variables import Variables
from tui.config.wording import hint, shown
from tui.core import objectives
from tui.core.objectives import Objective
from tui.core.parameters import Parameters
from tui.core.plan import Budget
from tui.core.prompt import Prompt
from tui.core.series import SeriesSettings
from tui.core.setting import type_of
from tui.core.target import Endpoint, Retries, Target, Timeouts

__all__ = [
    "ENDPOINT",
    "PARAMETERS",
    "TABLES",
    "TARGET",
    "TOP",
    "VARIANT",
    "AdviceSettings",
    "HistorySettings",
    "KeySettings",
    "Settings",
    "UiSettings",
    "keys_by_path",
]

AUTO = "auto"
"""The default endpoint that means: the API when its key is set, else the simulator."""
ANTHROPIC = "anthropic"
SIMULATOR = "simulator"
"""The built-in simulator. Its URL is known only once it runs, so it has no table under `endpoints`."""
CUSTOM = "custom"
"""The endpoint that `--base-url` defines."""

FrameRate = Literal["auto"] | Annotated[float, msgspec.Meta(ge=1, le=30)]


class UiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the screen."""

    frame_rate: FrameRate = "auto"
    """Screen updates per second; `auto`: as many as the link to the terminal carries, 10 at most."""

    theme: Literal["auto", "terminal", "dark", "light", "high-contrast", "colour-blind"] = "auto"
    glyphs: Literal["auto", "unicode", "ascii"] = "auto"
    """The shapes of states, lines and sparklines."""
    markers: Literal["auto", "braille", "block", "ascii"] = "auto"
    """What charts are drawn with."""

    @property
    def fixed_rate(self) -> float | None:
        """Screen updates per second, or None to follow the link."""
        return None if isinstance(self.frame_rate, str) else self.frame_rate


class KeySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the keyboard."""

    preset: Literal["default", "emacs", "vi"] = "default"
    actions: dict[str, tuple[str, ...]] = {}
    """Keys by the id of an action, in place of the preset's."""


Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]
Megabytes = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class HistorySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of runs, and for how long."""

    enabled: bool = True
    """Whether runs are stored at all."""
    keep_days: Days = 0
    """Older runs are deleted at the start of the program; 0 keeps them for ever."""
    keep_mb: Megabytes = 0
    """The oldest runs are deleted above this size; 0 is no limit."""


class AdviceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What advice may suggest."""

    cut_share: Annotated[float, msgspec.Meta(ge=0.01, le=1)] = 0.05
    """Share of answers that a suggested max_tokens may cut."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings in effect, checked."""

    endpoint: str = AUTO
    """Default endpoint of the session: `auto`, `simulator`, or a name in `endpoints`."""
    objectives: tuple[Objective, ...] = ()
    """Service levels that every target is to keep."""
    prompt: Prompt
    variants: tuple[Prompt, ...]
    """Prompts held side by side, each with a name; the first is the one in use. Empty: there is only `prompt`."""
    variables: Variables
    parameters: Parameters
    targets: tuple[Target, ...]
    """1 to `tui.core.plan.MAX_TARGETS` targets."""
    endpoints: dict[str, Endpoint]
    """By name; without the simulator."""
    timeouts: Timeouts
    retries: Retries
    series: SeriesSettings
    history: HistorySettings
    advice: AdviceSettings
    budget: Budget
    ui: UiSettings
    keys: KeySettings


def _refuse_drop(value: tuple[str, ...]) -> str | None:
    known = [key.name for key in PARAMETERS if key.name != "max_tokens"]  # the API requires that one
    unknown = next((name for name in value if name not in known), None)
    return None if unknown is None else f"names {shown(unknown)}, which cannot be dropped; {hint(unknown, known)}"


def _series(name: str, help: str, unit: str = "") -> Key:  # noqa: A002 - the key's own word
    return Key(name=name, type=type_of(SeriesSettings, name), help=help, unit=unit)


TARGET = (
    Key(name="model", type=str, required=True, help="The model's id.", refuse=refuse_label),
    Key(name="endpoint", type=str, help="Endpoint to ask; absent: the default one.", refuse=refuse_endpoint_name),
    Key(name="name", type=str, help="What the lane is called; absent: the model's id.", refuse=refuse_label),
    Key(name="drop", type=tuple[str, ...], help="Shared parameters that it does not send.", refuse=_refuse_drop),
    *PARAMETERS,
)


def _refuse_objectives(value: tuple[str, ...]) -> str | None:
    for text in value:
        try:
            objectives.parse(text)
        except ValueError as error:
            return f"cannot be used. {str(error).removesuffix('.')}"
    return None


TOP = (
    Key(
        name="endpoint",
        type=str,
        help="Endpoint of targets that name none: auto (the API when its key is set, else the simulator) or a name.",
        refuse=refuse_endpoint_name,
    ),
    Key(
        name="objectives",
        type=tuple[str, ...],
        help="Service levels that every target is to keep, such as 'ttft.p95 < 800ms' or 'errors < 1%'.",
        refuse=_refuse_objectives,
    ),
)
TABLES: dict[str, tuple[Key, ...]] = {
    "prompt": PROMPT,
    "parameters": PARAMETERS,
    "timeouts": (
        Key(
            name="connect",
            type=type_of(Timeouts, "connect"),
            unit="seconds",
            help="Name look-up, TCP and TLS together.",
        ),
        Key(
            name="first_token",
            type=type_of(Timeouts, "first_token"),
            unit="seconds",
            help="From the request sent to the first content token.",
        ),
        Key(
            name="between_tokens",
            type=type_of(Timeouts, "between_tokens"),
            unit="seconds",
            help="Silence between two events of a stream.",
        ),
        Key(name="request", type=type_of(Timeouts, "request"), unit="seconds", help="The whole request."),
    ),
    "retries": (
        Key(
            name="max",
            type=type_of(Retries, "max"),
            unit="attempts",
            help="Most attempts after the first when the server turns a request away; each is shown apart.",
        ),
    ),
    "series": (
        _series("repeats", "Counted runs of a series; with until_sure the most there may be.", "runs"),
        _series("warm_ups", "Runs before those, kept but not counted.", "runs"),
        _series("in_turn", "Ask the targets one after another, so that they don't compete, and not all at once."),
        _series("gap", "Pause between two runs.", "seconds"),
        _series("concurrency", "Requests per target that are in flight together.", "requests"),
        _series("bust_cache", "Begin every prompt with a text of its own, so that no run finds it in the cache."),
        _series("seed", "What the orders of the targets are drawn from; absent: drawn, and recorded."),
        _series("max_requests", "Most requests of a series, warm-up included.", "requests"),
        _series("max_usd", "Estimated cost from which on no further run is begun.", "US dollars"),
        _series("until_sure", "Stop as soon as the target with the best median of this metric is known."),
        _series("confidence", "How sure that has to be."),
    ),
    "history": (
        Key(name="enabled", type=bool, help="Whether every run is stored."),
        Key(
            name="keep_days",
            type=type_of(HistorySettings, "keep_days"),
            unit="days",
            help="Older runs are deleted at the start; 0 keeps all.",
        ),
        Key(
            name="keep_mb",
            type=type_of(HistorySettings, "keep_mb"),
            unit="MB",
            help="The oldest runs are deleted above this size; 0 is no limit.",
        ),
    ),
    "advice": (
        Key(
            name="cut_share",
            type=type_of(AdviceSettings, "cut_share"),
            help="Share of answers that a suggested output cap may cut; 1: cut ones are as good as whole ones.",
        ),
    ),
    "budget": (
        Key(
            name="sitting_usd",
            type=type_of(Budget, "sitting_usd"),
            unit="USD",
            help="Most that a session may cost, at list prices; absent: no cap.",
        ),
        Key(
            name="plan_usd",
            type=type_of(Budget, "plan_usd"),
            unit="USD",
            help="Most that one run or series may cost, at list prices; absent: no cap.",
        ),
    ),
    "ui": (
        Key(
            name="frame_rate",
            type=type_of(UiSettings, "frame_rate"),
            unit="per second",
            help="Screen updates; auto: as many as the connection carries, 10 at most.",
        ),
        Key(
            name="theme",
            type=type_of(UiSettings, "theme"),
            help="Colours; terminal: its own palette, auto: what suits the terminal. NO_COLOR goes before it.",
        ),
        Key(
            name="glyphs",
            type=type_of(UiSettings, "glyphs"),
            help="Shapes of states, lines and sparklines; auto: what the terminal's character set has.",
        ),
        Key(
            name="markers",
            type=type_of(UiSettings, "markers"),
            help="What charts are drawn with; auto: braille, or ascii where the glyphs are.",
        ),
    ),
    "keys": (
        Key(name="preset", type=type_of(KeySettings, "preset"), help="The set of keys to start from."),
        Key(
            name="actions",
            type=type_of(KeySettings, "actions"),
            help="Lists of keys by action, in place of the preset's.",
        ),
    ),
}
"""The tables with fixed keys. `targets` (of TARGET), `prompts` (of VARIANT), `endpoints.NAME` (of ENDPOINT) and
`variables` are lists and maps."""
COLLECTIONS = ("targets", "endpoints", "prompts", "variables")
VARIABLES = (
    Key(
        name="file",
        type=str,
        help="A CSV or JSONL file with the rows, relative to the file that names it.",
        chosen_files_only=True,
    ),
    Key(name="rows", type=tuple[dict[str, str], ...], help="The rows of values, a table each."),
)
"""The keys of [variables] beside the names of variables."""


def keys_by_path() -> dict[str, Key]:
    """Every key with a fixed place, by its dotted path."""
    paths = {key.name: key for key in TOP}
    for table, keys in TABLES.items():
        paths |= {f"{table}.{key.name}": key for key in keys}
    return paths
