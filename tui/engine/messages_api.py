"""One streamed request through the SDK, and the clients it needs.

The SDK stands at both ends: it builds, signs and sends the request and classifies the server's refusals; the body of
a 200 is read raw, chunk by chunk, each with the time it arrived, and decoded by `sse` and `answer`. This is the only
module besides the wire that imports anthropic or httpx2.
"""

import asyncio
import math
import os
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping

import anthropic
import httpcore2
import httpx2

from tui.core.events import Event, Failure, FailureKind, Mark, Marked, RequestEnded, Responded, Status
from tui.core.plan import RequestSpec
from tui.core.target import Endpoint
from tui.engine import failures, request_body
from tui.engine.answer import AnswerReader
from tui.engine.body import BodyError
from tui.engine.exchange import Exchange
from tui.engine.keys import Keys
from tui.engine.pump import Pump
from tui.engine.stream import END_OF_CHUNKS, AnswerStream
from tui.engine.transport import StampedTransport, tls_context
from tui.engine.wire_stream import StampedStream, observer

SDK_VERSION = anthropic.__version__

_END_OF_BODY_S = 0.25
"""How long the end of the body may take after `message_stop` before the connection is given up."""

Emit = Callable[[Event], None]


class MessagesApi:
    """Sends requests; keeps one client, and so one connection, per endpoint and slot."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._keys = Keys(os.environ if environ is None else environ)
        self._clients: dict[tuple[str, str | None, str | None, str | None, int], anthropic.AsyncAnthropic] = {}
        self._tls: dict[str | None, ssl.SSLContext] = {}
        self._pump = Pump()

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()

    async def ask(
        self, spec: RequestSpec, slot: int, emit: Emit, before_send: Callable[[], Awaitable[None]]
    ) -> RequestEnded:
        """Send one request, report its timeline and content to `emit`, and return how it ended.

        `before_send` is awaited when the connection stands and the request's first byte is about to be written.
        Cancelling closes the connection.
        """
        endpoint = spec.endpoint
        key = await self._keys.of(endpoint)
        if isinstance(key, Failure):
            return _ended(spec, Status.FAILED, failure=key)
        try:
            client = self._client(endpoint, key, slot)
        except OSError as error:
            return _ended(spec, Status.FAILED, failure=failures.unusable_ca_file(endpoint, error))
        except ValueError:
            return _ended(spec, Status.FAILED, failure=failures.unusable_address(endpoint))
        ended = await _Request(spec, client, self._pump, emit, before_send).run()
        if ended.failure is not None and ended.failure.kind is FailureKind.BAD_KEY:
            self._keys.forget(endpoint)
        return ended

    def _client(self, endpoint: Endpoint, key: str | None, slot: int) -> anthropic.AsyncAnthropic:
        """The client for this endpoint, key and slot.

        Raises OSError if the certificate authorities cannot be read, ValueError if the URL or the proxy is none.
        """
        client_id = (endpoint.base_url, key, endpoint.ca_file, endpoint.proxy, slot)
        if (client := self._clients.get(client_id)) is None:
            if (tls := self._tls.get(endpoint.ca_file)) is None:
                tls = self._tls[endpoint.ca_file] = tls_context(endpoint.ca_file)
            http_client = httpx2.AsyncClient(
                transport=StampedTransport(endpoint.base_url, tls, endpoint.proxy),
                event_hooks={"request": [_attach_trace]},
                follow_redirects=False,
                trust_env=False,
            )
            client = anthropic.AsyncAnthropic(
                # With no key the SDK would look for credentials elsewhere; the header is dropped instead.
                api_key=key or "none",
                base_url=endpoint.base_url,
                max_retries=0,
                http_client=http_client,
                open_telemetry=False,
                default_headers=None if key else {"Authorization": anthropic.Omit()},  # type: ignore[dict-item]
            )
            self._clients[client_id] = client
        return client


async def _attach_trace(request: httpx2.Request) -> None:
    exchange = observer.get()
    assert isinstance(exchange, Exchange)
    request.extensions["trace"] = exchange.trace


class _Request:
    """One request while it runs."""

    def __init__(
        self,
        spec: RequestSpec,
        client: anthropic.AsyncAnthropic,
        pump: Pump,
        emit: Emit,
        before_send: Callable[[], Awaitable[None]],
    ) -> None:
        self._spec = spec
        self._client = client
        self._pump = pump
        self._emit = emit
        self._exchange = Exchange(spec.request_id, self.emit, before_send)
        observer.set(self._exchange)
        self._answer = AnswerReader(spec.request_id, emit)
        self._responded = False
        self._limit = ("the response", spec.timeouts.first_token, "first_token")
        self._deadline: asyncio.Timeout | None = None
        self._whole = self._first_token_by = 0.0

    def emit(self, event: Event) -> None:
        """Report what the connection's trace says; once the request is sent, the time for the first token runs."""
        self._emit(event)
        if self._deadline is not None and isinstance(event, Marked) and event.mark is Mark.SENT:
            self._first_token_by = asyncio.get_running_loop().time() + self._spec.timeouts.first_token
            self._arm(self._deadline, self._whole, self._first_token_by)

    async def run(self) -> RequestEnded:
        spec = self._spec
        try:
            async with asyncio.timeout(None) as deadline:
                return await self._stream(deadline)
        except TimeoutError:
            if self._answer.stopped:
                return self._outcome()
            return _ended(spec, Status.FAILED, failure=failures.timed_out(*self._limit))
        except anthropic.APIStatusError as error:
            return _ended(spec, Status.FAILED, failure=self._refused(error))
        except anthropic.APITimeoutError:
            timeout = failures.timed_out("the connection", spec.timeouts.connect, "connect")
            return _ended(spec, Status.FAILED, failure=timeout)
        except BodyError as error:
            return _ended(spec, Status.FAILED, failure=failures.broken_body(str(error)))
        except (anthropic.APIConnectionError, httpx2.HTTPError, httpcore2.NetworkError, OSError) as error:
            if self._answer.stopped:
                return self._outcome()
            failure = failures.connection_failure(error, spec.endpoint, in_stream=self._responded)
            return _ended(spec, Status.FAILED, failure=failure)

    async def _stream(self, deadline: asyncio.Timeout) -> RequestEnded:
        spec = self._spec
        now = asyncio.get_running_loop().time
        self._deadline = deadline
        self._whole = whole = now() + spec.timeouts.request
        # Until it is sent, the connect has a timeout of its own, and the gate opens in any case.
        self._arm(deadline, whole, whole)
        # Reading is under our own deadlines; only the connect is left to the transport.
        timeout = httpx2.Timeout(None, connect=spec.timeouts.connect)
        create = self._client.messages.with_streaming_response.create
        async with create(**request_body.arguments(spec), timeout=timeout) as response:
            http = response.http_response
            self._responded = True
            self._emit(
                Responded(
                    request_id=spec.request_id,
                    t_ns=self._exchange.headers_ns,
                    http_status=http.status_code,
                    api_request_id=http.headers.get("request-id"),
                )
            )
            content_type = http.headers.get("content-type", "").lower()
            if not content_type.startswith("text/event-stream"):
                return _ended(spec, Status.FAILED, failure=failures.not_a_stream(content_type))
            wire = http.extensions["network_stream"]
            assert isinstance(wire, StampedStream)
            stream = AnswerStream(wire, http.headers, self._answer, self._pump, self._progress)
            try:
                await stream.read()
            finally:
                self._emit(stream.instrument(spec.request_id))
            if stream.reusable:
                # httpcore2 still waits for a body: an empty one lets it keep the connection for the next run.
                wire.give_back(END_OF_CHUNKS)
                async for _ in http.aiter_raw():
                    pass
        return self._outcome()

    def _progress(self) -> None:
        """Data came: move the deadline on."""
        assert self._deadline is not None
        now = asyncio.get_running_loop().time()
        silence_until = now + self._spec.timeouts.between_tokens
        if self._answer.stopped:
            # Only the body's own end is missing; reading it keeps the connection for the next run.
            self._deadline.reschedule(now + _END_OF_BODY_S)
        elif self._answer.pieces or silence_until < self._first_token_by:
            self._arm(self._deadline, self._whole, silence_until, "the next event of the stream", "between_tokens")
        else:
            self._arm(self._deadline, self._whole, self._first_token_by)

    def _outcome(self) -> RequestEnded:
        status, stop_reason, failure = self._answer.outcome()
        return _ended(self._spec, status, stop_reason=stop_reason, failure=failure)

    def _arm(
        self,
        deadline: asyncio.Timeout,
        whole: float,
        next_step: float,
        waiting_for: str = "the first token",
        setting: str = "first_token",
    ) -> None:
        """Move the deadline to the next step's, or to the whole request's if that comes first."""
        timeouts = self._spec.timeouts
        if whole <= next_step:
            self._limit = ("the end of the answer", timeouts.request, "request")
        else:
            self._limit = (waiting_for, getattr(timeouts, setting), setting)
        deadline.reschedule(min(whole, next_step))

    def _refused(self, error: anthropic.APIStatusError) -> Failure:
        response = error.response
        self._emit(
            Responded(
                request_id=self._spec.request_id,
                t_ns=self._exchange.headers_ns,
                http_status=error.status_code,
                api_request_id=response.headers.get("request-id"),
            )
        )
        body = error.body
        inner = body.get("error") if isinstance(body, dict) else None
        words = inner if isinstance(inner, dict) else {}
        message = str(words.get("message") or response.reason_phrase)
        if self._spec.endpoint.api_key_env or self._spec.endpoint.key_command:
            message = message.replace(str(self._client.api_key), "[the key]")  # some servers repeat what they got
        return failures.api_failure(
            http_status=error.status_code,
            error_type=str(words.get("type") or ""),
            message=message,
            endpoint=self._spec.endpoint,
            retry_after_s=_seconds(response.headers.get("retry-after")),
        )


def _ended(
    spec: RequestSpec, status: Status, *, stop_reason: str | None = None, failure: Failure | None = None
) -> RequestEnded:
    return RequestEnded(
        request_id=spec.request_id,
        t_ns=time.monotonic_ns(),
        status=status,
        stop_reason=stop_reason,
        failure=failure,
    )


def _seconds(retry_after: str | None) -> float | None:
    """The header's seconds; absent for a date, and for what is no time to wait."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None
