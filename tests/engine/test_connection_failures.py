"""Failures of connections: said of whose they are, with what sets it right."""

import asyncio
import contextlib
import errno
import re
import socket
import ssl

import pytest

from tui.core.events import Event, Failure, FailureKind, Responded
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Timeouts
from tui.engine.connection_failures import connection_failure
from tui.engine.request import RequestSender

from .scripted import send_one
from .transport.loopback import NAME, WITHIN_S, Contexts, Handler, Proxy, certificates, closed, listening
from .transport.test_http_transport import environ

__all__ = ["certificates", "environ"]

ENDPOINT = Endpoint(name="local", base_url="http://127.0.0.1:8099", api_key_env="LOCAL_KEY")


@pytest.mark.parametrize(
    ("error", "kind", "cause"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "no"), FailureKind.CONNECTION_REFUSED, "Nothing accepts"),
        (OSError(errno.ECONNREFUSED, "no"), FailureKind.CONNECTION_REFUSED, "Nothing accepts"),
        (socket.gaierror(socket.EAI_NONAME, "Name not known"), FailureKind.NAME_NOT_FOUND, "Name not known"),
        (ssl.SSLCertVerificationError(1, "self-signed"), FailureKind.TLS, "TLS to"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), FailureKind.CONNECTION, "Network is unreachable"),
        (RuntimeError(), FailureKind.CONNECTION, "RuntimeError"),
    ],
)
def test_the_cause_is_found_in_the_chain(error: Exception, kind: FailureKind, cause: str) -> None:
    outer = RuntimeError("Connection error.") if str(error) else RuntimeError()
    outer.__cause__ = ExceptionGroup("all attempts", [ValueError("other"), error]) if str(error) else error
    failure = connection_failure(outer, ENDPOINT, in_stream=False)
    assert failure.kind is kind
    assert cause in failure.message
    assert ENDPOINT.base_url in failure.message
    assert re.search(r"(Check|Start) the ", failure.message)


def test_a_simulator_that_is_gone_is_no_server_of_the_persons_own() -> None:
    simulator = Endpoint(name="simulator", base_url="http://127.0.0.1:8099", simulated=True)
    failure = connection_failure(ConnectionRefusedError(errno.ECONNREFUSED, "no"), simulator, in_stream=False)
    assert failure.kind is FailureKind.CONNECTION_REFUSED
    assert "The built-in simulator has ended" in failure.message


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert connection_failure(first, ENDPOINT, in_stream=False).kind is FailureKind.CONNECTION


def test_broken_in_the_stream() -> None:
    failure = connection_failure(ConnectionResetError(104, "reset"), ENDPOINT, in_stream=True)
    assert failure.kind is FailureKind.BROKEN_STREAM
    assert "kept" in failure.message
    assert "Run it again" in failure.message


# Through proxies


def answers(head: bytes, *, until: bytes = b"\r\n\r\n") -> Handler:
    """A server that says this to whatever comes, and closes."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(until) if until else await reader.read(1)
            writer.write(head)
            await writer.drain()
        await closed(writer)

    return take


def socks(*replies: bytes) -> Handler:
    """A SOCKS server that gives these replies, one for each of the client's messages."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies:
            await reader.read(512)
            writer.write(reply)
        await closed(writer)

    return take


async def asked(
    base_url: str, proxy: str | None = None, tls: ssl.SSLContext | None = None, connect_s: float = WITHIN_S
) -> tuple[Failure | None, list[Event]]:
    """One request there: how it failed, and what was reported."""
    sender = RequestSender({})
    if tls is not None:
        sender._connections._tls[None] = tls
    spec = RequestSpec(
        request_id=1,
        target="lane",
        model="model",
        endpoint=Endpoint(name="test", base_url=base_url, proxy=proxy),
        prompt=Prompt(user="x"),
        parameters=Parameters(max_tokens=1),
        timeouts=Timeouts(connect=connect_s),
    )
    events: list[Event] = []
    async with asyncio.timeout(WITHIN_S):
        ended = await send_one(sender, spec, events.append)
    await sender.aclose()
    return ended.failure, events


@pytest.fixture
def dead_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as closed_port:
        return int(closed_port.getsockname()[1])


HTTP_407 = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
HTTP_401 = b"HTTP/1.0 401 Unauthorized\r\n\r\n"
HTTP_403 = b"HTTP/1.1 403 Access violation\r\ncontent-length: 0\r\n\r\n"
HTTP_502 = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.parametrize("kind", ["http", "https", "socks5", "socks5h"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_does_not_answer(
    environ: pytest.MonkeyPatch, dead_port: int, kind: str, scheme: str
) -> None:
    environ.setenv("all_proxy", f"{kind}://name:word@127.0.0.1:{dead_port}")
    failure, _ = await asked(f"{scheme}://{NAME}")
    assert failure is not None
    assert failure.kind is FailureKind.PROXY
    assert f"{kind}://127.0.0.1:{dead_port} (from all_proxy) does not accept connections" in failure.message
    assert "NO_PROXY" in failure.message
    assert "word" not in failure.message


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_a_proxy_whose_name_is_unknown(environ: pytest.MonkeyPatch, kind: str) -> None:
    environ.setenv("HTTPS_PROXY", f"{kind}://proxy.invalid:3128")
    failure, _ = await asked(f"https://{NAME}")
    assert failure is not None
    assert failure.kind is FailureKind.PROXY
    assert "proxy.invalid:3128 (from HTTPS_PROXY) has a name that was not found" in failure.message
    assert "Correct HTTPS_PROXY" in failure.message


@pytest.mark.parametrize(
    ("scheme", "kind", "handler", "words"),
    [
        ("https", "http", answers(HTTP_407), ("wants a user name", "407", "Set both in ALL_PROXY")),
        ("http", "http", answers(HTTP_407), ("wants a user name", "407", "Set both in ALL_PROXY")),
        ("https", "http", answers(HTTP_401), ("does not take the user name", "401")),
        ("https", "http", answers(HTTP_403), ("does not allow this", "403 Access violation")),
        ("https", "http", answers(HTTP_502), ("could not get through", "502 Bad Gateway")),
        ("https", "http", answers(b""), ("broke off before the endpoint was reached",)),
        ("https", "http", answers(b"SSH-2.0-nothing\r\n"), ("broke off before the endpoint was reached",)),
        ("http", "socks5", socks(b"\x05\xff"), ("wants a user name",)),
        ("https", "socks5", socks(b"\x05\x02"), ("does not take the user name",)),
        (
            "https",
            "socks5",
            socks(b"\x05\x00", b"\x05\x05\x00\x01" + bytes(6)),
            ("could not get through", "refused"),
        ),
        ("http", "socks5", socks(b"\x05\x00", b"\x05\x02\x00\x01" + bytes(6)), ("not allowed by ruleset",)),
        ("http", "socks5", socks(b""), ("broke off before",)),
        ("http", "socks5", socks(b"HTTP/1.1 400 no\r\n\r\n"), ("broke off before",)),
    ],
)
async def test_a_proxy_that_refuses(
    environ: pytest.MonkeyPatch, scheme: str, kind: str, handler: Handler, words: tuple[str, ...]
) -> None:
    async with listening(handler) as port:
        environ.setenv("ALL_PROXY", f"{kind}://127.0.0.1:{port}")
        failure, _ = await asked(f"{scheme}://{NAME}")
    assert failure is not None
    assert failure.kind is FailureKind.PROXY, failure.message
    assert f"The proxy {kind}://127.0.0.1:{port} (from ALL_PROXY)" in failure.message
    for word in words:
        assert word.lower() in failure.message.lower()
    assert failure.message.isprintable()


async def test_a_password_that_a_socks_proxy_does_not_take(environ: pytest.MonkeyPatch) -> None:
    async with listening(socks(b"\x05\x02", b"\x01\x01")) as port:
        environ.setenv("ALL_PROXY", f"socks5://name:word@127.0.0.1:{port}")
        failure, _ = await asked(f"http://{NAME}")
    assert failure is not None
    assert (failure.kind, "does not take the user name" in failure.message) == (FailureKind.PROXY, True)
    assert "name:word" not in failure.message


async def test_a_proxy_of_the_plan_is_said_to_be(dead_port: int) -> None:
    failure, _ = await asked("http://127.0.0.1:1", f"http://127.0.0.1:{dead_port}")
    assert failure is not None
    assert failure.kind is FailureKind.PROXY
    assert "(from the endpoint's proxy)" in failure.message
    assert "orrect proxy in the endpoint" in failure.message


@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
async def test_a_proxy_that_never_answers(environ: pytest.MonkeyPatch, kind: str) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(silent) as port:
        environ.setenv("https_proxy", f"{kind}://127.0.0.1:{port}")
        failure, _ = await asked(f"https://{NAME}", connect_s=0.05)
    assert failure is not None
    assert failure.kind is FailureKind.PROXY
    assert f"waiting for the proxy {kind}://127.0.0.1:{port} (from https_proxy)" in failure.message


async def test_what_fails_behind_the_proxy_is_the_endpoints(
    environ: pytest.MonkeyPatch, certificates: Contexts
) -> None:
    """The tunnel stands; the certificate there is of an authority that nobody here knows."""
    async with listening(answers(b""), certificates[0]) as behind:
        proxy = Proxy(behind)
        async with listening(proxy.http) as port:
            environ.setenv("https_proxy", f"http://127.0.0.1:{port}")
            failure, _ = await asked(f"https://{NAME}", tls=ssl.create_default_context())
    assert failure is not None
    assert failure.kind is FailureKind.TLS
    assert f"TLS to https://{NAME}, through the proxy http://127.0.0.1:{port} (from https_proxy)," in failure.message
    assert "ca_file" in failure.message


async def test_a_measurement_through_a_proxy_says_so(environ: pytest.MonkeyPatch) -> None:
    answer = b"HTTP/1.1 500 Oops\r\nvia: 1.1 origin\r\ncontent-length: 2\r\n\r\n{}"
    async with listening(answers(answer)) as behind:
        proxy = Proxy(behind)
        async with listening(proxy.http) as port:
            environ.setenv("HTTP_PROXY", f"http://name:word@127.0.0.1:{port}")
            _, events = await asked(f"http://{NAME}")
    (responded,) = [event for event in events if isinstance(event, Responded)]
    assert responded.response.proxy == f"http://127.0.0.1:{port} (from HTTP_PROXY)"
    assert responded.response.headers == {"via": "1.1 origin"}


# The other scheme


async def test_tls_to_a_port_of_plain_http() -> None:
    async with listening(answers(b"HTTP/1.1 400 Bad Request\r\n\r\n", until=b"")) as port:
        failure, _ = await asked(f"https://127.0.0.1:{port}")
    assert failure is not None
    assert failure.kind is FailureKind.TLS
    assert "speaks no TLS" in failure.message
    assert "write http://" in failure.message


async def test_plain_http_to_a_port_of_tls(certificates: Contexts) -> None:
    async with listening(answers(b"", until=b""), certificates[0]) as port:
        failure, _ = await asked(f"http://127.0.0.1:{port}")
    assert failure is not None
    assert failure.kind is FailureKind.CONNECTION
    assert "write https://" in failure.message, failure.message


async def test_plain_http_to_a_port_of_tls_that_sends_an_alert() -> None:
    async with listening(answers(b"\x15\x03\x01\x00\x02\x02\x46")) as port:
        failure, _ = await asked(f"http://127.0.0.1:{port}")
    assert failure is not None
    assert "Write https://" in failure.message, failure.message


async def test_a_server_of_http_2_alone() -> None:
    async with listening(answers(bytes.fromhex("000012040000000000000300000080000400010000000500ffffff"))) as port:
        failure, _ = await asked(f"http://127.0.0.1:{port}")
    assert failure is not None
    assert "HTTP/2" in failure.message, failure.message


async def test_a_port_that_is_open_and_speaks_no_word_of_tls() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(silent) as port:
        failure, _ = await asked(f"https://127.0.0.1:{port}", connect_s=0.05)
    assert failure is not None
    assert failure.kind is FailureKind.TIMEOUT
    assert "TLS; its port is open" in failure.message
