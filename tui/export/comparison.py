"""A comparison of two snapshots as Markdown, and the plans of what each of them asked."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from tui.config.schema import SIMULATOR
from tui.core.parameters import Parameters
from tui.core.series import SeriesSettings
from tui.core.side_by_side import HEADING, LaneTable, SideBySide, side_by_side
from tui.core.snapshot import LaneSnapshot, Snapshot
from tui.core.target import Target
from tui.core.wording import SIMULATED
from tui.export.escape import markdown_block, markdown_line
from tui.export.markdown import markdown_table
from tui.export.plan_file import Asked
from tui.export.portable import portable_prompt

_T = TypeVar("_T")


def comparison_markdown(before: Snapshot, now: Snapshot) -> str:
    """The comparison as it is on the screen; all text from elsewhere is escaped or in fenced blocks."""
    both = side_by_side(before, now)
    simulated = any(lane.endpoint == SIMULATOR for lane in (*before.lanes, *now.lanes))
    parts = [f"# {markdown_line(before.name)} → {markdown_line(now.name)}"]
    parts += [f"**{SIMULATED}.** Measured on the built-in simulator, not on a model."] if simulated else []
    for lane in both.lanes:
        parts += _lane(lane, both)
    parts += ["\n".join(f"- {markdown_line(note)}" for note in both.notes)] if both.notes else []
    for part, difference in both.prompts:
        parts += [f"## Prompt, {part}", markdown_block(difference)]
    return "\n\n".join(parts) + "\n"


def _lane(lane: LaneTable, both: SideBySide) -> Iterator[str]:
    yield f"## {markdown_line(lane.name)}"
    if not lane.rows:
        yield f"not in {markdown_line(both.before)}"
        return
    if lane.asked:
        yield "\n".join(f"- {markdown_line(one)}" for one in lane.asked)
    yield markdown_table(HEADING, lane.rows)
    if lane.failures:
        yield f"{markdown_line(lane.failures)}."


def asked_by(snapshot: Snapshot) -> tuple[Asked, str]:
    """The plan that asks again, as often, what a snapshot asked, and the endpoint of its targets that name none."""
    lanes = snapshot.lanes
    default = lanes[0].endpoint
    shared = _shared([lane.parameters for lane in lanes])
    prompts = _each_once([portable_prompt(lane.prompt) for lane in lanes])
    if len(prompts) == 1:
        prompts = (msgspec.structs.replace(prompts[0], name=""),)
    targets = _each_once([_target(lane, default, shared, variants=len(prompts) > 1) for lane in lanes])
    repeats = max(1, *(len({one.run for one in lane.observations}) for lane in lanes))
    series = msgspec.structs.replace(SeriesSettings(), repeats=repeats)
    return Asked(prompts=prompts, parameters=shared, targets=targets, series=series), default


def _each_once(found: Sequence[_T]) -> tuple[_T, ...]:
    # Some of their fields cannot be hashed.
    return tuple(one for at, one in enumerate(found) if one not in found[:at])


def _shared(all_of_them: Sequence[Parameters]) -> Parameters:
    """The parameters in which all agree."""
    first, *others = all_of_them
    names = first.__struct_fields__
    return Parameters(
        **{
            name: getattr(first, name)
            for name in names
            if all(getattr(other, name) == getattr(first, name) for other in others)
        }
    )


def _target(lane: LaneSnapshot, default: str, shared: Parameters, *, variants: bool) -> Target:
    own = {
        name: value
        for name in shared.__struct_fields__
        if (value := getattr(lane.parameters, name)) != getattr(shared, name)
    }
    # The lane of a variant is called by both.
    label = lane.name.removesuffix(f" · {lane.prompt.name}") if variants else lane.name
    return Target(
        model=lane.model,
        endpoint=None if lane.endpoint == default else lane.endpoint,
        name=None if label == lane.model else label,
        parameters=Parameters(**own),
    )
