"""The colours: the terminal's own palette, four sets of ours, and none at all.

No theme carries a meaning by hue alone: states have shapes and words, phases have patterns, figures have labels.
"""

from functools import lru_cache
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.filter import ANSIToTruecolor, LineFilter
from textual.theme import Theme

from tui.ui.charts.plot import Markers
from tui.ui.terminal import Terminal

HIGH_CONTRAST = Theme(
    name="high-contrast",
    primary="#00ffff",
    secondary="#ffff00",
    warning="#ffff00",
    error="#ff8080",
    success="#00ff00",
    accent="#00ffff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    boost="#000000",
    text_alpha=1.0,
    variables={"text-muted": "#ffffff", "text-disabled": "#d0d0d0", "panel-lighten-2": "#ffffff"},
)
# Okabe and Ito, Color Universal Design (2008): told apart with any of the usual kinds of colour vision.
COLOUR_BLIND = Theme(
    name="colour-blind",
    primary="#56b4e9",
    secondary="#cc79a7",
    warning="#f0e442",
    error="#d55e00",
    success="#56b4e9",
    accent="#e69f00",
    foreground="#f0f0f0",
    background="#101418",
    surface="#181c22",
    panel="#20262e",
)
OURS = (HIGH_CONTRAST, COLOUR_BLIND)

_TEXTUALS = {"dark": "textual-dark", "light": "textual-light"}


def theme_name(chosen: str, terminal: Terminal) -> str:
    """Textual's name of the theme `chosen` in the settings; `auto` and a terminal without colours decide by what the
    terminal can show."""
    if terminal.colours == "none" or chosen == "terminal" or (chosen == "auto" and terminal.colours == "16"):
        return "ansi-light" if terminal.light else "ansi-dark"
    if chosen == "auto":
        chosen = "light" if terminal.light else "dark"
    return _TEXTUALS.get(chosen, chosen)


def markers_of(chosen: str, terminal: Terminal) -> Markers:
    """Markers of the charts, `chosen` in the settings."""
    return Markers(chosen) if chosen != "auto" else Markers.BRAILLE if terminal.glyphs else Markers.ASCII


def dress(app: App[Any], chosen: str, terminal: Terminal) -> str:
    """Give an app that is being made the theme `chosen` in the settings; returns Textual's name of it."""
    for theme in OURS:
        app.register_theme(theme)
    name = theme_name(chosen, terminal)
    app.set_reactive(App.theme, name)
    dark = app.current_theme.dark
    classes = {name: False for name in app.classes if name.startswith("-theme-")}
    classes |= {f"-theme-{name}": True, "-dark-mode": dark, "-light-mode": not dark}
    app.update_classes(classes, update=False)
    app.stylesheet.set_variables(app.get_css_variables())
    # Textual's own answer to NO_COLOR is greys.
    app.no_color = terminal.colours == "none"
    ansi = ANSIToTruecolor(app.ansi_theme, enabled=not app.native_ansi_color)
    app._filters = [ansi, Colourless()] if app.no_color else [ansi]  # noqa: SLF001 - there is no other place
    return name


class Colourless(LineFilter):
    """Takes all colours away, greys too. What had another background is shown in reverse."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """See `LineFilter.apply`."""
        return [
            Segment(text, None if style is None else _without_colour(style), control)
            for text, style, control in segments
        ]


@lru_cache(4096)
def _without_colour(style: Style) -> Style:
    plain = style.without_color
    on_its_own = style.bgcolor is not None and not style.bgcolor.is_default
    return plain + Style(reverse=True) if on_its_own and not style.reverse else plain
