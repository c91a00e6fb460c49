"""Sentences name the keys that are in effect, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from counts import nodes_of

import tui
from tui.config.schema import KeySettings
from tui.ui.bindings import ACTIONS, spelled
from tui.ui.keymap import Keymap, keymap_of

SOURCES = [
    path
    for part in ("ui", "session", "core", "advice")
    for path in Path(tui.__file__).parent.joinpath(part).rglob("*.py")
]
NAMED = re.compile(r"\bF\d\d?\b|\b(?:Alt|Ctrl)\+\S")


def sentences(path: Path) -> Iterator[str]:
    """The text constants of a module that are no docstrings."""
    said = {id(node.value) for node in nodes_of(path) if isinstance(node, ast.Expr)}
    for node in nodes_of(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def test_no_sentence_names_a_key_by_itself() -> None:
    by_themselves = {
        (path.name, text)
        for path in SOURCES
        for text in sentences(path)
        if NAMED.search(text) and path.name not in ("bindings.py", "checks.py")  # whose F1 is a measure of likeness
    }
    # On this one the terminal itself acts.
    assert {text for _, text in by_themselves} == {
        "Whoever has this address can use it and your API key. Ctrl+C ends it."
    }


def test_names_follow_the_keymap() -> None:
    assert Keymap().names("run") == "F5"
    keys = keymap_of(KeySettings(preset="emacs", actions={"run": ("ctrl+f12",), "detail": ()}), "me").names
    assert keys("run") == "Ctrl+F12"
    assert keys.all("text.down") == ("↓", "Ctrl+N")
    assert keys("detail") == "“Detail” in the palette"


def test_every_action_has_a_name() -> None:
    keys = Keymap().names
    assert all(keys(action.id) == spelled(action.keys[0]) for action in ACTIONS if action.keys)
    assert keys("theme") == "“Theme” in the palette"
    names = ("slash", "g", "G", "alt+less_than_sign", "alt+enter", "shift+f10")
    assert [spelled(name) for name in names] == ["/", "G", "Shift+G", "Alt+<", "Alt+Enter", "Shift+F10"]
