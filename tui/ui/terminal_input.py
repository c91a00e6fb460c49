"""Input from the terminal, as Textual's events: whatever arrives, the program goes on and the cost stays in proportion.

Textual's parser decodes the keys. Before it stand what line noise, a broken multiplexer or a hostile terminal can send:
sequences out of range or without an end are dropped, and long plain text in one read is a paste, even unbracketed.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import pairwise

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.events import Event
from textual.message import Message
from textual.message_pump import MessagePump

_PASTE_START, _PASTE_END = "\x1b[200~", "\x1b[201~"
_LONGEST_SEQUENCE = 64
"""Characters of a control sequence; no key, mouse or mode report is longer."""
_HIGHEST_CODE = 0x10FFFF
_MOST_CELLS = 1_000_000
"""Largest screen that a terminal may report in its input, in cells."""
_SHORTEST_PASTE = 32
"""Plain characters in one read that nobody types."""

_PLAIN = r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+"
_ALT = re.compile(r"\x1b[^\x00-\x20\x7f\[\]OPX^_]")
"""A key with Alt, other than those that begin longer sequences."""
_PIECE = re.compile(rf"\x1b\[[ -?]*[@-~]?|\x1b\]\d+;|\x1b\]\d*\Z|{_ALT.pattern}|{_PLAIN}|.", re.DOTALL)
_UNFINISHED = "[]" + "".join(map(chr, range(0x20, 0x40)))
"""Last characters of sequences whose rest is to come."""
_SEQUENCE_END = re.compile(r"[^ -?]")
_STRING_END = re.compile(r"\x1b\\|[\x00-\x1f]")
_NUMBER = re.compile(r"\d+")
_ATTRIBUTES = re.compile(r"\x1b\[\?[\d;]*c")
"""The terminal says what it is (DA1): an answer that came too late for the question about its background."""
_REPORT = re.compile(rf"\x1b\]\d+;[^\x00-\x1f]*(?:\x07|\x1b\\)(?:{_ATTRIBUTES.pattern})?|\x1b\[[?<][\d;]*[cMm]")
_REPORT_BEGUN = re.compile(r"\x1b(?:\](?:\d+|\d+;[^\x00-\x1f]*\x1b?)?|\[(?:[?<][\d;]*)?)?\Z")
"""The beginning of a report: of the background, of what the terminal is, or of the mouse."""
_SIZE = re.compile(r"\x1b\[48;(\d+)[^;]*;(\d+)")
_ONLY_LAST_COUNTS = ((events.AppFocus, events.AppBlur), (events.MouseMove,))
"""Events of which, in a row, only the last one matters."""
_LONGEST_S = 0.5
"""Longest time for which a key holds up the next: its widget may have gone meanwhile, or be busy."""


class TerminalInput:
    """Decoder of what the terminal sends."""

    def __init__(self, *, debug: bool = False) -> None:
        self._debug = debug
        self._parser = XTermParser(debug)
        self._held = ""
        """The beginning of a sequence, whose rest is to come."""
        self._given = 0
        """Characters of `held` that the parser has."""
        self._dropped_until: re.Pattern[str] | None = None
        """The end of a sequence that is being dropped."""
        self._latest = ""
        """The end of what has come since the last pause."""
        self._cut = ""
        """The beginning of a report, if the last pause was within one: its rest is no text."""
        self._pasted: list[str] | None = None
        """Pieces of a paste whose end has not come."""
        self._in_plain_paste = False

    def feed(self, text: str) -> list[Message]:
        """The events that `text`, one read of the terminal, completes."""
        if self._cut and (report := _REPORT.match(self._cut + text)):
            text = text[report.end() - len(self._cut) :]
        self._cut, self._latest = "", (self._latest + text)[-_LONGEST_SEQUENCE:]
        found: list[Message] = []
        given, self._given = self._given, 0
        for piece in self._pieces(text):
            if given and not piece.startswith("\x1b"):
                self._parser = XTermParser(self._debug)  # it waits for the rest of what was dropped
                given = 0
            found += self._parsed(piece, given)
            given = 0
        if given and self._held:
            self._given = given
        elif given:
            self._parser = XTermParser(self._debug)
        if text.endswith("\x1b") and not self._held and self._dropped_until is None:
            # Alone it is a key, and so must not wait here.
            self._held, self._given = "\x1b", 1
        found += self._parser.tick()
        return list(_without_superseded(found))

    def pause(self) -> list[Message]:
        """Nothing has come for a while: the events of what is complete without more."""
        held, given = self._held, self._given
        self._held, self._given, self._dropped_until, self._in_plain_paste = "", 0, None, False
        if self._pasted is None and (begun := _REPORT_BEGUN.search(self._latest)):
            self._cut = begun[0]
        self._latest = ""
        if len(self._cut) > len("\x1b["):  # up to there it may be a key
            self._parser = XTermParser(self._debug)
            return []
        return [*self._parsed(held, given), *self._parser.tick()]

    def close(self) -> list[Message]:
        """The events of what is left. Nothing is fed after it."""
        return list(self._parser.feed(""))

    def _pieces(self, text: str) -> Iterator[str]:
        """Sequences, stretches of plain text and single controls, without what is to be dropped."""
        text, self._held = self._held + text, ""
        position = 0
        if self._dropped_until is not None:
            end = self._dropped_until.search(text)
            if end is None:
                return
            if end[0] == "\x1b" and end.end() == len(text):
                self._held = "\x1b"
                return
            # ESC begins the next sequence, all else belonged to this one.
            position = end.start() if end[0] == "\x1b" else end.end()
            self._dropped_until = None
        for match in _PIECE.finditer(text, position):
            piece = match[0]
            if self._pasted is not None or not piece.startswith(("\x1b[", "\x1b]")):
                yield piece
            elif match.end() == len(text) and len(piece) <= _LONGEST_SEQUENCE and piece[-1] in _UNFINISHED:
                self._held = piece
            elif piece[1] == "]":
                self._dropped_until = _STRING_END  # a command, which answers nothing that was asked here
                yield from self._pieces(text[match.end() :])
                return
            elif len(piece) > _LONGEST_SEQUENCE:
                if not "@" <= piece[-1] <= "~":
                    self._dropped_until = _SEQUENCE_END
            elif _is_in_range(piece) and not _ATTRIBUTES.fullmatch(piece):
                yield piece

    def _parsed(self, piece: str, given: int = 0) -> Iterable[Message]:
        """The events of a piece, of which the parser has been given so many characters before."""
        if self._pasted is not None:
            # What is pasted is text: a sequence in it is no key.
            del self._pasted[len(self._pasted) - given :]
            self._pasted.append(piece)
            # Its end may come in as many pieces as it has characters, the last one with what follows.
            if "~" in piece and _PASTE_END in "".join(self._pasted[-len(_PASTE_END) :]):
                text, _, rest = "".join(self._pasted).partition(_PASTE_END)
                self._pasted, self._parser = None, XTermParser(self._debug)
                yield events.Paste(text.replace("\x00", ""))
                yield from self._parsed(rest)
            return
        if piece == _PASTE_START:
            self._pasted = []
            return
        if self._is_paste(piece):
            self._in_plain_paste = True
            text = piece.removesuffix("\r")
            yield events.Paste(text.replace("\r\n", "\n").replace("\r", "\n"))
            piece = piece[len(text) :]
        with_alt = _ALT.fullmatch(piece) is not None
        if with_alt and not given:
            yield from self._fed(piece[:1])
            given = 1
        found = [*self._fed(piece[given:])]
        if with_alt and not found:
            # The parser waits for more; at another Alt behind it, it would type a "^" and the letter.
            self._parser = XTermParser(self._debug)
            found = [*self._parser._sequence_to_key_events(piece[1], alt=True)]  # noqa: SLF001
        yield from found

    def _fed(self, text: str) -> Iterable[Message]:
        try:
            return [*self._parser.feed(text)] if text else []
        except (ValueError, OverflowError, IndexError):
            # Out of range in a way not foreseen here; the parser does not outlive it.
            self._parser = XTermParser(self._debug)
            return []

    def _is_paste(self, piece: str) -> bool:
        if self._in_plain_paste and len(piece) > 1:
            return not piece.startswith("\x1b")
        # A key that is held down gives many of one character.
        return len(piece) >= _SHORTEST_PASTE and not piece.startswith("\x1b") and len(set(piece)) > 1


def _is_in_range(sequence: str) -> bool:
    numbers = _NUMBER.findall(sequence)
    if any(len(number) > len(str(_HIGHEST_CODE)) or int(number) > _HIGHEST_CODE for number in numbers):
        return False
    size = _SIZE.match(sequence)
    return size is None or int(size[1]) * int(size[2]) <= _MOST_CELLS


def _without_superseded(found: list[Message]) -> Iterator[Message]:
    for event, following in pairwise([*found, None]):
        if not any(isinstance(event, kinds) and isinstance(following, kinds) for kinds in _ONLY_LAST_COUNTS):
            assert event is not None
            yield event


class InputOrder:
    """Holds back what comes while a key is still on its way: each acts once the one before has had its effect.

    Textual hands on what it reads at once, while a key that means an action first goes up from the widget to the
    application, and the focus that an action gives is given later. So of two keys in one read, as slow links, macros
    and fast fingers send them, the second reached the widget that had the focus before the first, or acted before it.
    """

    def __init__(self, app: App[None], handle: Callable[[Event], Awaitable[None]], *, waits: bool = False) -> None:
        """`handle` hands an event on to what has the focus. If this `waits`, everything does, until `go_on`."""
        self._app = app
        self._handle = handle
        self._waiting: deque[Event] = deque()
        self.waits = waits
        self._under_way: Event | None = Event() if waits else None
        self._limit: asyncio.TimerHandle | None = None

    async def pass_on(self, event: Event) -> None:
        """Handle a key or a paste, now or after those that came before."""
        if self._under_way is not None:
            self._waiting.append(event)
        else:
            await self._begin(event)

    async def _begin(self, event: Event) -> None:
        self._under_way = event
        self._limit = asyncio.get_running_loop().call_later(_LONGEST_S, self._end_soon, event)
        first = self._app.focused or self._app.screen
        try:
            await self._handle(event)
        finally:
            self._follow(first if event.is_forwarded else self._app, event)

    def _follow(self, node: MessagePump | None, event: Event) -> None:
        """Go the way that the event goes, up to the application, behind it in each queue."""
        if node is None or not node.call_later(self._passed, node, event):
            self._end_soon(event)

    def _passed(self, node: MessagePump, event: Event) -> None:
        if node is self._app:
            self._end_soon(event)
        else:
            self._follow(getattr(node, "parent", None), event)

    def _end_soon(self, event: Event) -> None:
        """Behind what the event's handlers have put off, such as giving the focus."""
        self._app.call_later(self._end, event)

    async def _end(self, event: Event) -> None:
        if event is not self._under_way:
            return
        assert self._limit is not None
        self._limit.cancel()
        await self.go_on()

    async def go_on(self) -> None:
        """Handle the next of what has come."""
        self._under_way, self.waits = None, False
        if self._waiting:
            await self._begin(self._waiting.popleft())
