"""Both of OpenAI's protocols of the simulator, read by the real engine, beside the Messages API's."""

import asyncio
from typing import Any

import pytest
from engine.scripted import send_one

from tui.core.events import FailureKind, Kind, Status
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.engine.request import RequestSender
from tui.simulator.process import SimulatorProcess

OPENAI = ("openai", "openai-responses")


async def answered(
    simulator: SimulatorProcess, kind: str, fault: str | None = None, **parameters: Any
) -> RequestRecord:
    headers = {} if fault is None else {"x-simulator-fault": fault}
    path = "/v1" if kind in OPENAI else ""
    if kind == "openai-responses":
        parameters = {"thinking_display": "summarized"} | parameters
    spec = RequestSpec(
        request_id=1,
        target="lane",
        model="sim-thinking",
        endpoint=Endpoint(name="e", base_url=simulator.base_url + path, kind=kind, headers=headers),  # type: ignore[arg-type]
        prompt=Prompt(system="Be brief.", user="How does a gateway limit requests?"),
        parameters=Parameters(max_tokens=100, **parameters),
        timeouts=Timeouts(first_token=20, request=20),
    )
    record = RequestRecord(spec=spec)
    sender = RequestSender({})
    async with asyncio.timeout(30):
        record.apply(await send_one(sender, spec, record.apply))
    await sender.aclose()
    return record


async def test_the_engine_reads_the_same_on_all_wires(simulator: SimulatorProcess) -> None:
    messages, *others = [await answered(simulator, kind) for kind in ("anthropic", *OPENAI)]
    for record in (messages, *others):
        assert (record.status, record.usage.output_tokens, record.usage.thinking_tokens) == (Status.DONE, 40, 20)
        assert record.text(Kind.THINKING)
        assert record.text(Kind.TEXT)
        assert record.answered_by == "sim-thinking"
        assert record.usage.prompt_tokens == messages.usage.prompt_tokens
        # A stamp per token on all: heads, ends of parts and usage are none.
        assert len(record.timeline.content_ns) == len(messages.timeline.content_ns)
        assert record.timeline.thinking_pieces == messages.timeline.thinking_pieces
        assert record.timed_tokens == 40


@pytest.mark.parametrize("kind", OPENAI)
async def test_the_engine_reads_an_answer_in_one_piece(simulator: SimulatorProcess, kind: str) -> None:
    record = await answered(simulator, kind, stream=False)
    assert (record.status, record.usage.output_tokens) == (Status.DONE, 40)
    assert record.text(Kind.TEXT)
    assert record.text(Kind.THINKING)


async def test_reasoning_that_is_not_shown_was_withheld(simulator: SimulatorProcess) -> None:
    record = await answered(simulator, "openai-responses", thinking_display="omitted")
    assert record.text(Kind.THINKING) == ""
    assert record.timeline.thinking_started_ns is not None
    assert record.timeline.thinking_withheld_ns is not None
    # The 20 tokens that nobody saw came in no time that was measured.
    assert (record.usage.thinking_tokens, record.timed_tokens) == (20, 20)


@pytest.mark.parametrize("kind", OPENAI)
@pytest.mark.parametrize(
    ("fault", "status", "failure"),
    [
        ("close-mid-event", Status.FAILED, FailureKind.BROKEN_STREAM),
        ("reset", Status.FAILED, FailureKind.BROKEN_STREAM),
        ("empty-stream", Status.FAILED, FailureKind.BROKEN_STREAM),
        ("malformed-json", Status.FAILED, FailureKind.PROTOCOL),
        ("html-200", Status.FAILED, FailureKind.PROTOCOL),
        ("error-after-200", Status.FAILED, FailureKind.OVERLOADED),
        ("error-401", Status.FAILED, FailureKind.BAD_KEY),
        ("error-429", Status.FAILED, FailureKind.RATE_LIMITED),
        ("invalid-utf8", Status.DONE, None),
        ("unknown-events", Status.DONE, None),
        ("unknown-blocks", Status.DONE, None),
        ("unknown-deltas", Status.DONE, None),
        ("done-after-stop", Status.DONE, None),
        ("stall", Status.DONE, None),
        ("gzip", Status.DONE, None),
        ("no-usage", Status.DONE, None),
        ("absurd-usage", Status.DONE, None),
        ("empty-details", Status.DONE, None),
        ("tool-use", Status.DONE, None),
        ("refusal", Status.REFUSED, None),
        ("context-window", Status.TRUNCATED, None),
    ],
)
async def test_faults(
    simulator: SimulatorProcess, kind: str, fault: str, status: Status, failure: FailureKind | None
) -> None:
    record = await answered(simulator, kind, fault)
    assert (record.status, record.failure and record.failure.kind) == (status, failure)
    if fault == "tool-use":
        assert record.text(Kind.OTHER).startswith("weather")
    if fault == "invalid-utf8":
        assert "\ufffd" in "".join(map(record.text, Kind))


@pytest.mark.parametrize("kind", OPENAI)
async def test_another_model_than_the_one_asked_is_told(simulator: SimulatorProcess, kind: str) -> None:
    assert (await answered(simulator, kind, "other-model")).other_model == "sim-other"
