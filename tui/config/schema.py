"""Every setting: the structs that hold them, and the tables of their keys, which loading, errors and listings read.

Help, unit and limits stand on the fields. Defaults are values of `configs/default.toml`, the lowest layer, so that each
stands in one place.
"""

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from tui.config.endpoints import refuse_command, refuse_path, refuse_proxy
from tui.config.keys import Key, keys_of, refuse_endpoint_name, refuse_label, shown
from tui.config.variables import Variables, attach_complaint
from tui.core import checks as answer_checks
from tui.core import objectives
from tui.core import parameters as core
from tui.core.checks import MAX_CHECKS, AnswerCheck
from tui.core.host import MAX_HOSTS, Host
from tui.core.load import LoadSettings
from tui.core.objectives import Objective
from tui.core.parameters import REQUIRED, Parameters
from tui.core.plan import Budget
from tui.core.prompt import Conversation, Prompt, Turn
from tui.core.series import SeriesSettings
from tui.core.setting import open_setting, setting
from tui.core.target import Endpoint, Retries, Target, Timeouts
from tui.errors import hint

AUTO = "auto"
"""The default endpoint that means: the API when its key is set, else the simulator."""
SIMULATOR = "simulator"
"""The built-in simulator. Its URL is known only once it runs, so it has no table under `endpoints`."""
CUSTOM = "custom"
"""The endpoint that `--base-url` defines."""

FrameRate = Literal["auto"] | Annotated[float, msgspec.Meta(ge=1, le=30)]
Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]
Megabytes = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class UiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the screen."""

    frame_rate: Annotated[
        FrameRate, open_setting("Screen updates; auto: as many as the connection carries, 10 at most.", "per second")
    ] = "auto"
    theme: Annotated[
        Literal["auto", "terminal", "dark", "light", "high-contrast", "colour-blind"],
        open_setting("Colours; terminal: its own palette, auto: what suits the terminal. NO_COLOR turns them off."),
    ] = "auto"
    glyphs: Annotated[
        Literal["auto", "unicode", "ascii"],
        open_setting("Shapes of states, lines and sparklines; auto: what the terminal's character set has."),
    ] = "auto"
    markers: Annotated[
        Literal["auto", "braille", "block", "ascii"],
        open_setting("Characters of charts; auto: braille, or ascii where the glyphs are."),
    ] = "auto"

    notify: Annotated[
        Literal["bell", "osc9", "off"],
        open_setting("Sign that a series of ten seconds or more has ended: the bell, or a desktop's message (OSC 9)."),
    ] = "bell"

    @property
    def fixed_rate(self) -> float | None:
        """Screen updates per second, or None to follow the link."""
        return None if isinstance(self.frame_rate, str) else self.frame_rate


class KeySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the keyboard."""

    preset: Annotated[
        Literal["default", "emacs", "vi"], setting("Set of keys to start from.", set_by="chosen files")
    ] = "default"
    actions: Annotated[
        dict[str, tuple[str, ...]], setting("Lists of keys by action, in place of the preset's.", set_by="chosen files")
    ] = {}


class HistorySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the history of runs."""

    enabled: Annotated[bool, setting("Stores every run.", set_by="chosen files")] = True
    keep_days: Annotated[
        Days, setting("Older runs are deleted at the start; 0 keeps all.", "days", set_by="own file")
    ] = 0
    keep_mb: Annotated[
        Megabytes, setting("The oldest runs are deleted above this size; 0 is no limit.", "MB", set_by="own file")
    ] = 0


class AdviceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the advice."""

    cut_share: Annotated[
        float,
        msgspec.Meta(ge=0.01, le=1),
        open_setting("Share of answers that a suggested output cap may cut; 1: cut ones are as good as whole ones."),
    ] = 0.05


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings in effect, checked."""

    endpoint: Annotated[
        str,
        open_setting(
            "Endpoint of targets that name none: auto (the API when its key is set, else the simulator) or a name."
        ),
    ] = AUTO
    objectives: Annotated[
        tuple[Objective, ...],
        open_setting("Service levels that every target is to keep, such as 'ttft.p95 < 800ms' or 'errors < 1%'."),
    ] = ()
    checks: Annotated[
        tuple[AnswerCheck, ...],
        open_setting("Checks of the answers to every prompt: tables with one kind of check each."),
    ] = ()
    prompt: Prompt
    variants: tuple[Prompt, ...]
    """Prompts held side by side, each with a name; the first is the one in use. Empty: there is only `prompt`."""
    variables: Variables
    parameters: Parameters
    targets: tuple[Target, ...]
    """1 to `tui.core.plan.MAX_TARGETS` targets."""
    hosts: tuple[Host, ...] = ()
    """At most `tui.core.host.MAX_HOSTS` hosts."""
    endpoints: dict[str, Endpoint]
    """By name; without the simulator."""
    timeouts: Timeouts
    retries: Retries
    series: SeriesSettings
    load: LoadSettings
    history: HistorySettings
    advice: AdviceSettings
    budget: Budget
    conversation: Conversation
    ui: UiSettings
    keys: KeySettings


_OWN_FIELDS = {
    "model": "the target names the model",
    "messages": "[prompt] holds them",
    "system": "[prompt] holds it",
    **{
        declared.wire: "it is a parameter of its own"
        for declared in core.PARAMETERS.values()
        if not declared.is_structured and "." not in declared.wire
    },
}
"""Fields of the request's body that `extra` must leave alone, and why: what is shown must be what is sent."""

_LARGEST = 2**63 - 1


def _refuse_stop_sequences(value: tuple[str, ...]) -> str | None:
    return "must not contain an empty text" if "" in value else None


def _refuse_geo(value: str) -> str | None:
    if not value.isascii() or not value.isprintable() or " " in value:
        return f"must be the name of a region, such as us, but is {shown(value)}"
    return None


def _refuse_extra(value: dict[str, object]) -> str | None:
    for name, reason in _OWN_FIELDS.items():
        if name in value:
            return f"must not set {name}: {reason}"
    for part in _parts(value):
        if not isinstance(part, bool | int | float | str):
            return f"must hold what JSON can say, but holds {shown(part)}"
        if isinstance(part, float) and not math.isfinite(part):
            return f"must hold what JSON can say, but holds {part}"
        if isinstance(part, int) and abs(part) > _LARGEST:
            return "must hold whole numbers of at most 64 bits"
    return None


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _parts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _parts(part)
    else:
        yield value


def _refuse_drop(value: tuple[str, ...]) -> str | None:
    known = [name for name in core.PARAMETERS if name != REQUIRED]
    unknown = next((name for name in value if name not in known), None)
    return None if unknown is None else f"names {shown(unknown)}, which cannot be dropped; {hint(unknown, known)}"


def _refuse_objectives(value: tuple[str, ...]) -> str | None:
    return objectives.complaint_of(objectives.parse, value)


# How rules and gates are judged is not needed to read settings that have none.


def _refuse_choice(value: str) -> str | None:
    from tui.core import choice

    return choice.refuse(value)


def _refuse_load_gates(value: tuple[str, ...]) -> str | None:
    if not value:
        return None
    from tui.core import load_gates

    return load_gates.refuse(value)


def refuse_ssh(value: str) -> str | None:
    """The complaint about a host as ssh knows it, as the end of a sentence; None for a good one."""
    if not value or value.startswith("-") or not value.isprintable() or " " in value:
        return f"must be a host as ssh takes it, such as tokyo or me@tokyo.example, but is {shown(value)}"
    return None


def _refuse_empty(value: str) -> str | None:
    return None if value else "must not be empty"


def _refuse_turns(value: tuple[Turn, ...]) -> str | None:
    return "must begin with a turn of the user" if value and value[0].role != "user" else None


def _refuse_checks(value: tuple[AnswerCheck, ...]) -> str | None:
    if len(value) > MAX_CHECKS:
        return f"must hold at most {MAX_CHECKS} checks, but holds {len(value)}"
    complaints = ((at, answer_checks.complaint(check)) for at, check in enumerate(value))
    return next((f"(number {at + 1}) {complaint}" for at, complaint in complaints if complaint), None)


def _refuse_prefill(value: str) -> str | None:
    return "must not end with white space: the API refuses that" if value != value.rstrip() else None


PARAMETERS = keys_of(
    Parameters, refuse={"stop_sequences": _refuse_stop_sequences, "inference_geo": _refuse_geo, "extra": _refuse_extra}
)
CHECK = keys_of(AnswerCheck)
"""The keys of a check, of which one names its kind."""
PROMPT = keys_of(
    Prompt,
    items={"turns": keys_of(Turn, required=("role", "text"), refuse={"text": _refuse_empty}), "checks": CHECK},
    refuse={"turns": _refuse_turns, "prefill": _refuse_prefill, "checks": _refuse_checks, "attach": attach_complaint},
)
"""All texts may hold variables: {{name}}."""
VARIANT = (
    Key(name="name", type=str, required=True, set_by="anyone", help="Its name; unique.", refuse=refuse_label),
    *(msgspec.structs.replace(key, help=f"{key.help} Absent: that of [prompt].") for key in PROMPT[:-1]),
)
"""The keys of [[prompts]]. A variant takes from [prompt] what it leaves out."""
TARGET = (
    *keys_of(
        Target,
        required=("model",),
        refuse={"model": refuse_label, "endpoint": refuse_endpoint_name, "name": refuse_label, "drop": _refuse_drop},
    ),
    *PARAMETERS,
)
HOST = keys_of(
    Host,
    required=("name",),
    types={"command": str | tuple[str, ...], "key_command": str | tuple[str, ...]},
    refuse={
        "name": refuse_label,
        "ssh": refuse_ssh,
        "command": refuse_command,
        "key_command": refuse_command,
        "ca_file": refuse_path,
        "proxy": refuse_proxy,
    },
)
"""The keys of [[hosts]]."""
HOSTS = Key(
    name="hosts",
    type=tuple[dict[str, Any], ...],
    help=f"Machines that every target is asked from: at most {MAX_HOSTS}.",
    set_by="chosen files",
    items=HOST,
)
"""The whole list: whoever may set it may run programs here."""
TOP = keys_of(
    Settings,
    types={"objectives": tuple[str, ...]},
    items={"checks": CHECK},
    refuse={"endpoint": refuse_endpoint_name, "objectives": _refuse_objectives, "checks": _refuse_checks},
)
STRUCTS: dict[str, Any] = {
    "prompt": Prompt,
    "parameters": Parameters,
    "conversation": Conversation,
    "timeouts": Timeouts,
    "retries": Retries,
    "series": SeriesSettings,
    "load": LoadSettings,
    "history": HistorySettings,
    "advice": AdviceSettings,
    "budget": Budget,
    "ui": UiSettings,
    "keys": KeySettings,
}
"""The struct that holds each table with fixed keys."""
TABLES = {table: keys_of(struct) for table, struct in STRUCTS.items()} | {
    "prompt": PROMPT,
    "parameters": PARAMETERS,
    "series": keys_of(SeriesSettings, refuse={"choose": _refuse_choice}),
    "load": keys_of(LoadSettings, refuse={"fail_on": _refuse_load_gates}),
}
"""The tables with fixed keys. `targets` (of TARGET), `prompts` (of VARIANT), `endpoints.NAME` (of ENDPOINT) and
`variables` are lists and maps."""
COLLECTIONS = ("targets", "endpoints", "prompts", "variables", "hosts")
VARIABLES = keys_of(Variables)
"""The keys of [variables] beside the names of variables."""


def keys_by_path() -> dict[str, Key]:
    """Every key with a fixed place, by its dotted path."""
    paths = {key.name: key for key in TOP}
    for table, keys in TABLES.items():
        paths |= {f"{table}.{key.name}": key for key in keys}
    return paths
