"""Events on their way to the parent: gathered, joined, and written in batches without ever blocking the engine."""

import asyncio

from tui.core.events import Content, Event
from tui.engine.protocol import encode_events

FLUSH_INTERVAL_S = 0.03
"""How long events are gathered before they are written: below a frame of the screen, above the cost of a write."""

_HIGH_WATER_BYTES = 64 * 1024


class Outbox:
    """Gathers events and writes them to a pipe.

    When the parent does not read, events stay here, where consecutive content of a request is joined; stamps travel
    inside the events, so that a late write changes no time. Memory is bounded by the content itself.
    """

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self._events: list[Event] = []
        self._open_content: dict[int, Content] = {}
        self._timer: asyncio.TimerHandle | None = None

    def put(self, event: Event) -> None:
        """Take in one event. Order is kept per request and among events other than content."""
        if isinstance(event, Content):
            content = self._open_content.get(event.request_id)
            if content is not None and content.kind is event.kind:
                content.t_ns.extend(event.t_ns)
                content.texts.extend(event.texts)
                return
            self._open_content[event.request_id] = event
        elif (request_id := getattr(event, "request_id", None)) is not None:
            self._open_content.pop(request_id, None)
        self._events.append(event)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_INTERVAL_S, self._flush)

    def _flush(self) -> None:
        self._timer = None
        if not self._events or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > _HIGH_WATER_BYTES:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_INTERVAL_S, self._flush)
            return
        self._transport.write(encode_events(self._events))
        self._events.clear()
        self._open_content.clear()

    def close(self) -> None:
        """Write what is left and close the pipe."""
        if self._timer is not None:
            self._timer.cancel()
        if self._events and not self._transport.is_closing():
            self._transport.write(encode_events(self._events))
            self._events.clear()
        self._transport.close()
