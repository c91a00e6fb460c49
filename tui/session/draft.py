"""Draft: the prompts, values, parameters and targets that a person has on screen."""

from collections.abc import Sequence

import msgspec

from tui.core.model import KnownModel
from tui.core.plan import Plan
from tui.core.reopen import reopened
from tui.core.target import Endpoint
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
        """Whether every target is asked every variant, and not only the one in use."""
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

        Targets at those are left out. See `core.reopen`.
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
