"""The SDK's HTTP transport: httpcore2's pools over stamped connections, with their proxies and trusted authorities."""

import ssl
from collections.abc import AsyncIterable, AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

from tui.engine.transport.socket_stream import StampedBackend

_IDLE_S = 300.0
"""How long an unused connection is kept; servers usually close it before."""


def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """The usual certificate authorities, and those in `ca_file`. Raises OSError if that cannot be used."""
    context = httpx2.create_ssl_context()
    if ca_file is not None:
        context.load_verify_locations(Path(ca_file).expanduser())
    return context


class StampedTransport(httpx2.AsyncBaseTransport):
    """One pool: a connection of its own for whoever uses it one request at a time."""

    def __init__(self, base_url: str, tls: ssl.SSLContext, proxy: str | None = None) -> None:
        """`proxy` is the URL of the one to stand in between, empty for none; `None` leaves it to the environment."""
        self._pool = _pool(_proxy_for(httpx2.URL(base_url), proxy), tls)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the response's body is still on the wire."""
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        url = request.url
        try:
            response = await self._pool.handle_async_request(
                httpcore2.Request(
                    method=request.method,
                    url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        except Exception as error:
            raise _as_httpx(error) from error
        assert isinstance(response.stream, AsyncIterable)
        return httpx2.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

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


def _as_httpx(error: Exception) -> Exception:
    """httpcore2's error as the one of the same name that httpx2's users expect; anything else as it is."""
    for kind in type(error).__mro__:
        if kind.__module__.startswith("httpcore2"):
            counterpart = getattr(httpx2, kind.__name__, None)
            if isinstance(counterpart, type) and issubclass(counterpart, Exception):
                return counterpart(str(error))
    return error


def _proxy_for(url: httpx2.URL, given: str | None) -> httpx2.Proxy | None:
    if _is_loopback(url.host):
        return None
    address = given
    if given is None:
        proxies = getproxies()
        address = None if proxy_bypass(url.host) else proxies.get(url.scheme) or proxies.get("all")
    if not address:
        return None
    return httpx2.Proxy(address if "://" in address else f"http://{address}")


def _is_loopback(host: str) -> bool:
    """True for this machine: no proxy can reach it for us."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _pool(proxy: httpx2.Proxy | None, tls: ssl.SSLContext) -> httpcore2.AsyncConnectionPool:
    backend = StampedBackend()
    # HTTP/1.1 only: one stream per connection is what makes a segment's stamp that of one request.
    if proxy is None:
        return httpcore2.AsyncConnectionPool(ssl_context=tls, keepalive_expiry=_IDLE_S, network_backend=backend)
    url = proxy.url
    address = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    if url.scheme.startswith("socks5"):
        return httpcore2.AsyncSOCKSProxy(
            proxy_url=address,
            proxy_auth=proxy.raw_auth,
            ssl_context=tls,
            keepalive_expiry=_IDLE_S,
            network_backend=backend,
        )
    return httpcore2.AsyncHTTPProxy(
        proxy_url=address,
        proxy_auth=proxy.raw_auth,
        proxy_headers=proxy.headers.raw,
        ssl_context=tls,
        proxy_ssl_context=tls if url.scheme == "https" else None,
        keepalive_expiry=_IDLE_S,
        network_backend=backend,
    )
