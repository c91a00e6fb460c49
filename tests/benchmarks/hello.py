"""The least Textual app there is: what a start is compared with; with any argument, one to type into."""

import sys

from textual.app import App, ComposeResult
from textual.widgets import Input, Static


class Hello(App[None]):
    """Says hello."""

    def compose(self) -> ComposeResult:
        """One line, and perhaps a field."""
        yield Static("Hello from Textual")
        if sys.argv[1:]:
            yield Input()


if __name__ == "__main__":
    Hello().run()
