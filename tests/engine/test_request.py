"""One attempt at a request, whatever its wire: its deadlines, and its marks over TLS and through proxies."""

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Callable

import pytest

from tui.core import metrics
from tui.core.engine_events import StampSource
from tui.core.events import FailureKind, Status
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.engine.request import RequestSender
from tui.engine.warmup import _DELTA, _END, _START
from tui.simulator.process import SimulatorProcess

from .driver import Driver
from .scripted import send_one
from .transport.loopback import NAME, WITHIN_S, Contexts, Origin, Proxy, certificates, closed, listening
from .transport.test_http_transport import environ

__all__ = ["certificates", "environ"]

module_loop = pytest.mark.asyncio(loop_scope="module")
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel stamps on Linux only")


class Answering(Origin):
    """Answers every request with the same short stream."""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.partition(b":")[2]))
                self.answered_ns = time.monotonic_ns()
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                )
                for event in (_START, _DELTA, _END):
                    writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                writer.write(b"0\r\n\r\n")
        await closed(writer)


@pytest.mark.parametrize("way", ["direct", "tunnel", "socks"])
async def test_the_marks_of_a_request_over_tls(environ: pytest.MonkeyPatch, certificates: Contexts, way: str) -> None:
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def getaddrinfo(host: str | None, *arguments: int, **options: int) -> object:
        return await real("127.0.0.1" if host == NAME else host, *arguments, **options)

    environ.setattr(loop, "getaddrinfo", getaddrinfo)
    server = Answering()
    async with contextlib.AsyncExitStack() as stack:
        server.port = await stack.enter_async_context(listening(server.take, certificates[0]))
        proxy = Proxy(server.port)
        if way == "tunnel":
            environ.setenv("https_proxy", f"http://127.0.0.1:{await stack.enter_async_context(listening(proxy.http))}")
        elif way == "socks":
            port = await stack.enter_async_context(listening(proxy.socks))
            environ.setenv("https_proxy", f"socks5://127.0.0.1:{port}")
        sender = RequestSender({})
        sender._connections._tls[None] = certificates[1]
        records = []
        for _ in range(2):
            spec = RequestSpec(
                request_id=1,
                target="lane",
                model="model",
                endpoint=Endpoint(name="test", base_url=f"https://{NAME}:{server.port}"),
                prompt=Prompt(user="x"),
                parameters=Parameters(max_tokens=1),
                timeouts=Timeouts(),
            )
            record = RequestRecord(spec=spec)
            async with asyncio.timeout(WITHIN_S):
                record.apply(await send_one(sender, spec, record.apply))
            records.append(record)
            assert record.failure is None
            assert record.status is Status.DONE
            timeline = record.timeline
            assert timeline.sent_ns is not None
            # Our own request's send, and not that of the tunnel's.
            assert timeline.sent_ns <= server.answered_ns <= timeline.content_ns[0] + 50_000
            assert record.instrument is not None
            assert record.instrument.stamp_source is StampSource.KERNEL
        await sender.aclose()
    assert len(proxy.asked) == (way != "direct")
    timeline = records[0].timeline
    steps = [
        timeline.connect_started_ns,
        timeline.resolved_ns,
        timeline.connected_ns,
        timeline.tls_started_ns,
        timeline.tls_done_ns,
        timeline.sent_ns,
        timeline.headers_ns,
        timeline.message_start_ns,
        timeline.content_ns[0],
        timeline.message_stop_ns,
        timeline.ended_ns,
    ]
    stamps = [step for step in steps if step is not None]
    assert len(stamps) == len(steps)
    assert stamps == sorted(stamps)
    assert timeline.reused_ns is None
    assert metrics.set_up_ns(timeline) == stamps[4] - stamps[0]
    again = records[1].timeline
    assert again.reused_ns is not None
    assert again.connect_started_ns is again.tls_done_ns is again.resolved_ns is None


# Timeouts: short ones, against a server that would never answer


@module_loop
async def test_no_first_token_in_time(engine: Driver, with_fault: Callable[[str], str]) -> None:
    silent, pings = await engine.run(
        engine.spec(with_fault("silent"), timeouts=Timeouts(connect=600, first_token=0.2)),
        engine.spec(with_fault("endless-pings"), timeouts=Timeouts(connect=600, first_token=2)),
    )
    for record, seconds in ((silent, "0.2 s"), (pings, "2 s")):
        engine.failing(record, FailureKind.TIMEOUT, seconds, "first token", "timeouts.first_token")
    assert pings.timeline.message_start_ns is not None


@module_loop
async def test_silence_between_tokens(engine: Driver, with_fault: Callable[[str], str]) -> None:
    (record,) = await engine.run(
        engine.spec(with_fault("half-event-then-silence"), timeouts=Timeouts(between_tokens=0.2))
    )
    engine.failing(record, FailureKind.TIMEOUT, "0.2 s", "timeouts.between_tokens")
    assert record.text()


@module_loop
async def test_the_whole_request(engine: Driver, simulator: SimulatorProcess) -> None:
    spec = engine.spec(simulator.base_url, "sim-steady", max_tokens=100_000, timeouts=Timeouts(request=2))
    (record,) = await engine.run(spec)
    engine.failing(record, FailureKind.TIMEOUT, "2 s", "timeouts.request")
    assert record.text()


@module_loop
async def test_a_connect_that_hangs(engine: Driver) -> None:
    # A listener that accepts nobody: TLS waits endlessly for its first byte.
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"https://127.0.0.1:{deaf.getsockname()[1]}"
        (record,) = await engine.run(engine.spec(url, timeouts=Timeouts(connect=0.2)))
    engine.failing(record, FailureKind.TIMEOUT, "0.2 s", "the connection", "timeouts.connect")
