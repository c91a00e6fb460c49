"""The screen of stored runs: found, read, and put to use."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from tui.core.run import RunFilter, Sort, StoredRun
from tui.core.sanitize import clean
from tui.core.snapshot import of_runs
from tui.core.wording import counted, part_of
from tui.errors import LatencyTuiError
from tui.session.archive import Archive
from tui.ui.bindings import Action, KeyNames
from tui.ui.keymap import bound
from tui.ui.screens.compare import ComparedScreen, TakeAlong
from tui.ui.screens.dialogs import AskScreen, ConfirmScreen
from tui.ui.viewmodel.run_lines import (
    HINT,
    MarkedLine,
    QueryError,
    deletion_question,
    detail_lines,
    heading,
    name_of,
    parse_query,
    retention,
    tags_of,
)
from tui.ui.widgets.inputs import Field
from tui.ui.widgets.key_bar import KeyBar
from tui.ui.widgets.runs_list import RunsList

_T = TypeVar("_T")

_AFTER_TYPING_S = 0.2
_AFTER_MOVING_S = 0.1
"""Pauses after which the list is filtered, and the run under the cursor is read."""
_ORDERS = {Sort.STARTED: "latest first", Sort.TTFT: "shortest TTFT first", Sort.TOTAL: "shortest total first"}


class _Hint(Static):
    """Says what a filter may say, or what is wrong with it."""

    DEFAULT_CSS = """
    _Hint { height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; padding: 0 1; }
    _Hint.-problem { color: $text-warning; }
    """

    def say(self, problem: str) -> None:
        """Say what is wrong; nothing is with an empty `problem`."""
        self.update(problem or HINT)
        self.set_class(bool(problem), "-problem")


class _Detail(VerticalScroll):
    """Shows one run with everything."""

    DEFAULT_CSS = """
    _Detail {
        height: 2fr; padding: 0 1; scrollbar-size-vertical: 1;
        border-top: solid $panel-lighten-2; border-title-style: bold; border-title-color: $foreground;
        &:focus { border-top: heavy $primary; }
        & > #run { height: auto; }
    }
    """

    def __init__(self) -> None:
        self._lines = Static("", id="run", markup=False)
        super().__init__(self._lines)

    def show(self, run: StoredRun | None) -> None:
        """Show another run from its start on."""
        self._lines.update(Content("\n").join(map(_marked, detail_lines(run))) if run is not None else "")
        self.scroll_home(animate=False)


class HistoryScreen(Screen[StoredRun]):
    """Lists the runs above the detail of one; dismisses with the run to open in the editors, or without any."""

    AUTO_FOCUS: ClassVar[str | None] = "#runs"
    DEFAULT_CSS = """
    HistoryScreen {
        & > #query { height: 1; }
        & > .heading { height: 1; text-style: bold; color: $text-muted; }
        & > RunsList { height: 3fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("history")

    def __init__(
        self,
        archive: Archive,
        replay: Callable[[StoredRun], None],
        take_along: TakeAlong,
        keys: KeyNames,
        why_not: Callable[[Action], str] = lambda _action: "",
        at: int = 0,
    ) -> None:
        """`replay` plays a run, `take_along` keeps a comparison; the cursor begins `at` a row. Closes the archive."""
        super().__init__()
        self._archive = archive
        self._keys = keys
        self._why_not = why_not
        self._key_bar = KeyBar(keys.of("history"), why_not)
        self._replay = replay
        self._take_along = take_along
        self._sort = Sort.STARTED
        self._wanted = RunFilter()
        self._typing: Timer | None = None
        self._moving: Timer | None = None
        self._field: Input
        self._hint = _Hint(HINT, classes="hint", markup=False)
        self._heading = Static("", classes="heading", markup=False)
        self._list = RunsList(at)
        self._box = _Detail()

    def compose(self) -> ComposeResult:
        """Filter, list, detail, keys."""
        self._field = Field(placeholder="filter the runs", id="query")
        yield self._field
        yield self._hint
        yield self._heading
        yield self._list
        yield self._box
        yield self._key_bar

    def on_resize(self, event: Resize) -> None:
        """The columns are those that fit."""
        self._heading.update(heading(event.size.width), layout=False)

    def on_screen_resume(self) -> None:
        """Read the list, also after a replay or a question: something may have changed."""
        self._refill()
        self._key_bar.look()

    async def on_unmount(self) -> None:
        """Close the history."""
        await self._archive.close()

    # The list

    @on(Input.Changed, "#query")
    def _typed(self) -> None:
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(_AFTER_TYPING_S, self._refill)

    @on(Input.Submitted, "#query")
    def _to_list(self) -> None:
        self._refill()
        self._list.focus()

    def _refill(self) -> None:
        try:
            self._wanted = parse_query(self._field.value)
        except QueryError as error:
            self._hint.say(str(error))
            return
        self._hint.say("")
        self.run_worker(self._fill(), exclusive=True, group="list")

    async def _fill(self) -> None:
        numbers = await self._try(self._archive.numbers(self._wanted, self._sort))
        if numbers is None:
            return
        filtered = self._wanted != RunFilter()
        self._list.placeholder = "No run fits." if filtered else "No run is stored yet."
        self._list.show(numbers)
        size = await self._try(self._archive.size())
        if size is not None:
            found = len(numbers) if filtered else None
            self._box.border_title = _title(found, *size, self._sort, retention(self._archive.settings))

    @on(RunsList.Wanted)
    async def _read_rows(self, event: RunsList.Wanted) -> None:
        rows = await self._try(self._archive.rows(event.numbers))
        self._list.receive(rows or [])

    @on(RunsList.Moved)
    def _moved(self) -> None:
        if self._moving is not None:
            self._moving.stop()
        self._moving = self.set_timer(_AFTER_MOVING_S, self._look)

    def _look(self) -> None:
        self.run_worker(self._show_run(), exclusive=True, group="detail")

    async def _show_run(self) -> None:
        self._box.show(await self._current())

    # What is done with a run

    @on(RunsList.Chosen)
    async def action_open(self) -> None:
        """Take the run into the editors."""
        if reason := self._why_not(self._keys.rows["history.open"]):
            self.notify(reason, severity="warning", markup=False)
        elif (run := await self._current()) is not None:
            self.dismiss(run)

    async def action_replay(self) -> None:
        """Play the run again."""
        run = await self._current()
        if run is not None:
            self._replay(run)

    async def action_note(self) -> None:
        """Write a note on the run."""
        run = await self._current()
        if run is not None and (number := run.number) is not None:
            keep = partial(self._archive.set_note, number)
            self._ask(f"Note on run {number}", clean(run.note), "", lambda text: keep(text.strip()))

    async def action_tags(self) -> None:
        """Tag the run."""
        run = await self._current()
        if run is not None and (number := run.number) is not None:
            keep = partial(self._archive.set_tags, number)
            shown = clean(" ".join(run.tags))
            self._ask(f"Tags of run {number}", shown, "Separated by blanks.", lambda text: keep(tags_of(text)))

    async def action_copy(self) -> None:
        """Copy the report of the run as Markdown."""
        number = self._list.current
        if number is not None and (text := await self._try(self._archive.report(number))) is not None:
            self.app.copy_to_clipboard(text)
            length = counted(len(text), "character")
            self.notify(f"Copied the report of run {number}, {length}.", timeout=3, markup=False)

    def action_export(self) -> None:
        """Write the run to a file."""
        number = self._list.current
        if number is None:
            return

        async def export(text: str) -> None:
            path = await self._archive.export(number, text.strip())
            self.notify(f"Wrote {clean(str(path))}.", timeout=4, markup=False)

        self._ask(f"Export run {number} to", f"run-{number}.html", f"A name in {self._archive.suffixes}.", export)

    def action_delete(self) -> None:
        """Delete the run, after asking."""
        number = self._list.current
        if number is None:
            return

        async def delete() -> None:
            await self._try(self._archive.delete(number))
            if self._list.marked == number:
                self._list.mark(None)
            self._refill()

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(delete(), group="change")

        question = deletion_question(number, self._list.current_row)
        self.app.push_screen(ConfirmScreen(question, "Delete", self._keys), answered)

    async def action_compare(self) -> None:
        """Mark the run, or compare it with the one that is marked."""
        number, marked = self._list.current, self._list.marked
        if number is None or number == marked:
            self._list.mark(None)
            return
        if marked is None:
            self._list.mark(number)
            said = f"Run {number} is marked ◆: {self._keys('history.compare')} on another run compares the two."
            self.notify(said, timeout=4, markup=False)
            return
        self._list.mark(None)
        sets = [await self._try(self._archive.with_repeats(one)) for one in sorted((marked, number))]
        if None in sets:
            return
        compared = _compared([runs for runs in sets if runs], self._take_along, self._keys)
        if compared is None:
            self.notify("One of them has no finished answer.", severity="warning", markup=False)
        else:
            self.app.push_screen(compared)

    def action_sort(self) -> None:
        """Order by the next figure."""
        orders = list(Sort)
        self._sort = orders[(orders.index(self._sort) + 1) % len(orders)]
        self._refill()

    def action_back(self) -> None:
        """Go one level back: from the filter to the list, from what it found to all runs, then to the lanes."""
        if self._field.has_focus:
            self._list.focus()
        elif self._field.value:
            self._field.value = ""
        else:
            self.dismiss()

    def action_filter(self) -> None:
        """Go to the filter."""
        self._field.focus()

    async def _current(self) -> StoredRun | None:
        number = self._list.current
        return None if number is None else await self._try(self._archive.run(number))

    def _ask(self, question: str, text: str, hint: str, act: Callable[[str], Awaitable[None]]) -> None:
        async def carry_out(text: str) -> None:
            await self._try(act(text), lambda: self._ask(question, text, hint, act))
            self._refill()

        def answered(text: str | None) -> None:
            if text is not None:
                self.run_worker(carry_out(text), group="change")

        self.app.push_screen(AskScreen(question, text, hint, self._keys), answered)

    async def _try(self, doing: Awaitable[_T], failed: Callable[[], None] = lambda: None) -> _T | None:
        """The result of `doing`, or None after saying why there is none, and doing what `failed` says."""
        try:
            return await doing
        except LatencyTuiError as error:
            self.notify(str(error), severity="warning", markup=False)
            failed()
            return None


def _marked(line: MarkedLine) -> Content:
    text, marks = line
    shown = Content(text)
    for start, end in marks:
        shown = shown.stylize("bold underline $text-error", start, end)
    return shown


def _compared(sets: Sequence[Sequence[StoredRun]], take_along: TakeAlong, keys: KeyNames) -> ComparedScreen | None:
    """The comparison of two runs or series; None if one of them has no finished answer."""
    before, now = (of_runs(name_of(runs), runs[0].info.started_unix_ns, runs) for runs in sets)
    if not before.lanes or not now.lanes:
        return None
    endpoints = [endpoint for runs in sets for endpoint in runs[-1].plan.endpoints]
    return ComparedScreen(before, now, take_along(before, now, endpoints), keys)


def _title(found: int | None, count: int, used: int, sort: Sort, kept: str) -> str:
    """Title of the detail: how many runs there are or were found, their order and size, how long they are kept."""
    runs = counted(count, "run") if found is None else part_of(found, count, "run")
    return f"{runs}, {_ORDERS[sort]} · {used / 1e6:.1f} MB, {kept}"
