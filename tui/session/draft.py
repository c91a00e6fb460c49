"""Draft: the prompts, values, parameters and targets that a person has on screen."""

from collections.abc import Sequence

import msgspec

from tui.core.model import KnownModel
from tui.core.plan import Plan
from tui.core.target import Endpoint, Target
from tui.session.prompt_book import PromptBook
from tui.session.target_choice import TargetChoice


class Draft:
    """State that the widgets edit in place. `plan` makes a plan of it, and nothing else does.

    What is sent is always a plan that was made before: an edit changes nothing that is under way.
    """

    def __init__(self, plan: Plan, targets: TargetChoice) -> None:
        """Start with what `plan` asks. `targets` are the candidates, those of the plan chosen among them."""
        self.book = PromptBook(plan.prompt, plan.variants, plan.rows, plan.row)
        self.parameters = plan.parameters
        """The parameters that the targets share."""
        self.targets = targets
        self.ask_all = plan.ask_all
        """True to ask every target every variant, and not only the one in use."""
        self._rest = plan
        """The endpoints, limits and budget, which no widget edits."""

    def plan(self) -> Plan:
        """The plan of one run. Later edits of the draft do not change it."""
        return msgspec.structs.replace(
            self._rest,
            prompt=self.book.prompt,
            variants=self.book.variants,
            rows=tuple(dict(values) for values in self.book.rows),
            row=self.book.row,
            ask_all=self.ask_all,
            parameters=self.parameters,
            targets=self.targets.labelled,
        )

    def open(self, stored: Plan, models: Sequence[KnownModel]) -> tuple[str, ...]:
        """Take up what a stored plan asks, of endpoints that are here; returns the names of those that are not.

        Targets at those are left out.
        """
        plan, unknown = reopened(stored, self.plan())
        self.book = PromptBook(plan.prompt, plan.variants, plan.rows, plan.row)
        self.parameters = plan.parameters
        self.targets = TargetChoice.among(models, plan.targets)
        self.ask_all = plan.ask_all
        return unknown

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The endpoints that a target can be asked at."""
        return self._rest.endpoints

    def add_endpoint(self, endpoint: Endpoint) -> None:
        """Offer another endpoint, such as a simulator that was started meanwhile."""
        self._rest = msgspec.structs.replace(self._rest, endpoints=(*self._rest.endpoints, endpoint))


def reopened(stored: Plan, own: Plan) -> tuple[Plan, tuple[str, ...]]:
    """`own` with the prompts, values, parameters and targets of `stored`, and the endpoints that were not found.

    Endpoints are found by name among the person's own: where a stored plan, which may come from a file, says that a
    request goes counts for nothing. Targets at one that is not there are left out; if that leaves none, the person's
    own targets stay.
    """
    names = {endpoint.name for endpoint in own.endpoints}
    targets: list[Target] = []
    unknown: list[str] = []
    for target in stored.targets:
        asked_at = target.endpoint or stored.default_endpoint
        if asked_at not in names:
            unknown.append(asked_at)
            continue
        at = None if asked_at == own.default_endpoint else asked_at
        single = msgspec.structs.replace(_without_variant(target), endpoint=at)
        if single not in targets:
            targets.append(single)
    plan = msgspec.structs.replace(
        own,
        prompt=stored.prompt,
        variants=stored.variants if len(stored.variants) > 1 else (),
        ask_all=len(stored.variants) > 1,
        rows=stored.rows,
        row=0,
        parameters=stored.parameters,
        targets=tuple(targets) or own.targets,
    )
    return plan, tuple(dict.fromkeys(unknown))


def _without_variant(target: Target) -> Target:
    """The target as it was before `Plan.lanes` made one of it for every variant."""
    if target.variant is None:
        return target
    label = target.label.removesuffix(f" · {target.variant}")
    return msgspec.structs.replace(target, name=None if label == target.model else label, variant=None)
