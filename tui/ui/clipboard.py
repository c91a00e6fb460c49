"""Copying to the clipboard of the person's own machine, through whatever lies between: OSC 52, else a file."""

import base64
from collections.abc import Callable
from pathlib import Path

from tui.config.paths import private_directory, state_dir, write_private
from tui.ui.terminal import Terminal

LONGEST = 74_994
"""Bytes of text that terminals commonly take: 100,000 of base64."""
_SCREENS_PIECE = 500
"""Characters that GNU screen passes on in one string; it holds 768."""


def copy(text: str, terminal: Terminal, write: Callable[[str], None]) -> Path | None:
    """Put `text` into the clipboard by what `write` sends to the terminal, or, where the terminal has none or the text
    is too long for it, into a private file, whose path is returned. Raises OSError if that cannot be written."""
    sequence = clipboard_sequence(text, terminal)
    if sequence is None:
        path = state_dir() / "copied.txt"
        private_directory(path.parent)
        write_private(path, text.encode("utf-8", "replace"))
        return path
    write(sequence)
    return None


def clipboard_sequence(text: str, terminal: Terminal) -> str | None:
    """What sets the clipboard to `text`; None where nothing can."""
    data = text.encode("utf-8", "replace")
    if not terminal.clipboard or len(data) > LONGEST:
        return None
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    if terminal.inside == "tmux":
        # Taken by tmux itself with `set-clipboard on`, and passed on with `allow-passthrough on`: whichever is set.
        return sequence + f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\"
    if terminal.inside == "screen":
        pieces = (sequence[start : start + _SCREENS_PIECE] for start in range(0, len(sequence), _SCREENS_PIECE))
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return sequence
