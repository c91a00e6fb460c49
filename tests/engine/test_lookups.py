"""Look-ups beside runs: counted prompts and listed models, by the real engine at the real simulator."""

import asyncio
from datetime import date

import msgspec
import pytest

from tui.core.checks import AnswerCheck
from tui.core.events import Answered, FailureKind, ModelsListed, RunEnded, TokensCounted
from tui.core.judging import in_words, judge_request
from tui.core.model import ListedModel
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target
from tui.engine.protocol import Ask, CountTokens, ListModels
from tui.simulator.process import SimulatorProcess

from .driver import Driver

pytestmark = pytest.mark.asyncio(loop_scope="module")

ODD_LIST = b"""{"object": "list", "data": [
    {"id": "local", "object": "model", "display_name": null, "created_at": null, "capabilities": null},
    {"id": 7}, {"id": ""},
    {"id": "old", "lifecycle": "deprecated", "deprecated_at": "2026-10-01T00:00:00Z",
     "retires_at": "2027-01-01T00:00:00Z", "max_tokens": -5, "max_input_tokens": 8192}
]}"""


async def counted(engine: Driver, *questions: CountTokens) -> dict[int, TokensCounted]:
    engine.events.clear()
    wanted = {spec.request_id for question in questions for spec in question.requests}
    for question in questions:
        engine.client.ask_aside(question)
    await engine.until(lambda _: wanted <= {e.count_id for e in engine.events if isinstance(e, TokensCounted)})
    return {event.count_id: event for event in engine.events if isinstance(event, TokensCounted)}


async def listed(engine: Driver, base_url: str) -> ModelsListed:
    engine.events.clear()
    engine.client.ask_aside(ListModels(endpoints=(Endpoint(name="here", base_url=base_url),)))
    event = await engine.until(lambda event: isinstance(event, ModelsListed))
    assert isinstance(event, ModelsListed)
    return event


async def answering(status: bytes, body: bytes) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % (status, len(body))
        writer.write(head + b"connection: close\r\n\r\n" + body)
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


def url_of(server: asyncio.Server) -> str:
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_count_is_what_the_run_then_reports(engine: Driver, simulator: SimulatorProcess) -> None:
    spec = engine.spec(simulator.base_url, user="Why is the sky blue, and why is it red in the evening?")
    answer = (await counted(engine, CountTokens(requests=(spec,))))[spec.request_id]
    (record,) = await engine.run(spec)
    assert answer == TokensCounted(count_id=spec.request_id, input_tokens=record.usage.input_tokens)
    # The look-up had a separate connection: the run's is new.
    assert record.timeline.reused_ns is None


@pytest.mark.parametrize(("status", "has_counter"), [(b"404 Not Found", False), (b"500 Oh", True), (b"200 OK", False)])
async def test_an_endpoint_without_a_counter(engine: Driver, status: bytes, has_counter: bool) -> None:
    async with await answering(status, b"{}") as server:
        spec = engine.spec(url_of(server))
        answer = (await counted(engine, CountTokens(requests=(spec,))))[spec.request_id]
    assert answer == TokensCounted(count_id=spec.request_id, has_counter=has_counter)


async def test_nobody_there(engine: Driver) -> None:
    spec = engine.spec("http://127.0.0.1:1")
    assert (await counted(engine, CountTokens(requests=(spec,))))[spec.request_id].has_counter
    failure = (await listed(engine, "http://127.0.0.1:1")).failure
    assert failure is not None
    assert "here" in failure.message


async def test_a_run_ends_what_is_asked_beside_it(engine: Driver, simulator: SimulatorProcess) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        gone.set()
        writer.close()

    asked, gone = asyncio.Event(), asyncio.Event()
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        question = engine.spec(url_of(server))
        engine.events.clear()
        engine.client.ask_aside(CountTokens(requests=(question,)))
        async with asyncio.timeout(20):
            await asked.wait()
            (record,) = await engine.run(engine.spec(simulator.base_url))
            await gone.wait()
        assert record.complete
        assert not any(isinstance(event, TokensCounted) for event in engine.events)


async def test_the_models_of_the_simulator(engine: Driver, simulator: SimulatorProcess) -> None:
    event = await listed(engine, simulator.base_url)
    assert event.failure is None
    models = {model.id: model for model in event.models}
    haiku = models["claude-haiku-5-5"]
    assert (haiku.display_name, haiku.line, haiku.lifecycle) == ("Claude Haiku 5.5", "haiku", "active")
    assert haiku.thinking == ("adaptive", "disabled")
    assert haiku.effort == ("low", "medium", "high", "xhigh", "max")
    assert haiku.context_tokens == 1_000_000
    assert models["claude-haiku-4-5"].effort == ()


async def test_what_a_compatible_server_leaves_out_is_none(engine: Driver) -> None:
    async with await answering(b"200 OK", ODD_LIST) as server:
        event = await listed(engine, url_of(server))
    assert event.failure is None
    assert event.models == (
        ListedModel(id="local"),
        ListedModel(
            id="old",
            lifecycle="deprecated",
            deprecated_on=date(2026, 10, 1),
            retires_on=date(2027, 1, 1),
            context_tokens=8192,
        ),
    )


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"data": 5}', b'{"data": [1, "x", null]}', b"no JSON"])
async def test_what_is_no_list(engine: Driver, body: bytes) -> None:
    async with await answering(b"200 OK", body) as server:
        event = await listed(engine, url_of(server))
    assert event.models == ()


async def test_a_refused_key_is_no_missing_list(engine: Driver) -> None:
    async with await answering(b"401 No", b'{"error": {"message": "who are you"}}') as server:
        failure = (await listed(engine, url_of(server))).failure
    assert failure is not None
    assert failure.kind is FailureKind.BAD_KEY
    assert "who are you" in failure.message


async def test_no_such_route(engine: Driver) -> None:
    async with await answering(b"404 Not Found", b"{}") as server:
        failure = (await listed(engine, url_of(server))).failure
    assert failure is not None
    assert "does not list its models (HTTP 404)" in failure.message


# Questions beside runs: a judge's.


async def answered(engine: Driver, spec: RequestSpec) -> Answered:
    engine.events.clear()
    engine.client.ask_aside(Ask(request=spec))
    event = await engine.until(lambda event: isinstance(event, Answered))
    assert isinstance(event, Answered)
    # It is one event, without any time: no content, no mark and no end of a request.
    assert engine.events == [event]
    return event


def question(engine: Driver, base_url: str) -> RequestSpec:
    spec = engine.spec(base_url)
    return msgspec.structs.replace(
        spec, request_id=-spec.request_id, parameters=Parameters(max_tokens=64, stream=False)
    )


@pytest.mark.parametrize(("kind", "path"), [("anthropic", ""), ("openai", "/v1"), ("openai-responses", "/v1")])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_judge_answers_on_every_protocol_by_its_schema_and_in_words(
    engine: Driver, simulator: SimulatorProcess, kind: str, path: str, stream: bool
) -> None:
    endpoint = Endpoint(name="e", base_url=simulator.base_url + path, kind=kind)  # type: ignore[arg-type]
    plan = Plan(
        prompt=Prompt(),
        parameters=Parameters(),
        targets=(Target(model="sim-fast"),),
        endpoints=(endpoint,),
        default_endpoint="e",
    )
    spec = judge_request(AnswerCheck(judge='Does it hold "b"?'), "abc", plan, {}, 5)
    spec = msgspec.structs.replace(spec, parameters=msgspec.structs.replace(spec.parameters, stream=stream))
    for asked, text in ((spec, '{"verdict":"yes"}'), (in_words(spec), "yes")):
        found = await answered(engine, asked)
        assert (found.ask_id, found.text, found.failure) == (-5, text, None)
        assert found.usage.input_tokens
        assert found.usage.output_tokens


REFUSED = b"""{"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": "refusal",
    "usage": {"input_tokens": 3, "output_tokens": 0}}"""
LONG = REFUSED.replace(b"[]", b'[{"type": "text", "text": "yes"}]').replace(b"refusal", b"max_tokens")


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (b"429 No", b'{"error": {"type": "rate_limit_error", "message": "slow down"}}', "rate_limited", "slow down"),
        (
            b"400 No",
            b'{"error": {"type": "invalid_request_error", "message": "no schema"}}',
            "bad_request",
            "no schema",
        ),
        (b"200 OK", REFUSED, "protocol", "refused"),
        (b"200 OK", LONG, "protocol", "truncated"),
        (b"200 OK", b"{}", "protocol", ""),
    ],
)
async def test_a_question_without_a_whole_answer_says_why(
    engine: Driver, status: bytes, body: bytes, kind: str, words: str
) -> None:
    async with await answering(status, body) as server:
        found = await answered(engine, question(engine, url_of(server)))
    assert found.failure is not None
    assert (found.failure.kind.value, words in found.failure.message) == (kind, True)


async def test_a_question_can_be_ended_and_a_run_ends_it(engine: Driver, simulator: SimulatorProcess) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        for ends_by_run in (False, True):
            asked = asyncio.Event()
            spec = question(engine, url_of(server))
            engine.events.clear()
            engine.client.ask_aside(Ask(request=spec))
            async with asyncio.timeout(20):
                await asked.wait()
            if ends_by_run:
                engine.client.start_run(900, (engine.spec(simulator.base_url),))
                await engine.until(lambda event: isinstance(event, RunEnded))
            else:
                engine.client.cancel((spec.request_id,))
                await engine.until(lambda event: isinstance(event, Answered))
            (found,) = [event for event in engine.events if isinstance(event, Answered)]
            assert found.failure is not None
            assert "ended before its answer" in found.failure.message
