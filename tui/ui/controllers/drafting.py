"""The draft: prompts, targets and parameters, edited on screens of their own."""

import asyncio
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from textual.app import SuspendNotSupported

from tui.config.presets import presets
from tui.config.remembered import save_targets
from tui.config.schema import SIMULATOR
from tui.config.variables import files_of, read_rows
from tui.core.attachment import Attachment
from tui.core.checks import AnswerCheck
from tui.core.parameters import REQUIRED, Parameters
from tui.core.prompt import Prompt
from tui.core.refusals import belonging, prefill_refusal
from tui.core.target import Target
from tui.core.wording import counted
from tui.errors import ConfigError
from tui.secret_names import without_secrets
from tui.session.plan_files import placed
from tui.session.prompt_book import Row
from tui.session.target_choice import ChoiceError, TargetChoice
from tui.ui.controllers.context import Context
from tui.ui.controllers.reasons import current_target
from tui.ui.terminal import editor_command
from tui.ui.viewmodel.parameter_refusals import recipients, refused
from tui.ui.widgets.target_picker import TargetPicker


class PromptsController:
    """Switches the prompt's variants and opens the screen that edits them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def next_variant(self) -> None:
        """Take the next variant into use."""
        self._context.main.show_pane("prompt")
        self._context.main.prompt_pane.next_variant()
        self._context.describe()

    def system(self) -> None:
        """Edit the system prompt, or the user prompt again."""
        self._context.main.show_pane("prompt")
        self._context.main.prompt_pane.next_part()

    def edit_outside(self) -> None:
        """Edit the text of the editor in view in the person's own, which has the terminal meanwhile."""
        context, pane = self._context, self._context.main.prompt_pane
        command = editor_command()
        assert command is not None, "there is none otherwise"
        # In a directory that only this person can read: a prompt may be confidential.
        with tempfile.TemporaryDirectory(prefix="latency-tui-") as directory:
            path = Path(directory) / "prompt.md"
            path.write_text(pane.editor.text, "utf-8")
            try:
                with context.app.suspend():
                    status = subprocess.run([*command, str(path)], check=False, env=without_secrets()).returncode
                text = path.read_text("utf-8")
            except (OSError, UnicodeDecodeError, SuspendNotSupported) as error:
                context.complain(f"The editor {command[0]} could not be used: {error}.")
                return
        if status:
            context.complain(f"The editor {command[0]} ended with status {status}: the prompt stays as it was.")
        elif text.removesuffix("\n") != pane.editor.text:
            pane.replace_text(text.removesuffix("\n"))

    def variants(self) -> None:
        """Edit variants, variables and turns."""
        book = self._context.draft.book
        self._context.main.prompt_pane.commit()
        values = book.rows[book.row] if book.rows else {}
        self._edit("variables" if any(name not in values for name in book.prompt.variables()) else "variants")

    def files(self) -> None:
        """Attach files to the prompt, or remove them."""
        self._context.main.prompt_pane.commit()
        self._edit("files")

    def _edit(self, tab: str) -> None:
        from tui.ui.screens.prompts import PromptsScreen

        context, pane, book = self._context, self._context.main.prompt_pane, self._context.draft.book

        def closed(_result: None) -> None:
            book.tidy()
            pane.show()
            context.session.preview.expect(context.draft.plan())
            context.describe()

        async def look(text: str) -> tuple[str, Mapping[str, Attachment]]:
            path = str(placed(text))
            try:
                found = await asyncio.to_thread(files_of, [Prompt(attach=(path,))], book.rows)
            except ConfigError as error:
                raise ConfigError(str(error).removeprefix("attach: ").replace(path, text)) from None
            if not found:
                raise ConfigError(f"{text} holds a variable that has no value.")
            return path, found

        screen = PromptsScreen(book, _load, look, self._refusing_prefill(), context.keys, tab=tab)
        context.app.push_screen(screen, closed)

    def checks(self) -> None:
        """Edit the checks of the answers."""
        from tui.ui.screens.settings import ChecksScreen

        context, pane, book = self._context, self._context.main.prompt_pane, self._context.draft.book
        pane.commit()
        others = [prompt.name for prompt in book.prompts if prompt.checks != book.prompt.checks]

        def done(checks: "tuple[AnswerCheck, ...] | None") -> None:
            if checks is not None:
                book.check(checks)
                context.describe()
                context.main.wake()

        of = f" of {book.prompt.name}" if others else " of all variants" if book.variants else ""
        context.app.push_screen(ChecksScreen(book.prompt.checks, of, context.keys), done)

    def _refusing_prefill(self) -> list[str]:
        known = {model.id: model for model in self._context.models}
        targets = self._context.draft.plan().targets
        return [target.label for target in targets if prefill_refusal(known.get(target.model))]

    def edited(self) -> None:
        """The prompt was edited: estimate how long it is now."""
        # A screen over the main one edits what the prompt's pane does not show yet.
        if self._context.app.screen is self._context.main:
            self._context.session.preview.expect(self._context.draft.plan())


class TargetsController:
    """Edits the list of targets, each of them, and the parameters that they share."""

    def __init__(self, context: Context, *, remembers: bool = True) -> None:
        """`remembers`: the list is kept for the next session; one that a plan names must not take a person's away."""
        self._context = context
        self._remembers = remembers

    @property
    def _choice(self) -> TargetChoice:
        return self._context.draft.targets

    def edit_parameters(self) -> None:
        """Edit all shared parameters."""
        from tui.ui.screens.settings import ParametersScreen

        context = self._context

        def done(parameters: Parameters | None) -> None:
            if parameters is not None:
                context.draft.parameters = parameters
                context.main.parameters_form.show(parameters)

        targets = recipients(self._choice.labelled, context.known_models, context.draft.plan())
        context.app.push_screen(ParametersScreen(context.draft.parameters, targets, context.keys), done)

    def edit(self) -> None:
        """Edit the current lane's target."""
        self._edit(self._current)

    def duplicate(self) -> None:
        """Ask the current lane's target once more."""
        self._duplicate(self._current)

    def wished(self, event: TargetPicker.Wished) -> None:
        """Edit the target under the list's cursor, or a copy of it."""
        if event.wish == "duplicate":
            self._duplicate(event.index)
        else:
            self._edit(event.index, focus="name" if event.wish == "rename" else "parameters")

    def chosen(self) -> None:
        """Ask other targets from now on, and remember them for the next session if they are a person's own list."""
        context = self._context
        context.offer_endpoints()
        context.session.show(context.draft.plan())
        context.describe()
        context.main.wake()
        if not self._remembers:
            return
        try:
            save_targets(*self._choice.remembered)
        except ConfigError as error:
            context.complain(str(error))

    def refresh_models(self) -> None:
        """Ask the chosen targets' endpoints for their models."""
        self._context.session.preview.refresh_models(self._context.draft.plan())

    def models_changed(self) -> None:
        """Offer the models of a new list."""
        models = self._context.session.preview.models
        self._context.main.picker.learn(models)
        self._context.tell(f"Known: {counted(len(models), 'model')}.", 3)

    def _edit(self, index: int, focus: str = "parameters") -> None:
        def done(target: Target | None) -> None:
            if target is not None:
                self._choice.replace(index, target)
                self._context.main.picker.changed(index)

        self._open(self._choice.candidates[index], f"Target: {self._choice.describe(index)}", focus, done)

    def _duplicate(self, index: int) -> None:
        def done(target: Target | None) -> None:
            if target is None:
                return
            try:
                self._context.main.picker.changed(self._choice.insert(index + 1, target))
            except ChoiceError as error:
                self._context.complain(str(error))

        self._open(self._choice.copy_of(index), f"A copy of {self._choice.describe(index)}", "parameters", done)

    def _open(self, target: Target, title: str, focus: str, done: Any) -> None:
        from tui.ui.screens.target import TargetScreen

        context, plan = self._context, self._context.draft.plan()
        names = dict.fromkeys([*(endpoint.name for endpoint in plan.endpoints), SIMULATOR])
        endpoints = [name for name in names if name != plan.default_endpoint or name == target.endpoint]
        others = tuple(preset for name, preset in presets().items() if name not in names)
        screen = TargetScreen(
            target,
            title,
            context.draft.parameters,
            endpoints,
            msgspec.structs.replace(plan, endpoints=(*plan.endpoints, *others)),
            context.known_models,
            context.keys,
            at=self._choice.at,
            focus=focus,
        )
        context.app.push_screen(screen, done)

    @property
    def _current(self) -> int:
        index = current_target(self._context, self._choice)
        assert index is not None, "no action on a target that is not listed is available"
        return index

    def drop_parameter(self) -> None:
        """Leave out what the current lane's model refuses, in its requests only."""
        context, index = self._context, self._current
        target, keys = self._choice.candidates[index], self._context.keys
        lane, plan = context.main.lanes.current.lane, context.draft.plan()
        name = refused(lane, plan, sent := plan.parameters_of(target), context.known_models)
        assert name is not None, "there is nothing to leave out otherwise"
        if name == REQUIRED and target.parameters.max_tokens is None:
            context.complain(
                f"max_tokens cannot be left out: change it for all lanes ({keys('edit_parameters')}) "
                f"or for this one ({keys('edit_target')})."
            )
            return
        names = belonging(name, sent)
        drop = tuple(dict.fromkeys([*target.drop, *(part for part in names if part != REQUIRED)]))
        self._choice.replace(
            index, msgspec.structs.replace(target, drop=drop, parameters=target.parameters.without(names))
        )
        context.main.picker.changed()
        listed = ", ".join(part.replace("_", " ") for part in names)
        context.tell(f"{lane.label} leaves out {listed} from now on. {keys('run')} runs it.", 5)


def _load(text: str) -> tuple[Row, ...]:
    return read_rows(Path(text).expanduser(), text)
