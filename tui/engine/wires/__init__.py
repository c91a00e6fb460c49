"""Wires: the protocols that endpoints speak, one module or package each behind the interface `Wire`.

A wire knows what one protocol's requests, answers, refusals and look-ups look like. Keys, connections, deadlines, the
start barrier, stamps, retries and reporting are the same for all and stand above it. A new wire is a module here
(reader of answers, transcript, wire with the body) and a row in `tui.engine.request.WIRES`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeGuard

import httpx2
import msgspec

from tui.core.events import Failure, FailureKind, Kind, Mark, Status, Usage, UsageReported
from tui.core.model import ListedModel
from tui.core.plan import RequestSpec
from tui.core.prompt import KeptAnswer
from tui.core.sanitize import clean
from tui.core.target import Endpoint
from tui.engine.failures import Refusal, quote
from tui.engine.reporter import RequestReporter
from tui.engine.server_words import error_in

MOST_TOKENS = 100_000_000
"""More than any context: a larger count is a fault of the server and is not believed."""
LONGEST_WORD = 256
"""Characters of an id or of a word such as a tier; a longer one is not believed either."""
UNREADABLE_EVENT = "The stream held an event that cannot be read ({}); what came before it is kept."
_PROMPT_COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
LOOKUP_SLOT = -1
"""Connections of look-ups, apart from those of runs, which are numbered from 0."""


class NoAnswerError(Exception):
    """A look-up that the endpoint does not answer."""

    def __init__(self, response: httpx2.Response | None = None) -> None:
        """`response` is None if there is no such route, or if what came is not what was asked for; its body is read."""
        super().__init__(response)
        self.response = response

    @property
    def http_status(self) -> int | None:
        """Status of the response."""
        return self.response.status_code if self.response is not None else None


class AnswerReader(ABC):
    """Reader of one answer: takes what came with its arrival, and reports what it means.

    A wire's reader decodes in `feed` and `feed_whole`, and reports through the other methods.
    """

    def __init__(self, reporter: RequestReporter) -> None:
        self._reporter = reporter
        self._usage = Usage()
        self.failure: Failure | None = None
        """Set as soon as the answer has shown that the request failed; nothing is read after it."""
        self.pieces = 0
        """Pieces of content that have arrived."""
        self.stopped = False
        """True once the answer is complete, even if its body is not over."""
        self.stop_details: str | None = None
        """The API's explanation of a refusal."""
        self.latest = b""
        """The data fed last: where they were no part of an answer, they may hold the server's words."""
        self._begun = False
        self._truncated = False
        self._refused = False
        self._stop_reason: str | None = None

    @abstractmethod
    def feed(self, t_ns: int, event: str, data: bytes) -> None:
        """Add one server-sent event that arrived at `t_ns`, CLOCK_MONOTONIC."""

    @abstractmethod
    def feed_whole(self, t_ns: int, body: bytes) -> None:
        """Add an answer in one piece, whose last byte arrived at `t_ns`, CLOCK_MONOTONIC.

        None of it could be used before, so all of its content has that one stamp.
        """

    def outcome(self) -> tuple[Status, str | None, Failure | None]:
        """Status, stop reason and failure of the answer, once its body is over."""
        failure = self.failure
        if failure is None and not self.stopped:
            cause = "The server answered 200 but sent no message"
            if self._stop_reason is not None:
                cause = (
                    f"The stream ended after the stop reason {self._stop_reason}, but without the end of the message"
                )
            elif self._begun:
                cause = "The stream ended before the answer was complete"
            failure = Failure(kind=FailureKind.BROKEN_STREAM, message=f"{cause}; run it again, or check the server.")
        if failure is not None:
            if failure.kind in (FailureKind.BROKEN_STREAM, FailureKind.PROTOCOL):
                failure = self.with_words(failure)
            return Status.FAILED, self._stop_reason, failure
        if self._refused:
            return Status.REFUSED, self._stop_reason, None
        return Status.TRUNCATED if self._truncated else Status.DONE, self._stop_reason, None

    def with_words(self, failure: Failure) -> Failure:
        """The failure with what the server said last, in whatever shape, where that is not in it yet."""
        words = "" if self.latest.strip() in (b"", b"[DONE]") else quote(error_in(self.latest)[1])
        if not words or words.rstrip(".") in failure.message:
            return failure
        return msgspec.structs.replace(failure, message=f"{failure.message} It says: {words.rstrip('.')}.")

    def _unreadable(self, sentence: str) -> None:
        """The answer is not what the protocol says."""
        self.failure = Failure(kind=FailureKind.PROTOCOL, message=clean(sentence))

    def _begin(self, t_ns: int) -> None:
        """The answer's head arrived."""
        self._begun = True
        self._reporter.mark(Mark.MESSAGE_START, t_ns)

    def _content(self, kind: Kind, t_ns: int, text: str | None) -> None:
        """A piece of content arrived. An empty one is framing and no token: it must not end the wait for the first."""
        if text:
            self.pieces += 1
            self._reporter.content(kind, t_ns, text)

    def _stop(self, t_ns: int) -> None:
        """The answer is complete."""
        self._begun = self.stopped = True
        self._reporter.mark(Mark.MESSAGE_STOP, t_ns)

    def _count(self, counts: Mapping[str, object], words: Mapping[str, object]) -> None:
        """Merge a usage report: later figures replace earlier ones, absent or impossible ones do not."""
        changes: dict[str, object] = {name: count for name, count in counts.items() if is_count(count)}
        if not any(changes.get(name, 0) for name in _PROMPT_COUNTS):
            # No prompt has 0 tokens: a server that says so does not know, and what it said before stays.
            changes = {name: count for name, count in changes.items() if name not in _PROMPT_COUNTS}
        changes |= {name: word for name, word in words.items() if isinstance(word, str) and len(word) <= LONGEST_WORD}
        self._usage = msgspec.structs.replace(self._usage, **changes)
        self._reporter.report(UsageReported(request_id=self._reporter.request_id, usage=self._usage))


class Wire(Protocol):
    """One protocol. An instance serves all endpoints that speak it, and keeps their clients."""

    title: str
    """Name of the protocol, for sentences."""
    request_id_header: str
    """Header of the response that names the request to the API's support."""

    def open(self, spec: RequestSpec, key: str | None, slot: int) -> AbstractAsyncContextManager[httpx2.Response]:
        """Send the request over its endpoint's connection `slot`. Gives the response, whatever its status.

        The body of a success is unread. Raises UnsentError or httpx2.HTTPError; only the connect has a timeout here.
        """

    def reader(self, spec: RequestSpec, reporter: RequestReporter) -> AnswerReader:
        """A reader for the request's answer."""

    def kept(self, events: Sequence[tuple[str, bytes]]) -> KeptAnswer | None:
        """An answer in the form in which a later request has it, from its events by name, or from all of it in one.

        None for one that cannot be sent back, such as a call of a tool that was cut.
        """

    def refusal(self, http_status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
        """The words of a response whose status is no success."""

    async def list_models(self, endpoint: Endpoint, key: str | None) -> list[ListedModel]:
        """The endpoint's models. Raises NoAnswerError, UnsentError or httpx2.HTTPError."""

    async def count_tokens(self, spec: RequestSpec, key: str | None) -> int:
        """Input tokens of the prompt. Raises NoAnswerError, UnsentError or httpx2.HTTPError."""

    async def knock(self, endpoint: Endpoint, key: str | None) -> httpx2.Response:
        """The answer to an empty request, which no server can serve: it tells whether the route is there, for nothing.

        Its body is read. Raises UnsentError or httpx2.HTTPError.
        """


def merged(present: object, value: object) -> object:
    """`value`, with what is `present` kept beside it where both are tables."""
    if not isinstance(present, Mapping) or not isinstance(value, Mapping):
        return value
    return {**present, **{name: merged(present.get(name), part) for name, part in value.items()}}


def is_count(value: object) -> TypeGuard[int]:
    """True for a number of tokens that can be believed."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS


def count_of(value: object) -> int | None:
    """The value if it is a number of tokens that can be believed."""
    return value if is_count(value) else None


def word_of(value: object) -> str | None:
    """The value if it is an id or a word that can be believed."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_WORD else None
