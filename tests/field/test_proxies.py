"""Values through real proxies: what arrives in time is right, what is held back is named, and blame is the proxy's."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from engine.driver import Driver

from tui.core.arrivals import Held
from tui.core.events import Content, FailureKind, Status
from tui.core.record import RequestRecord

from .conftest import Origin
from .servers import free_port, haproxy, litellm, microsocks, nginx, squid, tinyproxy

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = "sim-chunked"
"""First token at 200 ms, 21 pieces 50 ms apart: more than a second between the first and the last."""
Server = Callable[[Path], AbstractContextManager[int]]


class Seen(NamedTuple):
    """One answer, and the times between which the server sent each of its pieces.

    A write begins after the time planned for it and returns after its data have left; under load much may lie between.
    """

    record: RequestRecord
    stamps: list[int]
    planned: list[int]
    written: list[int]


async def ask(engine: Driver, origin: Origin, base_url: str, proxy: str | None = None, kind: str = "") -> Seen:
    spec = engine.spec(base_url, MODEL, max_tokens=200)
    endpoint = msgspec.structs.replace(spec.endpoint, proxy=proxy or "", kind=kind or spec.endpoint.kind)
    (record,) = await engine.run(msgspec.structs.replace(spec, endpoint=endpoint))
    line = await origin.truth.line()
    contents = [event for event in engine.events if isinstance(event, Content)]
    stamps = [stamp for event in contents for stamp in event.t_ns]
    sent = [(planned, written) for name, planned, written in line["events"] if name == "content_block_delta"]
    return Seen(record, stamps, *(list(times) for times in zip(*sent, strict=True)))


def came_as_sent(seen: Seen) -> None:
    """Every piece came after it was sent, and well before the answer was over: none waited for later ones."""
    assert seen.record.status is Status.DONE, seen.record.failure
    assert len(seen.stamps) == len(seen.written) == 21
    assert all(came > sent for came, sent in zip(seen.stamps, seen.planned, strict=True))
    assert seen.stamps[0] < seen.written[-1]
    assert seen.record.held_back is Held.NO


@pytest.mark.parametrize(
    "more", ["", "proxy_buffering off;", "gzip on; gzip_types text/event-stream; proxy_buffering off;"]
)
async def test_nginx_passes_a_stream_on(measuring: Driver, origin: Origin, place: Path, more: str) -> None:
    with nginx(place, origin.port, more=more) as port:
        came_as_sent(await ask(measuring, origin, f"http://127.0.0.1:{port}"))


async def test_nginx_that_compresses_holds_the_stream_back_and_that_is_named(
    measuring: Driver, origin: Origin, place: Path
) -> None:
    with nginx(place, origin.port, more="gzip on; gzip_types text/event-stream; gzip_min_length 0;") as port:
        seen = await ask(measuring, origin, f"http://127.0.0.1:{port}")
    assert seen.record.status is Status.DONE
    assert seen.stamps[0] > seen.planned[-1]
    assert seen.record.held_back is Held.AT_ONCE


async def test_haproxy_as_it_comes_passes_everything_on(measuring: Driver, origin: Origin, place: Path) -> None:
    with haproxy(place, origin.port) as port:
        seen = await ask(measuring, origin, f"http://127.0.0.1:{port}")
    assert seen.record.status is Status.DONE
    assert all(came > sent for came, sent in zip(seen.stamps, seen.planned, strict=True))
    # It waits up to 200 ms for more data (option http-no-delay is off); pieces then come together.
    if seen.stamps[0] - seen.written[0] > 100_000_000:
        assert seen.record.held_back is not Held.NO


@contextmanager
def socks_with_password(place: Path) -> Iterator[int]:
    with microsocks(place, "-u", "someone", "-P", "aSecret1") as port:
        yield port


@pytest.mark.parametrize(
    ("server", "scheme", "user"),
    [
        (tinyproxy, "http", ""),
        (squid, "http", ""),
        (microsocks, "socks5", ""),
        (socks_with_password, "socks5", "someone:aSecret1@"),
    ],
)
async def test_a_forward_proxy_passes_a_stream_on_and_is_named(
    measuring: Driver, origin: Origin, place: Path, server: Server, scheme: str, user: str
) -> None:
    with server(place) as port:
        seen = await ask(measuring, origin, origin.base_url, f"{scheme}://{user}127.0.0.1:{port}")
    came_as_sent(seen)
    said = msgspec.json.encode(measuring.events).decode()
    assert f"{scheme}://127.0.0.1:{port}" in said
    assert "aSecret1" not in said


@contextmanager
def tinyproxy_with_password(place: Path) -> Iterator[int]:
    with tinyproxy(place, "BasicAuth someone aSecret1") as port:
        yield port


@pytest.mark.parametrize(
    ("server", "scheme"),
    [(tinyproxy_with_password, "http"), (socks_with_password, "socks5")],
)
async def test_a_proxy_that_wants_a_password_is_blamed_itself(
    measuring: Driver, origin: Origin, place: Path, server: Server, scheme: str
) -> None:
    with server(place) as port:
        spec = measuring.spec(origin.base_url, MODEL)
        endpoint = msgspec.structs.replace(spec.endpoint, proxy=f"{scheme}://127.0.0.1:{port}")
        (record,) = await measuring.run(msgspec.structs.replace(spec, endpoint=endpoint))
    assert record.failure is not None
    assert "proxy" in record.failure.message
    assert f"127.0.0.1:{port}" in record.failure.message


async def test_a_proxy_that_is_not_there_is_blamed_itself(measuring: Driver, origin: Origin) -> None:
    proxy = f"http://127.0.0.1:{free_port()}"
    spec = measuring.spec(origin.base_url, MODEL)
    endpoint = msgspec.structs.replace(spec.endpoint, proxy=proxy)
    (record,) = await measuring.run(msgspec.structs.replace(spec, endpoint=endpoint))
    assert record.failure is not None
    assert proxy in record.failure.message
    assert origin.base_url not in record.failure.message


@pytest.fixture(scope="module")
def gateway(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """LiteLLM in front of the simulator: it takes ten seconds to start."""
    with litellm(tmp_path_factory.mktemp("litellm"), origin.port, MODEL) as port:
        yield port


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("kind", "path"), [("anthropic", ""), ("openai", "/v1")])
async def test_litellm_passes_a_stream_on_and_its_overhead_is_kept(
    measuring: Driver, origin: Origin, gateway: int, kind: str, path: str
) -> None:
    seen = await ask(measuring, origin, f"http://127.0.0.1:{gateway}{path}", kind=kind)
    came_as_sent(seen)
    assert seen.record.usage.output_tokens == 101
    assert any(name.startswith("x-litellm-") for name in seen.record.response.headers)


async def test_a_gateway_whose_server_is_gone_is_said_to_be_in_front(measuring: Driver, place: Path) -> None:
    with nginx(place, free_port()) as port:
        (record,) = await measuring.run(measuring.spec(f"http://127.0.0.1:{port}", MODEL))
    assert record.failure is not None
    assert record.failure.http_status == 502
    assert "nginx" in record.failure.message
    assert "request id" not in record.failure.message


async def test_a_redirect_to_a_login_names_its_address(measuring: Driver, place: Path) -> None:
    with nginx(place, 1, location="return 302 https://login.test/sso;") as port:
        (record,) = await measuring.run(measuring.spec(f"http://127.0.0.1:{port}", MODEL))
    assert record.failure is not None
    assert record.failure.kind is not FailureKind.RATE_LIMITED
    assert "https://login.test/sso" in record.failure.message
