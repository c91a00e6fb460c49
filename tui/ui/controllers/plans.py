"""Plan files and drafts: saved, opened, begun afresh, and kept without being asked to."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tui.core.sanitize import clean
from tui.errors import ConfigError
from tui.session.drafts import StoredDraft
from tui.session.plan_files import placed
from tui.ui.controllers.context import Context
from tui.ui.viewmodel.form_rows import FieldError

_T = TypeVar("_T")

_PAUSE_S = 0.7
"""Pause in typing after which the draft is kept."""
_USUAL_NAME = "plan.toml"


class PlansController:
    """Keeps the draft whenever the person pauses; saves it as a plan, and opens others."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._due: asyncio.TimerHandle | None = None
        self._said = ""
        context.on_edit = self.edited

    # The draft

    def edited(self) -> None:
        """Something was typed or chosen: keep it once there is a pause."""
        if self._due is not None:
            self._due.cancel()
        self._due = asyncio.get_running_loop().call_later(_PAUSE_S, self.look)

    def look(self) -> None:
        """Keep the draft as it stands, and show whether it differs from its file."""
        self._due = None
        context, on_disk = self._context, self._context.on_disk
        on_disk.keep()
        # In the middle of leaving there is no first row any more.
        if context.main.is_attached:
            context.main.status.show_plan_file(clean(on_disk.name), differs=on_disk.differs)
        self._tell_problem()

    def _tell_problem(self) -> None:
        """Say once why the draft cannot be kept."""
        problem = self._context.on_disk.problem
        if problem != self._said:
            self._said = problem
            if problem:
                self._context.complain(problem)

    async def begin(self) -> None:
        """Say that the draft of the last start is back, and look into its file."""
        context, on_disk = self._context, self._context.on_disk
        loop = asyncio.get_running_loop()

        def written() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and the screen with it
                loop.call_soon_threadsafe(self._tell_problem)

        on_disk.watch(written)
        if on_disk.restored is not None:
            key = context.keys("new_draft")
            context.tell(f"Here is what you wrote last. {key} starts afresh.", 6)
            context.offer_endpoints()
            context.session.show(context.draft.plan())
            context.describe()
        self._tell_unknown()
        if on_disk.is_unread and on_disk.path is not None:
            try:
                on_disk.know(await asyncio.to_thread(on_disk.files.read, str(on_disk.path)))
            except ConfigError as error:
                context.complain(str(error))
        self.look()

    async def new(self) -> None:
        """Begin afresh."""
        if not self._commit():
            return
        self._context.on_disk.start_afresh()
        await self._show_anew()
        key = self._context.keys("open_plan")
        self._context.tell(f"This is a fresh start. What was here is kept: {key} lists it.", 6)

    # Files

    async def save(self) -> None:
        """Save the screen into its plan file, or ask for a name."""
        path = self._context.on_disk.path
        if path is None:
            self.save_as()
        elif self._commit():
            await self._save(str(path))

    def save_as(self, typed: str = "") -> None:
        """Save the screen into another file; `typed` is a name that was none."""
        from tui.ui.screens.dialogs import AskScreen

        context = self._context
        if not self._commit():
            return

        async def answered(name: str | None) -> None:
            if name is not None and (name := name.strip()):
                await self._save_unless_there(name if Path(name).suffix else f"{name}.toml")

        name = typed or str(context.on_disk.path or _USUAL_NAME)
        hint = f"TOML for latency-tui run {_USUAL_NAME}; it holds no key."
        context.app.push_screen(AskScreen("Save the plan as", name, hint, context.keys), answered)

    async def _save_unless_there(self, name: str) -> None:
        """Save, after a question if that replaces another file."""
        context = self._context
        if placed(name) == context.on_disk.path or not await asyncio.to_thread(placed(name).exists):
            await self._save(name)
            return
        from tui.ui.screens.dialogs import ConfirmScreen

        async def answered(yes: bool | None) -> None:
            if yes:
                await self._save(name)

        question = f"{clean(name)} is there already. Save what is asked here in its place? Other settings in it stay."
        context.app.push_screen(ConfirmScreen(question, "Save", context.keys), answered)

    async def _save(self, name: str) -> None:
        context, on_disk = self._context, self._context.on_disk
        plan = context.draft.plan()
        named = {target.endpoint or plan.default_endpoint for target in plan.targets}
        endpoints = [endpoint for endpoint in plan.endpoints if endpoint.name in named]
        saved = await self._try(lambda: on_disk.files.save(name, on_disk.contents(), endpoints, plan.default_endpoint))
        if saved is None:
            self.save_as(name)
            return
        on_disk.saved(saved)
        self.look()
        if saved.warnings:
            context.complain(f"Saved {clean(saved.path.name)}. {' '.join(saved.warnings)}")
        else:
            context.tell(f"Saved {clean(saved.path.name)}: latency-tui run {clean(saved.path.name)} measures it.")

    async def open(self, typed: str = "") -> None:
        """Choose a plan file, or a draft of before, to go on with; `typed` is a name that was none."""
        from tui.ui.screens.dialogs import OpenScreen

        context, on_disk = self._context, self._context.on_disk
        if not self._commit():
            return
        others = await asyncio.to_thread(on_disk.others)
        files = await asyncio.to_thread(_plans_here)

        async def chosen(choice: "str | StoredDraft | None") -> None:
            if isinstance(choice, str):
                if not await self._open(choice):
                    await self.open(choice)
            elif choice is not None:
                on_disk.take_other(choice, await asyncio.to_thread(on_disk.read_files, choice))
                await self._show_anew()

        context.app.push_screen(OpenScreen(files, others, context.keys, typed), chosen)

    async def _open(self, name: str) -> bool:
        context, on_disk = self._context, self._context.on_disk
        opened = await self._try(lambda: on_disk.files.read(name))
        if opened is None:
            return False
        on_disk.open(opened)
        await self._show_anew()
        if not on_disk.unknown:
            context.tell(f"{clean(opened.path.name)} is open: {context.keys('run')} runs it.")
        return True

    # Both

    def _commit(self) -> bool:
        """Take in what is still being typed; False if a field cannot be read, which it says."""
        try:
            self._context.main.commit()
        except FieldError:
            self._context.main.show_pane("prompt")
            return False
        return True

    async def _show_anew(self) -> None:
        """Show the draft, which is another one."""
        await self._context.show_draft()
        self._tell_unknown()
        self.look()

    def _tell_unknown(self) -> None:
        if unknown := self._context.on_disk.unknown:
            names = clean(", ".join(unknown))
            self._context.complain(f"Targets at {names} were left out: there is no such endpoint in this session.")
        for sentence in self._context.on_disk.unread:
            self._context.complain(clean(sentence))
        self._context.on_disk.unread = ()

    async def _try(self, doing: Callable[[], _T]) -> _T | None:
        """The result of what waits for the disk, or None after saying why there is none."""
        try:
            return await asyncio.to_thread(doing)
        except ConfigError as error:
            self._context.complain(str(error))
            return None


def _plans_here() -> list[str]:
    """TOML files of the working directory."""
    try:
        return sorted(path.name for path in Path.cwd().glob("*.toml") if path.name != "pyproject.toml")
    except OSError:
        return []
