"""Contents of a plan file and of a kept draft: what is asked, as a person writes it."""

from collections.abc import Sequence

import msgspec

from tui.core.host import Host
from tui.core.load import LoadSettings
from tui.core.objectives import Objective
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Conversation, Prompt
from tui.core.series import SeriesSettings
from tui.core.target import Target


class PlanContents(msgspec.Struct, frozen=True, kw_only=True):
    """Contents of a plan file. Equal for what asks the same."""

    prompts: tuple[Prompt, ...]
    """One without a name, or several with names."""
    rows: tuple[dict[str, str], ...] = ()
    parameters: Parameters
    targets: tuple[Target, ...]
    hosts: tuple[Host, ...] = ()
    objectives: tuple[str, ...] = ()
    series: SeriesSettings = SeriesSettings()
    conversation: Conversation = Conversation()
    load: LoadSettings = LoadSettings()


def contents_of(
    plan: Plan, series: SeriesSettings, objectives: Sequence[Objective], load: LoadSettings | None = None
) -> PlanContents:
    """Contents of the file that asks what `plan` does, again and again as `series` says, or as `load` says."""
    return PlanContents(
        prompts=plan.variants or (plan.prompt,),
        rows=plan.rows,
        parameters=plan.parameters,
        targets=tuple(msgspec.structs.replace(target, variant=None) for target in plan.targets),
        hosts=plan.hosts,
        objectives=tuple(objective.text for objective in objectives),
        series=series,
        conversation=plan.conversation,
        load=load or LoadSettings(),
    )


def seen_from(contents: PlanContents, theirs: str, ours: str) -> PlanContents:
    """The same where targets that name no endpoint are asked at `ours`, and not at `theirs`."""
    places = [(target, target.endpoint or theirs) for target in contents.targets]
    targets = [msgspec.structs.replace(target, endpoint=None if at == ours else at) for target, at in places]
    return msgspec.structs.replace(contents, targets=tuple(targets))
