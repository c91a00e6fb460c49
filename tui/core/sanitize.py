"""Cleaner of foreign text, which makes it safe to put on a terminal.

`clean` is applied once, to everything a model or a server wrote, before it reaches a widget. What it does:

- CR LF, CR, NEL, U+2028 and U+2029 become a newline: they all mean one, and CR alone would overwrite the row.
- Other C0 controls (but newline and tab) and DEL become their control picture, as in `␛[31m`: escape sequences start
  here, and that one was there is information.
- C1 controls become U+FFFD: some terminals take U+009B for the start of an escape sequence.
- Bidi embeddings, overrides and isolates become U+FFFD: they reorder the row; what is read is not what is there.
- Lone surrogates and noncharacters become U+FFFD: they cannot be encoded, or stand for nothing.
- Zero-width spaces, soft hyphens, tags, and interlinear, musical and shorthand format characters are dropped: terminals
  disagree on their width, and they can carry hidden text. So are variation selectors, except U+FE0E and U+FE0F after an
  emoji, and zero-width joiners, except between emoji or letters of joining scripts.
- Of the combining marks on one character, those after the eighth are dropped: they take no cell, so that any number of
  them would have to be laid out and sent for one. No script puts more on a letter.

Kept: ZWNJ and the implicit direction marks (Persian, Hebrew and Arabic need them; they take no cell), private use.
Every replacement is one cell wide. A neighbour that is in another chunk counts as a fitting one, so that an emoji
whose sequence is split by the stream arrives whole.
"""

import re
import unicodedata
from functools import cache

_EMOJI = "\u203c\u2049\u20e3\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_EMOJI_BASE = "#*0-9\xa9\xae" + _EMOJI
_JOINING = _EMOJI + "\u0620-\u109f\u1780-\u180a\u1810-\u18af\ua800-\uabff\U00010a00-\U00011fff"

_NEWLINES = "\x85\u2028\u2029"
_CONTROLS = "\x00-\x08\x0b-\x0c\x0e-\x1f\x7f"
_REPLACED = "\x80-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
_DROPPED = (
    "\xad\u034f\u200b\u2060-\u2065\u206a-\u206f\ufe00-\ufe0d\ufeff\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)

_MOST_MARKS = 8
_PERHAPS_MARKS = re.compile(rf"[^\w\s\x00-\u02ff]{{{_MOST_MARKS + 1},}}")
_SUSPECT = re.compile(f"[\r{_CONTROLS}{_NEWLINES}{_REPLACED}{_DROPPED}\u200d\ufe0e\ufe0f]")
_DROPPED_CHAR = re.compile(f"[{_DROPPED}\u200d\ufe0e\ufe0f]")


_EDITED = re.compile(f"[\r{_CONTROLS}{_NEWLINES}{_REPLACED}{_DROPPED}]")

KEY_FORM = re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}")
"""Form of the keys that most vendors give out: what is taken out even where no variable holds it."""


@cache
def _unsafe() -> re.Pattern[str]:
    # Made when it is first needed: that takes 2 ms, and no start does.
    return re.compile(
        rf"\r\n?|[{_CONTROLS}{_NEWLINES}{_REPLACED}{_DROPPED}]"
        # A variation selector after anything but a character that has an emoji form.
        rf"|(?<![{_EMOJI_BASE}])(?<!\A)[\ufe0e\ufe0f]"
        # A joiner that lacks something to join on the left (straight before it or its selector) or on the right.
        rf"|(?<![{_JOINING}])(?<![{_EMOJI_BASE}]\ufe0f)(?<!\A)(?<!\A\ufe0f)\u200d"
        rf"|\u200d(?![{_JOINING}]|\Z)"
    )


@cache
def _replaced() -> re.Pattern[str]:
    return re.compile(f"[{_REPLACED}]")


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match[0])
    return "\u2421" if code == 0x7F else chr(0x2400 + code) if code < 0x20 else "\ufffd"


def stand_ins(text: str) -> str:
    """A line as an editor may show it: harmful characters are replaced one by one, so that none moves."""
    return _EDITED.sub(_stand_in, text)


def _harmless(match: re.Match[str]) -> str:
    found = match[0]
    if found[0] == "\r" or found in _NEWLINES:
        return "\n"
    if _DROPPED_CHAR.match(found):
        return ""
    if _replaced().match(found):
        return "\ufffd"
    return "\u2421" if found == "\x7f" else chr(0x2400 + ord(found))


def _with_fewer_marks(match: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for char in match[0]:
        if char == "\u200d" and marks > _MOST_MARKS:
            continue  # it joined what is dropped
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if marks <= _MOST_MARKS:
            kept.append(char)
    return "".join(kept)


def is_dropped(char: str) -> bool:
    """True for a character that `clean` may take out, so that what stands around it joins."""
    return _DROPPED_CHAR.match(char) is not None


def clean(text: str) -> str:
    """`text` without anything that could drive or confuse a terminal; see the module.

    Text that needs nothing is returned as it is, after one search for a set of characters. Cleaning twice changes
    nothing.
    """
    if _SUSPECT.search(text):
        text = _unsafe().sub(_harmless, text)
    return text if text.isascii() else _PERHAPS_MARKS.sub(_with_fewer_marks, text)
