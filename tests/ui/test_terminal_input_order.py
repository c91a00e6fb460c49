"""Keys and pastes that come in one read act in their order, and none is lost with the widget that had it."""

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Event, Key, Paste
from textual.message_pump import MessagePump
from textual.widgets import Input

from tui.ui.terminal_input import InputOrder


class Fields(App[None]):
    """Two fields; F6 goes to the other one, F8 takes away the one with the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "other", priority=True),
        Binding("f7", "other"),
        Binding("f8", "take_away"),
    ]

    def compose(self) -> ComposeResult:
        self.order = InputOrder(self, super().on_event)
        self.fields = Input(select_on_focus=False), Input(select_on_focus=False)
        yield from self.fields

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            await self.order.pass_on(event)
        else:
            await super().on_event(event)

    def action_other(self) -> None:
        self.fields[self.focused is self.fields[0]].focus()

    async def action_take_away(self) -> None:
        if self.focused is not None:
            await self.focused.remove()


def burst(app: MessagePump, *keys: str) -> None:
    """Keys as one read of the terminal brings them."""
    for key in keys:
        app.post_message(Key(key, key if len(key) == 1 else None))


async def test_what_follows_a_key_goes_where_that_key_led() -> None:
    app = Fields()
    async with app.run_test() as pilot:
        burst(app, "a", "f6", "b", "f7", "c", "tab", "d")
        await pilot.pause()
        assert [field.value for field in app.fields] == ["ac", "bd"]


async def test_keys_that_move_act_before_what_is_typed_behind_them() -> None:
    app = Fields()
    async with app.run_test() as pilot:
        burst(app, *"ad", "left", "b", "c", "home", "1", "backspace", "x")
        app.post_message(Paste("pasted"))
        burst(app, "!")
        await pilot.pause()
        assert app.fields[0].value == "xpasted!abcd"


async def test_what_follows_goes_on_where_the_widget_has_gone() -> None:
    app = Fields()
    async with app.run_test() as pilot:
        burst(app, "a", "f8", "b", "c")
        await pilot.pause(0.1)
        assert app.fields[1].value == "bc"
