"""Draft: the prompts, values, parameters and targets that a person has on screen."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from tui.config.presets import presets
from tui.config.schema import SIMULATOR
from tui.core.attachment import Attachment
from tui.core.checks import AnswerCheck
from tui.core.load import LoadSettings
from tui.core.model import KnownModel
from tui.core.objectives import Objective
from tui.core.plan import Plan
from tui.core.plan_contents import PlanContents, contents_of
from tui.core.prompt import Prompt
from tui.core.series import SeriesSettings
from tui.core.target import Endpoint, Target
from tui.session.drafts import KeptDraft, PaneSizes
from tui.session.prompt_book import PromptBook
from tui.session.target_choice import TargetChoice


class Draft:
    """State that the widgets edit in place. `plan` makes a plan of it, and nothing else does.

    What is sent is always a plan that was made before: an edit changes nothing that is under way.
    """

    def __init__(self, plan: Plan, targets: TargetChoice, series: SeriesSettings | None = None) -> None:
        """Start with what `plan` asks. `targets` are the candidates, those of the plan chosen among them."""
        self.example = ""
        """The user prompt where nobody has written one yet."""
        self.book = PromptBook(plan.prompt, plan.variants, plan.rows, plan.row)
        self.parameters = plan.parameters
        """The parameters that the targets share."""
        self.targets = targets
        self.ask_all = plan.ask_all
        """True to ask every target every variant, and not only the one in use."""
        self.book.conversation, self.book.files = plan.conversation, plan.files
        self.series = series or SeriesSettings()
        """Options of the next series."""
        self.load = LoadSettings()
        """Options of the next load."""
        self.panes = PaneSizes()
        self._rest = plan
        """The endpoints, hosts, limits and budget, which no widget edits."""

    def plan(self) -> Plan:
        """The plan of one run. Later edits of the draft do not change it."""
        return msgspec.structs.replace(
            self._rest,
            prompt=self.book.prompt,
            variants=self.book.variants,
            rows=tuple(dict(values) for values in self.book.rows),
            row=self.book.row,
            ask_all=self.ask_all,
            hosts_share_cache=self.series.bust_cache is False,
            parameters=self.parameters,
            conversation=self.book.conversation,
            files=dict(self.book.files),
            targets=self.targets.labelled,
        )

    def contents(self, series: SeriesSettings, objectives: Sequence[Objective]) -> PlanContents:
        """Contents of the plan file that would ask the same."""
        plan = msgspec.structs.replace(self.plan(), targets=self.targets.chosen)
        return contents_of(plan, series, objectives, self.load)

    def kept(self, series: SeriesSettings, objectives: Sequence[Objective], file: str | None) -> KeptDraft:
        """The draft as it is stored for the next start."""
        targets, not_chosen = self.targets.remembered
        return KeptDraft(
            contents=msgspec.structs.replace(self.contents(series, objectives), targets=tuple(targets)),
            current=self.book.current,
            row=self.book.row,
            not_chosen=frozenset(not_chosen),
            foreign_files=self.book.foreign,
            file=file,
            panes=self.panes,
        )

    def restore(
        self, kept: KeptDraft, models: Sequence[KnownModel], files: Mapping[str, Attachment] | None = None
    ) -> tuple[str, ...]:
        """Take up a stored draft with its `files`; returns the names of its endpoints that are not here.

        Targets there are left out, and where that leaves none, the present ones stay. The simulator and the endpoints
        that are known by name can be had at any time.
        """
        contents, known = kept.contents, {None, SIMULATOR, *presets(), *(endpoint.name for endpoint in self.endpoints)}
        self.book = PromptBook(contents.prompts[kept.current], contents.prompts, contents.rows, kept.row)
        self.parameters, self.panes = contents.parameters, kept.panes
        self._rest = msgspec.structs.replace(self._rest, hosts=contents.hosts)
        self.book.conversation, self.book.files = contents.conversation, files or {}
        self.book.foreign = kept.foreign_files
        listed = [(target, at not in kept.not_chosen) for at, target in enumerate(contents.targets)]
        here = [(target, is_chosen) for target, is_chosen in listed if target.endpoint in known]
        if any(is_chosen for _, is_chosen in here):
            not_chosen = [at for at, (_, is_chosen) in enumerate(here) if not is_chosen]
            self.targets = TargetChoice.among(models, tuple(target for target, _ in here), not_chosen, self.targets.at)
        return tuple(dict.fromkeys(str(target.endpoint) for target, _ in listed if target.endpoint not in known))

    def open(self, stored: Plan, models: Sequence[KnownModel]) -> tuple[str, ...]:
        """Take up what a stored plan asks, of endpoints that are here; returns the names of those that are not.

        Targets at those are left out.
        """
        plan, unknown = reopened(stored, self.plan())
        self.book = PromptBook(plan.prompt, plan.variants, plan.rows, plan.row)
        self.parameters = plan.parameters
        self.book.conversation, self.book.files = plan.conversation, plan.files
        paths = {path for prompt in self.book.prompts for path in prompt.attach}
        self.book.foreign = frozenset(path for path in paths if self.book.file_at(path) is None)
        self.targets = TargetChoice.among(models, plan.targets, at=self.targets.at)
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
        single = msgspec.structs.replace(target.single, endpoint=at)
        if single not in targets:
            targets.append(single)
    trusted = {check for prompt in (own.prompt, *own.variants) for check in prompt.checks}
    plan = msgspec.structs.replace(
        own,
        prompt=_without_programs(stored.prompt, trusted),
        variants=tuple(_without_programs(each, trusted) for each in stored.variants)
        if len(stored.variants) > 1
        else (),
        ask_all=len(stored.variants) > 1,
        rows=stored.rows,
        row=0,
        parameters=stored.parameters,
        conversation=stored.conversation,
        targets=tuple(targets) or own.targets,
    )
    return plan, tuple(dict.fromkeys(unknown))


def _without_programs(prompt: Prompt, trusted: Collection[AnswerCheck]) -> Prompt:
    """The prompt without checks that run programs or cost money, except those that the person has chosen here."""
    kept = tuple(check for check in prompt.checks if not check.acts or check in trusted)
    return msgspec.structs.replace(prompt, checks=kept)
