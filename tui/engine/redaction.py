"""Redaction of keys: the one boundary that every event passes on its way out of the engine.

A server may repeat the key that it was sent, by mistake or on purpose. Every string of every event is searched for
every known key: in either case, with characters in between that no terminal shows, percent-encoded, in hexadecimal and
in base64. In an answer's text a key may be spread over many pieces: those that may be the beginning of one are held
back until that is known. Their stamps stay as they are.
"""

import base64
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any
from urllib.parse import unquote

import msgspec

from tui.core.events import Content, Event, Kind, Marked
from tui.core.sanitize import is_dropped
from tui.core.target import is_key

REDACTED = "[the key]"
"""Stands where a key was."""
_MOST_SHOWN = _SHORTEST_FORM = 8


class KeyFinder:
    """Finder of keys, in all their forms and at once (Aho and Corasick, 1975), which can be fed in pieces."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = frozenset(keys)
        self.shown = min([_MOST_SHOWN, *(len(key) // 2 for key in self.keys)])
        """Characters of a key that may pass at the end of a piece: many a word begins as a key does."""
        self._next: list[dict[str, int]] = [{}]
        self._fail = [0]
        self.depth = [0]
        """Characters of a form that each state has seen."""
        self._ends = [0]
        """Length of the form that each state completes, or 0."""
        for form in {form.lower() for key in self.keys for form in _forms(key)}:
            self._add(form)
        self._link()
        firsts = "".join(map(re.escape, self._next[0]))
        self._first = re.compile(f"[{firsts}]" if firsts else "(?!)", re.IGNORECASE)

    def _add(self, form: str) -> None:
        state = 0
        for char in form:
            if char not in self._next[state]:
                self._next[state][char] = len(self._next)
                self._next.append({})
                self._fail.append(0)
                self._ends.append(0)
                self.depth.append(self.depth[state] + 1)
            state = self._next[state][char]
        self._ends[state] = len(form)

    def _link(self) -> None:
        """Point each state to that of the longest proper suffix of what it has seen."""
        todo = list(self._next[0].values())
        for state in todo:
            for char, following in self._next[state].items():
                self._fail[following] = self._step(self._fail[state], char)
                self._ends[following] = self._ends[following] or self._ends[self._fail[following]]
                todo.append(following)

    def _step(self, state: int, char: str) -> int:
        while state and char not in self._next[state]:
            state = self._fail[state]
        return self._next[state].get(char, 0)

    def walk(self, state: int, text: str) -> tuple[int, list[tuple[int, int]]]:
        """The state after `text`, and where keys stand in it; a key that began before it does so at 0."""
        found: list[tuple[int, int]] = []
        seen: list[int] = []
        """Positions of the present match's characters, without those before `text`."""
        position = 0
        while position < len(text):
            if not state:
                first = self._first.search(text, position)
                if first is None:
                    break
                position, seen = first.start(), []
            char = text[position]
            if not is_dropped(char):
                state = self._step(state, char.lower() if char.isascii() else char)
                seen.append(position)
                if length := self._ends[state]:
                    found.append((seen[-length] if length <= len(seen) else 0, position + 1))
                    state = 0
            position += 1
        return state, found

    def redact(self, text: str, state: int = 0) -> str:
        """`text` without keys, if the finder was in this state before it."""
        parts, done = [], 0
        for start, end in self.walk(state, text)[1]:
            parts += [text[done : max(done, start)], REDACTED]
            done = end
        whole = "".join([*parts, text[done:]])
        # Any of the characters may be encoded.
        decoded = unquote(whole)
        return REDACTED if decoded != whole and self.walk(0, decoded)[1] else whole


class _Held:
    """Text of one kind of an answer, from the last place at which no key can have begun."""

    def __init__(self) -> None:
        self.events: list[Content] = []
        self.state = self.state_before = 0
        self.holds_key = False


class Redactor:
    """Gives events on without keys."""

    def __init__(self, keys: Collection[str], emit: Callable[[Event], None]) -> None:
        """`keys` are those that are known by now; more are added to it, and none is taken out."""
        self._keys = keys
        self._emit = emit
        self._known = 0
        self._finder = KeyFinder(())
        self._held: dict[tuple[int, Kind], _Held] = {}

    def put(self, event: Event) -> None:
        """Give `event` on, at once or as soon as it is known to hold no key."""
        if isinstance(event, Content):
            self._content(event)
            return
        if (request_id := getattr(event, "request_id", None)) is not None:
            for kind in Kind:
                if (held := self._held.pop((request_id, kind), None)) is not None:
                    self._release(held)
        finder = self._current()
        self._emit(each_text(event, finder.redact) if finder.keys and not isinstance(event, Marked) else event)

    def _current(self) -> KeyFinder:
        if len(self._keys) != self._known:
            for held in self._held.values():
                self._release(held)
            self._held.clear()
            self._known = len(self._keys)
            self._finder = KeyFinder(filter(is_key, self._keys))
        return self._finder

    def _content(self, event: Content) -> None:
        finder = self._current()
        if not finder.keys:
            self._emit(event)
            return
        key = (event.request_id, event.kind)
        if (held := self._held.get(key)) is None:
            held = self._held[key] = _Held()
        held.events.append(event)
        held.state, found = finder.walk(held.state, "".join(event.texts))
        held.holds_key = held.holds_key or bool(found)
        if finder.depth[held.state] <= finder.shown:
            self._release(held)

    def _release(self, held: _Held) -> None:
        """Give on what was held back."""
        events, held.events = held.events, []
        if held.holds_key:
            # All in the first piece: where in it the key stood does not matter any more.
            text = self._finder.redact("".join(text for event in events for text in event.texts), held.state_before)
            for number, event in enumerate(events):
                texts = [text if number == place == 0 else "" for place in range(len(event.texts))]
                events[number] = msgspec.structs.replace(event, texts=texts)
        held.state_before, held.holds_key = held.state, False
        for event in events:
            self._emit(event)


def _forms(key: str) -> list[str]:
    """The forms in which a server may repeat a key, of which each alone tells it."""
    data = key.encode()
    forms = [key, "".join(f"%{byte:02x}" for byte in data), data.hex()]
    forms.append("".join(char if char.isalnum() else f"%{ord(char):02x}" for char in key))
    for shift in range(3):
        # What stands before shifts it by 0 to 2 characters; the ends depend on the neighbours.
        packed = base64.b64encode(b"\0" * shift + data)[4 if shift else 0 : -4].decode()
        forms += [packed, packed.replace("+", "-").replace("/", "_")]
    return [form for form in forms if len(form) >= _SHORTEST_FORM]


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """`value` with every text in it changed."""
    if type(value) is str:  # the words of enumerations are ours
        return change(value)
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        changed = {name: new for name, old in fields.items() if (new := each_text(old, change)) is not old}
        return msgspec.structs.replace(value, **changed) if changed else value
    if isinstance(value, dict):
        return {each_text(name, change): each_text(item, change) for name, item in value.items()}
    if isinstance(value, tuple | list):
        items = [each_text(item, change) for item in value]
        return type(value)(items) if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value
