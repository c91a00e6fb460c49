"""The advice for one lane: what would save time, tried on one key."""

from collections.abc import Callable
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.advice.citations import FIRST_NOTE
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.core.sanitize import clean
from tui.ui.bindings import Action, KeyNames
from tui.ui.keymap import bound
from tui.ui.screens.dialogs import BoxScreen
from tui.ui.viewmodel.advice_state import AdviceState, detail_lines, head_lines, ledger_lines, row_line, trial_lines
from tui.ui.widgets.key_bar import KeyBar

_LOOK_EVERY_S = 0.25

Wish = Literal["try", "accept", "reject", "cancel", "differ", "share"]


class AdviceScreen(BoxScreen[None]):
    """Suggestions, ranked, with details of the one pointed at; the trial; the log. Closing it does not end a trial."""

    DEFAULT_CSS = """
    AdviceScreen {
        & > Vertical { width: 96%; height: 96%; max-width: 130; }
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

    def __init__(
        self,
        state: AdviceState,
        keys: KeyNames,
        on_wish: Callable[[Wish, Suggestion | NoSuggestion | None], None],
        why_not: Callable[[Action], str],
        *,
        first: bool,
    ) -> None:
        """`on_wish` does what the person wants with what is pointed at, `why_not` says why that cannot be done now.
        `first` is True the first time in a session: then the guide's own first note is shown."""
        super().__init__()
        self._state = state
        self._on_wish = on_wish
        self._why_not = why_not
        self._key_bar = KeyBar(keys.of("advice"), why_not)
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
        advice = self._state.advice
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
            yield self._key_bar

    def on_mount(self) -> None:
        """Show it, and look again and again at what a trial shows."""
        self._look()
        self.set_interval(_LOOK_EVERY_S, self._look)
        self._list.focus()

    def on_option_list_option_highlighted(self) -> None:
        """Show what is pointed at."""
        said = self._pointed
        self._detail.update("" if said is None else _text([*detail_lines(said, self._state.foresee(said)), ""]))

    def on_option_list_option_selected(self) -> None:
        """Enter tries."""
        self.action_wish("try")

    def action_wish(self, wish: Wish) -> None:
        """Do what is wanted, or say why not."""
        if reason := self._why_not(self._keys.rows[f"advice.{wish}"]):
            self.notify(reason, severity="warning", markup=False)
        else:
            self._on_wish(wish, self._pointed)

    @property
    def _pointed(self) -> Suggestion | NoSuggestion | None:
        rows, at = self._state.rows, self._list.highlighted
        return rows[at] if at is not None and at < len(rows) else None

    def _look(self) -> None:
        state = self._state
        trial = state.trial
        self._key_bar.look()
        if (state.version, trial) == self._shown:
            return
        if state.version != self._shown[0]:
            self._fill()
        self._shown = (state.version, trial)
        self._box.set_class(trial is not None, "-trying")
        self._trial.update("" if trial is None else _text(trial_lines(trial, running=state.running)))

    def _fill(self) -> None:
        state, highlighted = self._state, self._list.highlighted
        if state.advice is not None:
            self._head.update(_text(head_lines(state.advice, self._keys)))
        self._list.set_options([Option(Content(clean(row_line(said, state.ledger)))) for said in state.rows])
        if state.rows:
            self._list.highlighted = min(highlighted or 0, len(state.rows) - 1)
        self._ledger.update(_text(ledger_lines(state.ledger)))


def _text(lines: list[str]) -> str:
    return "\n".join(map(clean, lines))
