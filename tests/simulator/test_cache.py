"""The prompt cache: what is read, written and forgotten, and what that does to usage and time."""

import json
from typing import Any

import msgspec
import pytest
from anthropic import AsyncAnthropic

from tui.simulator.api import SimulatedApi
from tui.simulator.message_request import NEW_VERSION
from tui.simulator.replies import Reply

from .raw import PROFILES, body

S = 1_000_000_000
LONG = "A rule of the house. " * 200
"""Some 1,000 tokens."""
CACHED = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
PLAIN = msgspec.structs.replace(
    PROFILES["sim-fast"], ttft_ms=100.0, prefill_ms_per_1k=1000.0, answer_tokens=(2, 2), start_share=0.5
)


class Session:
    """One simulator without a socket, and its clock."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * S
        profiles = {"sim-fast": PLAIN, "other": PLAIN, "coarse": msgspec.structs.replace(PLAIN, cache_min_tokens=4096)}
        self._api = SimulatedApi(profiles, now_ns=lambda: self.now_ns)

    def answer(self, **fields: Any) -> Reply:
        content = json.dumps(body(**fields)).encode()
        return self._api.answer("POST", "/v1/messages", {"anthropic-version": NEW_VERSION}, content)

    def usage(self, **fields: Any) -> tuple[int, int, int]:
        """Tokens read, written and neither, as one whole answer reports them, which is then over."""
        (event,) = self.answer(**fields).events
        usage = json.loads(event.encoded())["usage"]
        self.now_ns += event.offset_ns
        return usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"], usage["input_tokens"]

    def first_token_ms(self, **fields: Any) -> float:
        return next(e.offset_ns for e in self.answer(stream=True, **fields).events if e.name == "ping") / 1e6


def test_the_first_writes_and_the_second_reads() -> None:
    session = Session()
    read, written, rest = session.usage(system=LONG, **CACHED)
    assert (read, rest) == (0, 0)
    assert written > 1000
    assert session.usage(system=LONG, **CACHED) == (written, 0, 0)


def test_without_a_mark_nothing_is_read_or_written() -> None:
    session = Session()
    _, total, _ = session.usage(system=LONG, **CACHED)
    assert session.usage(system=LONG) == (0, 0, total)
    other = Session()
    assert other.usage(system=LONG) == (0, 0, total)
    assert other.usage(system=LONG, **CACHED) == (0, total, 0)


def test_a_prompt_below_the_minimum_is_not_cached_without_a_word() -> None:
    session = Session()
    for _ in range(2):
        read, written, rest = session.usage(model="coarse", system=LONG, **CACHED)
        assert (read, written) == (0, 0)
        assert rest > 1000


@pytest.mark.parametrize(
    "changed",
    [{"model": "other"}, {"speed": "fast"}, {"system": "B" + LONG}, {"tools": [{"name": "look", "input_schema": {}}]}],
)
def test_any_other_beginning_is_another_entry(changed: dict[str, Any]) -> None:
    session = Session()
    session.usage(system=LONG, **CACHED)
    read, written, _ = session.usage(**{"system": LONG, **CACHED, **changed})
    assert read == 0
    assert written > 1000


def test_how_it_answers_is_no_other_beginning() -> None:
    session = Session()
    _, written, _ = session.usage(system=LONG, **CACHED)
    asked = {"max_tokens": 7, "stop_sequences": ["END"], "output_config": {"effort": "low"}}
    assert session.usage(system=LONG, **CACHED, **asked) == (written, 0, 0)


def test_a_conversation_reads_what_it_had_and_writes_what_is_new() -> None:
    session = Session()
    turns = [{"role": "user", "content": "Hello"}]
    _, first, _ = session.usage(system=LONG, messages=turns, **CACHED)
    turns += [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "And now?"}]
    read, written, rest = session.usage(system=LONG, messages=turns, **CACHED)
    assert (read, rest) == (first, 0)
    assert 0 < written < 50


def test_a_marked_system_prompt_serves_every_question() -> None:
    session = Session()
    system = [{"type": "text", "text": LONG, **HOUR}]
    _, written, rest = session.usage(system=system)
    assert rest > 0
    other = [{"role": "user", "content": "Another question"}]
    assert session.usage(system=system, messages=other)[:2] == (written, 0)
    assert session.usage(system=LONG, messages=other, **CACHED)[0] == written  # the mark itself is no content


@pytest.mark.parametrize(("mark", "seconds"), [(CACHED, 300), (HOUR, 3600)])
def test_an_entry_lives_on_from_its_last_use(mark: dict[str, Any], seconds: int) -> None:
    session = Session()
    _, written, _ = session.usage(system=LONG, **mark)
    for _ in range(2):
        session.now_ns += (seconds - 10) * S
        assert session.usage(system=LONG, **mark)[0] == written
    session.now_ns += (seconds + 10) * S
    session.answer(system=LONG, **mark)  # written anew, and not to be read before it has begun
    assert session.usage(system=LONG, **mark)[0] == 0


def test_requests_at_the_same_time_do_not_help_each_other() -> None:
    session = Session()
    session.answer(system=LONG, **CACHED)
    assert session.usage(system=LONG, **CACHED)[0] == 0


def test_what_is_read_costs_no_prefill_and_warming_says_nothing() -> None:
    session = Session()
    cold = session.first_token_ms(system=LONG)
    (warming,) = session.answer(system=LONG, max_tokens=0, **CACHED).events
    message = json.loads(warming.encoded())
    assert (message["content"], message["usage"]["output_tokens"]) == ([], 0)
    session.now_ns += warming.offset_ns
    tokens = message["usage"]["cache_creation_input_tokens"]
    assert message["usage"]["cache_creation"]["ephemeral_5m_input_tokens"] == tokens
    warm = session.first_token_ms(system=LONG, **CACHED)
    # Half of the time to first token, at which the message opens: 1 s per 1,000 tokens, and 100 ms besides.
    assert cold == pytest.approx((tokens * 1.0 + 100) / 2)
    assert warm == pytest.approx(100 / 2)


async def test_the_sdk_sees_it_too(client: AsyncAnthropic) -> None:
    async def ask() -> tuple[int | None, int | None]:
        message = await client.messages.create(
            model="claude-haiku-5-5",
            max_tokens=1,
            system="The cache of this very test. " + LONG,
            messages=[{"role": "user", "content": "Hello"}],
            cache_control={"type": "ephemeral", "ttl": "1h"},
        )
        assert message.usage.cache_creation is not None
        assert message.usage.cache_creation.ephemeral_1h_input_tokens == message.usage.cache_creation_input_tokens
        return message.usage.cache_read_input_tokens, message.usage.cache_creation_input_tokens

    read, written = await ask()
    assert read == 0
    assert written
    assert await ask() == (written, 0)
