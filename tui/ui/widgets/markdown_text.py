"""An answer with its Markdown laid out: tables, lists, headings. What a model wrote stays data."""

from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, ConsoleRenderable, Group, RenderResult
from rich.markdown import Markdown
from rich.text import Text
from rich.theme import Theme

from tui.core.sanitize import clean

_STYLES = Theme(
    {
        "markdown.h1": "bold",
        "markdown.h1.border": "none",
        "markdown.h2": "bold underline",
        "markdown.h3": "bold",
        "markdown.h4": "bold italic",
        "markdown.h5": "italic",
        "markdown.h6": "italic",
        "markdown.code": "bold",
        "markdown.code_block": "none",
        "markdown.block_quote": "italic",
        "markdown.item.bullet": "bold",
        "markdown.item.number": "bold",
        "markdown.hr": "none",
        "markdown.link": "underline",
        "markdown.link_url": "none",
        "markdown.table.border": "none",
        "markdown.table.header": "bold",
    }
)
"""Without a colour: what the theme shows text in can be read everywhere."""


_MOST_CHARACTERS = 40_000
"""Laying out takes a second for 100,000, in which no key is heard."""


class _LaidOut(Markdown):
    """Rich's layout of parsed Markdown, in our styles."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """See `rich`."""
        with console.use_theme(_STYLES):
            yield from console.render(_Plain(self), options)


class _Plain:
    """The layout itself, below the styles."""

    def __init__(self, laid_out: _LaidOut) -> None:
        self._laid_out = laid_out

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        return Markdown.__rich_console__(self._laid_out, console, options)


def laid_out(text: str) -> ConsoleRenderable:
    """`text`, an answer that is safe to print, laid out. Links are shown with their addresses and lead nowhere, and
    HTML is shown as it was written."""
    end = len(text) if len(text) <= _MOST_CHARACTERS else text.rfind("\n", 0, _MOST_CHARACTERS) + 1 or _MOST_CHARACTERS
    made = _LaidOut("", hyperlinks=False, code_theme="ansi_dark")
    made.parsed = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"]).parse(text[:end])
    for token in _all(made.parsed):
        # Entities such as &#x202e; are characters by now.
        token.content = clean(token.content)
        token.attrs = {name: clean(value) if isinstance(value, str) else value for name, value in token.attrs.items()}
        # No lexer's colours, which a theme may not show.
        token.info = ""
    if end == len(text):
        return made
    return Group(
        made, Text(f"\nThe rest, {len(text) - end:,} characters, as it was written:\n", style="bold"), Text(text[end:])
    )


def _all(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or ())
