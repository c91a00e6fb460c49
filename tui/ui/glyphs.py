"""The characters of the screen, and what stands for them in a terminal whose character set is not UTF-8.

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
    "Δ": "d", "µ": "u", "√": "v", "␛": "^", "\ufffd": "?",
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
ASCII_TWINS |= {chr(code): "*" if code > 0x2800 else " " for code in range(0x2800, 0x2900)}


def encoder(*, unicode: bool) -> Callable[[str], bytes]:
    """What turns text for the terminal into bytes: UTF-8, or ASCII in which every character keeps its width."""
    return _as_utf8 if unicode else _as_ascii


def _as_utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


_TABLE = str.maketrans(ASCII_TWINS)


def _as_ascii(text: str) -> bytes:
    if text.isascii():
        return text.encode()
    twins = text.translate(_TABLE)
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in twins).encode()
