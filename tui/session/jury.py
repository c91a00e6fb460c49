"""Jury of a session: the requests by which models judge answers.

They are sent when nothing that is measured is in flight, and their times are kept nowhere.
"""

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

from tui.core.checks import AnswerCheck, CheckFinding
from tui.core.engine_events import EngineFailed
from tui.core.events import Answered, Event, Failure, FailureKind, RequestEnded
from tui.core.judging import finding_of, in_words, judge_request
from tui.core.plan import Plan, RequestSpec
from tui.core.record import RequestRecord
from tui.engine.protocol import Ask

if TYPE_CHECKING:
    from tui.session.session import Session

_AT_ONCE = 4
ANSWER_WITHIN_S = 40.0
"""Longest wait for the engine to say how a question ended: it gives one up before that."""
_CANCELLED = "it was cancelled"


class Jury:
    """Asks models for their verdicts, as far as the budget allows."""

    def __init__(self, session: "Session") -> None:
        """`session` is the one whose engine asks, and whose spending has the cost."""
        self._session = session
        self._open: dict[int, tuple[RequestSpec, asyncio.Future[Answered]]] = {}
        """Questions whose end the engine has not reported, also of those that nobody waits for any more."""
        self._tasks: dict[asyncio.Task[CheckFinding], int] = {}
        """Each with the id of the request whose answer it has judged."""
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._quiet = asyncio.Event()
        """Set while nothing is in flight that a question could disturb."""
        self._over: set[int] = set()
        """Ids of requests under way whose end was reported."""
        self._cancelled: set[int] = set()
        self._why = ""
        """The reason for which nothing more is asked."""
        self._number = 0
        self._without_schema: set[tuple[str, str]] = set()
        """Endpoints and models that refuse the schema."""

    def answer(self, events: list[Event]) -> list[Event]:
        """Take the answers out of a batch, and see what is still in flight; returns the other events."""
        for event in events:
            if isinstance(event, Answered):
                self._answer(event)
            elif isinstance(event, EngineFailed) and not event.host:
                for number in tuple(self._open):
                    self._answer(_unanswered(number, "the engine has ended"))
        if ended := {event.request_id for event in events if isinstance(event, RequestEnded)}:
            under_way = {each.spec.request_id for each in self._session.live.records if each.state.in_flight}
            self._over = (self._over | ended) & under_way
            (self._quiet.set if under_way <= self._over else self._quiet.clear)()
        return [event for event in events if not isinstance(event, Answered)]

    async def finding(self, record: RequestRecord, check: AnswerCheck, text: str) -> CheckFinding:
        """Have one answer judged, as soon as nothing that is measured is in flight."""
        number = record.spec.request_id
        if why := self._stopped(number):
            return _unjudged(why)
        task = asyncio.create_task(self._finding(record, check, text))
        self._tasks[task] = number
        try:
            await asyncio.wait([task])
        finally:
            del self._tasks[task]
            task.cancel()  # this one was cancelled, if it is not over
        return _unjudged(self._stopped(number)) if task.cancelled() else task.result()

    def _stopped(self, number: int) -> str:
        """The reason for which nothing more is asked about the answer to this request; empty without one."""
        return self._why or (_CANCELLED if number in self._cancelled else "")

    def cancel(self, request_ids: Collection[int]) -> None:
        """Ask nothing more about the answers to these requests, and end what is asked."""
        self._cancelled.update(request_ids)
        for task, number in self._tasks.items():
            if number in request_ids:
                task.cancel()

    def end(self) -> None:
        """Ask nothing more at all."""
        self._why = "the program ended before that"
        for task in self._tasks:
            task.cancel()

    async def _finding(self, record: RequestRecord, check: AnswerCheck, text: str) -> CheckFinding:
        session = self._session
        plan = self._plan_of(record)
        if plan is None:
            return _unjudged("answers of a load and of a sweep are judged by no model")
        await self._quiet.wait()
        async with self._room:
            self._number += 1
            spec = judge_request(check, text, plan, session.live.spending.models, self._number)
            in_flight = [each for each, _ in self._open.values()]
            if (refusal := session.preview.refusal(plan.budget, [*in_flight, spec])) is not None:
                return _unjudged(refusal.removeprefix("Nothing was sent: ").removesuffix("."))
            answerer = (spec.endpoint.base_url, spec.model)
            answered = await self._ask(in_words(spec) if answerer in self._without_schema else spec)
            if answerer not in self._without_schema and _is_refused(answered):
                self._number += 1
                answered = await self._ask(msgspec.structs.replace(in_words(spec), request_id=-self._number))
                if answered.failure is None:
                    self._without_schema.add(answerer)
        return finding_of(check, spec, answered)

    async def _ask(self, spec: RequestSpec) -> Answered:
        engines, number = self._session.children.engines, spec.request_id
        if not engines.is_ready(""):
            return _unanswered(number, "the engine has ended")
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._open[number] = spec, answer
        engines.ask_aside(Ask(request=spec))
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await answer
        except TimeoutError:
            return _unanswered(number, f"it took more than {ANSWER_WITHIN_S:g} s")
        finally:
            if number in self._open:
                engines.stop_asking((number,))

    def _answer(self, event: Answered) -> None:
        if event.ask_id not in self._open:
            return
        spec, answer = self._open.pop(event.ask_id)
        self._session.live.spending.add_judge(spec, event.usage, complete=event.failure is None)
        if not answer.done():
            answer.set_result(event)

    def _plan_of(self, record: RequestRecord) -> Plan | None:
        """The plan of the run that a request belongs to; None where nobody has reckoned with the cost of a judge."""
        live = self._session.live
        if live.load is not None and any(each is record for each in live.load.records):
            return None
        if live.series is not None and live.series.sweep is not None:
            return None
        return next((lane.plan for lane in live.lanes if lane.label == record.spec.target), None)


def _is_refused(answered: Answered) -> bool:
    """True where the server may have refused the schema, and nothing was spent."""
    return answered.failure is not None and answered.failure.kind is FailureKind.BAD_REQUEST


def _unjudged(why: str) -> CheckFinding:
    return CheckFinding(kind="judge", reason=why)


def _unanswered(number: int, why: str) -> Answered:
    return Answered(ask_id=number, failure=Failure(kind=FailureKind.ENGINE, message=why))
