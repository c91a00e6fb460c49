"""The help, with every key, and the menu, with every action by its letter."""

import re
from collections.abc import Callable, Sequence
from itertools import chain
from textwrap import shorten, wrap
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.ui.bindings import FOOTER, Action, ActionGroup, KeyNames, short, spelled
from tui.ui.keymap import bound
from tui.ui.screens.dialogs import OnTop
from tui.ui.view_bindings import SECTIONS
from tui.ui.viewmodel.lane_lines import FASTEST, SHAPES
from tui.ui.widgets.inputs import Field

_Row = tuple[str, ...]

_KEY_CELLS = 20
_TEXT_CELLS = 44
_ARROWS = [(f"Shift+{arrow}",) for arrow in "↑↓←→"]
_LINE_CELLS = _KEY_CELLS + 2 + _TEXT_CELLS
"""So that, behind two blanks, nothing wraps at 80 columns."""

_FIGURES = (
    ("TTFT", "time to first token: request sent to the first content, thinking or text"),
    ("total", "time to last token: request sent to the last content"),
    ("tok", "output tokens as the API counts them, thinking included"),
    ("tok/s", "output tokens per second after the first: (tokens - 1) / (total - TTFT)"),
    ("~", "an estimate, while the answer comes"),
    ("≥", "it may be more: not all of it is known"),
    ("—", "not known, or not defined; never zero"),
    ("?", "too few runs for a verdict"),
    ("n", "counted answers; pinned results are compared from 5 on"),
    ("stall, delay", "in the detail: the longest gap within an answer, and the instrument's own delay"),
    (FASTEST, "usually the fastest lane in TTFT or total (95 %); “first” is of the latest run alone"),
)


_PARTS = {
    "user": ("The user prompt", "Sent to every target. Edit it, then run it."),
    "system": ("The system prompt", "Sent before the user prompt, the same to every target. It may stay empty."),
    "parameters": (
        "Parameters",
        "Shared by all targets. A field left empty is not sent, so the API decides. A lane says what its model "
        "refuses.",
    ),
    "targets": (
        "Targets",
        "Type to search or to name any model; Enter or Space chooses. The choice is remembered for the next session.",
    ),
    "lanes": (
        "A lane",
        "One target's answer as it arrives, below its figures and its state. The letters of the menu act here by "
        "themselves. {text.up} scrolls back, and the lane stops following; {text.follow} follows again.",
    ),
    "charts": (
        "This session",
        "TTFT and total of every run so far, the newest at the right, all lanes on one scale, and a chart. "
        "✎ stands before the number of answers whose checks you overruled.",
    ),
}
"""Name and explanation of the parts of the main screen, by the ids of their widgets."""
_COLUMN_CELLS = 24
_FRAME = 4


class HelpScreen(ModalScreen[None], OnTop[None]):
    """Shows the table of actions. / finds words in it; Escape, F1 or Q closes it."""

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        & > VerticalScroll {
            width: 84; max-width: 96%; height: auto; max-height: 94%;
            padding: 0 2; background: $panel; border: heavy $primary; border-title-style: bold;
        }
        & #find { display: none; height: 1; }
        &.-finding #find { display: block; }
        & #keys { height: auto; }
        &.-finding #keys { min-height: 12; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("help")

    def __init__(self, keys: KeyNames, actions: Sequence[Action], focused: Widget | None, views: Sequence[str]) -> None:
        """`focused` is explained first, then the keys of `views`, which are what is shown and has the focus. `actions`
        are those of the application that act there."""
        super().__init__()
        self._keys = keys
        self._part, self._footer = _part(focused)
        self._actions = actions
        self._views = views

    def compose(self) -> ComposeResult:
        """Everything as one text that scrolls."""
        self._field = Field(placeholder="words of what you want to do", id="find")
        self._shown = Static(self._text(), id="keys", markup=False)
        self._scroll = VerticalScroll(self._field, self._shown)
        self._scroll.border_title = f"Help · {self._keys('help.find')} finds, {self._keys('help.close')} closes"
        yield self._scroll

    def action_find(self) -> None:
        """Find words."""
        self.add_class("-finding")
        self._field.focus()

    @on(Input.Changed, "#find")
    def _look_for(self, event: Input.Changed) -> None:
        self._shown.update(self._text(event.value.lower().split()))

    @on(Input.Submitted, "#find")
    def _read(self) -> None:
        self._scroll.focus()

    def action_back(self) -> None:
        """Go one level back: from what was found to all, then close."""
        if not self.has_class("-finding"):
            self.dismiss()
            return
        self.remove_class("-finding")
        self._field.value = ""
        self._scroll.focus()

    def _text(self, words: Sequence[str] = ()) -> Content:
        """All of it, or the rows that hold all `words`, by names that others have for it too."""
        keys, lines = self._keys, list[str | tuple[str, str]]()
        if self._part is not None and not words:
            title, explanation = self._part
            explanation = re.sub(r"\{([\w.]+)\}", lambda named: keys(named[1]), explanation)
            lines += [(f"{title}\n", "bold"), *(f"  {line}\n" for line in wrap(explanation, _LINE_CELLS)), "\n"]
            here = [row for row in self._actions if row.id in FOOTER.get(self._footer, ())]
            lines += _section("Here", _rows(here, letters=self._footer in ("lanes", "charts")))
            lines += _section("Figures", _FIGURES)
        for view in self._views:
            if view != "text":
                lines += _section(SECTIONS[view], _rows(keys.of(view)), words)
        for group in ActionGroup:
            lines += _section(group.value, _rows([row for row in self._actions if row.group is group]), words)
        lines += _section(SECTIONS["text"], _in_the_text(keys), words)
        lines += _section("Figures", _FIGURES, words) if words or self._part is None else []
        lines += _section("States", [(shape, state.value) for state, shape in SHAPES.items()], words)
        return Content.assemble(*lines[:-1]) if lines else Content("Nothing here has these words.")


def _part(focused: Widget | None) -> tuple[tuple[str, str] | None, str]:
    """Name and explanation of the innermost part around `focused` that has any, and the name of its footer."""
    around = focused.ancestors_with_self if focused is not None else ()
    found = next((node.id for node in around if node.id in _PARTS), None) or ""
    return _PARTS.get(found), "prompt" if found in ("user", "system") else found


def _rows(actions: Sequence[Action], *, letters: bool = False) -> list[_Row]:
    """Rows of actions: keys, with the letter first where `letters` act, meaning, and further words to be found by."""
    keys = [(*([row.letter] if letters and row.letter else ()), *map(spelled, row.keys)) for row in actions]
    return [
        (", ".join(named) or "in the palette", f"{row.title} · {row.help}", row.words)
        for row, named in zip(actions, keys, strict=True)
    ]


def _in_the_text(keys: KeyNames) -> list[_Row]:
    moving = [keys.all(f"text.{name}") for name in ("up", "down", "page_up", "page_down", "start")]
    selecting = [keys.all(f"text.select_{name}")[:1] for name in ("up", "down", "left", "right")]
    others = ", ".join(chain.from_iterable(names[1:] for names in moving))
    selects = "Shift+arrows" if selecting == _ARROWS else " ".join(chain.from_iterable(selecting))
    return [
        (" ".join(chain.from_iterable(names[:1] for names in moving)), "scroll back; the lane stops following"),
        *([(others, "the same")] if others else []),
        (", ".join(keys.all("text.follow")), "show the end and follow again"),
        (f"{selects}, mouse", "select text"),
    ]


def _section(title: str, rows: Sequence[_Row], words: Sequence[str] = ()) -> list[str | tuple[str, str]]:
    """The rows that hold all `words`, below a title; nothing without any."""
    found = [row for row in rows if all(word in f"{title} {' '.join(row)}".lower() for word in words)]
    lines: list[str | tuple[str, str]] = [(f"{title}\n", "bold")] if found else []
    for left, right, *_ in found:
        first, *more = wrap(right, _TEXT_CELLS) or [""]
        lines.append(f"  {left:<{_KEY_CELLS}}  {first}\n")
        lines += [f"{'':<{_KEY_CELLS + 4}}{line}\n" for line in more]
    return [*lines, "\n"] if lines else []


class MenuScreen(ModalScreen[str], OnTop[str]):
    """Shows actions in groups, and why some are unavailable now; dismisses with the id of the one that is chosen."""

    DEFAULT_CSS = """
    MenuScreen {
        align: center bottom;
        & > VerticalScroll {
            width: auto; max-width: 100%; height: auto; max-height: 100%; scrollbar-size-vertical: 0;
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
        self._by_letter = {row.letter: row.id for _, rows in self._groups for row in rows}

    def compose(self) -> ComposeResult:
        """As many columns as there is room for, and the reasons below."""
        width, height = self.app.size
        columns = self._columns(max(1, (width - _FRAME) // (_COLUMN_CELLS + 1)), height - _FRAME)
        reasons = [shorten(f"×{n} {why}", width - _FRAME, placeholder="…") for why, n in self._numbers.items()]
        with VerticalScroll() as box:
            box.border_title = f"Menu · press a letter · {self._keys('menu.close')} closes"
            if max(map(len, columns)) + len(reasons) > height - 2:
                box.border_subtitle = "↑↓ show the rest"
            with Horizontal():
                yield from map(Static, map(Content("\n").join, columns))
            yield Static(Content("\n".join(reasons)), classes="reasons")

    def _columns(self, most: int, room: int) -> list[list[Content]]:
        """The groups, in columns that are filled one after the other, each group in one where there is room."""
        blocks = [[Content.styled(title, "bold"), *map(self._line, rows)] for title, rows in self._groups if rows]
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
        return columns

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
