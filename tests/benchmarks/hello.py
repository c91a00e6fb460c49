"""The least Textual app there is: what a start is compared with."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class Hello(App[None]):
    """Says hello."""

    def compose(self) -> ComposeResult:
        """One line."""
        yield Static("Hello from Textual")


if __name__ == "__main__":
    Hello().run()
