"""Texts to read, and answers with their Markdown laid out. What a model wrote stays data."""

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import pairwise
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, ConsoleRenderable, Group, RenderResult
from rich.markdown import Markdown, MarkdownElement, TableElement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text
from rich.theme import Theme
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.core.cost import Cost
from tui.core.record import RequestRecord
from tui.core.sanitize import clean
from tui.core.wording import counted
from tui.ui.bindings import KeyNames
from tui.ui.charts import steps
from tui.ui.keymap import bound
from tui.ui.screens.dialogs import BoxScreen
from tui.ui.steady_cells import extra_places
from tui.ui.viewmodel.detail import detail_rows, failing_parts
from tui.ui.viewmodel.lane_lines import SHAPES
from tui.ui.widgets.chart_view import ChartView

_WIDEST, _AROUND, _LEAST_COLUMN = 130, 6, 9
"""Cells of the box at most, of what is around its lines (frame, padding, scrollbar), of a table's column at least."""
_STYLES = Theme(
    {
        "markdown.h1": "bold",
        "markdown.h1.border": "none",
        "markdown.h2": "bold underline",
        "markdown.h3": "bold",
        "markdown.h4": "bold italic",
        "markdown.h5": "italic",
        "markdown.h6": "italic",
        "markdown.code": "bold",
        "markdown.code_block": "none",
        "markdown.block_quote": "italic",
        "markdown.item.bullet": "bold",
        "markdown.item.number": "bold",
        "markdown.hr": "none",
        "markdown.link": "underline",
        "markdown.link_url": "none",
        "markdown.table.border": "none",
        "markdown.table.header": "bold",
    }
)
"""Without a colour: what the theme shows text in can be read everywhere."""


_MOST_CHARACTERS = 40_000
"""Laying out takes a second for 100,000, in which no key is heard."""
_FIRST_STAND_IN = 0xF0000
"""From here on Unicode leaves characters to private use."""
_GAP = re.compile(" {2,}")
"""The end of a column."""


def room(width: int) -> int:
    """Cells that a line has in a terminal so wide."""
    return min(_WIDEST, width * 96 // 100) - _AROUND


class TextScreen(BoxScreen[None]):
    """Shows a text that is safe to print, to be scrolled through. Y copies it; Escape, Q or Enter closes it."""

    DEFAULT_CSS = """
    TextScreen {
        & > Vertical { width: 96%; height: 96%; max-width: 130; }
        & Static { height: auto; }
        & .failing { margin: 0 0 1 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("reader")

    def __init__(
        self,
        title: str,
        text: str,
        keys: KeyNames,
        shown: ConsoleRenderable | None = None,
        record: RequestRecord | None = None,
    ) -> None:
        """`text` is shown as it is, or as `shown`, which has not its places, below what of `record` fails a check."""
        super().__init__()
        self._keys = keys
        self._title = title
        self._text = text
        self._shown = shown
        self._failing = None if record is None else failing_lines(record)

    def compose(self) -> ComposeResult:
        """The text in a box."""
        with Vertical() as box:
            keys = self._keys
            box.border_title = Content(f"{self._title} · {keys('reader.copy')} copies, {keys('reader.close')} closes")
            with VerticalScroll():
                if self._failing is not None:
                    yield Static(self._failing, classes="failing")
                yield Static(self._shown or self._text, id="text", markup=False)

    @property
    def copied(self) -> str:
        """The text as it is copied: as it was written."""
        return self._text

    def action_copy(self) -> None:
        """Copy the text."""
        text = self.copied
        self.app.copy_to_clipboard(text)
        self.notify(f"Copied {counted(len(text), 'character')}.", timeout=3, markup=False)


def failing_lines(record: RequestRecord) -> Content | None:
    """The parts of an answer that fail a check, a line each, marked as in a lane; None without any."""
    lines = [
        Content.assemble(f"{kind} fails here: {before}", (part, "bold underline $text-error"), after)
        for kind, before, part, after in failing_parts(record)
    ]
    return Content("\n").join(lines) if lines else None


_NAME_CELLS = 24


class DetailScreen(BoxScreen[None]):
    """Shows a request as it stood when the screen was opened. Escape, F4 or Q closes it."""

    DEFAULT_CSS = """
    DetailScreen {
        & > Vertical { width: 96%; height: 96%; max-width: 130; }
        & Horizontal { height: auto; }
        & .group { width: 1fr; height: auto; }
        & .line { width: 1fr; height: auto; }
        & .note { color: $text-error; width: 1fr; height: auto; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("detail")

    def __init__(
        self, record: RequestRecord, keys: KeyNames, overrule: Callable[[], Awaitable[None]], cost: Cost | None = None
    ) -> None:
        """`overrule` has a person's word count for the answer, or says why it cannot."""
        super().__init__()
        self._keys = keys
        self._overrule = overrule
        self._record = record
        self._cost = cost
        self._first = Static(classes="line", markup=False)
        self._chart = ChartView()
        self._chart.placeholder = steps.CHART.placeholder

    def compose(self) -> ComposeResult:
        """The waterfall, what fails a check, verdicts and parts of the time, and the figures in two columns."""
        record = self._record
        groups = detail_rows(record, self._cost)
        self._first.update(_table(groups[:1]))
        box = Vertical(
            self._chart,
            VerticalScroll(
                *(Static(line, classes="line failing") for line in [failing_lines(record)] if line is not None),
                self._first,
                Horizontal(
                    Static(_table(groups[1:4]), classes="group", markup=False),
                    Static(_table(groups[4:6]), classes="group", markup=False),
                ),
                Horizontal(
                    Static(_table(groups[6:7]), classes="group", markup=False),
                    Static(_table(groups[7:]), classes="group", markup=False),
                ),
                Static(clean(record.failure.message) if record.failure else "", classes="note", markup=False),
            ),
        )
        state = f"{SHAPES[record.state]} {record.state.value}"
        box.border_title = Content(f"{clean(record.spec.target)} · {state} · {self._keys('detail.close')} closes")
        yield box

    async def action_overrule(self) -> None:
        """Overrule what the checks said of the answer, or take that back."""
        await self._overrule()
        self._first.update(_table(detail_rows(self._record, self._cost)[:1]))

    def on_mount(self) -> None:
        """Draw the waterfall."""
        drawn = steps.step_rows(self._record)
        self._chart.styles.height = min(15, len(drawn.rows) + 2)  # with its axis
        self._chart.data = drawn


def _table(groups: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    return "\n".join(f"{name:<{_NAME_CELLS}} {clean(value)}" for group in groups for name, value in (*group, ("", "")))


class _WholeTable(TableElement):
    """A table of which nothing is cut: what is too long is folded, and with too many columns each row is a list."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for table in super().__rich_console__(console, options):
            assert isinstance(table, Table)
            for column in table.columns:
                column.overflow = "fold"
            if len(table.columns) * _LEAST_COLUMN <= options.max_width:
                yield table
                continue
            for row in zip(*(column.cells for column in table.columns), strict=True):
                yield Text()
                pairs = zip(table.columns, row, strict=True)
                yield from (Text.assemble(column.header, ": ", cell) for column, cell in pairs)  # type: ignore[arg-type]


class _LaidOut(Markdown):
    """Rich's layout of parsed Markdown, in our styles."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, "table_open": _WholeTable}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with console.use_theme(_STYLES):
            yield from console.render(Group(*super().__rich_console__(console, options)), options)  # type: ignore[arg-type]


class _Roomy:
    """A layout that leaves room for signs which take a cell in some terminals, behind the words that have them.

    Each has a stand-in of one cell while Rich lays out. See `tui.ui.steady_cells`, which drops those without room.
    """

    def __init__(self) -> None:
        self._stand_ins: dict[str, str] = {}
        self.inner: ConsoleRenderable = Text()

    def takes(self, text: str) -> str:
        """`text` for the layout."""
        odd = {*extra_places(text), *(place for place, char in enumerate(text) if ord(char) >= _FIRST_STAND_IN)}
        for char in {text[place] for place in odd} - self._stand_ins.keys():
            self._stand_ins[char] = chr(_FIRST_STAND_IN + len(self._stand_ins))
        return "".join(self._stand_ins[char] if at in odd else char for at, char in enumerate(text)) if odd else text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        signs = str.maketrans({stand_in: char for char, stand_in in self._stand_ins.items()})
        for row in console.render_lines(self.inner, options, pad=False):
            at, owed, plain = 0, 0, "".join(segment.text for segment in row)
            gaps = {gap.start() for gap in _GAP.finditer(plain)}
            for segment in row:
                cuts = sorted({at, at + len(segment.text), *(gap for gap in gaps if at < gap < at + len(segment.text))})
                for start, end in pairwise(cuts):
                    if start in gaps:
                        yield Segment(" " * owed)
                        owed = 0
                    text = plain[start:end].translate(signs)
                    owed += cell_len(plain[start:end]) - cell_len(text)
                    yield Segment(text, segment.style)
                at += len(segment.text)
            yield Segment(" " * owed + "\n")


def laid_out(text: str) -> ConsoleRenderable:
    """`text`, an answer that is safe to print, laid out. Links lead nowhere, and HTML stands as it was written."""
    roomy = _Roomy()
    end = len(text) if len(text) <= _MOST_CHARACTERS else text.rfind("\n", 0, _MOST_CHARACTERS) + 1 or _MOST_CHARACTERS
    made = _LaidOut("", hyperlinks=False, code_theme="ansi_dark")
    made.parsed = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"]).parse(text[:end])
    for token in _all(made.parsed):
        # Entities such as &#x202e; are characters by now.
        token.content = roomy.takes(clean(token.content))
        token.attrs = {name: clean(value) if isinstance(value, str) else value for name, value in token.attrs.items()}
        # No lexer's colours, which a theme may not show.
        token.info = ""
    roomy.inner = made
    if end < len(text):
        said = Text(f"\nThe rest, {counted(len(text) - end, 'character')}, as it was written:\n", style="bold")
        roomy.inner = Group(made, said, Text(roomy.takes(text[end:])))
    return roomy


def _all(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or ())
