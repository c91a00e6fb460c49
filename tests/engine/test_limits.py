"""Limits on what a server sends, held against servers that never stop: small ones, so that little is enough."""

import asyncio
import gzip
import itertools
import resource

import pytest

from tui.core.events import Content, Event, FailureKind, ModelsListed, Status, TokensCounted
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Timeouts
from tui.engine.limits import BodyError, Limits
from tui.engine.lookups import Lookups
from tui.engine.request import RequestSender
from tui.engine.transport.body import PART_BYTES, RawBody, SseDecoder

from .driver import WITHIN_S
from .hostile import BLOCK, behaviours, bomb, serving
from .scripted import send_one

KB = 1024
SMALL = Limits(event=64 * KB, answer=512 * KB, error=64 * KB, lookup=64 * KB)
ENDED_BY = {
    "a line": "a line of the stream is longer than 64 KB",
    "an event of many lines": "an event of the stream is longer than 64 KB",
    "a line, gzipped": "a line of the stream is longer than 64 KB",
    "comments": "it is longer than 512 KB",
    "comments, gzipped": "it is longer than 512 KB",
    "a message in one piece": "a message in one piece is longer than 64 KB",
    "a message in one piece, gzipped": "a message in one piece is longer than 64 KB",
    "a refusal": "The server failed (500)",
    "a refusal, gzipped": "The server failed (500)",
}
UNNOTICED = {"content behind the end", "trailers behind the end"}


def spec(base_url: str, name: str) -> RequestSpec:
    return RequestSpec(
        request_id=1,
        target="lane",
        model="m",
        endpoint=Endpoint(name="test", base_url=base_url),
        prompt=Prompt(user="Hello"),
        parameters=Parameters(max_tokens=5, stream=False if "one piece" in name else None),
        timeouts=Timeouts(request=WITHIN_S),
    )


def test_every_behaviour_is_here() -> None:
    assert behaviours().keys() == ENDED_BY.keys() | UNNOTICED


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ENDED_BY)
async def test_what_never_ends_is_ended_with_a_sentence(name: str) -> None:
    events: list[Event] = []
    sender = RequestSender({}, SMALL)
    async with serving(name) as server:
        ended = await send_one(sender, spec(server.base_url, name), events.append)
        await sender.aclose()
    assert ended.failure is not None
    assert ENDED_BY[name] in ended.failure.message
    assert ended.failure.kind is not FailureKind.TIMEOUT


@pytest.mark.asyncio
@pytest.mark.parametrize("name", sorted(UNNOTICED))
async def test_what_comes_behind_the_end_of_an_answer_neither_counts_nor_keeps_it_open(name: str) -> None:
    events: list[Event] = []
    sender = RequestSender({})
    async with serving(name) as server:
        ended = await send_one(sender, spec(server.base_url, name), events.append)
        await sender.aclose()
    assert ended.status is Status.DONE
    assert [event.texts for event in events if isinstance(event, Content)] == [["x"]]


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["a message in one piece", "a message in one piece, gzipped", "a refusal, gzipped"])
async def test_a_look_up_that_never_ends_is_one_without_an_answer(name: str) -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    sender = RequestSender({}, SMALL)
    lookups = Lookups(sender, events.put_nowait)
    async with serving(name) as server, asyncio.timeout(WITHIN_S):
        question = spec(server.base_url, name)
        lookups.count((question,))
        lookups.list_models((question.endpoint,))
        answers = [await events.get(), await events.get()]
        await sender.aclose()
    (counted,) = [event for event in answers if isinstance(event, TokensCounted)]
    (listed,) = [event for event in answers if isinstance(event, ModelsListed)]
    assert counted.input_tokens is None
    assert listed.failure is not None
    assert ("500" if "refusal" in name else "longer than 64 KB") in listed.failure.message


def test_a_few_bytes_are_not_decompressed_all_at_once() -> None:
    packed = b"".join(itertools.islice(bomb(b" "), 3))
    parts = list(RawBody({"content-encoding": "gzip"}).feed(packed))
    assert len(packed) * 50 < sum(map(len, parts))
    assert max(map(len, parts)) == PART_BYTES


def test_what_stands_behind_compressed_data_is_not_kept() -> None:
    body = RawBody({"content-encoding": "gzip"})
    assert b"".join(body.feed(gzip.compress(b"all of it"))) == b"all of it"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(256):
        assert list(body.feed(b"x" * BLOCK)) == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * KB


@pytest.mark.parametrize("data", [b"data: " + b"x" * 64 * KB, b"data: x\n" * 9 * KB], ids=["a line", "lines"])
@pytest.mark.parametrize("step", [100, 100 * KB])
def test_the_limit_counts_over_all_feeds(data: bytes, step: int) -> None:
    decoder = SseDecoder(64 * KB)
    with pytest.raises(BodyError):
        list(map(decoder.feed, (data[at : at + step] for at in range(0, len(data), step))))


def test_many_events_below_the_limit_are_no_event_above_it() -> None:
    decoder = SseDecoder(64 * KB)
    event = b"data: " + b"x" * 60 * KB + b"\n\n"
    assert sum(len(decoder.feed(event)) for _ in range(5)) == 5
