"""Text from elsewhere inside CSV, Markdown and HTML: shown as it is, never taken for a formula, markup or control.

All go through `tui.core.sanitize.clean` first, so that no file drives the terminal it is printed on.
"""

import html
import re

from tui.core.sanitize import clean

_FORMULA = re.compile(r"\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]")
"""Characters that spreadsheets take for the start of a formula (the last four are full-width), after any space."""
_MARKUP = re.compile(r"[\\`*_\[\]<>#!|~&$@]|:(?=//)|(?<=www)\.", re.IGNORECASE)
"""Characters with a meaning in the middle of a line; the last three are links, people and issues on GitHub."""
_BACKTICKS = re.compile("`+")


def csv_text(text: str) -> str:
    """A cell of a table: an apostrophe in front, which spreadsheets take off, where a formula could begin."""
    cleaned = clean(text)
    return f"'{cleaned}" if _FORMULA.match(cleaned) else cleaned


def markdown_line(text: str) -> str:
    """One line of Markdown, in a table or after a heading's marks."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(clean(text).split()))


def markdown_block(text: str) -> str:
    """A fenced block of Markdown, whose fence is longer than any in the text."""
    cleaned = clean(text)
    fence = "`" * max(3, 1 + max((len(run) for run in _BACKTICKS.findall(cleaned)), default=0))
    return f"{fence}text\n{cleaned}\n{fence}"


def html_text(text: str) -> str:
    """Text or the value of an attribute in HTML and SVG."""
    return html.escape(clean(text), quote=True)
