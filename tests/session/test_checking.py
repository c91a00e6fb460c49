"""Judging of answers: nothing that an answer, a pattern or a program does holds a run up beyond its limit."""

import asyncio
import contextlib
import os
import random
import select
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tui.core.checks import AnswerCheck, CheckFinding, JudgedAnswer
from tui.core.events import AnswerChecked, Content, Event, Kind, RequestEnded, RunEnded, Status
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.session.checking import AnswerJudge, CheckGate

pytestmark = pytest.mark.process

HANGS = AnswerCheck(regex="(a+)+$")
FAST = AnswerCheck(contains="a")
LONG = JudgedAnswer(text="a" * 60 + "b")


@pytest.fixture
async def judge() -> AsyncIterator[AnswerJudge]:
    judge = AnswerJudge(within_s=1.0, command_within_s=20.0)
    yield judge
    await judge.close()


def program(code: str) -> AnswerCheck:
    return AnswerCheck(command=(sys.executable, "-c", code))


def has_ended(pid: int) -> bool:
    """Wait for a process that was killed: nobody here is its parent."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        return bool(select.select([handle], [], [], 60)[0])
    return True


async def one(judge: AnswerJudge, check: AnswerCheck, text: str = "an answer") -> CheckFinding:
    (found,) = await judge.findings([check], JudgedAnswer(text=text), Status.DONE)
    return found


async def test_a_pattern_that_hangs_is_ended_and_the_next_check_is_judged(judge: AnswerJudge) -> None:
    hung, judged = await judge.findings([HANGS, FAST], LONG, Status.DONE)
    assert (hung.passed, hung.reason) == (None, "it cannot be judged: it took more than 1 s")
    assert judged.passed is True


@pytest.mark.parametrize("status", [Status.TRUNCATED, Status.REFUSED, Status.FAILED])
async def test_an_answer_that_did_not_end_well_does_not_pass(judge: AnswerJudge, status: Status) -> None:
    (found,) = await judge.findings([FAST], LONG, status)
    assert (found.kind, found.passed) == ("answer", False)


async def test_a_program_reads_the_answer_and_its_status_decides(judge: AnswerJudge) -> None:
    reads = program("import sys; sys.exit(sys.stdin.read() != 'an answer')")
    assert (await one(judge, reads)).passed is True
    found = await one(judge, reads, "another")
    assert (found.passed, found.reason) == (False, "exit status 1")


async def test_what_a_program_says_is_cut_and_clean(judge: AnswerJudge) -> None:
    found = await one(judge, program("print('\\x1b[31mred' * 300000); raise SystemExit(3)"))
    assert found.passed is False
    assert len(found.reason) < 300
    assert found.reason.isprintable()


async def test_a_program_need_not_read_its_input(judge: AnswerJudge) -> None:
    assert (await one(judge, program("pass"), "x" * 3_000_000)).passed is True


async def test_a_program_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    judge, pid = AnswerJudge(command_within_s=3.0), tmp_path / "pid"
    code = f"sleep 600 & echo $! > {pid}; wait"
    found = await one(judge, AnswerCheck(command=("sh", "-c", code)))
    assert (found.passed, found.reason) == (None, "it took more than 3 s")
    assert await asyncio.to_thread(has_ended, int(pid.read_text()))


async def test_a_program_that_is_not_there_is_not_judged(judge: AnswerJudge) -> None:
    found = await one(judge, AnswerCheck(command=("no-such-program",)))
    assert (found.passed, found.reason) == (None, "it cannot be judged: No such file or directory")


async def test_a_program_gets_no_key(judge: AnswerJudge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "not-for-others")
    monkeypatch.setenv("HARMLESS", "there")
    found = await one(judge, program("import os; print(os.environ.get('ANTHROPIC_API_KEY'), os.environ['HARMLESS'])"))
    assert found.reason == "exit status 0: None there"


async def test_a_judge_that_was_killed_is_started_again(judge: AnswerJudge) -> None:
    assert (await one(judge, FAST)).passed is True
    process = judge._process
    assert process is not None
    os.kill(process.pid, 9)
    await process.wait()
    assert (await one(judge, FAST)).passed is True


async def test_any_answer_is_judged(judge: AnswerJudge) -> None:
    chance = random.Random(16)
    odd = [
        "",
        "\0",
        "\ud800",
        "\n" * 5000,
        "}{" * 5000,
        "\x1b]52;c;aGk=\x07",
        '{"a": 1e999999}',
        "9" * 9999,
    ]
    texts = odd + [
        "".join(chr(chance.choice([chance.randrange(128), chance.randrange(0x110000)])) for _ in range(300))
        for _ in range(60)
    ]
    checks = [FAST, AnswerCheck(json=True), AnswerCheck(regex="x*$"), AnswerCheck(similar="a b"), AnswerCheck()]
    for text in texts:
        found = await judge.findings(checks, JudgedAnswer(text=text), Status.DONE)
        assert [each.passed in (True, False) for each in found] == [True] * 4 + [False], repr(text[:80])
        assert all(each.reason.isprintable() for each in found)


# The gate


def record(number: int, *checks: AnswerCheck) -> RequestRecord:
    return RequestRecord(
        spec=RequestSpec(
            request_id=number,
            target="t",
            model="m",
            endpoint=Endpoint(name="e", base_url="http://127.0.0.1:1"),
            prompt=Prompt(user="x", checks=checks),
            parameters=Parameters(max_tokens=9),
            timeouts=Timeouts(),
        )
    )


def ended(number: int, status: Status = Status.DONE) -> RequestEnded:
    return RequestEnded(request_id=number, t_ns=5, status=status)


class Delivered:
    """A gate, and what it delivers, folded into the records."""

    def __init__(self, *records: RequestRecord) -> None:
        self.records = {each.spec.request_id: each for each in records}
        self.events: list[Event] = []
        self.gate = CheckGate(lambda: list(self.records.values()), self._take)

    def _take(self, events: list[Event]) -> None:
        self.events += events
        for event in events:
            if (found := self.records.get(getattr(event, "request_id", -1))) is not None:
                found.apply(event)

    @property
    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


async def test_the_end_of_a_run_waits_for_the_verdict_and_content_does_not() -> None:
    found = Delivered(record(1, FAST), record(2))
    word = Content(request_id=1, kind=Kind.TEXT, texts=["an answer"], t_ns=[1])
    found.gate.add([word, ended(1)])
    found.gate.add([Content(request_id=2, kind=Kind.TEXT, texts=["x"], t_ns=[2]), ended(2)])
    found.gate.add([RunEnded(run_id=1, t_ns=9)])
    assert found.names == ["Content", "Content", "RequestEnded"]
    await found.gate.close()
    assert found.names[3:] == ["AnswerChecked", "RequestEnded", "RunEnded"]
    assert found.records[1].passed is True
    assert found.records[2].passed is None


async def test_a_request_that_was_cancelled_is_not_judged() -> None:
    found = Delivered(record(1, FAST))
    found.gate.add([ended(1, Status.CANCELLED), RunEnded(run_id=1, t_ns=9)])
    assert found.names == ["RequestEnded", "RunEnded"]
    assert not any(isinstance(event, AnswerChecked) for event in found.events)
    await found.gate.close()


async def test_the_end_of_the_program_does_not_wait_for_a_program_that_judges_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.session.checking._LEAVE_WITHIN_S", 0.05)
    found = Delivered(record(1, AnswerCheck(command=("sleep", "600"))))
    found.gate.add([ended(1), RunEnded(run_id=1, t_ns=9)])
    await asyncio.wait_for(found.gate.close(), 25)
    assert found.names == ["AnswerChecked", "RequestEnded", "RunEnded"]
    assert found.records[1].passed is None


async def test_what_is_pending_when_the_program_is_killed_is_marked_as_not_judged() -> None:
    asked = record(1, HANGS, FAST)
    asked.apply(Content(request_id=1, kind=Kind.TEXT, t_ns=[1], texts=[LONG.text]))
    delivered: list[Event] = []
    gate = CheckGate(lambda: [asked], delivered.extend)
    end, over = RequestEnded(request_id=1, t_ns=2, status=Status.DONE), RunEnded(run_id=1, t_ns=3)
    gate.add([end, over])
    await asyncio.sleep(0)
    assert not delivered
    checked, *rest = gate.kill()
    assert isinstance(checked, AnswerChecked)
    assert [(each.kind, each.passed) for each in checked.findings] == [("regex", None), ("contains", None)]
    assert "not judged: the program ended" in checked.findings[0].reason
    assert rest == [end, over]
    assert gate.kill() == []
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
