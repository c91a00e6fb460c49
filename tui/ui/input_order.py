"""Keys and pastes in the order in which they came: each acts once the one before has had its effect.

Textual hands on what it reads at once, while a key that means an action first goes up from the widget to the
application, and the focus that an action gives is given later. So of two keys in one read, as slow links, macros and
fast fingers send them, the second reached the widget that had the focus before the first, or acted before it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from textual.app import App
from textual.events import Event
from textual.message_pump import MessagePump

_LONGEST_S = 0.5
"""Longest time for which a key holds up the next: its widget may have gone meanwhile, or be busy."""


class InputOrder:
    """Holds back what comes while a key is still on its way."""

    def __init__(self, app: App[None], handle: Callable[[Event], Awaitable[None]]) -> None:
        """`handle` hands an event on to what has the focus."""
        self._app = app
        self._handle = handle
        self._waiting: deque[Event] = deque()
        self._under_way: Event | None = None
        self._limit: asyncio.TimerHandle | None = None

    async def take(self, event: Event) -> None:
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
        self._under_way = None
        if self._waiting:
            await self._begin(self._waiting.popleft())
