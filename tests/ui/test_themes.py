"""Every colour that a style names is there in every theme: one that is missing ends the program in that theme alone."""

import re
from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color

import tui.ui
from tui.ui.themes import OURS, READABLE, XTERMS, contrast, variables_of

_STYLES = [path for path in Path(tui.ui.__file__).parent.rglob("*") if path.suffix in (".py", ".tcss")]


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light", "textual-dark", "textual-light", *(t.name for t in OURS)])
def test_every_named_colour_is_there(theme: str) -> None:
    app: App[None] = App()
    for ours in OURS:
        app.register_theme(ours)
    app.theme = theme
    known = variables_of(app.get_css_variables(), theme, dark=app.current_theme.dark)
    named = {name for path in _STYLES for name in re.findall(r"\$([a-z][a-z0-9-]*)", path.read_text("utf-8"))}
    assert len(named) > 10
    assert not named - set(known)


@pytest.mark.parametrize(("theme", "ground"), [("ansi-dark", "black"), ("ansi-light", "white")])
def test_the_terminals_own_colours_can_be_read_as_xterm_has_them(theme: str, ground: str) -> None:
    app: App[None] = App()
    app.theme = theme
    known = variables_of(app.get_css_variables(), theme, dark=app.current_theme.dark)
    names = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
    for name in ("primary", "warning", "success"):
        shown = Color.parse(f"#{XTERMS[names.index(known[name].removeprefix('ansi_'))]}")
        assert contrast(shown, Color.parse(ground)) >= READABLE, f"{name} is {known[name]}"
