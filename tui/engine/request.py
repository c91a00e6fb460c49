"""Sending of one request and reading of its answer, under its deadlines, whatever wire its endpoint speaks.

The wire opens the request; the body of a success is then read raw, chunk by chunk, each with the time it arrived.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping

import httpcore2
import httpx2
import msgspec

from tui.core.events import Failure, FailureKind, RequestEnded, Responded, Response, Status
from tui.core.plan import RequestSpec
from tui.core.protocol import Protocol
from tui.core.refusals import unsupported
from tui.core.target import Endpoint
from tui.engine import connection_failures, failures, files
from tui.engine.answer_stream import AnswerStream, DecodeQueue
from tui.engine.api_keys import Keys
from tui.engine.deadlines import Deadlines
from tui.engine.failures import UnsentError
from tui.engine.limits import LIMITS, BodyError, Limits
from tui.engine.reporter import RequestReporter
from tui.engine.response import Delivery, delivery_of, kept, retry_after_s
from tui.engine.transport import Exchange, StampedStream, exchange
from tui.engine.transport.http_transport import HttpClients
from tui.engine.wires import LONGEST_WORD, Wire
from tui.engine.wires.chat import ChatWire
from tui.engine.wires.messages.wire import MessagesWire
from tui.engine.wires.responses import ResponsesWire

WIRES: dict[Protocol, Callable[[HttpClients], Wire]] = {
    Protocol.MESSAGES: MessagesWire,
    Protocol.CHAT: ChatWire,
    Protocol.RESPONSES: ResponsesWire,
}
"""The wire of each protocol."""

_WORDS_WITHIN_S = 1.0
"""Time for the words of what is no answer, s."""


class RequestSender:
    """Sends requests over their endpoints' wires, each over the connection of its endpoint and slot."""

    def __init__(self, environ: Mapping[str, str] | None = None, limits: Limits = LIMITS) -> None:
        self.keys = Keys(os.environ if environ is None else environ)
        self._limits = limits
        self._connections = HttpClients(limits)
        self._wires = {protocol: wire(self._connections) for protocol, wire in WIRES.items()}
        self._decode_queue = DecodeQueue()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._connections.aclose()

    def wire_of(self, endpoint: Endpoint) -> Wire:
        """The wire that the endpoint speaks."""
        return self._wires[endpoint.protocol]

    async def send(
        self, spec: RequestSpec, slot: int, reporter: RequestReporter, before_send: Callable[[], Awaitable[None]]
    ) -> RequestEnded:
        """Make one attempt: report its timeline and content, and return its end unreported.

        `before_send` is awaited when the connection stands and the request's first byte is about to be written.
        Cancelling closes the connection.
        """
        for reason in unsupported(spec.parameters, spec.endpoint.kind).values():
            return reporter.ended(Status.FAILED, failure=failures.not_sent(reason))
        if (gone := files.missing(spec)) is not None:
            return reporter.ended(Status.FAILED, failure=failures.not_sent(gone, remedy=""))
        spec = msgspec.structs.replace(spec, endpoint=self.keys.with_headers(spec.endpoint))
        key = await self.keys.of(spec.endpoint)
        if isinstance(key, Failure):
            return reporter.ended(Status.FAILED, failure=key)
        wire = self.wire_of(spec.endpoint)
        attempt = _Attempt(spec, wire, key, reporter, self._decode_queue, self._limits, self.keys.known)
        ended = await attempt.run(slot, before_send)
        if ended.failure is not None and ended.failure.kind is FailureKind.BAD_KEY:
            self.keys.forget(spec.endpoint)
        return ended


class _Attempt:
    """One attempt at a request while it runs."""

    def __init__(
        self,
        spec: RequestSpec,
        wire: Wire,
        key: str | None,
        reporter: RequestReporter,
        queue: DecodeQueue,
        limits: Limits,
        known_keys: set[str],
    ) -> None:
        self._spec = spec
        self._known_keys = known_keys
        self._limits = limits
        self._streamed = spec.parameters.stream is not False
        self._wire = wire
        self._key = key
        self._reporter = reporter
        self._queue = queue
        self._reader = wire.reader(spec, reporter)
        self._kept: list[tuple[str, bytes]] | None = None if spec.turn is None else []
        self._responded = False
        self._told: Exchange | None = None

    async def run(self, slot: int, before_send: Callable[[], Awaitable[None]]) -> RequestEnded:
        spec = self._spec
        try:
            async with asyncio.timeout(None) as timer:
                with Deadlines(spec.timeouts, timer, streamed=self._streamed) as deadlines:
                    failure = await self._answer(slot, before_send, deadlines)
        except TimeoutError:
            failure = None if self._reader.stopped else deadlines.missed()
        except UnsentError as error:
            failure = error.failure
        except httpx2.TimeoutException as error:
            # Only the connect has a timeout in the transport.
            failure = connection_failures.connect_timed_out(error, spec.endpoint, spec.timeouts.connect)
        except BodyError as error:
            failure = None if self._reader.stopped else failures.broken_body(str(error))
        except (httpx2.HTTPError, httpcore2.NetworkError, OSError) as error:
            failure = None
            if not self._reader.stopped:
                failure = self._broken(error)
        if failure is not None:
            return self._reporter.ended(Status.FAILED, failure=failure)
        status, stop_reason, failure = self._reader.outcome()
        ended = self._reporter.ended(
            status, stop_reason=stop_reason, stop_details=self._reader.stop_details, failure=failure
        )
        kept = self._wire.kept(self._kept) if self._kept and failure is None else None
        return msgspec.structs.replace(ended, kept=kept)

    def _broken(self, error: Exception) -> Failure:
        """The failure of the connection at this point of the attempt."""
        endpoint = self._spec.endpoint
        if not self._responded and self._told is not None and self._told.found_it_closed:
            self._reporter.was_stale = True
            return connection_failures.stale_connection(error, endpoint)
        failure = connection_failures.connection_failure(error, endpoint, in_stream=self._responded)
        return self._reader.with_words(failure) if self._responded else failure

    async def _answer(
        self, slot: int, before_send: Callable[[], Awaitable[None]], deadlines: Deadlines
    ) -> Failure | None:
        """Send, and read the answer into the reader, or what stood in its place."""
        told = self._told = Exchange(self._reporter, before_send, deadlines.sent)
        self._reporter.was_stale = False
        before = exchange.set(told)
        try:
            async with self._wire.open(self._spec, self._key, slot) as response:
                self._responded = True
                if token := response.request.headers.get("x-amz-security-token"):
                    self._known_keys.add(token)
                delivery = None
                try:
                    if response.is_success:
                        delivery = await delivery_of(response)
                finally:
                    self._report(response, told.headers_ns, delivery)
                if not response.is_success:
                    await response.aread()
                    return refused(self._wire, self._spec.endpoint, response)
                if delivery is None:
                    return await self._no_answer(response)
                if delivery is Delivery.WHOLE:
                    deadlines.comes_whole()
                await self._read(response, deadlines, delivery)
                return None
        finally:
            told.report_path()
            exchange.reset(before)

    def _report(self, response: httpx2.Response, t_ns: int, delivery: Delivery | None) -> None:
        """Report the response's head."""
        is_stream = None if delivery is None else delivery is Delivery.STREAM
        self._reporter.report(
            Responded(
                request_id=self._spec.request_id,
                t_ns=t_ns,
                http_status=response.status_code,
                api_request_id=_request_id(self._wire, response),
                response=Response(
                    proxy=response.extensions["proxy"],
                    redirected_to=response.extensions["redirected_to"],
                    streamed=None if is_stream is self._streamed else is_stream,
                    headers=kept(response.headers),
                ),
            )
        )

    async def _no_answer(self, response: httpx2.Response) -> Failure:
        """The failure of a success that holds neither a stream nor JSON."""
        words = await _beginning(response, self._limits.error)
        return failures.not_an_answer(
            response.headers.get("content-type", ""),
            streamed=self._streamed,
            wire=self._wire.title,
            refusal=self._wire.refusal(200, response.headers, words),
            http_status=response.status_code,
            is_empty=not words.strip(),
        )

    async def _read(self, response: httpx2.Response, deadlines: Deadlines, delivery: Delivery) -> None:
        connection = response.extensions["network_stream"]
        assert isinstance(connection, StampedStream)
        stream = AnswerStream(
            connection,
            response.headers,
            self._reader,
            self._queue,
            lambda: deadlines.progressed(self._reader),
            whole=delivery is Delivery.WHOLE,
            limits=self._limits,
            slice_=self._reporter.slice,
            kept=self._kept,
        )
        try:
            await stream.read()
        finally:
            self._reporter.report(stream.instrument(self._spec.request_id))
        if (rest := stream.for_reuse) is not None:
            # httpcore2 still waits for a body: one lets it keep the connection for the next run.
            connection.give_back(rest)
            async for _ in response.aiter_raw():
                pass


async def at_once() -> None:
    """Send without waiting for others."""


def refused(wire: Wire, endpoint: Endpoint, response: httpx2.Response) -> Failure:
    """The failure that a response without success says; its body is read."""
    proxy = response.extensions["proxy"]
    if response.status_code == 407 and proxy is not None:
        return connection_failures.refused_by_proxy(407, response.reason_phrase, proxy)
    request_id = _request_id(wire, response)
    answerer = failures.answerer_of(
        response.status_code, response.headers, response.content, request_id, _location(response)
    )
    if response.is_redirect:
        return failures.redirected(response.status_code, endpoint, answerer)
    refusal = wire.refusal(response.status_code, response.headers, response.content)
    return failures.api_failure(
        http_status=response.status_code,
        refusal=refusal._replace(message=refusal.message or response.reason_phrase),
        endpoint=endpoint,
        retry_after_s=retry_after_s(response.headers, time.time()),
        answerer=answerer,
    )


def _request_id(wire: Wire, response: httpx2.Response) -> str | None:
    return response.headers.get(wire.request_id_header, "")[:LONGEST_WORD] or None


def _location(response: httpx2.Response) -> str:
    """The address that the response points on to, absolute; empty for none."""
    try:
        return str(response.url.join(response.headers.get("location", ""))) if "location" in response.headers else ""
    except (httpx2.InvalidURL, ValueError):
        return response.headers["location"]


async def _beginning(response: httpx2.Response, most: int) -> bytes:
    """The beginning of a body, up to `most` bytes, as far as it comes soon: it may be an endless stream."""
    body = bytearray()
    try:
        async with asyncio.timeout(_WORDS_WITHIN_S):
            async for part in response.aiter_bytes():
                body += part
                if len(body) >= most:
                    break
    except TimeoutError:
        pass
    return bytes(body[:most])
