"""The line above the prompt."""

from tui.core.prompt import Prompt, Turn
from tui.session.prompt_book import PromptBook
from tui.ui.keymap import Keymap
from tui.ui.widgets.prompt_pane import head

KEYS = Keymap().names
LONG, SHORT = Prompt(user="Long {{a}}", name="long"), Prompt(user="{{a}} {{b}}", name="short")


def book(*rows: dict[str, str]) -> PromptBook:
    return PromptBook(SHORT, (LONG, SHORT), rows)


def test_the_head_says_what_there_is() -> None:
    assert head(PromptBook(Prompt(user="u")), KEYS) == ("", "")
    assert head(book(), KEYS) == ("{{a}} has no value: Alt+V", "short 2/2")
    assert head(book({"a": "1"}), KEYS) == ("{{b}} has no value: Alt+V", "short 2/2 · 2 var")
    turns = (Turn(role="user", text="x"),)
    full = PromptBook(Prompt(user="{{a}}", turns=turns, prefill="y"), (), ({"a": "1"}, {"a": "2"}), 1)
    assert head(full, KEYS) == ("", "row 2/2 · 1 turn · prefill")
