"""Connections: framing, reuse, routes, and the ends that faults make."""

import asyncio
import json
import socket

import pytest

from tui.simulator.api import SimulatedApi
from tui.simulator.connections import Connection
from tui.simulator.playback import TruthLog
from tui.simulator.process import SimulatorProcess
from tui.simulator.profiles import load

from .raw import Wire, body

_END = b"0\r\n\r\n"


def test_a_connection_is_used_again(simulator: SimulatorProcess) -> None:
    with Wire(simulator.base_url) as wire:
        for _ in range(3):
            wire.post(body(stream=True))
            answer = wire.until(_END)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert answer.count(b"event: message_stop\n") == 1


async def test_what_is_written_is_sent_at_once_on_a_socket_that_does_not_name_its_protocol() -> None:
    # Else the content behind a head waits for the client's acknowledgement: by up to 40 ms.
    listener = socket.create_server(("127.0.0.1", 0))
    loop, made = asyncio.get_running_loop(), asyncio.Event()
    connection = Connection(SimulatedApi(load()), TruthLog(None), set())

    def accept() -> Connection:
        loop.call_soon(lambda: loop.call_soon(made.set))
        return connection

    server = await loop.create_server(accept, sock=listener)
    _, writer = await asyncio.open_connection(*listener.getsockname())
    await made.wait()
    accepted = connection._transport.get_extra_info("socket")
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    writer.close()
    server.close()


def test_a_second_request_waits_for_the_end_of_the_first(simulator: SimulatorProcess) -> None:
    with Wire(simulator.base_url) as wire:
        wire.post(body(stream=True))
        wire.post(body(max_tokens=1), connection="close")
        assert b"message_stop" in wire.until(_END)
        assert b'"stop_reason":"max_tokens"' in wire.rest()


def test_a_large_body_in_parts_and_one_announced_with_expect(simulator: SimulatorProcess) -> None:
    content = json.dumps(body(messages=[{"role": "user", "content": "word " * 100_000}])).encode()
    with Wire(simulator.base_url) as wire:
        head = (
            f"POST /v1/messages HTTP/1.1\r\nhost: x\r\nanthropic-version: 2023-06-01\r\ncontent-length: {len(content)}"
        )
        wire.send(f"{head}\r\nexpect: 100-continue\r\n\r\n".encode())
        assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        wire.send(content[:1000])
        wire.send(content[1000:])
        assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_body_above_32_mb_is_too_large(simulator: SimulatorProcess) -> None:
    with Wire(simulator.base_url) as wire:
        wire.post(body(system="x" * (32 * 1024 * 1024)))
        assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 413 ")
        assert b"request_too_large" in wire.until(b"}")


def test_what_is_no_http_is_refused_and_the_connection_closed(simulator: SimulatorProcess) -> None:
    with Wire(simulator.base_url) as wire:
        wire.send(b"hello\r\n\r\n")
        assert wire.rest().startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("line", "status", "needle"),
    [
        ("GET /", 404, b"not_found_error"),
        ("GET /v1/messages", 405, b"allow: POST"),
        ("POST /v1/models", 405, b"allow: GET"),
        ("GET /v1/models?limit=0", 400, b"limit: "),
        ("GET /v1/models?after_id=nobody", 400, b"nobody"),
        ("POST /v1/messages", 400, b"not valid JSON"),
        ("HEAD /v1/models", 405, b"allow: GET"),
    ],
)
def test_routes(simulator: SimulatorProcess, line: str, status: int, needle: bytes) -> None:
    with Wire(simulator.base_url) as wire:
        head = "host: x\r\nanthropic-version: 2023-06-01\r\nconnection: close"
        wire.send(f"{line} HTTP/1.1\r\n{head}\r\n\r\n".encode())
        answer = wire.rest()
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert needle in answer


def test_the_version_header_is_required_and_must_be_known(simulator: SimulatorProcess) -> None:
    for header, needle in [
        ("", b"header is required"),
        ("anthropic-version: 1999-01-01\r\n", b"is not a valid version"),
    ]:
        with Wire(simulator.base_url) as wire:
            wire.send(f"GET /v1/models/any HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}\r\n".encode())
            assert needle in wire.rest()


def test_http_1_0_gets_its_stream_unchunked(simulator: SimulatorProcess) -> None:
    content = json.dumps(body(stream=True)).encode()
    with Wire(simulator.base_url) as wire:
        head = f"POST /v1/messages HTTP/1.0\r\nanthropic-version: 2023-06-01\r\ncontent-length: {len(content)}\r\n\r\n"
        wire.send(head.encode() + content)
        answer = wire.rest()
        assert b"\r\n\r\nevent: message_start\n" in answer
        assert answer.endswith(b'data: {"type":"message_stop"}\n\n')


def test_an_unknown_fault_is_refused_with_the_list(simulator: SimulatorProcess) -> None:
    with Wire(simulator.base_url) as wire:
        wire.post(body(), x_simulator_fault="nonsense", connection="close")
        answer = wire.rest()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"close-mid-event" in answer


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        ("close-before-headers", None),
        ("close-mid-event", b"\r\n"),
        ("html-200", b"</h1>"),
        ("empty-stream", _END),
        ("no-message-stop", _END),
        ("error-after-200", b'"message":"Overloaded"}}\n\n\r\n' + _END),
    ],
)
def test_the_end_that_a_fault_makes(simulator: SimulatorProcess, fault: str, ending: bytes | None) -> None:
    with Wire(simulator.base_url) as wire:
        wire.post(body(stream=True), x_simulator_fault=fault, connection="close")
        answer = wire.rest()
        assert answer.endswith(ending) if ending else not answer
        if fault == "close-mid-event":
            assert b"message_stop" not in answer
            assert not answer.endswith(_END)


@pytest.mark.parametrize("fault", ["reset", "reset-before-headers"])
def test_a_reset_is_an_error_to_the_reader(simulator: SimulatorProcess, fault: str) -> None:
    with Wire(simulator.base_url) as wire:
        wire.post(body(stream=True), x_simulator_fault=fault)
        with pytest.raises(ConnectionResetError):
            wire.rest()


def test_faults_of_the_connection_concern_answers_in_one_piece_too(simulator: SimulatorProcess) -> None:
    with Wire(simulator.base_url) as wire:
        wire.post(body(), x_simulator_fault="close-before-headers")
        assert wire.rest() == b""
