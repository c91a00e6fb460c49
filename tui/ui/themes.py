"""The colours: the terminal's own palette, four sets of ours, and none at all.

No theme carries a meaning by hue alone: states have shapes and words, phases have patterns, figures have labels.
What is to be read stands out from its background by 4.5 to 1 in each of them (WCAG 2.2, 1.4.3), with 256 colours too.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from itertools import chain, product
from math import dist
from typing import Any

from rich.color import Color as RichColour
from rich.color import ColorType
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.filter import ANSIToTruecolor, LineFilter
from textual.theme import Theme

from tui.ui.charts.plot import Markers
from tui.ui.terminal import Terminal, linear, luminance

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

READABLE = 4.5
"""Contrast that text has at least."""
_LANES = {
    True: ("#e683e0", "#3cc8c8", "#ff8a73", "#a99bff", "#cfcb6a", "#ffb0cc", "#e0e0e0", "#9aa7b4"),
    False: ("#9c1f96", "#006a6f", "#b23a1e", "#5440c4", "#6a6000", "#a82a62", "#1f1f1f", "#56616c"),
}
"""Colours of lanes, on dark and on light: none is that of a phase (amber, blue and green) or of a failure (red)."""
_LANES_COLOUR_BLIND = ("#cc79a7", "#e69f00", "#009e73", "#f0f0f0", "#d55e00", "#9ad0f5", "#b8a6e0", "#a0a8b0")

_TEXTUALS = {"dark": "textual-dark", "light": "textual-light"}


def theme_name(chosen: str, terminal: Terminal) -> str:
    """Textual's name of the theme `chosen` in the settings, as far as the terminal can show it."""
    if terminal.colours == "none" or chosen == "terminal" or (chosen == "auto" and terminal.colours == "16"):
        return "ansi-light" if terminal.light else "ansi-dark"
    if chosen == "auto":
        chosen = "light" if terminal.light else "dark"
    return _TEXTUALS.get(chosen, chosen)


def variables_of(variables: Mapping[str, str], name: str, *, dark: bool) -> dict[str, str]:
    """A theme's variables with those that only we have, and with its colours of text as readable as they must be."""
    if name.startswith("ansi-"):
        # The terminal's own colours are its owner's, but of the usual ones some are not seen on black, or on white.
        seen = {key: _SEEN[dark].get(value, value) for key, value in variables.items()}
        return {**seen, **dict.fromkeys(("selected", "faint", "quiet"), "ansi_default")} | dict(
            zip(_LANE_NAMES, _ANSI_LANES, strict=True)
        )
    background, primary, foreground = (Color.parse(variables[key]) for key in ("background", "primary", "foreground"))
    ours = dict(variables)
    # Half of it: what lies under text is never as bright as the text.
    selected = readable_under(background.blend(primary, 0.5), foreground)
    for key in ("selected", "block-cursor-background", "input-selection-background"):
        ours[key] = selected.hex
    ours["block-cursor-foreground"] = ours["block-cursor-blurred-foreground"] = foreground.hex
    grounds = [Color.parse(variables[key]) for key in ("background", "surface", "panel")]
    grounds = [ground for ground in grounds if not ground.is_transparent]
    for key, colour in ours.items():
        if key.startswith("text-") and _HEX.fullmatch(colour):
            ours[key] = readable_on(Color.parse(colour), grounds).hex
    muted = background.blend(foreground, 0.6)
    ours["faint"] = background.blend(foreground, 0.38).hex
    for key in ("foreground-muted", "text-muted", "text-disabled"):
        ours[key] = ours["quiet"] = readable_on(muted, [*grounds, selected]).hex
    lanes = _LANES_COLOUR_BLIND if name == COLOUR_BLIND.name else _LANES[dark]
    pairs = zip(_LANE_NAMES, lanes, strict=True)
    return ours | {key: readable_on(Color.parse(colour), grounds).hex for key, colour in pairs}


_HEX = re.compile("#[0-9A-Fa-f]{6}")
_LANE_NAMES = [f"lane-{number}" for number in range(8)]
_FAINT_ON_WHITE = {"ansi_yellow": "ansi_magenta", "ansi_bright_red": "ansi_magenta", "ansi_green": "ansi_blue"}
_SEEN = {True: {"ansi_blue": "ansi_cyan"}, False: _FAINT_ON_WHITE}
_ANSI_LANES = ("ansi_magenta", "ansi_bright_cyan", "ansi_bright_red", "ansi_bright_blue", "ansi_bright_yellow",
               "ansi_bright_magenta", "ansi_default", "ansi_bright_green")  # fmt: skip
_STEPS = 25


def readable_on(colour: Color, grounds: Iterable[Color]) -> Color:
    """`colour`, as much nearer to white or to black as it takes to be read on all of `grounds`."""
    grounds = list(grounds)
    end = grounds[0].get_contrast_text(1.0)
    for step in range(_STEPS + 1):
        nearer = colour.blend(end, step / _STEPS)
        if min(contrast(nearer, ground) for ground in grounds) >= READABLE:
            break
    return nearer


def readable_under(ground: Color, text: Color) -> Color:
    """`ground`, as much darker or lighter as it takes for `text` to be read on it."""
    end = text.get_contrast_text(1.0)
    for step in range(_STEPS + 1):
        further = ground.blend(end, step / _STEPS)
        if contrast(text, further) >= READABLE + 1:
            break
    return further


def contrast(one: Color, other: Color) -> float:
    """The ratio of contrast as WCAG 2.2 defines it, from 1 to 21."""
    return _ratio(_luminance(one), _luminance(other))


def _ratio(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@lru_cache(4096)
def _luminance(colour: Color) -> float:
    return luminance(colour.normalized)


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
    filters: list[LineFilter] = [ansi, Colourless()] if app.no_color else [ansi]
    colours = {"256": 256, "16": 16}.get(terminal.colours)
    app._filters = [OfPalette(app, colours)] if colours and not app.no_color else filters  # noqa: SLF001
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


class OfPalette(LineFilter):
    """Shows each colour as the one of 256, or of 16, that looks most like it. Rich's own choice keeps the hue and not
    the lightness: a dark grey with a breath of blue becomes a saturated blue. It does Textual's filter's work, too."""

    def __init__(self, app: App[Any], colours: int) -> None:
        super().__init__()
        self._app, self._colours = app, colours
        self._theme = ""
        self._before: ANSIToTruecolor | None = None
        """Textual's filter for this theme; None where the terminal's own colours are shown."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """See `LineFilter.apply`."""
        if self._theme != self._app.theme:
            self._theme = self._app.theme
            self._before = None if self._app.native_ansi_color else ANSIToTruecolor(self._app.ansi_theme)
        ground = background.rich_color
        return [
            Segment(text, style if style is None else _shown(style, ground, self._before, self._colours), control)
            for text, style, control in segments
        ]


@lru_cache(4096)
def _shown(style: Style, ground: RichColour, before: ANSIToTruecolor | None, colours: int) -> Style:
    if before is not None:
        style = before.truecolor_style(style, ground)
    return style + _of_palette(style.color, style.bgcolor, colours)


@lru_cache(4096)
def _of_palette(text: RichColour | None, ground: RichColour | None, colours: int) -> Style:
    seen = _nearest(ground, colours)
    is_readable = text is not None and seen is not None and _contrast_of(text, ground) >= READABLE
    return Style(color=_nearest(text, colours, seen if is_readable else None), bgcolor=seen)


def _contrast_of(text: RichColour, ground: RichColour | None) -> float:
    if ground is None or text.is_default or ground.is_default:
        return 0
    return contrast(Color.from_rich_color(text), Color.from_rich_color(ground))


@lru_cache(4096)
def _nearest(colour: RichColour | None, colours: int, on: RichColour | None = None) -> RichColour | None:
    """The nearest colour of so many; the nearest that can be read, where it is text on `on`."""
    if colour is None or colour.type is not ColorType.TRUECOLOR or colour.triplet is None:
        return colour
    known = _palette(colours) if on is None or on.is_default else _readable_on(on, colours)
    wanted = _lab(colour.triplet)
    return RichColour.from_ansi(min(known, key=lambda one: dist(one[1], wanted))[0])


@lru_cache(256)
def _readable_on(ground: RichColour, colours: int) -> list[tuple[int, tuple[float, float, float], float]]:
    known = _palette(colours)
    own = [each[2] for each in known if each[0] == ground.number] or [_luminance(Color.from_rich_color(ground))]
    return [one for one in known if _ratio(one[2], own[0]) >= READABLE] or known


XTERMS = ("000000", "cd0000", "00cd00", "cdcd00", "0000ee", "cd00cd", "00cdcd", "e5e5e5",
          "7f7f7f", "ff0000", "00ff00", "ffff00", "5c5cff", "ff00ff", "00ffff", "ffffff")  # fmt: skip
"""The first 16 as xterm has them; every terminal has its own."""


@cache
def _palette(colours: int) -> list[tuple[int, tuple[float, float, float], float]]:
    """The cube and the greys, alike in all terminals, or the first 16: their numbers, where they lie, luminance."""
    few = colours == len(XTERMS)
    many = chain(product((0, *range(95, 256, 40)), repeat=3), ((grey, grey, grey) for grey in range(8, 239, 10)))
    triplets = (ColorTriplet(*each) for each in (map(bytes.fromhex, XTERMS) if few else many))
    return [(number, _lab(each), _luminance(Color(*each))) for number, each in enumerate(triplets, 0 if few else 16)]


@lru_cache(4096)
def _lab(colour: ColorTriplet) -> tuple[float, float, float]:
    """CIE L*a*b* (white D65): distances in it are about those that people see."""
    red, green, blue = (linear(part) for part in colour.normalized)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)
