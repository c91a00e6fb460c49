"""One target: its model, endpoint and name, and the parameters in which it differs from the shared ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import msgspec
from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from tui.config.keys import refuse_label
from tui.core.lanes import own
from tui.core.model import KnownModel
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.sanitize import clean
from tui.core.target import Target
from tui.session.target_choice import ChoiceError, checked_model
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.screens.dialogs import Dialog, done_button
from tui.ui.viewmodel.form_rows import PARAMETER_ROWS, FieldError
from tui.ui.viewmodel.parameter_refusals import ParameterContext, Recipient, kind_at
from tui.ui.widgets.choice_line import ChoiceLine
from tui.ui.widgets.inputs import Field
from tui.ui.widgets.settings_form import SettingsForm


class TargetScreen(Dialog[Target]):
    """Edits a target; dismisses with what became of it."""

    DEFAULT_CSS = """
    TargetScreen {
        & > Vertical { width: 100; max-width: 100%; height: 24; max-height: 100%; }
        & .head { height: 1; }
        & .head > Label { width: 17; color: $text-muted; }
        & .head > Input { width: 1fr; }
        & #models { display: none; height: auto; max-height: 6; margin: 0 0 0 17; padding: 0; }
        & #models.-open { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog", "fields")

    def __init__(
        self,
        target: Target,
        title: str,
        shared: Parameters,
        endpoints: Sequence[str],
        plan: Plan,
        models: Mapping[str, KnownModel],
        keys: KeyNames,
        *,
        at: Callable[[Target], Target] = lambda target: target,
        focus: str = "parameters",
    ) -> None:
        """`endpoints` are those of `plan` to choose from; `models` what is known, by id; `at` splits a model such
        as `groq/llama-…`; `focus` is the part to begin with: `parameters`, `model` or `name`."""
        self._models = models
        self._at = at
        self._begin = focus
        self._plan = plan
        self._target = target
        self._endpoint = ChoiceLine(
            endpoints, target.endpoint or "", unset=f"default: {plan.default_endpoint}", id="endpoint"
        )
        context = ParameterContext(self._recipients, shared, target.drop)
        self._form = SettingsForm(PARAMETER_ROWS, msgspec.structs.asdict(target.parameters), context)
        self._list = OptionList(id="models", compact=True, markup=False)
        self._matches: list[str] = []
        self._model = _field("model", target.model, "a model's id")
        self._label = _field("name", target.name or "", "what the lane is called")
        rows = (("model", self._model), ("endpoint", self._endpoint), ("name", self._label))
        head = [Horizontal(Label(name), field, classes="head") for name, field in rows]
        parts = (head[0], self._list, *head[1:], self._form)
        super().__init__(Content(clean(title)), keys, *parts, buttons=[done_button(keys)])

    def on_mount(self) -> None:
        """Focus the part to begin with."""
        self._suggest()
        if self._begin == "parameters":
            self._form.focus_first()
        else:
            self.query_one(f"#{self._begin}").focus()

    # The model

    @on(Input.Changed, "#model")
    def _suggest(self) -> None:
        """Offer the models that what is typed occurs in, unless it is the id of one."""
        typed = self._model.value.strip()
        words = typed.casefold().split()
        self._matches = [
            model.id
            for model in self._models.values()
            if typed not in self._models
            and all(word in f"{model.id} {model.display_name}".casefold() for word in words)
        ]
        lines = (f"{match}  {self._models[match].display_name}" for match in self._matches)
        self._list.set_options([Option(clean(line)) for line in lines])
        self._list.set_class(bool(self._matches), "-open")
        self._label.placeholder = clean(", ".join((typed, *own(self._target)))) if typed else ""
        if self._form.is_mounted:
            self._form.judge()

    @on(OptionList.OptionSelected, "#models")
    def _picked(self, event: OptionList.OptionSelected) -> None:
        self._model.value = self._matches[event.option_index]
        self._model.focus()

    def _recipients(self) -> tuple[Recipient, ...]:
        typed = self._at(Target(model=self._model.value.strip(), endpoint=self._endpoint.value or None))
        kind = kind_at(self._plan, typed.endpoint)
        return (Recipient(target=Target(model=typed.model), model=self._models.get(typed.model), kind=kind),)

    # Ends

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field keeps the target, but takes first what was searched for: the only match, or one of them."""
        if event.input is not self._model or not self._matches:
            self.action_done()
        elif len(self._matches) == 1:
            self._model.value = self._matches[0]
        else:
            self._list.focus()
            self._list.highlighted = 0

    def action_done(self) -> None:
        """Dismiss with the target, if it can be used."""
        try:
            model = checked_model(self._model.value)
        except ChoiceError as error:
            self._refuse(self._model, str(error))
            return
        name = self._label.value.strip() or None
        if name is not None and (complaint := refuse_label(name)):
            self._refuse(self._label, f"The name {complaint}.")
            return
        try:
            parameters = Parameters(**self._form.read())
        except FieldError:
            return
        endpoint, drop = self._endpoint.value or None, self._form.dropped
        self.dismiss(
            msgspec.structs.replace(
                self._target, model=model, endpoint=endpoint, name=name, drop=drop, parameters=parameters
            )
        )

    def _refuse(self, field: Input, sentence: str) -> None:
        field.focus()
        self.notify(sentence, severity="warning", markup=False)


def _field(name: str, value: str, placeholder: str) -> Input:
    return Field(value, id=name, placeholder=clean(placeholder))
