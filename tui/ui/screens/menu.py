"""The menu: every action with its letter, in groups; a press of the letter carries it out."""

from collections.abc import Callable, Sequence
from textwrap import shorten
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.style import Style
from textual.widgets import Static

from tui.ui.bindings import Action, KeyNames, short
from tui.ui.keymap import bound

_COLUMN_CELLS = 24
_FRAME = 4
_FEWEST_REASONS = 3
"""Reasons that stand below where there is little room; all are said when their letters are pressed."""


class MenuScreen(ModalScreen[str]):
    """Shows actions in groups, and which of them are unavailable now and why; dismisses with the id of the one whose
    letter is pressed or that is clicked."""

    DEFAULT_CSS = """
    MenuScreen {
        align: center bottom;
        & > Vertical {
            width: auto; max-width: 100%; height: auto; max-height: 100%;
            padding: 0 1; background: $panel; border: heavy $primary; border-title-style: bold;
        }
        & Horizontal { width: auto; height: auto; }
        & Horizontal > Static { width: 25; height: auto; text-wrap: nowrap; link-style: none;
                                link-background-hover: $block-cursor-background; }
        & .reasons { color: $text-muted; height: auto; width: auto; text-wrap: nowrap; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("menu")

    def __init__(
        self, groups: Sequence[tuple[str, Sequence[Action]]], why_not: Callable[[Action], str], keys: KeyNames
    ):
        """`groups` are titles with actions; `why_not` says why one is unavailable."""
        super().__init__()
        self._groups = [(title, [row for row in rows if row.letter]) for title, rows in groups]
        self._keys = keys
        self._reasons = {row.id: why_not(row) for _, rows in self._groups for row in rows}
        said = dict.fromkeys(reason for reason in self._reasons.values() if reason)
        self._numbers = {reason: number for number, reason in enumerate(said, 1)}
        self._deep = 0
        """Rows of the longest column."""
        self._by_letter = {row.letter: row.id for _, rows in self._groups for row in rows}

    def compose(self) -> ComposeResult:
        """As many columns as there is room for, and the reasons below."""
        width, height = self.app.size
        with Vertical() as box:
            box.border_title = f"Menu · press a letter · {self._keys('menu.close')} closes"
            with Horizontal():
                yield from map(Static, self._columns(max(1, (width - _FRAME) // (_COLUMN_CELLS + 1)), height))
            if self._numbers:
                room = max(_FEWEST_REASONS, height - self._deep - 3)
                yield Static(self._said(width - _FRAME, room), classes="reasons")

    def _said(self, cells: int, rows: int) -> Content:
        lines = [shorten(f"×{number} {reason}", cells, placeholder="…") for reason, number in self._numbers.items()]
        more = f"and {len(lines) - rows + 1} more, which their letters say"
        return Content("\n".join(lines if len(lines) <= rows else [*lines[: rows - 1], more]))

    def _columns(self, most: int, height: int) -> list[Content]:
        """The groups, in columns that are filled one after the other, each group in one where there is room."""
        blocks = [[_heading(title), *map(self._line, rows)] for title, rows in self._groups if rows]
        room = height - _FRAME - _FEWEST_REASONS
        columns: list[list[Content]] = [[]]
        for block in blocks:
            if columns[-1] and len(columns[-1]) + len(block) > max(map(len, blocks)) and len(columns) < most:
                columns.append([])
            columns[-1] += block
        if max(map(len, columns)) > room:
            # Groups go on in the next column.
            lines = [line for block in blocks for line in block]
            deep = -(-len(lines) // most)
            columns = [lines[start : start + deep] for start in range(0, len(lines), deep)]
        self._deep = max(map(len, columns))
        return [Content("\n").join(column) for column in columns]

    def _line(self, row: Action) -> Content:
        reason = self._reasons[row.id]
        mark = f" ×{self._numbers[reason]}" if reason else ""
        colour = "$text-muted" if reason else "$foreground"
        title, key = row.title, next((short(one) for one in row.keys), "")
        if 4 + len(title) + len(mark) + len(key) > _COLUMN_CELLS:
            key = ""  # the letter does the same
        line = Content.assemble(
            (f" {row.letter} ", "$text-muted" if reason else "bold $text-primary"), (f"{title}{mark}", colour)
        )
        padded = line + " " * max(1, _COLUMN_CELLS - len(line) - len(key))
        return (padded + Content.styled(key, "$text-muted")).stylize(
            Style.from_meta({"@click": f"screen.choose('{row.id}')"})
        )

    def on_key(self, event: Key) -> None:
        """A letter chooses."""
        if event.character in self._by_letter:
            event.stop()
            self.dismiss(self._by_letter[event.character])

    def action_choose(self, action_id: str) -> None:
        """An action was clicked."""
        self.dismiss(action_id)


def _heading(title: str) -> Content:
    return Content.styled(title, "bold")
