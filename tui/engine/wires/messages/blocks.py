"""Blocks of a message's content: what of them is content, of which kind, and which thinking was withheld."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tui.core.events import Kind, Mark
from tui.engine.wires.messages.events import Block, Delta

_MOST_SHOWN = 1000
"""Characters of a block that is neither text nor thinking that are shown: results of tools can be long."""
_FRAMING = frozenset({"", "text_delta", "thinking_delta", "signature_delta", "input_json_delta"})
"""Deltas that are no content without the fields above."""
_NO_CONTENT = frozenset({"", "text", "thinking", "redacted_thinking", "fallback"})
"""Blocks that are no content without text."""


class ContentBlocks:
    """Blocks in the order in which they open, each over before the next."""

    def __init__(self, content: Callable[[Kind, int, str | None], None], mark: Callable[[Mark, int], None]) -> None:
        """`content` takes kind, arrival and words of each piece, `mark` takes when thinking began or was withheld."""
        self._content = content
        self._mark = mark
        self._has_thought = False
        self._is_thinking = False
        self._is_silent = False
        """True while nothing of the open block has come."""
        self._latest_kind: Kind | None = None

    def open(self, t_ns: int, block: Block, whole: Callable[[], Mapping[str, Any]]) -> None:
        """A block opened, or arrived whole; `whole` gives it with all its fields."""
        self.close(t_ns)
        if block.type in ("thinking", "redacted_thinking"):
            if not self._has_thought:
                self._mark(Mark.THINKING_STARTED, t_ns)
            self._has_thought = self._is_thinking = self._is_silent = True
        if block.type == "redacted_thinking":
            self.close(t_ns)  # it has no more to come
        self._words(t_ns, block.text, block.thinking)
        if block.type not in _NO_CONTENT and not block.text:
            shown = _block_words(whole())
            self._piece(Kind.OTHER, t_ns, f"\n{shown}" if shown and self._latest_kind is Kind.OTHER else shown)

    def change(self, t_ns: int, delta: Delta, whole: Callable[[], Mapping[str, Any]]) -> None:
        """A delta of the open block arrived; `whole` gives it with all its fields."""
        self._words(t_ns, delta.text, delta.thinking)
        if not delta.text and not delta.thinking:
            is_known = delta.partial_json or delta.type in _FRAMING
            self._piece(Kind.OTHER, t_ns, delta.partial_json if is_known else _other_delta(whole()))

    def close(self, t_ns: int) -> None:
        """The open block, if there is one, is over."""
        if self._is_thinking and self._is_silent:
            self._mark(Mark.THINKING_WITHHELD, t_ns)
        self._is_thinking = False

    def _words(self, t_ns: int, text: str | None, thinking: str | None) -> None:
        if text:
            self._piece(Kind.TEXT, t_ns, text)
        elif thinking:
            self._piece(Kind.THINKING, t_ns, thinking)

    def _piece(self, kind: Kind, t_ns: int, words: str | None) -> None:
        if words:
            self._is_silent = False
            self._latest_kind = kind
            self._content(kind, t_ns, words)


def _other_delta(delta: Mapping[str, Any]) -> str:
    """A delta that is neither text nor thinking nor the input of a tool, in words; empty for framing."""
    kind = delta.get("type")
    if not isinstance(kind, str) or kind in _FRAMING:
        return ""
    rest = {name: value for name, value in delta.items() if name != "type" and value not in (None, "", [], {})}
    if rest and all(isinstance(value, str) for value in rest.values()):
        return " ".join(map(str, rest.values()))
    return _bracketed(kind, rest) if rest else ""


def _block_words(block: Mapping[str, Any]) -> str:
    """A block that is neither text nor thinking, in words: its type, and what stands in it; empty for framing."""
    kind = block.get("type")
    if not isinstance(kind, str) or kind in _NO_CONTENT:
        return ""
    left_out = ("type", "id", "tool_use_id", "cache_control", "caller")
    rest = {name: value for name, value in block.items() if name not in left_out and value not in (None, "", [], {})}
    name = rest.pop("name", None)
    if isinstance(name, str):
        return _bracketed(f"{kind} {name}", rest) + " "
    return _bracketed(kind, rest) if rest else ""


def _bracketed(head: str, rest: Mapping[str, Any]) -> str:
    shown = json.dumps(rest, ensure_ascii=False) if rest else ""
    shown = shown if len(shown) <= _MOST_SHOWN else shown[: _MOST_SHOWN - 1] + "…"
    # Halves of surrogate pairs could not be written to any file.
    shown = shown.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return f"[{head}{' ' if shown else ''}{shown}]"
