"""Requests as they really leave, by parameter and endpoint: the SDK and our sockets against servers on loopback."""

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from canary import KEY

from engine.scripted import send_one
from tui.core.events import Event, FailureKind, RequestEnded, Status, UsageReported
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt, Turn
from tui.core.target import Endpoint, Timeouts
from tui.engine.request import RequestSender
from tui.simulator.process import SimulatorProcess

ANSWER = (
    b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":1}}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":1}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'
)


class Received:
    """Requests as they arrived: first lines, headers in lower case, bodies."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.raw: list[bytes] = []
        self.bodies: list[dict[str, Any]] = []
        self.refuse_with = b""
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *rest = head.strip().split("\r\n")
                headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in rest}
                self.lines.append(first)
                self.headers.append(headers)
                self.raw.append(await reader.readexactly(int(headers["content-length"])))
                self.bodies.append(json.loads(self.raw[-1]))
                status, kind, body = (
                    (b"401 Unauthorized", b"application/json", self.refuse_with.replace(b"KEY", _key(headers)))
                    if self.refuse_with
                    else (b"200 OK", b"text/event-stream", ANSWER)
                )
                writer.write(b"HTTP/1.1 %b\r\ncontent-type: %b\r\n" % (status, kind))
                writer.write(b"content-length: %d\r\n\r\n%b" % (len(body), body))


def _key(headers: dict[str, str]) -> bytes:
    return headers.get("authorization", "").removeprefix("Bearer ").encode()


@asynccontextmanager
async def serving(received: Received, **options: Any) -> AsyncIterator[int]:
    server = await asyncio.start_server(received.serve, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in received.writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


Ask = Callable[..., Awaitable[tuple[RequestEnded, list[Event]]]]


@pytest_asyncio.fixture
async def ask(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    """Sends one request in this process; returns its end and all its events."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    sender = RequestSender({"GOOD_KEY": KEY})

    async def one(
        url: str,
        parameters: Parameters | None = None,
        model: str = "sim-fast",
        prompt: Prompt | None = None,
        **endpoint: Any,
    ) -> tuple[RequestEnded, list[Event]]:
        events: list[Event] = []
        spec = RequestSpec(
            request_id=1,
            target="lane",
            model=model,
            endpoint=Endpoint(name="here", base_url=url, **endpoint),
            prompt=prompt or Prompt(user="Hello", system="Be kind."),
            parameters=Parameters(max_tokens=4000).overridden_by(parameters or Parameters()),
            timeouts=Timeouts(first_token=20, request=20),
        )
        async with asyncio.timeout(30):
            return await send_one(sender, spec, events.append), events

    yield one
    await sender.aclose()


async def test_every_parameter_arrives_as_the_api_wants_it(ask: Ask) -> None:
    received = Received()
    everything = Parameters(
        stop_sequences=("END",),
        effort="low",
        thinking="enabled",
        thinking_budget=2048,
        thinking_display="omitted",
        speed="fast",
        cache="1h",
        service_tier="standard_only",
        inference_geo="us",
        temperature=0.2,
        top_p=0.9,
        top_k=40,
        extra={"output_config": {"format": None}, "metadata": {"user_id": "someone"}},
    )
    async with serving(received) as port:
        ended, _ = await ask(f"http://127.0.0.1:{port}", everything)
    assert ended.status is Status.DONE
    assert received.bodies == [
        {
            "model": "sim-fast",
            "max_tokens": 4000,
            "messages": [{"role": "user", "content": "Hello"}],
            "system": "Be kind.",
            "stream": True,
            "stop_sequences": ["END"],
            "output_config": {"effort": "low", "format": None},
            "thinking": {"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
            "speed": "fast",
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
            "service_tier": "standard_only",
            "inference_geo": "us",
            "temperature": 0.2,
            "top_p": 0.9,
            "top_k": 40,
            "metadata": {"user_id": "someone"},
        }
    ]
    assert received.headers[0]["anthropic-version"] == "2023-06-01"
    assert "authorization" not in received.headers[0]


_TURNS = (Turn(role="user", text="Why is the sky blue?"), Turn(role="assistant", text="Scattering."))


async def test_a_conversation_is_answered(ask: Ask, simulator: SimulatorProcess) -> None:
    """Its turns and the prefill arrive: they count as input."""
    counts = []
    for prompt in (
        Prompt(user="And at night?"),
        Prompt(user="And at night?", turns=_TURNS),
        Prompt(user="And at night?", turns=_TURNS, prefill="Because there is no"),
    ):
        ended, events = await ask(simulator.base_url, prompt=prompt)
        assert ended.status is Status.DONE, ended.failure
        counts.append(max(e.usage.input_tokens or 0 for e in events if isinstance(e, UsageReported)))
    assert counts == sorted(set(counts))


@pytest.mark.parametrize(
    ("model", "prefill", "words"),
    [
        ("claude-opus-5-5", "Because", "This model does not support assistant message prefill."),
        ("claude-haiku-4-5", "Because ", "final assistant content cannot end with trailing whitespace"),
    ],
)
async def test_a_prefill_is_refused_in_the_apis_words(
    ask: Ask, simulator: SimulatorProcess, model: str, prefill: str, words: str
) -> None:
    ended, _ = await ask(simulator.base_url, model=model, prompt=Prompt(user="Why?", prefill=prefill))
    assert ended.failure is not None
    assert words in ended.failure.message


async def test_versions_and_headers_arrive(ask: Ask) -> None:
    received = Received()
    async with serving(received) as port:
        url = f"http://127.0.0.1:{port}"
        await ask(url)
        await ask(url, headers={"x-team": "search"}, api_version="2024-01-01", api_key_env="GOOD_KEY")
    newest, other = received.headers
    assert newest["anthropic-version"] == "2026-10-21"
    assert (other["anthropic-version"], other["x-team"]) == ("2024-01-01", "search")
    assert other["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "parameters",
    [
        *(Parameters(effort=level) for level in ("low", "medium", "high", "xhigh", "max")),
        Parameters(thinking="adaptive", thinking_display="summarized"),
        Parameters(thinking="adaptive", thinking_display="omitted"),
        Parameters(thinking="enabled", thinking_budget=1024),
        Parameters(thinking="disabled"),
        Parameters(thinking="between_tools"),
        Parameters(speed="fast"),
        Parameters(speed="standard"),
        Parameters(cache=True),
        Parameters(cache="5m"),
        Parameters(cache="1h"),
        Parameters(service_tier="auto"),
        Parameters(service_tier="standard_only"),
        Parameters(inference_geo="us"),
        Parameters(temperature=0.2, top_k=5),
        Parameters(top_p=0.5),
        Parameters(extra={"metadata": {"user_id": "someone"}}),
    ],
    ids=str,
)
async def test_the_simulator_takes_every_parameter(
    ask: Ask, simulator: SimulatorProcess, parameters: Parameters
) -> None:
    ended, _ = await ask(simulator.base_url, parameters)
    assert ended.status is Status.DONE, ended.failure


@pytest.mark.parametrize(
    ("model", "parameters", "version", "words"),
    [
        ("sim-fast", Parameters(temperature=0.2), "2026-10-21", "temperature: Extra inputs are not permitted"),
        ("claude-opus-5-5", Parameters(temperature=0.2), None, "`temperature` is deprecated for this model"),
        ("claude-haiku-4-5", Parameters(effort="low"), None, "does not support the effort parameter"),
        ("claude-opus-5-5", Parameters(thinking="disabled"), None, "thinking.type.disabled"),
        ("claude-haiku-5-5", Parameters(speed="fast"), None, "'fast' is not supported for this model"),
        ("sim-fast", Parameters(extra={"newest": 1}), None, "newest: Extra inputs are not permitted"),
    ],
)
async def test_refusals_come_in_the_apis_words(
    ask: Ask, simulator: SimulatorProcess, model: str, parameters: Parameters, version: str | None, words: str
) -> None:
    ended, _ = await ask(simulator.base_url, parameters, model, api_version=version)
    assert ended.failure is not None
    assert ended.failure.kind is FailureKind.BAD_REQUEST
    assert words in ended.failure.message


@pytest.mark.process
async def test_a_key_from_a_command_is_sent_and_said_nowhere(ask: Ask, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("0")
    code = (
        "import pathlib, sys; path = pathlib.Path(sys.argv[1]); number = int(path.read_text()) + 1;"
        f"path.write_text(str(number)); print('{KEY}-' + str(number))"
    )
    command = (sys.executable, "-c", code, str(keys))
    received = Received()
    async with serving(received) as port:
        url = f"http://127.0.0.1:{port}"
        good = await ask(url, key_command=command)
        received.refuse_with = b'{"type":"error","error":{"type":"authentication_error","message":"bad key KEY"}}'
        refused, _ = await ask(url, key_command=command)
        received.refuse_with = b""
        again = await ask(url, key_command=command)
    assert good[0].status is again[0].status is Status.DONE
    assert [headers["authorization"] for headers in received.headers] == [
        f"Bearer {KEY}-1",
        f"Bearer {KEY}-1",
        f"Bearer {KEY}-2",
    ]
    assert refused.failure is not None
    assert refused.failure.kind is FailureKind.BAD_KEY
    assert "bad key" in refused.failure.message
    assert "key_command" in refused.failure.message
    assert KEY not in repr((good, again))


async def test_a_proxy_is_used_where_it_is_asked_for(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    received = Received()
    async with serving(received) as port:
        proxy = f"http://127.0.0.1:{port}"
        await ask("http://far.invalid:81", proxy=proxy)
        assert received.lines == ["POST http://far.invalid:81/v1/messages HTTP/1.1"]
        monkeypatch.setenv("http_proxy", proxy)
        await ask("http://environment.invalid")
        assert received.lines[1:] == ["POST http://environment.invalid/v1/messages HTTP/1.1"]
        direct, _ = await ask("http://direct.invalid", proxy="")
        assert direct.failure is not None
        assert direct.failure.kind is FailureKind.NAME_NOT_FOUND
        this_machine, _ = await ask(proxy, api_key_env="GOOD_KEY")
        assert this_machine.status is Status.DONE
        assert received.lines[2:] == ["POST /v1/messages HTTP/1.1"]
        await ask("http://127.0.0.1:1", proxy=proxy)
        assert received.lines[3:] == ["POST http://127.0.0.1:1/v1/messages HTTP/1.1"]


@pytest.mark.process
async def test_a_ca_file_makes_its_server_trusted(ask: Ask, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    about = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    await asyncio.to_thread(
        subprocess.run,
        [*made, *about, "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    received = Received()
    async with serving(received, ssl=context) as port:
        url = f"https://localhost:{port}"
        unknown, _ = await ask(url, api_key_env="GOOD_KEY")
        assert unknown.failure is not None
        assert unknown.failure.kind is FailureKind.TLS
        assert received.lines == []
        trusted, _ = await ask(url, api_key_env="GOOD_KEY", ca_file=str(certificate))
        assert trusted.status is Status.DONE
        for path, words in ((tmp_path / "none.pem", "no such file"), (tmp_path / "odd.pem", "no certificate")):
            if words == "no certificate":
                path.write_text("nothing")
            unusable, _ = await ask(url, ca_file=str(path))
            assert unusable.failure is not None
            assert unusable.failure.kind is FailureKind.TLS
            assert words in unusable.failure.message
