"""Values of a real llama.cpp server, on the three wires that it speaks, beside what it logs itself."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from engine.driver import Driver

from tui.core.events import Content, Status
from tui.core.record import RequestRecord

from .servers import llama_cpp

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

TOKENS = 200
WIRES = pytest.mark.parametrize(
    ("kind", "path"),
    [("anthropic", ""), ("openai", "/v1"), ("openai-responses", "/v1")],
    ids=lambda value: value or ".",
)


class Server(NamedTuple):
    """The server's address and its log."""

    base_url: str
    log: Path

    def writing_ms(self) -> float:
        """Milliseconds from its first token to its last, as it says of its latest answer."""
        said = re.findall(r" eval time = +([0-9.]+) ms / +(\d+) tokens", self.log.read_text(errors="replace"))
        # The line of the prompt reads alike and comes first.
        milliseconds, tokens = said[-1]
        assert int(tokens) == TOKENS
        return float(milliseconds)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server, which is up."""
    place = tmp_path_factory.mktemp("llama")
    with llama_cpp(place) as port:
        yield Server(f"http://127.0.0.1:{port}", place / "llama-server.log")


async def ask(engine: Driver, server: Server, kind: str, path: str, user: str) -> RequestRecord:
    spec = engine.spec(server.base_url + path, "tiny", max_tokens=TOKENS, user=user)
    endpoint = msgspec.structs.replace(spec.endpoint, kind=kind)
    (record,) = await engine.run(msgspec.structs.replace(spec, endpoint=endpoint))
    return record


@WIRES
async def test_it_agrees_with_the_servers_own_log(measuring: Driver, server: Server, kind: str, path: str) -> None:
    # The first answers wait for what the server makes ready; its listening says nothing of that.
    while (record := await ask(measuring, server, kind, path, f"Why, by {kind}?")).status is Status.FAILED:
        assert record.failure is not None
        assert record.failure.http_status == 503, record.failure
    # Its Responses wire calls an answer complete that was cut; the others say so.
    assert record.status is (Status.DONE if kind == "openai-responses" else Status.TRUNCATED)
    assert record.usage.output_tokens == TOKENS
    timeline = record.timeline
    stamps = [stamp for event in measuring.events if isinstance(event, Content) for stamp in event.t_ns]
    # Nonsense has tokens that are parts of characters, which it keeps until they are whole, and some that are nothing.
    assert TOKENS / 2 < len(stamps) <= TOKENS
    assert timeline.sent_ns is not None
    assert timeline.sent_ns < stamps[0] < stamps[-1]
    # The last of its pieces may come together, and a busy machine delays what it sends: by half at most.
    assert (stamps[-1] - stamps[0]) / 1e6 == pytest.approx(server.writing_ms(), rel=0.5)


@WIRES
async def test_what_it_kept_of_the_prompt_is_named(measuring: Driver, server: Server, kind: str, path: str) -> None:
    user = "The quick brown fox jumps over the lazy dog, and then over the next one. " * 8 + kind
    for _ in range(3):
        record = await ask(measuring, server, kind, path, user)
    assert record.usage.cache_read_input_tokens
    assert record.reads_unasked_cache


async def test_its_refusal_is_in_its_own_words(measuring: Driver, server: Server) -> None:
    record = await ask(measuring, server, "openai", "/v1", "word " * 6_000)
    assert record.failure is not None
    assert "context" in record.failure.message
