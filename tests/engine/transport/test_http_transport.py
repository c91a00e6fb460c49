"""The SDK's transport: proxies, TLS, connection reuse, and stamps that stay the kernel's all the while."""

import asyncio
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpcore2
import httpx2
import pytest

from engine.scripted import at_once
from tui.core.events import Event, Mark, Marked, NetworkSeen
from tui.engine.reporter import RequestReporter
from tui.engine.transport import Exchange, StampedStream, exchange
from tui.engine.transport.http_transport import StampedBackend, StampedTransport
from tui.engine.transport.socket_stream import SocketStream
from tui.engine.transport.tls_stream import TlsStream

from .loopback import (
    BODY,
    NAME,
    WITHIN_S,
    Contexts,
    Origin,
    Proxy,
    Watcher,
    certificates,
    closed,
    linux,
    listening,
    origin,
    pair,
    serving,
)

__all__ = ["certificates"]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel stamps on Linux only")


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No proxy but the test's own."""
    for name in [*os.environ]:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


async def ask(transport: StampedTransport, url: str) -> tuple[int, bytes, StampedStream]:
    async with asyncio.timeout(WITHIN_S), httpx2.AsyncClient(transport=Kept(transport), trust_env=False) as client:
        response = await client.get(url)
        stream = response.extensions["network_stream"]
        assert isinstance(stream, StampedStream)
        return response.status_code, response.content, stream


class Kept(httpx2.AsyncBaseTransport):
    """The transport, without its end: a client closes what it was given."""

    def __init__(self, transport: StampedTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._transport.handle_async_request(request)


@asynccontextmanager
async def transport(base_url: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[StampedTransport]:
    made = StampedTransport(base_url, tls or ssl.create_default_context())
    try:
        yield made
    finally:
        await made.aclose()


def check_stamps(watcher: Watcher, server: Origin) -> None:
    """The response's data were stamped by the kernel, after they were sent and after we had written."""
    last = watcher.reads[-1]
    assert last.from_kernel
    assert server.answered_ns - 50_000 <= last.arrival_ns <= last.read_ns
    assert watcher.writes[-1] <= last.arrival_ns + 50_000


async def test_directly_and_again_on_the_same_connection(watcher: Watcher) -> None:
    exchange.set(watcher)
    async with origin() as server:
        base = f"http://127.0.0.1:{server.port}"
        async with transport(base) as ours:
            for _ in range(3):
                status, body, stream = await ask(ours, base)
                assert (status, body) == (200, BODY)
                assert isinstance(stream, SocketStream)
                check_stamps(watcher, server)
        assert server.connections == 1
        assert len(server.heads) == 3


async def test_a_connection_that_the_server_has_closed_is_not_used_again() -> None:
    connections: list[int] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await closed(writer)

    async with listening(once) as port:
        base = f"http://127.0.0.1:{port}"
        async with transport(base) as ours:
            for _ in range(5):
                status, _, stream = await ask(ours, base)
                assert status == 200
                async with asyncio.timeout(WITHIN_S):
                    await stream.arrived()  # its end
    assert len(connections) == 5


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
async def test_through_an_http_proxy(environ: pytest.MonkeyPatch, watcher: Watcher, variable: str) -> None:
    if variable == "HTTP_PROXY" and "REQUEST_METHOD" in os.environ:
        environ.delenv("REQUEST_METHOD")
    exchange.set(watcher)
    async with origin() as server:
        proxy = Proxy(server.port)
        async with listening(proxy.http) as proxy.port:
            environ.setenv(variable, f"http://name:word@127.0.0.1:{proxy.port}")
            base = f"http://{NAME}:8080"
            async with transport(base) as ours:
                for _ in range(2):
                    status, body, _ = await ask(ours, f"{base}/v1/messages")
                    assert (status, body) == (200, BODY)
                    check_stamps(watcher, server)
            assert len(proxy.asked) == 1  # a connection, kept
            assert proxy.asked[0].startswith(b"GET http://stamped.test:8080/v1/messages HTTP/1.1\r\n")
            assert b"proxy-authorization: basic" in proxy.asked[0].lower()


@linux
@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_the_way_through_a_proxy_is_that_to_the_proxy(environ: pytest.MonkeyPatch, scheme: str) -> None:
    events: list[Event] = []
    told = Exchange(RequestReporter(1, events.append), at_once, lambda: None)
    exchange.set(told)
    async with origin() as server:
        proxy = Proxy(server.port)
        async with listening(proxy.http if scheme == "http" else proxy.socks) as proxy.port:
            environ.setenv("all_proxy", f"{scheme}://127.0.0.1:{proxy.port}")
            for base, is_proxied in ((f"http://{NAME}", True), (f"http://127.0.0.1:{server.port}", False)):
                async with transport(base) as ours:
                    assert (await ask(ours, base))[0] == 200
                    told.report_path()
                (seen,) = [event for event in events if isinstance(event, NetworkSeen)]
                assert seen.to_proxy is is_proxied
                assert any(isinstance(event, Marked) and event.mark is Mark.ACKED for event in events)
                events.clear()


async def test_a_proxy_without_a_scheme(environ: pytest.MonkeyPatch) -> None:
    async with origin() as server:
        proxy = Proxy(server.port)
        async with listening(proxy.http) as proxy.port:
            environ.setenv("http_proxy", f"127.0.0.1:{proxy.port}")
            async with transport(f"http://{NAME}") as ours:
                assert (await ask(ours, f"http://{NAME}"))[0] == 200
        assert len(proxy.asked) == 1


async def test_tls_through_a_tunnel(environ: pytest.MonkeyPatch, certificates: Contexts, watcher: Watcher) -> None:
    exchange.set(watcher)
    async with origin(certificates[0]) as server:
        proxy = Proxy(server.port)
        async with listening(proxy.http) as proxy.port:
            environ.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
            base = f"https://{NAME}"
            async with transport(base, certificates[1]) as ours:
                for _ in range(2):
                    status, body, stream = await ask(ours, base)
                    assert (status, body) == (200, BODY)
                    assert isinstance(stream, TlsStream)
                    check_stamps(watcher, server)
    assert len(proxy.asked) == 1
    assert proxy.asked[0].startswith(b"CONNECT stamped.test:443 HTTP/1.1\r\n")
    assert server.connections == 1


async def test_tls_through_a_tunnel_of_tls(
    environ: pytest.MonkeyPatch, certificates: Contexts, watcher: Watcher
) -> None:
    """The proxy itself is reached over TLS: records within records."""
    exchange.set(watcher)
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def getaddrinfo(host: str | None, *arguments: int, **options: int) -> object:
        return await real("127.0.0.1" if host == NAME else host, *arguments, **options)

    environ.setattr(loop, "getaddrinfo", getaddrinfo)
    async with origin(certificates[0]) as server:
        proxy = Proxy(server.port)
        async with listening(proxy.http, certificates[0]) as proxy.port:
            environ.setenv("https_proxy", f"https://{NAME}:{proxy.port}")
            async with transport(f"https://{NAME}", certificates[1]) as ours:
                status, body, stream = await ask(ours, f"https://{NAME}")
                assert (status, body) == (200, BODY)
                assert isinstance(stream, TlsStream)
                assert isinstance(stream.inner, TlsStream)
                check_stamps(watcher, server)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_through_a_socks_proxy(environ: pytest.MonkeyPatch, watcher: Watcher, scheme: str) -> None:
    exchange.set(watcher)
    async with origin() as server:
        proxy = Proxy(server.port)
        async with listening(proxy.socks) as proxy.port:
            environ.setenv("all_proxy", f"{scheme}://127.0.0.1:{proxy.port}")
            async with transport(f"http://{NAME}") as ours:
                for _ in range(2):
                    status, body, _ = await ask(ours, f"http://{NAME}")
                    assert (status, body) == (200, BODY)
                    check_stamps(watcher, server)
    assert proxy.asked == [b"stamped.test:80"]


async def test_tls_through_a_socks_proxy(environ: pytest.MonkeyPatch, certificates: Contexts, watcher: Watcher) -> None:
    exchange.set(watcher)
    async with origin(certificates[0]) as server:
        proxy = Proxy(server.port)
        async with listening(proxy.socks) as proxy.port:
            environ.setenv("https_proxy", f"socks5://127.0.0.1:{proxy.port}")
            async with transport(f"https://{NAME}", certificates[1]) as ours:
                status, body, stream = await ask(ours, f"https://{NAME}")
                assert (status, body) == (200, BODY)
                assert isinstance(stream, TlsStream)
                check_stamps(watcher, server)
    assert proxy.asked == [b"stamped.test:443"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_loopback_goes_through_no_proxy(environ: pytest.MonkeyPatch, host: str) -> None:
    async with origin() as server:
        environ.setenv("http_proxy", "http://127.0.0.1:9")
        environ.setenv("all_proxy", "http://127.0.0.1:9")
        base = f"http://{host}:{server.port}"
        async with transport(base) as ours:
            assert (await ask(ours, base))[0] == 200


async def test_a_proxy_of_the_plan_is_used_for_this_machine_too() -> None:
    async with origin() as server:
        proxy = Proxy(server.port)
        async with listening(proxy.http) as proxy.port:
            base = f"http://127.0.0.1:{server.port}"
            given = StampedTransport(base, ssl.create_default_context(), f"http://127.0.0.1:{proxy.port}")
            assert (await ask(given, base))[0] == 200
            await given.aclose()
    assert len(proxy.asked) == 1


async def test_what_no_proxy_names_goes_directly(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("http_proxy", "http://127.0.0.1:9")
    environ.setenv("no_proxy", "other.test,.stamped.test,stamped.test")
    with socket.create_server(("127.0.0.1", 0)) as closed_port:
        port = closed_port.getsockname()[1]
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def getaddrinfo(host: str | None, *arguments: int, **options: int) -> object:
        return await real("127.0.0.1" if host == NAME else host, *arguments, **options)

    environ.setattr(loop, "getaddrinfo", getaddrinfo)
    async with origin() as server, transport(f"http://{NAME}:{server.port}") as ours:
        assert (await ask(ours, f"http://{NAME}:{server.port}"))[0] == 200
    async with transport(f"http://{NAME}:{port}") as ours:
        with pytest.raises(httpx2.ConnectError):
            await ask(ours, f"http://{NAME}:{port}")


async def test_a_proxy_that_is_not_there(environ: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_port:
        port = closed_port.getsockname()[1]
    environ.setenv("http_proxy", f"http://127.0.0.1:{port}")
    async with transport(f"http://{NAME}") as ours:
        with pytest.raises(httpx2.ConnectError):
            await ask(ours, f"http://{NAME}")


async def test_a_proxy_that_refuses(environ: pytest.MonkeyPatch) -> None:
    proxy = Proxy(0)
    async with listening(proxy.refusing) as proxy.port:
        environ.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        async with transport(f"https://{NAME}") as ours:
            with pytest.raises(httpx2.ProxyError, match="407"):
                await ask(ours, f"https://{NAME}")


async def test_a_server_that_closes_without_an_answer() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await closed(writer)

    async with listening(rude) as port, transport(f"http://127.0.0.1:{port}") as ours:
        with pytest.raises(httpx2.RemoteProtocolError):
            await ask(ours, f"http://127.0.0.1:{port}")


# Connecting


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(httpcore2.ConnectError) as caught:
        await StampedBackend().connect_tcp("127.0.0.1", port)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(httpcore2.ConnectError) as caught:
        await StampedBackend().connect_tcp("name.invalid", 80)
    assert isinstance(caught.value.__cause__, socket.gaierror)


async def test_an_idle_connection_is_kept_alive_as_by_the_sdks_own_client() -> None:
    async with pair() as (stream, _):
        sock = stream.get_extra_info("socket")
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert [sock.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [60, 60, 5]


async def test_a_connect_that_hangs_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    never: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lambda *_, **__: never)
    with pytest.raises(httpcore2.ConnectTimeout):
        await StampedBackend().connect_tcp("slow.test", 80, timeout=0.01)


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Have every name resolve to these addresses."""
    infos = [
        (
            socket.AF_INET6 if ":" in host else socket.AF_INET,
            socket.SOCK_STREAM,
            socket.IPPROTO_TCP,
            "",
            (host, port, 0, 0) if ":" in host else (host, port),
        )
        for host, port in addresses
    ]

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return infos

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def test_a_dead_address_does_not_keep_a_live_one_from_answering(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 8305: IPv6 comes first and is refused or goes nowhere; IPv4 answers."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = closed.getsockname()[1]
    async with serving() as server:
        # Refused at once, and of a network that is for documentation only (RFC 3849, RFC 5737).
        for host, port in (("::1", dead), ("2001:db8::1", 80), ("192.0.2.1", 80)):
            resolving(monkeypatch, (host, port), ("127.0.0.1", server.port))
            stream = await StampedBackend().connect_tcp("both.test", 80, timeout=WITHIN_S)
            assert stream.get_extra_info("socket").getpeername()[:2] == ("127.0.0.1", server.port)
            await stream.aclose()
