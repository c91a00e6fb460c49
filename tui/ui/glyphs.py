"""The characters of the screen, and what stands for them in a terminal that does not have them.

Done where text becomes bytes, so that borders, scroll bars, charts and states need not know of it.
"""

from collections.abc import Callable

from rich.cells import cell_len

ASCII_TWINS: dict[str, str] = {
    # States and marks.
    "○": "o", "◌": ".", "◔": ":", "◑": "%", "▶": ">", "✔": "v", "◧": "]", "⊘": "/", "✖": "X", "★": "*",
    "●": "@", "◆": "#", "■": "#", "▲": "^", "▼": "v", "◀": "<", "△": "^", "▽": "v", "◇": "#", "✓": "v", "✗": "X",
    "—": "-", "–": "-", "·": ".", "…": "~", "±": "~", "×": "x", "−": "-", "→": ">", "←": "<", "↑": "^", "↓": "v",
    "“": '"', "”": '"', "‘": "'", "’": "'", "•": "*", "⏸": "=", "┆": ":", "┊": ":", "≈": "~", "≤": "<", "≥": ">",
    "Δ": "d", "µ": "u", "√": "v", "\ufffd": "?", "‹": "<", "›": ">", "□": ".", "✕": "x", "✎": "&", "⚠": "!",
    "↯": "!", "↺": "@", "⏎": "/",
    # Sparklines.
    "▁": "_", "▂": ".", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "#", "█": "@",
    # Shades and blocks.
    "░": "-", "▒": "~", "▓": "#", "▀": '"', "▌": "|", "▐": "|", "▍": "|", "▎": "|", "▏": "|", "▊": "|", "▋": "|",
    "▉": "#", "▔": "-", "▕": "|", "▖": ".", "▗": ".", "▘": "'", "▝": "'", "▚": "\\", "▞": "/", "▙": "L", "▛": "P",
    "▜": "7", "▟": "J", "🭶": "-", "🭻": "_", "🮇": "|",
    # Lines.
    "─": "-", "━": "=", "│": "|", "┃": "|", "╸": "=", "╺": "=", "╴": "-", "╶": "-", "╷": "|", "╵": "|", "╹": "|",
    "╻": "|", "╌": "-", "┄": "-", "┈": "-", "═": "=", "║": "|", "╱": "/", "╲": "\\", "╳": "x",
}  # fmt: skip
"""One cell for one cell. Corners and crossings of lines follow below: all of them are `+`."""

ASCII_TWINS |= dict.fromkeys(map(chr, range(0x250C, 0x254C)), "+")
ASCII_TWINS |= dict.fromkeys(map(chr, range(0x2552, 0x2571)), "+")
# Pictures of control characters.
ASCII_TWINS |= dict.fromkeys(map(chr, range(0x2400, 0x2422)), "^")
ASCII_TWINS |= {chr(code): "*" if code > 0x2800 else " " for code in range(0x2800, 0x2900)}


def encoder(*, utf8: bool, glyphs: bool) -> Callable[[str], bytes]:
    """Encoder of text for the terminal: to UTF-8, or to ASCII in which every character keeps its width. Without
    `glyphs` the screen's own shapes are their twins in either."""
    if utf8:
        return _as_utf8 if glyphs else _with_twins
    return _as_ascii


def _as_utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


_TABLE = str.maketrans(ASCII_TWINS)


def _with_twins(text: str) -> bytes:
    return _as_utf8(text if text.isascii() else text.translate(_TABLE))


def _as_ascii(text: str) -> bytes:
    if text.isascii():
        return text.encode()
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in text.translate(_TABLE)).encode()
