"""Conversations through a real session, engine and simulator, on all three wires: turns, tools, ends and costs."""

import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from attached_files import pdf, png
from waiting import in_time

from tui.core.attachment import attachment_of
from tui.core.checks import AnswerCheck
from tui.core.events import FailureKind, Status
from tui.core.grouping import measured_in
from tui.core.parameters import Parameters
from tui.core.plan import Budget, Plan
from tui.core.prompt import Conversation, Prompt, Turn
from tui.core.record import RequestRecord
from tui.core.run import StoredRun
from tui.core.series import Ending, SeriesSettings
from tui.core.target import Endpoint, Target
from tui.engine.wires.messages.request_body import body
from tui.session.conversation import ConversationPlayer, Followed
from tui.session.forecast import forecast
from tui.session.session import Session
from tui.simulator.process import SimulatorProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAST, PRICED = "sim-fast", "claude-haiku-5-5"
SCHEMA = {"type": "object", "properties": {"town": {"type": "string"}}}
TOOLS: dict[str, list[dict[str, Any]]] = {
    "anthropic": [{"name": "weather", "input_schema": SCHEMA}],
    "openai": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}],
    "openai-responses": [{"type": "function", "name": "weather", "parameters": SCHEMA}],
}
TALK = Prompt(
    turns=(
        Turn(role="user", text="Name a town in one sentence."),
        Turn(role="assistant", text="This is never sent."),
        Turn(role="user", text="Call weather for it."),
    ),
    user="Thank you. Be brief.",
    checks=(AnswerCheck(not_contains="never sent"),),
)
PLAYED = Conversation(play=True, results={"weather": "12 degrees"})


class Played(Session):
    """A session that keeps every run."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.runs: list[StoredRun] = []
        self.on_problem = self.said.append
        self.on_run_over = self.runs.append

    async def play(self, plan: Plan) -> list[RequestRecord]:
        """The requests of one conversation, in order."""
        self.said.clear()
        self.runs.clear()
        self.show(plan)
        assert self.run(plan)
        async with in_time("the end of the conversation", lambda: str(self.said)):
            await self.run_over()
        return [record for run in self.runs for record in run.requests]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess.start() as process:
        yield process


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def session() -> AsyncIterator[Played]:
    played = Played()
    await played.connect()
    yield played
    await played.close()


def plan_at(simulator: SimulatorProcess, *kinds: str, **changes: Any) -> Plan:
    """A plan with a target at each of the simulator's protocols."""
    endpoints = tuple(
        Endpoint(
            name=kind,
            base_url=simulator.base_url + ("" if kind == "anthropic" else "/v1"),
            kind=kind,  # type: ignore[arg-type]
            simulated=True,
        )
        for kind in kinds
    )
    targets = tuple(
        Target(model=FAST, name=kind, endpoint=kind, parameters=Parameters(extra={"tools": TOOLS[kind]}))
        for kind in kinds
    )
    plan = Plan(
        prompt=TALK,
        parameters=Parameters(max_tokens=200),
        targets=targets,
        endpoints=endpoints,
        default_endpoint=kinds[0],
        conversation=PLAYED,
    )
    return msgspec.structs.replace(plan, **changes)


async def test_turns_are_played_on_every_wire_and_tools_get_their_results(
    session: Played, simulator: SimulatorProcess
) -> None:
    records = await session.play(plan_at(simulator, *TOOLS))
    assert session.said == []
    for kind in TOOLS:
        own = [record for record in records if record.spec.target == kind]
        assert [(record.spec.turn, record.spec.call) for record in own] == [(1, 0), (2, 0), (2, 1), (3, 0)], kind
        assert all(record.complete and record.ttft_ns for record in own), kind
        lengths = [record.usage.prompt_tokens or 0 for record in own]
        assert lengths == sorted(set(lengths)), f"{kind}: the transcript grows"
        first, *_, last = own
        said = [turn.text for turn in last.spec.prompt.turns]
        assert said[:2] == ["Name a town in one sentence.", first.text()]
        assert "12 degrees" in said
        assert "This is never sent." not in said
        assert [record.passed for record in own] == [None, None, None, True]


async def test_a_conversation_is_one_entry_of_runs_that_share_a_series(
    session: Played, simulator: SimulatorProcess
) -> None:
    await session.play(plan_at(simulator, "anthropic"))
    assert [run.info.turn for run in session.runs] == [1, 2, 2, 3]
    (series,) = {run.info.series for run in session.runs}
    assert series is not None


async def test_answers_in_one_piece_go_on_as_well(session: Played, simulator: SimulatorProcess) -> None:
    plan = plan_at(simulator, *TOOLS, parameters=Parameters(max_tokens=200, stream=False))
    records = await session.play(plan)
    assert session.said == []
    assert len(records) == 4 * len(TOOLS)


async def test_no_figure_mixes_turns(session: Played, simulator: SimulatorProcess) -> None:
    plan = plan_at(simulator, "anthropic", "openai")
    session.runs.clear()
    session.live.clear()
    session.start_series(plan, SeriesSettings(repeats=2, warm_ups=1))
    assert session.series is not None
    async with in_time("the end of the series", lambda: str(session.said)):
        await session.series.over()
    series = session.series.series
    assert (series.ending, series.done) == (Ending.COMPLETE, 2)
    measured = measured_in(session.runs)
    assert {(one.turn, one.call, one.requests) for one in measured} == {(1, 0, 2), (2, 0, 2), (2, 1, 2), (3, 0, 2)}
    assert measured[0].name == "anthropic · turn 1"
    for lane in session.live.lanes:
        assert [(one.turn, one.call) for one in lane.current] == [(3, 0), (3, 0)]
        assert len(lane.all_turns) == 8


async def test_a_tool_without_a_result_ends_that_conversation_and_no_other(
    session: Played, simulator: SimulatorProcess
) -> None:
    without_tool = Target(model=FAST, name="without")
    plan = plan_at(simulator, "anthropic", conversation=Conversation(play=True))
    plan = msgspec.structs.replace(plan, targets=(*plan.targets, without_tool))
    records = await session.play(plan)
    asked = [(record.spec.target, record.spec.turn) for record in records]
    assert asked == [("anthropic", 1), ("without", 1), ("anthropic", 2), ("without", 2), ("without", 3)]
    (said,) = session.said
    assert said.startswith("anthropic: the conversation ended at turn 2 of 3, because the tool weather was called")


async def test_a_failed_turn_ends_it_with_a_sentence(session: Played, simulator: SimulatorProcess) -> None:
    plan = plan_at(simulator, "anthropic", parameters=Parameters(max_tokens=200, effort="low"))
    bad = Target(model="claude-nothing-1", name="bad")
    records = await session.play(msgspec.structs.replace(plan, targets=(bad,)))
    assert [(record.spec.turn, record.status) for record in records] == [(1, Status.FAILED)]
    assert session.said == ["bad: the conversation ended at turn 1 of 3, because that request failed."]


async def test_a_thread_sends_only_what_is_new_and_answers_as_the_transcript_does(
    session: Played, simulator: SimulatorProcess
) -> None:
    plan = plan_at(simulator, "anthropic", parameters=Parameters(max_tokens=200, thread=True))
    records = await session.play(plan)
    assert session.said == []
    assert [record.attempt for record in records] == [1, 1, 1, 1]
    assert records[0].spec.previous_message is None
    for before, record in itertools.pairwise(records):
        assert record.spec.previous_message == before.message_id
        assert len(body(record.spec)["messages"]) == 1
        assert not {"system", "tools"} & body(record.spec).keys()
    lengths = [record.usage.prompt_tokens or 0 for record in records]
    assert lengths == sorted(set(lengths)), "the whole conversation is counted"


async def test_a_thread_that_is_gone_is_said_and_the_transcript_is_sent(
    session: Played, simulator: SimulatorProcess
) -> None:
    class Forgetful(ConversationPlayer):
        def follow(self, ended: Sequence[RequestRecord], first_id: int) -> tuple[list[Followed], list[str]]:
            found, said = super().follow(ended, first_id)
            gone = [(record, msgspec.structs.replace(spec, previous_message="msg_gone")) for record, spec in found]
            return gone, said

    plan = plan_at(simulator, "anthropic", parameters=Parameters(max_tokens=200, thread=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tui.session.session.ConversationPlayer", Forgetful)
        records = await session.play(plan)
    assert all(record.complete for record in records)
    assert [record.attempt for record in records] == [1, 2, 2, 2]
    failure = records[1].earlier[0].failure
    assert failure.kind is FailureKind.THREAD_LOST
    assert "No usable thread was found" in failure.message
    assert "sent again as a whole" in failure.message


async def test_cancelling_ends_it(session: Played, simulator: SimulatorProcess) -> None:
    plan = plan_at(simulator, "anthropic")
    session.runs.clear()
    assert session.run(plan)
    session.cancel_all()
    async with in_time("the end of the run", lambda: str(session.said)):
        await session.run_over()
    assert len(session.runs) == 1


async def test_files_are_sent_on_every_wire_and_counted(
    session: Played, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png(750, 400))
    (tmp_path / "b.pdf").write_bytes(pdf(1))
    paths = [tmp_path / "a.png", tmp_path / "b.pdf"]
    files = {path.name: attachment_of(path.read_bytes(), path.name, str(path)) for path in paths}
    prompt = Prompt(user="What is this?", attach=("a.png", "b.pdf"))
    plan = plan_at(simulator, *TOOLS, prompt=prompt, files=files, conversation=Conversation())
    records = await session.play(plan)
    assert [record.complete for record in records] == [True] * 3, [record.failure for record in records]
    assert all((record.usage.prompt_tokens or 0) > 400 + 3_000 for record in records)
    other = [msgspec.structs.replace(file, sha256="0" * 64) for file in files.values()]
    gone = msgspec.structs.replace(plan, files=dict(zip(files, other, strict=True)), targets=plan.targets[:1])
    (record,) = await session.play(gone)
    assert record.failure is not None
    assert record.failure.message.startswith("Not sent: ")
    assert "is gone or has changed since the plan was read" in record.failure.message


async def test_the_budget_counts_the_growing_transcript(session: Played, simulator: SimulatorProcess) -> None:
    plan = plan_at(simulator, "anthropic", conversation=Conversation(play=True))
    plan = msgspec.structs.replace(plan, targets=(msgspec.structs.replace(plan.targets[0], model=PRICED),))
    played = forecast(session, plan)
    single = forecast(session, msgspec.structs.replace(plan, conversation=Conversation()))
    assert (played.requests, single.requests) == (3, 1)
    assert played.at_most is not None
    assert single.at_most is not None
    assert played.at_most.usd > 3 * single.at_most.usd
    with_tools = forecast(session, msgspec.structs.replace(plan, conversation=PLAYED)).at_most
    assert with_tools is not None
    assert with_tools.usd > 5 * played.at_most.usd
    tight = Budget(plan_usd=2 * single.at_most.usd)
    session.said.clear()
    assert not session.run(msgspec.structs.replace(plan, budget=tight))
    assert "more than the cap" in session.said[0]
