"""A plan as TOML: what is asked, as `run` and `--config` take it. It names endpoints and holds no key."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeVar

import msgspec
import tomli

from tui.config.endpoints import ANTHROPIC
from tui.config.files import text_parts
from tui.config.remembered import as_table
from tui.config.schema import SIMULATOR
from tui.config.show import toml, toml_key
from tui.core.checks import AnswerCheck
from tui.core.load import LoadSettings
from tui.core.parameters import Parameters, shared_by
from tui.core.plan_contents import PlanContents, contents_of, seen_from
from tui.core.prompt import Conversation, Prompt
from tui.core.run import StoredRun
from tui.core.sanitize import clean
from tui.core.series import SeriesSettings
from tui.core.snapshot import LaneSnapshot, Snapshot
from tui.core.target import Endpoint, Target
from tui.export.portable import REMOVED, Contents, portable_endpoint, portable_prompt
from tui.secret_names import is_secret_name

_T = TypeVar("_T")

_OWN = frozenset(
    {
        *("objectives", "checks", "prompt", "prompts", "variables", "conversation"),
        *("parameters", "targets", "hosts", "series", "load"),
    }
)
"""Keys and tables that say what is asked. Whatever else a file has is left as it is when a plan is saved over it."""


def _at_named(contents: PlanContents, default: str) -> PlanContents:
    """The same with `default` in every target that names no endpoint, unless it is what any machine takes there."""
    return contents if default in ("", ANTHROPIC, SIMULATOR) else seen_from(contents, default, "")


def plan_text(contents: PlanContents, endpoints: Iterable[Endpoint] = (), before: str = "", default: str = "") -> str:
    """The file. `endpoints` are those that only this file defines; how they get their keys stays out. Targets that name
    no endpoint are asked at `default`.

    `before` is the text of the file that it replaces, whose other tables and comments are kept.
    """
    kept = _kept(before)
    defined = set(tomli.loads(kept.rest).get("endpoints", {}))
    new = [endpoint for endpoint in endpoints if endpoint.name not in defined]
    blocks = [kept.head, *_blocks(_at_named(contents, default)), *map(_endpoint, new), kept.rest]
    return "\n\n".join(block.strip("\n") for block in blocks if block.strip()) + "\n"


def render_plan(contents: Contents) -> Iterator[str]:
    """The plan of the latest of the runs; repeated as often as its series was."""
    latest = contents.runs[-1]
    # Of each run the texts and stamps are left out: a long series would fill the memory.
    runs = [StoredRun(info=run.info, plan=run.plan, requests=[]) for run in contents.runs if _is_same(run, latest)]
    counted = [run for run in runs if run.info.counted]
    series = SeriesSettings()
    if latest.info.load is None and latest.info.series is not None and counted:
        series = msgspec.structs.replace(
            series,
            repeats=len(counted),
            warm_ups=sum(run.info.warm_up for run in runs),
            in_turn=latest.info.in_turn,
            seed=latest.info.seed,
        )
    plan = msgspec.structs.replace(
        latest.plan, rows=_rows(runs), targets=_without_variants(latest.plan.targets), hosts=()
    )
    named = {target.endpoint or plan.default_endpoint for target in plan.targets}
    endpoints = [one for one in plan.endpoints if one.name in named and not one.simulated]
    text = plan_text(contents_of(plan, series, contents.objectives), endpoints, default=plan.default_endpoint)
    if names := ", ".join(host.name for host in latest.plan.hosts):
        text = f"# It was asked from {clean(names)}: say under [[hosts]] how they are reached.\n\n{text}"
    yield f"# The plan of a run on the built-in simulator: SIMULATED.\n\n{text}" if plan.simulated else text


def _is_same(run: StoredRun, latest: StoredRun) -> bool:
    return run.info.uid == latest.info.uid or (run.info.series is not None and run.info.series == latest.info.series)


def _rows(runs: Iterable[StoredRun]) -> tuple[dict[str, str], ...]:
    """The rows of the variables' values that a series went through, each once."""
    rows: list[dict[str, str]] = []
    for values in chain.from_iterable(run.plan.rows for run in runs):
        if values not in rows:
            rows.append(values)
    return tuple(rows)


def _without_variants(targets: Iterable[Target]) -> tuple[Target, ...]:
    """The targets before each was asked every variant and from every host: `Plan.lanes` made several of one."""
    found: list[Target] = []
    for target in targets:
        if target.single not in found:
            found.append(target.single)
    return tuple(found)


class _Kept(msgspec.Struct, frozen=True):
    """Parts of the file that is written over, which stay."""

    head: str = ""
    """Comments above everything, and single keys."""
    rest: str = ""
    """Tables."""


def _kept(before: str) -> _Kept:
    parts = text_parts(before)
    values = tomli.loads(parts.keys)
    singles = "\n".join(f"{name} = {toml(value)}" for name, value in values.items() if name not in _OWN)
    rest = "\n\n".join(text.strip("\n") for name, text in parts.tables if name not in _OWN)
    return _Kept("\n\n".join(filter(None, (parts.comment.strip("\n"), singles))), rest)


def _blocks(contents: PlanContents) -> Iterable[str]:
    if contents.objectives:
        yield f"objectives = {toml(contents.objectives)}"
    checks = contents.prompts[0].checks
    prompts = contents.prompts
    if all(prompt.checks == checks for prompt in prompts):
        prompts = tuple(msgspec.structs.replace(prompt, checks=()) for prompt in prompts)
        yield from (_table("[[checks]]", _given(check, AnswerCheck())) for check in checks)
    if len(prompts) == 1:
        yield _table("[prompt]", _given(prompts[0], Prompt(), always=("user",)))
    else:
        for variant in prompts:
            # What a variant leaves out is taken from [prompt] of other files too: it leaves nothing out.
            yield _table("[[prompts]]", {"name": variant.name} | _given(variant, Prompt(), always=("system", "user")))
    if len(contents.rows) == 1:
        yield _table("[variables]", contents.rows[0])
    elif contents.rows:
        yield "[variables]\nrows = [\n" + "".join(f"  {toml(row)},\n" for row in contents.rows) + "]"
    yield _table("[conversation]", _given(contents.conversation, Conversation()))
    yield _table("[parameters]", _given(contents.parameters, Parameters()))
    for target in contents.targets:
        yield _table("[[targets]]", as_table(target))
    for host in contents.hosts:
        yield _table("[[hosts]]", msgspec.to_builtins(host))
    yield _table("[series]", _given(contents.series, SeriesSettings()))
    yield _table("[load]", _given(contents.load, LoadSettings()))


def _table(header: str, values: Mapping[str, object]) -> str:
    lines = [f"{toml_key(name)} = {toml(value)}" for name, value in values.items()]
    return "\n".join([header, *lines]) if lines else ""


def _given(struct: msgspec.Struct, usual: msgspec.Struct, always: Sequence[str] = ()) -> dict[str, object]:
    """The fields that differ from the usual ones, as TOML takes them."""
    values: dict[str, object] = msgspec.to_builtins(struct)
    plain: dict[str, object] = msgspec.to_builtins(usual)
    names = [name for name in struct.__struct_fields__ if name in always or values.get(name) != plain.get(name)]
    return {name: values[name] for name in names if values.get(name) is not None}


def _endpoint(endpoint: Endpoint) -> str:
    safe, usual = portable_endpoint(endpoint), Endpoint(name="", base_url="")
    headers = {name: value for name, value in safe.headers.items() if not is_secret_name(name) and value != REMOVED}
    own = {"api_key_env": endpoint.api_key_env, "secret_headers": endpoint.secret_headers}
    values = {**_given(safe, usual), "headers": headers, **own}
    for name in ("name", "simulated"):
        values.pop(name, None)
    return _table(f"[endpoints.{endpoint.name}]", {name: value for name, value in values.items() if value})


def contents_of_snapshot(snapshot: Snapshot) -> tuple[PlanContents, str]:
    """The plan that asks again, as often, what a snapshot asked, and the endpoint of its targets that name none."""
    lanes = snapshot.lanes
    default = lanes[0].endpoint
    shared = shared_by([lane.parameters for lane in lanes])
    prompts = _each_once([portable_prompt(lane.prompt) for lane in lanes])
    if len(prompts) == 1:
        prompts = (msgspec.structs.replace(prompts[0], name=""),)
    targets = _each_once([_target(lane, default, shared, variants=len(prompts) > 1) for lane in lanes])
    repeats = max(1, *(len({one.run for one in lane.observations}) for lane in lanes))
    series = msgspec.structs.replace(SeriesSettings(), repeats=repeats)
    return PlanContents(prompts=prompts, parameters=shared, targets=targets, series=series), default


def _each_once(found: Sequence[_T]) -> tuple[_T, ...]:
    # Some of their fields cannot be hashed.
    return tuple(one for at, one in enumerate(found) if one not in found[:at])


def _target(lane: LaneSnapshot, default: str, shared: Parameters, *, variants: bool) -> Target:
    own = {name: value for name, value in lane.parameters.set_ones() if getattr(shared, name) is None}
    # The lane of a variant is called by both.
    label = lane.name.removesuffix(f" · {lane.prompt.name}") if variants else lane.name
    return Target(
        model=lane.model,
        endpoint=None if lane.endpoint == default else lane.endpoint,
        name=None if label == lane.model else label,
        parameters=Parameters(**own),
    )
