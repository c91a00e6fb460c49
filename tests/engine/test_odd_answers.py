"""Unusual answers of the simulator, through the real engine: the right figures, states and remarks."""

import asyncio

import pytest

from tui.core.arrivals import Held
from tui.core.events import Kind, Status
from tui.core.finished import finished_fields
from tui.core.observation import observe
from tui.core.record import RequestRecord, State
from tui.core.remarks import remarks, remarks_on, tokens_differ
from tui.simulator.odd_answers import EXPLANATION, HIDDEN_TOKENS, OTHER_MODEL
from tui.simulator.process import SimulatorProcess

from .driver import Driver

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKENS = 20
"""What the model that is asked answers, one token a delta."""


async def asked(engine: Driver, fault: str) -> RequestRecord:
    with SimulatorProcess.start(fault=fault) as simulator:
        (record,) = await engine.run(engine.spec(simulator.base_url))
    return record


async def test_the_input_of_a_tool_counts_as_content(engine: Driver) -> None:
    record = await asked(engine, "tool-use")
    assert record.status is Status.DONE
    kinds = [kind for kind, _ in record.pieces]
    assert kinds == [Kind.TEXT] * 5 + [Kind.OTHER] * 16
    assert "weather" in record.text(Kind.OTHER)
    timeline = record.timeline
    assert timeline.sent_ns is not None
    assert record.total_ns == timeline.content_ns[-1] - timeline.sent_ns
    assert record.otps == pytest.approx((TOKENS - 1) * 1e9 / (timeline.content_ns[-1] - timeline.content_ns[0]))


async def test_an_answer_of_a_tool_alone_has_figures_but_no_first_text(engine: Driver) -> None:
    record = await asked(engine, "tool-use-only")
    fields = finished_fields(record)
    assert fields["ttft_ms"] is not None
    assert fields["ttlt_ms"] is not None
    assert fields["otps"] is not None
    assert fields["ttfo_ms"] is None
    assert record.text() == ""


async def test_content_of_an_unknown_type_counts(engine: Driver) -> None:
    record = await asked(engine, "unknown-blocks")
    assert record.status is Status.DONE
    assert [kind for kind, _ in record.pieces] == [Kind.TEXT] * 5 + [Kind.OTHER] * 15


async def test_a_refusal_is_a_state_and_in_no_statistic(engine: Driver) -> None:
    record = await asked(engine, "refusal")
    assert (record.status, record.state) == (Status.REFUSED, State.REFUSED)
    assert record.failure is None
    assert any(EXPLANATION in remark for remark in remarks(record))
    fields = finished_fields(record)
    assert fields["status"] == "refused"
    assert (fields["ttlt_ms"], fields["otps"]) == (None, None)
    found = observe(record)
    assert found is not None
    assert (found.failed, found.answered, found.ttft_ns) == (False, False, None)
    assert any("1 of 1 request refused" in remark for remark in remarks_on("lane", [found]))


async def test_an_answer_that_ends_with_the_context_is_cut(engine: Driver) -> None:
    record = await asked(engine, "context-window")
    assert record.status is Status.TRUNCATED
    assert any("context" in remark for remark in remarks(record))
    found = observe(record)
    assert found is not None
    assert any("1 of 1 answer cut" in remark for remark in remarks_on("lane", [found]))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("pause-turn", "pause_turn"),
        ("other-model", OTHER_MODEL),
        ("zero-usage", "0 output tokens"),
        ("excess-usage", "max_tokens"),
        ("withheld-thinking", "Thinking was withheld"),
        ("server-cache", "bust_cache"),
    ],
)
async def test_what_a_reader_has_to_know_is_said(engine: Driver, fault: str, said: str) -> None:
    record = await asked(engine, fault)
    (remark,) = remarks(record)
    assert said in remark
    assert finished_fields(record)["remarks"] == (remark,)
    if fault in ("zero-usage", "excess-usage"):
        assert (finished_fields(record)["otps"], finished_fields(record)["tpot_ms"]) == (None, None)


async def test_thinking_that_was_withheld_enters_no_speed(engine: Driver) -> None:
    record = await asked(engine, "redacted-thinking")
    assert record.output_tokens == TOKENS + HIDDEN_TOKENS
    stamps = record.timeline.content_ns
    assert record.otps == pytest.approx((TOKENS - 1) * 1e9 / (stamps[-1] - stamps[0]))
    assert remarks(record) == ()
    unknown = await asked(engine, "withheld-thinking")
    assert (unknown.otps, finished_fields(unknown)["tpot_ms"]) == (None, None)


async def test_a_usual_answer_needs_no_remark(engine: Driver) -> None:
    with SimulatorProcess.start() as simulator:
        (record,) = await engine.run(engine.spec(simulator.base_url))
    assert remarks(record) == ()
    assert record.answered_by == record.spec.model


async def test_content_that_comes_before_the_request_is_sent_has_no_times(engine: Driver) -> None:
    event = b"event: message_start\ndata: %s\n\n" % (
        b'{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"sim-fast",'
        b'"content":[],"usage":{"input_tokens":1,"output_tokens":1}}}'
    )
    for data in (
        b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"early"}}',
        b'{"type":"content_block_stop","index":0}',
        b'{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}',
        b'{"type":"message_stop"}',
    ):
        event += b"event: x\ndata: " + data + b"\n\n"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n" % len(event)
    served: list[asyncio.Task[None] | None] = []

    async def answer_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        writer.write(head + b"connection: close\r\n\r\n" + event)
        await writer.drain()
        while await reader.read(1 << 16):
            pass
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer_at_once, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        # More than the sockets hold: the last byte leaves after the answer has come.
        (record,) = await engine.run(engine.spec(f"http://127.0.0.1:{port}", user="word " * 3_000_000))
        await asyncio.gather(*filter(None, served))
    assert record.status is Status.DONE
    fields = finished_fields(record)
    assert [fields[name] for name in ("ttft_ms", "ttfo_ms", "ttlt_ms")] == [None] * 3
    (remark,) = remarks(record)
    assert "before the request was sent" in remark


@pytest.mark.parametrize(("fault", "held"), [("buffered", Held.AT_ONCE), ("bursts", Held.IN_BURSTS)])
async def test_an_answer_that_was_held_back_says_so_and_has_no_speed(engine: Driver, fault: str, held: Held) -> None:
    with SimulatorProcess.start(fault=fault) as simulator:
        (record,) = await engine.run(engine.spec(simulator.base_url, "sim-steady", max_tokens=60))
    assert record.status in (Status.DONE, Status.TRUNCATED)
    assert record.instrument is not None
    late_ns = record.instrument.delay_max_ns
    if late_ns is None or late_ns > 10_000_000:
        assert record.held_back in (held, None)  # this machine was too busy to tell
        return
    assert record.held_back is held
    fields = finished_fields(record)
    assert (fields["otps"], fields["tpot_ms"], fields["itl_ms"]) == (None, None, None)
    assert fields["ttft_ms"] is not None
    assert fields["held_back"] == held.value
    assert (fields["bursts"] == 1) == (held is Held.AT_ONCE)
    assert any("Held back" in remark for remark in remarks(record))
    found = observe(record)
    assert found is not None
    assert (found.otps, found.tpot_ns, len(found.gaps_ns)) == (None, None, 0)
    assert any("1 of 1 answer held back" in remark for remark in remarks_on("lane", [found]))


async def test_an_answer_that_was_not_held_back_has_all_figures(engine: Driver) -> None:
    with SimulatorProcess.start() as simulator:
        (record,) = await engine.run(engine.spec(simulator.base_url, "sim-steady", max_tokens=60))
    assert record.held_back in (Held.NO, None)
    fields = finished_fields(record)
    assert None not in (fields["otps"], fields["tpot_ms"], fields["itl_ms"], fields["bursts"])
    assert not any("Held back" in remark for remark in remarks(record))


@pytest.mark.parametrize(
    ("models", "named"),
    [
        (["claude-opus-5-5", "claude-haiku-4-5", "us.anthropic.claude-opus-5"], None),
        (["claude-opus-5-5", "meta-llama/Llama-3.3-70b"], "(claude, llama)"),
        (["gpt-9", "gemini-4", "grok-5", "qwen3", "claude-opus-5-5"], "(claude, gemini, gpt, grok, …)"),
        (["3-of-a-kind", "claude-opus-5-5"], "(claude)"),
    ],
)
async def test_tokens_of_different_families_are_not_compared(models: list[str], named: str | None) -> None:
    found = tokens_differ(models)
    assert bool(found) is (named is not None)
    assert all(named in sentence for sentence in found if named)


async def test_ttft_is_upload_network_and_server(engine: Driver) -> None:
    with SimulatorProcess.start() as simulator:
        for _ in range(2):  # a new connection, and one that is used again
            (record,) = await engine.run(engine.spec(simulator.base_url, "sim-steady", max_tokens=5))
            fields = finished_fields(record)
            if record.network is None:
                assert fields["server_ms"] is None
                pytest.skip("the kernel of this machine says nothing of the network")
            parts = [fields[name] for name in ("upload_ms", "network_ms", "server_ms")]
            assert None not in parts
            assert sum(parts) == pytest.approx(fields["ttft_ms"])
            # The model takes 200 ms; loopback takes next to nothing.
            assert fields["server_ms"] > 190
            assert fields["network_ms"] < 5
            assert not record.network.to_proxy
