"""HTTP clients over stamped connections: httpcore2's pools, with their proxies and trusted authorities."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import httpcore2
import httpx2
from aiohappyeyeballs import start_connection

from tui.core.sanitize import clean
from tui.core.target import Endpoint, Timeouts
from tui.engine import failures
from tui.engine.failures import UnsentError
from tui.engine.limits import LIMITS, BodyError, Limits, too_long
from tui.engine.transport import exchange, socket_errors_as
from tui.engine.transport.body import RawBody
from tui.engine.transport.route import Route, Steps, route_to
from tui.engine.transport.socket_stream import SocketStream, StampClock

_IDLE_S = 300.0
"""Time for which an unused connection is kept, s; servers usually close it before."""
_HAPPY_EYEBALLS_DELAY_S = 0.25
"""Delay between connection attempts that RFC 8305 recommends."""

_KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 60, "TCP_KEEPCNT": 5}
"""As the SDK's own client has it: a request that is silent for minutes is not forgotten by what stands between."""
if not hasattr(socket, "TCP_KEEPIDLE"):
    _KEEP_ALIVE["TCP_KEEPALIVE"] = 60  # macOS
_SOCKET_OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in _KEEP_ALIVE.items()
        if hasattr(socket, name)
    ),
)


_MOST_REDIRECTS = 5


class HttpClients:
    """HTTP clients for all wires: one per address and slot, each with its connections."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._clients: dict[tuple[object, ...], httpx2.AsyncClient] = {}
        self._tls: dict[str | None, ssl.SSLContext] = {}

    def of(self, endpoint: Endpoint, slot: int) -> httpx2.AsyncClient:
        """The client for this endpoint and slot. Raises UnsentError."""
        client_id = (endpoint.base_url, endpoint.ca_file, endpoint.proxy, slot)
        if (client := self._clients.get(client_id)) is None:
            client = self._clients[client_id] = self._make(endpoint)
        return client

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()

    def _make(self, endpoint: Endpoint) -> httpx2.AsyncClient:
        try:
            if (tls := self._tls.get(endpoint.ca_file)) is None:
                tls = self._tls[endpoint.ca_file] = tls_context(endpoint.ca_file)
            transport = StampedTransport(endpoint.base_url, tls, endpoint.proxy, self._limits)
        except OSError as error:
            raise UnsentError(failures.unusable_ca_file(endpoint, error)) from error
        except ValueError as error:
            raise UnsentError(failures.unusable_address(endpoint)) from error
        return httpx2.AsyncClient(
            transport=transport, event_hooks={"request": [_trace]}, follow_redirects=False, trust_env=False
        )


def lookup_timeout(endpoint: Endpoint) -> httpx2.Timeout:
    """The timeout of a look-up's connection; its answer has one above all wires."""
    return httpx2.Timeout(None, connect=endpoint.timeouts.over(Timeouts()).connect)


def _pointed_to(request: httpx2.Request, response: httpcore2.Response) -> httpx2.URL | None:
    """The address that the response points on to, where the request may be repeated there as it is.

    As the SDK's own client does, but to the same host only: to another no key and no prompt is taken along.
    """
    is_read = request.method in ("GET", "HEAD")
    if response.status not in (307, 308) and not (is_read and response.status in (301, 302, 303)):
        return None
    location = next((value for name, value in response.headers if name.lower() == b"location"), b"")
    try:
        url = request.url.join(location.decode("ascii"))
    except (httpx2.InvalidURL, ValueError):
        return None
    here = request.url
    is_same = (url.scheme, url.host, url.port) == (here.scheme, here.host, here.port)
    is_safer = (url.scheme, url.host) == ("https", here.host) and here.port is None and url.port is None
    return url if location and not url.userinfo and url != here and (is_same or is_safer) else None


async def _trace(request: httpx2.Request) -> None:
    if (told := exchange.get(None)) is not None:
        request.extensions["trace"] = told.trace


def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """The usual certificate authorities, and those in `ca_file`. Raises OSError if that cannot be used."""
    context = httpx2.create_ssl_context()
    if ca_file is not None:
        context.load_verify_locations(Path(ca_file).expanduser())
    return context


class StampedBackend(httpcore2.AsyncNetworkBackend):
    """Maker of stamped connections for httpcore2's pools and proxies."""

    def __init__(self, *, to_proxy: bool = False) -> None:
        self._clock = StampClock()
        self._to_proxy = to_proxy

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> SocketStream:
        """Look the name up and connect to whichever of its addresses answers first (RFC 8305).

        The engine's pools set neither `local_address` nor `socket_options`.
        """
        loop = asyncio.get_running_loop()
        async with socket_errors_as(httpcore2.ConnectTimeout, httpcore2.ConnectError), asyncio.timeout(timeout):
            addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            if (told := exchange.get(None)) is not None:
                told.resolved(time.monotonic_ns())
            sock = await start_connection(
                addresses, happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY_S, interleave=1, loop=loop
            )
        for level, option, value in _SOCKET_OPTIONS:
            sock.setsockopt(level, option, value)
        return SocketStream(sock, self._clock, to_proxy=self._to_proxy)


class StampedTransport(httpx2.AsyncBaseTransport):
    """One pool: used for one request at a time, it keeps one connection."""

    def __init__(self, base_url: str, tls: ssl.SSLContext, proxy: str | None = None, limits: Limits = LIMITS) -> None:
        """`proxy` is a URL, empty for none; `None` leaves it to the environment."""
        self._limits = limits
        self._route = route_to(httpx2.URL(base_url), proxy)
        self._tls = tls
        self._pool = _pool(self._route, tls)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the response's body is still on the wire."""
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        redirected_to = None
        response = await self._send(request)
        for _ in range(_MOST_REDIRECTS):
            if (url := _pointed_to(request, response)) is None:
                break
            redirected_to = clean(str(url))
            await self._drain(response)
            request = httpx2.Request(
                request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
            )
            response = await self._send(request)
        assert isinstance(response.stream, AsyncIterable)
        headers, body = response.headers, _Body(response.stream)
        is_refusal = not 200 <= response.status < 300
        told = exchange.get(None)
        if is_refusal or told is None or told.is_aside:
            # The SDK reads it whole. What answers a request is taken from the connection and does not pass here.
            body = _BoundedBody(response.stream, headers, self._limits, is_refusal=is_refusal)
            headers = [(name, value) for name, value in headers if name.lower() != b"content-encoding"]
        return httpx2.Response(
            status_code=response.status,
            headers=headers,
            stream=body,
            extensions={**response.extensions, "proxy": self._route.label, "redirected_to": redirected_to},
        )

    async def _drain(self, response: httpcore2.Response) -> None:
        """Read the body of a response that points on, so that its connection can be used again."""
        assert isinstance(response.stream, AsyncIterable)
        body = _BoundedBody(response.stream, response.headers, self._limits, is_refusal=True)
        try:
            async for _ in body:
                pass
        finally:
            await body.aclose()

    async def _send(self, request: httpx2.Request) -> httpcore2.Response:
        """Send a request, once. The time for the connection is that for the name, the proxy, TCP and TLS together."""
        url = request.url
        timer = asyncio.timeout(request.extensions.get("timeout", {}).get("connect"))
        steps = Steps(self._route, request.extensions.get("trace"), timer)
        sent = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions | {"trace": steps.trace},
        )
        try:
            async with timer:
                return await self._pool.handle_async_request(sent)
        except TimeoutError as error:
            if not timer.expired():
                raise
            raise httpx2.ConnectTimeout("") from steps.failed(error)
        except Exception as error:
            if (converted := _as_httpx(error)) is error and not steps.passed:
                converted = httpx2.ProxyError(str(error))  # of the SOCKS library, which raises what it likes
            raise converted from steps.failed(error)
        finally:
            if not steps.passed:
                # The pool would keep what it had begun with the proxy for ever.
                await steps.close()
                await self._pool.aclose()
                self._pool = _pool(self._route, self._tls)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._stream:
                yield part
        except Exception as error:
            raise _as_httpx(error) from error

    async def aclose(self) -> None:
        if hasattr(self._stream, "aclose"):
            await self._stream.aclose()


class _BoundedBody(_Body):
    """A body that is read whole: decompressed here, and within a limit. That of a refusal is cut there."""

    def __init__(
        self, stream: AsyncIterable[bytes], headers: list[tuple[bytes, bytes]], limits: Limits, *, is_refusal: bool
    ) -> None:
        super().__init__(stream)
        encodings = [value for name, value in headers if name.lower() == b"content-encoding"]
        self._encoding = b", ".join(encodings).decode("latin-1")
        self._limits = limits
        self._is_refusal = is_refusal

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._limits.error if self._is_refusal else self._limits.lookup
        try:
            decoder = RawBody({"content-encoding": self._encoding})
            async for part in super().__aiter__():
                for plain in decoder.feed(part):
                    if len(plain) > left:
                        yield plain[:left]
                        raise too_long("the answer", self._limits.lookup)
                    left -= len(plain)
                    yield plain
        except (BodyError, httpx2.NetworkError, httpx2.RemoteProtocolError):
            # A refusal's status says enough without the rest; a proxy may reset the connection behind it.
            if not self._is_refusal:
                raise


def _as_httpx(error: Exception) -> Exception:
    """httpcore2's error as the one of the same name that httpx2's users expect; anything else as it is."""
    for kind in type(error).__mro__:
        if kind.__module__.startswith("httpcore2"):
            counterpart = getattr(httpx2, kind.__name__, None)
            if isinstance(counterpart, type) and issubclass(counterpart, Exception):
                return counterpart(str(error))
    return error


def _pool(route: Route, tls: ssl.SSLContext) -> httpcore2.AsyncConnectionPool:
    # HTTP/1.1 only: one stream per connection is what makes a segment's stamp that of one request.
    common: dict[str, Any] = {
        "ssl_context": tls,
        "keepalive_expiry": _IDLE_S,
        "network_backend": StampedBackend(to_proxy=route.proxy is not None),
    }
    if (proxy := route.proxy) is None:
        return httpcore2.AsyncConnectionPool(**common)
    url = proxy.url
    address = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    if url.scheme.startswith("socks5"):
        return httpcore2.AsyncSOCKSProxy(proxy_url=address, proxy_auth=proxy.raw_auth, **common)
    return httpcore2.AsyncHTTPProxy(
        proxy_url=address,
        proxy_auth=proxy.raw_auth,
        proxy_headers=proxy.headers.raw,
        proxy_ssl_context=tls if url.scheme == "https" else None,
        **common,
    )
