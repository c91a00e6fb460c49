"""Reporter of one request: the way of its events to the parent, over all of its attempts."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tui.core.events import Content, Event, Failure, Kind, Mark, Marked, RequestEnded, Status


class RequestReporter:
    """Reports the events of one request, and remembers what its retries and its run depend on."""

    def __init__(self, request_id: int, emit: Callable[[Event], None]) -> None:
        self.request_id = request_id
        self._emit = emit
        self._gathers = False
        self._gathered: Content | None = None
        """Content of the present slice that is not reported yet."""
        self.has_content = False
        """True once a piece of content has arrived: from then on the request is not sent again."""
        self.was_stale = False
        """True if the latest attempt failed on a kept connection that the server had closed."""
        self.sent_ns: int | None = None
        """Moment at which the first attempt's last byte was handed to the kernel, CLOCK_MONOTONIC."""

    def report(self, event: Event) -> None:
        """Report one event as it is, behind all that came before it."""
        self._hand_over()
        self._emit(event)

    @contextmanager
    def slice(self) -> Iterator[None]:
        """Meanwhile, gather pieces of content, and report those that follow one another as one event."""
        self._gathers = True
        try:
            yield
        finally:
            self._gathers = False
            self._hand_over()

    def _hand_over(self) -> None:
        if self._gathered is not None:
            gathered, self._gathered = self._gathered, None
            self._emit(gathered)

    def mark(self, mark: Mark, t_ns: int | None = None) -> None:
        """Report a point of the timeline, at `t_ns` (CLOCK_MONOTONIC) or now."""
        t_ns = t_ns or time.monotonic_ns()
        if mark is Mark.SENT and self.sent_ns is None:
            self.sent_ns = t_ns
        self.report(Marked(request_id=self.request_id, mark=mark, t_ns=t_ns))

    def content(self, kind: Kind, t_ns: int, text: str) -> None:
        """Report a piece of content that arrived at `t_ns`, CLOCK_MONOTONIC."""
        self.has_content = True
        gathered = self._gathered
        if gathered is not None and gathered.kind is kind:
            gathered.t_ns.append(t_ns)
            gathered.texts.append(text)
            return
        content = Content(request_id=self.request_id, kind=kind, t_ns=[t_ns], texts=[text])
        if not self._gathers:
            self._emit(content)
            return
        if gathered is not None:
            self._emit(gathered)
        self._gathered = content

    def ended(
        self,
        status: Status,
        *,
        stop_reason: str | None = None,
        stop_details: str | None = None,
        failure: Failure | None = None,
    ) -> RequestEnded:
        """The end of an attempt, now. It is not reported yet: another attempt may follow."""
        return RequestEnded(
            request_id=self.request_id,
            t_ns=time.monotonic_ns(),
            status=status,
            stop_reason=stop_reason,
            stop_details=stop_details,
            failure=failure,
        )
