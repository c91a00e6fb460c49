"""Snapshots, and a person's word on one answer: in the history, and in all that the session derives from the answer."""

from pathlib import Path

import msgspec
import pytest

from tui.core.checks import CheckFinding
from tui.core.events import AnswerChecked, Content, Event, Kind, Mark, Marked, RequestEnded, Status
from tui.core.parameters import Parameters
from tui.core.pass_rate import pass_rate
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.target import Endpoint, Target
from tui.history.store import Store
from tui.session.live import LiveState
from tui.session.snapshots import Snapshots
from tui.ui.viewmodel.lane_history import LaneHistory, history_table

PLAN = Plan(
    prompt=Prompt(user="why?"),
    parameters=Parameters(max_tokens=64),
    targets=(Target(model="a"), Target(model="b")),
    endpoints=(Endpoint(name="local", base_url="http://127.0.0.1:1"),),
    default_endpoint="local",
)
UIDS = ["run-1", "run-2"]


def answered(record: RequestRecord, passed: bool) -> list[Event]:
    number, at = record.spec.request_id, record.spec.request_id * 1_000
    return [
        Marked(request_id=number, mark=Mark.SENT, t_ns=at),
        Content(request_id=number, kind=Kind.TEXT, t_ns=[at + 5], texts=["sorry"]),
        AnswerChecked(request_id=number, findings=(CheckFinding(kind="contains", passed=passed, reason="so"),)),
        RequestEnded(request_id=number, t_ns=at + 9, status=Status.DONE),
    ]


class Sitting:
    """Two runs of two lanes, all answers judged as failing; the history is kept in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.live = LiveState()
        self.live.set_targets(PLAN.targets)
        self.said: list[str] = []
        self.runs: list[StoredRun] = []
        for uid in UIDS:
            self.live.start(PLAN)
            for record in self.live.records:
                self.live.apply(answered(record, passed=False))
            info = RunInfo(uid=uid, started_unix_ns=1, app_version="0", sdk_version="")
            self.runs.append(StoredRun(info=info, plan=PLAN, requests=list(self.live.records)))
        with Store(path) as store:
            for run in self.runs:
                store.add(run)
        self.snapshots = Snapshots(self.live, lambda: path, self.said.append)

    async def overrule(self, record: RequestRecord, word: bool | None, uid: str = "") -> None:
        await self.snapshots.overrule(record, word, UIDS, uid)

    def stored(self) -> list[bool | None]:
        with Store(self.path) as store:
            return [record.overruled for uid in UIDS for record in store.run(uid).requests]

    def rate(self, lane: int) -> str:
        found = pass_rate(self.live.lanes[lane].current)
        assert found is not None
        return found.counts


@pytest.fixture
def sitting(tmp_path: Path) -> Sitting:
    return Sitting(tmp_path / "data" / "history.db")


async def test_the_word_counts_in_everything_and_is_kept_and_taken_back(sitting: Sitting) -> None:
    live = sitting.live
    histories = [LaneHistory(lane) for lane in live.lanes]
    await sitting.snapshots.take("pinned", UIDS)
    live.compare_with(live.snapshot("pinned"))
    record = live.lanes[0].record
    assert record is not None
    await sitting.overrule(record, True)
    assert (record.passed, record.checks[0].passed) == (True, False)
    assert [sitting.rate(0), sitting.rate(1)] == ["1 of 2, 1 overruled", "0 of 2"]
    assert [one.overruled for one in live.lanes[0].outcomes] == [False, True]
    assert [history.catch_up() for history in histories] == [True, False]
    table = history_table(histories, 120, lambda text, cells: f"{text:<{cells}}"[:cells], lambda names, _: list(names))
    assert "1 of 2 ✎1" in "\n".join(table.lines)
    assert live.pinned is not None
    kept = [pass_rate(lane.observations) for lane in live.pinned.lanes]
    assert [rate and rate.passed for rate in kept] == [1, 0]
    assert sitting.stored() == [None, None, True, None]
    await sitting.overrule(record, None)
    assert sitting.rate(0) == "0 of 2"
    assert sitting.stored() == [None] * 4
    assert sitting.said == []


async def test_an_answer_of_an_earlier_run_is_found_by_its_run(sitting: Sitting) -> None:
    with Store(sitting.path) as store:
        record = store.run(UIDS[0]).requests[1]
    await sitting.overrule(record, True, UIDS[0])
    assert sitting.stored() == [None, True, None, None]
    assert [sitting.rate(0), sitting.rate(1)] == ["0 of 2", "1 of 2, 1 overruled"]
    shown = sitting.live.lanes[1].record
    assert shown is not None
    assert shown.overruled is None


async def test_what_the_history_does_not_have_holds_for_the_session_and_that_is_said(sitting: Sitting) -> None:
    record = sitting.live.lanes[0].record
    assert record is not None
    with Store(sitting.path) as store:
        store.delete([2])
    await sitting.overrule(record, True)
    assert sitting.rate(0) == "1 of 2, 1 overruled"
    assert "lacks the answer" in sitting.said[0]


async def test_two_answers_of_one_number_are_not_taken_for_each_other(sitting: Sitting) -> None:
    run = sitting.runs[0]
    first = run.requests[0]
    info = msgspec.structs.replace(run.info, uid="crafted")
    with Store(sitting.path) as store:
        store.add(StoredRun(info=info, plan=PLAN, requests=[first, first]))
    await sitting.overrule(first, True, "crafted")
    assert "lacks the answer" in sitting.said[0]


async def test_without_a_history_it_lasts_as_long_as_the_session(sitting: Sitting) -> None:
    record = sitting.live.lanes[0].record
    assert record is not None
    alone = Snapshots(sitting.live, lambda: None, sitting.said.append)
    await alone.overrule(record, True, UIDS)
    assert sitting.rate(0) == "1 of 2, 1 overruled"
    assert sitting.stored() == [None] * 4
