"""What the application does about targets and parameters."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from tui.config.remembered import save_targets
from tui.config.schema import SIMULATOR
from tui.core.model import KnownModel
from tui.core.parameters import REQUIRED, Parameters
from tui.core.refusals import belonging
from tui.core.target import Target
from tui.errors import ChildError, ConfigError
from tui.session.draft import Draft
from tui.session.session import Session
from tui.session.target_choice import ChoiceError, TargetChoice
from tui.ui.bindings import KeyNames
from tui.ui.key_names import key
from tui.ui.viewmodel.lane_refusals import refused
from tui.ui.viewmodel.parameter_rows import asked
from tui.ui.widgets.parameters_form import ParametersForm
from tui.ui.widgets.target_picker import TargetPicker

if TYPE_CHECKING:
    from textual.app import App

    from tui.ui.screens.main import MainScreen

    _Base = App[None]
else:
    _Base = object


class TargetActions(_Base):
    """Edits the list of targets, each of them, and the parameters they share; a part of the application."""

    session: Session
    draft: Draft
    key_names: KeyNames
    main: "MainScreen"
    remembers_targets: bool = True
    """Whether the list is kept for the next session; one that a plan names must not take a person's own away."""

    @property
    def known_models(self) -> Mapping[str, KnownModel]:
        """What is known of models, by id."""
        raise NotImplementedError

    def complain(self, sentence: str) -> None:
        """Say what cannot be done."""
        raise NotImplementedError

    def describe_endpoints(self) -> None:
        """Say in the first row what is asked."""
        raise NotImplementedError

    @property
    def choice(self) -> TargetChoice:
        """The list of targets."""
        return self.draft.targets

    # Parameters

    def action_edit_parameters(self) -> None:
        """Edit all shared parameters."""
        from tui.ui.screens.parameters import ParametersScreen

        form = self.main.parameters_form

        def done(parameters: Parameters | None) -> None:
            if parameters is not None:
                self.draft.parameters = parameters
                form.show(parameters)

        self.push_screen(
            ParametersScreen(self.draft.parameters, asked(self.choice.labelled, self.known_models), self.key_names),
            done,
        )

    def on_parameters_form_changed(self, _event: ParametersForm.Changed) -> None:
        """What is shared now says in what the targets differ."""
        self.describe_lanes()

    # Targets

    def action_edit_target(self) -> None:
        """Edit the current lane's target."""
        index = self._current()
        if index is not None:
            self._edit(index)

    def action_duplicate_target(self) -> None:
        """Ask the current lane's target once more."""
        index = self._current()
        if index is not None:
            self._duplicate(index)

    def on_target_picker_wished(self, event: TargetPicker.Wished) -> None:
        """Edit the target under the list's cursor, or a copy of it."""
        if event.wish == "duplicate":
            self._duplicate(event.index)
        else:
            self._edit(event.index, focus="name" if event.wish == "rename" else "parameters")

    def on_target_picker_chosen(self, _event: TargetPicker.Chosen) -> None:
        """Ask other targets from now on, and remember them for the next session if they are a person's own list."""
        plan = self.draft.plan()
        try:
            if plan.missing_endpoint() == SIMULATOR:
                self.draft.add_endpoint(self.session.children.add_simulator())
                plan = self.draft.plan()
        except ChildError as error:
            self.complain(str(error))
            return
        self.session.show(plan)
        self.describe_endpoints()
        self.describe_lanes()
        self.main.wake()
        if not self.remembers_targets:
            return
        try:
            save_targets(*self.choice.remembered)
        except ConfigError as error:
            self.complain(str(error))

    def describe_lanes(self) -> None:
        """Say on every lane in what it differs, and what it would be refused for."""
        plan = self.draft.plan()
        if plan.missing_endpoint() is None:
            self.main.lanes.describe(plan, self.known_models)

    def _edit(self, index: int, focus: str = "parameters") -> None:
        def done(target: Target | None) -> None:
            if target is not None:
                self.choice.replace(index, target)
                self.main.picker.changed(index)

        self._open(self.choice.candidates[index], f"Target: {self.choice.describe(index)}", focus, done)

    def _duplicate(self, index: int) -> None:
        def done(target: Target | None) -> None:
            if target is None:
                return
            try:
                self.main.picker.changed(self.choice.insert(index + 1, target))
            except ChoiceError as error:
                self.complain(str(error))

        self._open(self.choice.copy_of(index), f"A copy of {self.choice.describe(index)}", "parameters", done)

    def _open(self, target: Target, title: str, focus: str, done: Any) -> None:
        from tui.ui.screens.target import TargetScreen

        plan = self.draft.plan()
        names = dict.fromkeys([*(endpoint.name for endpoint in plan.endpoints), SIMULATOR])
        endpoints = [name for name in names if name != plan.default_endpoint or name == target.endpoint]
        shared = self.draft.parameters
        screen = TargetScreen(
            target, title, shared, endpoints, plan.default_endpoint, self.known_models, self.key_names, focus=focus
        )
        self.push_screen(screen, done)

    def _current(self) -> int | None:
        """The current lane's place in the list, or None after saying that it has none."""
        target = self.main.current_lane.lane.target
        # A lane of a prompt's variant is called by both.
        label = target.label.removesuffix(f" · {target.variant}") if target.variant else target.label
        index = self.choice.index_of(label)
        if index is None:
            self.complain("This lane's target is no longer in the list: choose another lane, or run again.")
        return index

    # Refusals

    def action_drop_parameter(self) -> None:
        """Leave out what the current lane's model refuses, in its requests only."""
        lane = self.main.current_lane.lane
        index = self._current()
        if index is None:
            return
        target = self.choice.candidates[index]
        sent = self.draft.plan().parameters_of(target)
        name = refused(lane, sent, self.known_models)
        if name is None:
            self.complain(
                f"Nothing is known that this lane's model refuses; change its parameters with {key('edit_target')}."
            )
            return
        names = belonging(name, sent)
        own = target.parameters.without(names)
        drop = tuple(dict.fromkeys([*target.drop, *(part for part in names if part != REQUIRED)]))
        if name == REQUIRED and target.parameters.max_tokens is None:
            self.complain(
                f"max_tokens cannot be left out: change it, for all with {key('edit_parameters')} "
                f"or for this lane with {key('edit_target')}."
            )
            return
        self.choice.replace(index, msgspec.structs.replace(target, drop=drop, parameters=own))
        self.main.picker.changed()
        listed = ", ".join(part.replace("_", " ") for part in names)
        self.notify(
            f"{lane.label} is asked without {listed} from now on. {key('run')} runs it.", timeout=5, markup=False
        )
