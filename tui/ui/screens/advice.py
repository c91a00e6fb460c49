"""The advice for one lane: what would save time, tried on one key."""

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.advice.citations import FIRST_NOTE
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.core.sanitize import clean
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.viewmodel.advice_lines import detail_lines, head_lines, ledger_lines, row_line, trial_lines
from tui.ui.viewmodel.advice_state import AdviceState
from tui.ui.widgets.key_bar import KeyBar

_LOOK_EVERY_S = 0.25

Wish = Literal["try", "accept", "reject", "cancel", "differ", "share"]


class AdviceScreen(ModalScreen[None]):
    """Suggestions, ranked; details of the one pointed at; the trial; the ledger. Escape closes, and a trial goes on."""

    DEFAULT_CSS = """
    AdviceScreen {
        align: center middle;
        & > Vertical {
            width: 96%; height: 96%; max-width: 130;
            padding: 0 1; background: $panel; border: heavy $primary; border-title-style: bold;
        }
        & Static { width: 1fr; height: auto; }
        & #advice-note { color: $text-muted; display: none; }
        & #advice-note.-first { display: block; }
        & OptionList {
            height: auto; max-height: 35%; padding: 0; margin: 1 0; background: $panel; border: none;
            text-wrap: nowrap; text-overflow: ellipsis;
        }
        & VerticalScroll { height: 1fr; }
        & #advice-trial { display: none; border-top: solid $primary; }
        & .-trying {
            & #advice-note { display: none; }
            & OptionList { max-height: 25%; margin: 0; }
            & #advice-trial { display: block; }
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("advice")

    class Wished(Message):
        """The person wants something done."""

        def __init__(self, wish: Wish, said: Suggestion | NoSuggestion | None) -> None:
            """`said` is what is pointed at, for `try` and `differ`."""
            super().__init__()
            self.wish = wish
            self.said = said

    def __init__(self, desk: AdviceState, keys: KeyNames, *, first: bool) -> None:
        """`first` is True the first time in a session: then the guide's own first note is shown."""
        super().__init__()
        self._desk = desk
        self._keys = keys
        self._shown: tuple[int, object] = (-1, None)
        self._box = Vertical()
        self._head = Static(id="advice-head", markup=False)
        self._note = Static(FIRST_NOTE, id="advice-note", classes="-first" if first else "", markup=False)
        self._list = OptionList(id="advice-list", compact=True, markup=False)
        self._detail = Static(id="advice-detail", markup=False)
        self._ledger = Static(id="advice-ledger", markup=False)
        self._trial = Static(id="advice-trial", markup=False)

    def compose(self) -> ComposeResult:
        """The head, the list, its details, the trial and the keys."""
        advice = self._desk.advice
        self._box.border_title = Content(
            f"Advice · {clean(advice.target) if advice else ''} · {self._keys('advice.close')} closes"
        )
        with self._box:
            yield self._head
            yield self._note
            yield self._list
            with VerticalScroll():
                yield self._detail
                yield self._ledger
            yield self._trial
            yield KeyBar(self._keys.of("advice"))

    def on_mount(self) -> None:
        """Show it, and look again and again at what a trial shows."""
        self._look()
        self.set_interval(_LOOK_EVERY_S, self._look)
        self._list.focus()

    def on_option_list_option_highlighted(self) -> None:
        """Show what is pointed at."""
        said = self._pointed
        self._detail.update("" if said is None else _text([*detail_lines(said), ""]))

    def on_option_list_option_selected(self) -> None:
        """Enter tries."""
        self.action_wish("try")

    def action_wish(self, wish: Wish) -> None:
        """Pass on what is wanted."""
        self.post_message(self.Wished(wish, self._pointed))

    @property
    def _pointed(self) -> Suggestion | NoSuggestion | None:
        rows, at = self._desk.rows, self._list.highlighted
        return rows[at] if at is not None and at < len(rows) else None

    def _look(self) -> None:
        desk = self._desk
        trial = desk.trial
        if (desk.version, trial) == self._shown:
            return
        if desk.version != self._shown[0]:
            self._fill()
        self._shown = (desk.version, trial)
        self._box.set_class(trial is not None, "-trying")
        self._trial.update("" if trial is None else _text(trial_lines(trial, running=desk.running)))

    def _fill(self) -> None:
        desk, highlighted = self._desk, self._list.highlighted
        if desk.advice is not None:
            self._head.update(_text(head_lines(desk.advice, self._keys)))
        self._list.set_options([Option(Content(clean(row_line(said, desk.ledger)))) for said in desk.rows])
        if desk.rows:
            self._list.highlighted = min(highlighted or 0, len(desk.rows) - 1)
        self._ledger.update(_text(ledger_lines(desk.ledger)))


def _text(lines: list[str]) -> str:
    return "\n".join(map(clean, lines))
