"""Judging of answers as requests end: in a process that is killed when a check takes too long, or by a program.

Neither a pattern nor a program can hold the screen or a run up for longer than its limit, and a run ends when all of
its answers are judged. What streams meanwhile passes at once.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Collection, Sequence

import msgspec

from tui import child
from tui.core.checks import AnswerCheck, CheckFinding, JudgedAnswer, judge
from tui.core.events import AnswerChecked, Event, RequestEnded, Status
from tui.core.record import RequestRecord
from tui.core.sanitize import clean
from tui.secret_names import without_secrets
from tui.session.jury import Jury

CHECK_WITHIN_S = 5.0
"""Longest that a check without a program may take; the start of the process that judges is not counted."""
COMMAND_WITHIN_S = 30.0
_START_WITHIN_S = 30.0
_LEAVE_WITHIN_S = 10.0
"""Longest that an orderly end waits for judgements: less than a program with a signal has to end in."""
_MOST_OUTPUT = 4096
"""Bytes of a program's output that are kept for the reason."""
_MOST_LINE = 1 << 20
_ENDED_OTHERWISE = {
    Status.TRUNCATED: "it was cut off",
    Status.REFUSED: "it was refused",
    Status.FAILED: "there is no whole answer",
}
"""Endings with which no answer passes."""


_Asking = Callable[[AnswerCheck, str], Awaitable[CheckFinding]]
"""Asks a model about an answer."""


class Question(msgspec.Struct, frozen=True):
    """One line to the process that judges."""

    check: AnswerCheck
    answer: JudgedAnswer


class CheckGate:
    """Holds the ends of requests back until their answers are judged; everything else passes at once."""

    def __init__(
        self,
        records: Callable[[], Sequence[RequestRecord]],
        deliver: Callable[[list[Event]], None],
        jury: Jury | None = None,
    ) -> None:
        """`records` are the requests under way, each with all that was delivered of it. `jury` asks models."""
        self._jury = jury
        self._records = records
        self._deliver = deliver
        self._held: list[tuple[Event, asyncio.Task[tuple[CheckFinding, ...]] | None]] = []
        self._judge = AnswerJudge()

    def add(self, events: list[Event]) -> None:
        """Deliver a batch; what ends a request whose answer is judged, and what is over after it, as soon as may be."""
        if self._jury is not None:
            events = self._jury.answer(events)
        passing: list[Event] = []
        held: list[Event] = []
        for event in events:
            is_held = bool(self._held or held) and not hasattr(event, "request_id")
            (held if is_held or self._is_judged(event) else passing).append(event)
        if passing:
            self._deliver(passing)
        for event in held:
            self._held.append((event, task := self._task(event)))
            if task is not None and (record := self._record_of(event)) is not None:
                record.is_judged = True

    def cancel(self, request_ids: Collection[int]) -> None:
        """Ask no model about the answers to these requests any more."""
        if self._jury is not None:
            self._jury.cancel(request_ids)

    async def close(self) -> None:
        """Deliver what is held, and end the process that judges. What takes too long ends unjudged."""
        if self._jury is not None:
            self._jury.end()
        if tasks := [task for _, task in self._held if task is not None]:
            _, late = await asyncio.wait(tasks, timeout=_LEAVE_WITHIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._release()
        await self._judge.close()

    def kill(self) -> list[Event]:
        """End the process that judges, at once; returns what was held, with the answers marked as not judged."""
        self._judge.kill()
        held, self._held = self._held, []
        events = [each for event, task in held for each in self._ended(event, task)]
        with contextlib.suppress(RuntimeError):  # the loop may be over already
            for _, task in held:
                if task is not None:
                    task.cancel()
        return events

    def _record_of(self, event: Event) -> RequestRecord | None:
        number = event.request_id if isinstance(event, RequestEnded) else None
        return next((each for each in self._records() if each.spec.request_id == number), None)

    def _is_judged(self, event: Event) -> bool:
        record = self._record_of(event)
        if record is None or not isinstance(event, RequestEnded) or record.spec.warms_cache:
            return False
        if event.kept is not None and event.kept.calls:
            return False  # it goes on with the results of tools: that answer is judged
        return bool(record.spec.prompt.checks) and event.status not in (Status.CANCELLED, Status.INTERRUPTED)

    def _task(self, event: Event) -> "asyncio.Task[tuple[CheckFinding, ...]] | None":
        record = self._record_of(event)
        if record is None or not isinstance(event, RequestEnded):
            return None
        answer = JudgedAnswer(text=record.text(), output_tokens=record.usage.output_tokens)
        task = asyncio.get_running_loop().create_task(
            self._judge.findings(
                record.spec.prompt.checks, answer, event.status, lambda check, text: self._ask(record, check, text)
            )
        )
        task.add_done_callback(lambda _task: self._release())
        return task

    async def _ask(self, record: RequestRecord, check: AnswerCheck, text: str) -> CheckFinding:
        return _nobody_asked() if self._jury is None else await self._jury.finding(record, check, text)

    def _release(self) -> None:
        ready: list[Event] = []
        held, self._held = self._held, []
        for event, task in held:
            # Nothing but what is over for all of them waits for the others.
            if (task is None or task.done()) and (hasattr(event, "request_id") or not self._held):
                ready += self._ended(event, task)
            else:
                self._held.append((event, task))
        if ready:
            self._deliver(ready)

    def _ended(self, event: Event, task: "asyncio.Task[tuple[CheckFinding, ...]] | None") -> list[Event]:
        """The end of a request behind its findings: those that were made, else that the program did not wait."""
        record = self._record_of(event)
        if task is None or record is None or not isinstance(event, RequestEnded):
            return [event]
        if task.done() and not task.cancelled():
            findings = task.result()
        else:
            unjudged = "it was not judged: the program ended before that"
            findings = tuple(CheckFinding(kind=each.kind, reason=unjudged) for each in record.spec.prompt.checks)
        return [AnswerChecked(request_id=event.request_id, findings=findings), event]


class AnswerJudge:
    """Judges answers, one after the other, each check within its limit."""

    def __init__(self, within_s: float = CHECK_WITHIN_S, command_within_s: float = COMMAND_WITHIN_S) -> None:
        self._within_s = within_s
        self._command_within_s = command_within_s
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._programs = asyncio.Semaphore(2)

    async def findings(
        self, checks: Sequence[AnswerCheck], answer: JudgedAnswer, status: Status, ask: _Asking | None = None
    ) -> tuple[CheckFinding, ...]:
        """The findings of all checks of one answer; one that did not end well has that finding alone.

        `ask` asks a model, where a check wants that.
        """
        if (why := _ENDED_OTHERWISE.get(status)) is not None:
            return (CheckFinding(kind="answer", passed=False, reason=why),)
        # Half of a character can come from a server, and cannot be written.
        text = answer.text.encode("utf-8", "replace").decode()
        answer = msgspec.structs.replace(answer, text=text)
        return tuple([await self._finding(check, answer, ask) for check in checks])

    async def _finding(self, check: AnswerCheck, answer: JudgedAnswer, ask: _Asking | None) -> CheckFinding:
        try:
            if check.judge is not None:
                found = await ask(check, answer.text) if ask is not None else _nobody_asked()
            elif check.command is not None:
                async with self._programs:
                    found = await self._ran(check.command, answer)
            else:
                async with self._turn:
                    found = await self._judged(check, answer)
        except (OSError, ValueError) as error:
            found = CheckFinding(kind=check.kind, reason=f"it cannot be judged: {getattr(error, 'strerror', error)}")
        return msgspec.structs.replace(found, reason=clean(found.reason))

    async def _judged(self, check: AnswerCheck, answer: JudgedAnswer) -> CheckFinding:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._within_s):
                process.stdin.write(msgspec.json.encode(Question(check, answer)) + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
            if line:
                return msgspec.json.decode(line, type=CheckFinding)
            why = "the process that judges has ended"
        except TimeoutError:
            why = f"it took more than {self._within_s:g} s"
        except ConnectionError:
            why = "the process that judges has ended"
        await self.close()
        return CheckFinding(kind=check.kind, reason=f"it cannot be judged: {why}")

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *child.own_command("judge"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                limit=_MOST_LINE,
            )
            assert self._process.stdout is not None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_START_WITHIN_S):
                    await self._process.stdout.readline()
        return self._process

    async def _ran(self, command: Sequence[str], answer: JudgedAnswer) -> CheckFinding:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=without_secrets(),
        )
        writing = asyncio.create_task(_write(process, answer.text.encode()))
        try:
            async with asyncio.timeout(self._command_within_s):
                output = await _read(process)
                status = await process.wait()
                await writing
        except TimeoutError:
            return CheckFinding(kind="command", reason=f"it took more than {self._command_within_s:g} s")
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            writing.cancel()
            # Its pipes are closed with it, while there is a loop to do so.
            await process.wait()
        said = " ".join(output.decode("utf-8", "replace").split())[:200]
        how = f"it was ended by signal {-status}" if status < 0 else f"exit status {status}"
        return CheckFinding(kind="command", passed=status == 0, reason=f"{how}: {said}" if said else how)

    async def close(self) -> None:
        """End the process that judges."""
        process = self._process
        self.kill()
        if process is not None:
            await process.wait()

    def kill(self) -> None:
        """End the process that judges, at once; the next answer starts another."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def _nobody_asked() -> CheckFinding:
    return CheckFinding(kind="judge", reason="no model was asked")


async def _write(process: asyncio.subprocess.Process, data: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):  # a program need not read its input
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


async def _read(process: asyncio.subprocess.Process) -> bytes:
    """The beginning of the output; the rest is read and thrown away, so that the program can go on."""
    assert process.stdout is not None
    kept = b""
    while data := await process.stdout.read(_MOST_OUTPUT):
        kept += data[: _MOST_OUTPUT - len(kept)]
    return kept


def main() -> int:
    """Judge what comes as lines on standard input, until that ends."""
    out = sys.stdout.buffer
    out.write(b"ready\n")
    out.flush()
    for line in sys.stdin.buffer:
        asked = msgspec.json.decode(line, type=Question)
        out.write(msgspec.json.encode(judge(asked.check, asked.answer)) + b"\n")
        out.flush()
    return 0
