"""Two snapshots compared: what was asked differently, and what came of it."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Protocol

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Input, Label, Select, Static

from tui.core.sanitize import clean
from tui.core.snapshot import Snapshot
from tui.core.target import Endpoint
from tui.core.wording import roughly
from tui.errors import LatencyTuiError
from tui.session.takeaway import Takeaway
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.screens.dialogs import AskScreen, BoxScreen
from tui.ui.screens.text import TextScreen
from tui.ui.viewmodel.verdicts import comparison_lines
from tui.ui.widgets.inputs import Field

Act = Callable[[str], Awaitable[None]]


class TakeAlong(Protocol):
    """Maker of what can be taken along of a comparison; `endpoints` are those asked, if not this session's."""

    def __call__(self, before: Snapshot, now: Snapshot, endpoints: Sequence[Endpoint] = ()) -> Takeaway:
        """Make it."""


def save_comparison(screen: Screen[Any], takeaway: Takeaway, keys: KeyNames, typed: str = "") -> None:
    """Ask for a file's name and write the comparison there; `typed` is a name that was none."""

    async def save(name: str) -> None:
        try:
            screen.notify(await takeaway.save(name), timeout=8, markup=False)
        except LatencyTuiError as error:
            screen.notify(str(error), severity="warning", markup=False)
            save_comparison(screen, takeaway, keys, name)

    def answered(name: str | None) -> None:
        if name is not None and name.strip():
            screen.run_worker(save(name.strip()), group="change")

    screen.app.push_screen(AskScreen("Save the comparison to", typed or takeaway.name, takeaway.hint, keys), answered)


class ComparedScreen(TextScreen):
    """Shows two snapshots that were chosen elsewhere. Y copies the comparison as Markdown, W saves it."""

    BINDINGS: ClassVar[list[BindingType]] = bound("compared")

    def __init__(self, before: Snapshot, now: Snapshot, takeaway: Takeaway, keys: KeyNames) -> None:
        super().__init__(f"{before.name} → {now.name}", "\n".join(comparison_lines(before, now)), keys)
        self._takeaway = takeaway

    @property
    def copied(self) -> str:
        """See `TextScreen.copied`."""
        return self._takeaway.text

    def action_save(self) -> None:
        """Save the comparison."""
        save_comparison(self, self._takeaway, self._keys)


class CompareScreen(BoxScreen[None]):
    """Chooses two snapshots and shows how the second differs from the first."""

    DEFAULT_CSS = """
    CompareScreen {
        & > Vertical { width: 96%; height: 96%; max-width: 130; }
        & Horizontal { height: 1; }
        & Label { width: auto; padding: 0 1 0 0; color: $text-muted; }
        & Select { width: 1fr; }
        & Input { width: 1fr; }
        & Button { margin: 0 0 0 1; min-width: 0; }
        & VerticalScroll { height: 1fr; border-top: solid $panel-lighten-2; }
        & VerticalScroll:focus { border-top: heavy $primary; }
        & #compared { height: auto; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog.close")

    def __init__(
        self,
        snapshots: list[Snapshot],
        now: Snapshot | None,
        keep: Act,
        delete: Act,
        take_along: TakeAlong,
        keys: KeyNames,
    ) -> None:
        """`now` is what stands in the lanes; `keep` and `delete` take a snapshot's name."""
        super().__init__()
        self._snapshots = {snapshot.name: snapshot for snapshot in snapshots}
        self._now = now
        self._keys = keys
        self._keep = keep
        self._delete = delete
        self._take_along = take_along
        self._text = Static("", id="compared", markup=False)
        self._field = Field(placeholder="name the present results", id="snapshot-name")

    def compose(self) -> ComposeResult:
        """The choice above, the comparison below."""
        names = list(self._snapshots)
        with Vertical() as box:
            box.border_title = f"Compare · {self._keys('dialog.close')} closes"
            with Horizontal():
                yield Label("from")
                yield Select(self._options(), id="before", allow_blank=True, compact=True, prompt="none kept yet")
                yield Label(" to")
                yield Select(self._options(), id="after", allow_blank=True, compact=True, prompt="nothing measured yet")
            with Horizontal():
                yield Label("keep")
                yield self._field
                yield Button("Keep", id="keep", compact=True)
                yield Button("Forget “from”", id="forget", compact=True)
                yield Button("Copy", id="copy", compact=True)
                yield Button("Save", id="save", compact=True)
            with VerticalScroll():
                yield self._text
        self._first = names[0] if names else None

    def on_mount(self) -> None:
        """Begin with the pinned results against the present results."""
        self.query_one("#before", Select).value = self._first or Select.NULL
        self.query_one("#after", Select).value = _NOW if self._now is not None else self._first or Select.NULL
        self._show()

    def _both(self) -> tuple[Snapshot, Snapshot] | None:
        before, after = (self._chosen(self.query_one(name, Select).value) for name in ("#before", "#after"))
        return None if before is None or after is None else (before, after)

    @on(Select.Changed)
    def _show(self) -> None:
        both = self._both()
        if both is None:
            self._text.update(f"Pin the results ({self._keys('pin')}) or keep them under a name, then run again.")
            return
        before, after = both
        taken = time.strftime("%Y-%m-%d %H:%M", time.localtime(before.taken_unix_ns / 1e9))
        head = f"{clean(before.name)}, taken {taken} → {clean(after.name)}"
        apart = abs(after.taken_unix_ns - before.taken_unix_ns)
        drift = [
            f"Taken {roughly(apart)} apart: what changed meanwhile by itself is not told from the change. "
            f"{self._keys('in_turn')} asks what is pinned and what is on screen in turn."
        ]
        said = drift if before is not after else []
        self._text.update("\n".join([head, *said, "", *comparison_lines(before, after)]))

    @on(Input.Submitted)
    @on(Button.Pressed, "#keep")
    async def _keep_now(self) -> None:
        name = self._field.value.strip()
        if not name or self._now is None or not name.isprintable():
            self.notify("Measure something first, then give it a name.", severity="warning", markup=False)
            return
        await self._keep(name)
        self._snapshots[name] = msgspec.structs.replace(self._now, name=name)
        self._field.value = ""
        self._refill()

    @on(Button.Pressed, "#forget")
    async def _forget(self) -> None:
        name = self.query_one("#before", Select).value
        if isinstance(name, str) and name in self._snapshots:
            await self._delete(name)
            del self._snapshots[name]
            self._refill()

    @on(Button.Pressed, "#copy")
    def _copy(self) -> None:
        if both := self._both():
            self.app.copy_to_clipboard(self._take_along(*both).text)
            self.notify("Copied the comparison as Markdown.", timeout=3)

    @on(Button.Pressed, "#save")
    def _save(self) -> None:
        if both := self._both():
            save_comparison(self, self._take_along(*both), self._keys)

    def _refill(self) -> None:
        for name in ("#before", "#after"):
            select = self.query_one(name, Select)
            kept = select.value
            select.set_options(self._options())
            select.value = kept if self._chosen(kept) is not None else Select.NULL

    def _options(self) -> list[tuple[Content, str]]:
        now = [(Content("now"), _NOW)] if self._now is not None else []
        return [*now, *((Content(clean(name)), name) for name in self._snapshots)]

    def _chosen(self, name: object) -> Snapshot | None:
        return self._now if name == _NOW else self._snapshots.get(str(name))


_NOW = "\0now"
"""Stands for what is in the lanes; no snapshot can be called so."""
