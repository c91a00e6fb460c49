"""Runs and events to store, and helpers that write and read them."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from tui.config.schema import HistorySettings
from tui.core.engine_events import StampSource
from tui.core.events import (
    Content,
    EngineReady,
    Event,
    Failure,
    FailureKind,
    Instrument,
    Kind,
    Mark,
    Marked,
    RequestEnded,
    Responded,
    RunEnded,
    RunStarted,
    Status,
    Usage,
    UsageReported,
)
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.target import Endpoint, Target
from tui.history.recorder import Recorder
from tui.history.store import Store
from tui.history.writer import Begun, Came, Ended, Item, OpenRun, Writer

MS = 1_000_000
SETTINGS = HistorySettings()
DAY_NS = 86_400_000_000_000
_serial = itertools.count(1)


def plan(user: str = "Why?", models: Sequence[str] = ("fast", "slow"), *, simulated: bool = True) -> Plan:
    return Plan(
        prompt=Prompt(system="Be brief.", user=user),
        parameters=Parameters(max_tokens=9, extra={"metadata": {"a": [1, None]}}),
        targets=tuple(Target(model=model) for model in models),
        endpoints=(Endpoint(name="simulator" if simulated else "api", base_url="http://h:1", simulated=simulated),),
        default_endpoint="simulator" if simulated else "api",
    )


def info(*, started: int = 1_000, uid: str | None = None, series: str | None = None) -> RunInfo:
    return RunInfo(
        uid=uid or f"uid-{next(_serial):06}", started_unix_ns=started, app_version="0", sdk_version="", series=series
    )


def beginning(request_id: int) -> list[Event]:
    """A request that is sent and whose first pieces have come."""
    return [
        Marked(request_id=request_id, mark=Mark.QUEUED, t_ns=10**15),
        Marked(request_id=request_id, mark=Mark.SENT, t_ns=10**15 + MS),
        Responded(request_id=request_id, t_ns=10**15 + 2 * MS, http_status=200, api_request_id=f"req_{request_id}"),
        Content(request_id=request_id, kind=Kind.THINKING, t_ns=[10**15 + 5 * MS], texts=["Hm. "]),
        Content(
            request_id=request_id,
            kind=Kind.TEXT,
            t_ns=[10**15 + 7 * MS, 10**15 + 12 * MS + 3],
            texts=["Bécause ", "🦜"],
        ),
    ]


def ending(request_id: int, status: Status = Status.DONE) -> list[Event]:
    """Events that end a request."""
    failure = Failure(kind=FailureKind.OVERLOADED, message="Busy.") if status is Status.FAILED else None
    return [
        UsageReported(request_id=request_id, usage=Usage(input_tokens=5, output_tokens=3)),
        Instrument(request_id=request_id, stamp_source=StampSource.KERNEL, reads=3, delay_p50_ns=900),
        RequestEnded(request_id=request_id, t_ns=10**15 + 20 * MS, status=status, failure=failure),
    ]


def started(run_id: int, requests: tuple[int, ...]) -> list[Event]:
    """The engine takes a run."""
    return [
        EngineReady(pid=1, sdk_version="2.12"),
        RunStarted(run_id=run_id, t_ns=10**15, unix_ns=5_000, request_ids=requests),
    ]


def over(run_id: int) -> list[Event]:
    """The run is over."""
    return [RunEnded(run_id=run_id, t_ns=10**15 + 21 * MS, send_spread_ns=77)]


def stored(
    of: Plan | None = None,
    about: RunInfo | None = None,
    statuses: Sequence[Status] = (Status.DONE, Status.DONE),
    *,
    later_ms: int = 0,
) -> StoredRun:
    """A whole run; every stamp after the first piece is so much later."""
    asked = of or plan()
    requests = []
    for spec, status in zip(asked.requests(1), statuses, strict=True):
        record = RequestRecord(spec=spec)
        for event in [*beginning(spec.request_id), *ending(spec.request_id, status)]:
            record.apply(event)
        record.timeline.content_ns = [stamp + later_ms * MS for stamp in record.timeline.content_ns]
        requests.append(record)
    return StoredRun(info=about or info(), plan=asked, requests=requests)


def items() -> list[list[Item]]:
    """Items that the recorder passes to the writer for one run."""
    run = OpenRun(info=info(uid="the-run"), plan=plan(), specs=plan().requests(1))
    first, second = stored().requests
    return [
        [Begun(run)],
        [Came(beginning(1))],
        [Came([*beginning(2), *ending(1)]), Ended(run, 0, first)],
        [Came(ending(2)), Ended(run, 1, second)],
    ]


def writes(path: Path, said: list[str]) -> None:
    """Write one run, and collect the problems that the writer reports."""
    writer = Writer(path, "w", SETTINGS, said.append)
    writer.open()
    for batch in items():
        writer.commit(batch)
    writer.close()


def read(path: Path, uid: str = "the-run") -> StoredRun:
    """Read a run back."""
    with Store(path) as store:
        return store.run(uid)


class Recorded:
    """A run that a recorder keeps, its events folded as the live state folds them."""

    def __init__(self, recorder: Recorder, requests: int = 2, asked: Plan | None = None) -> None:
        asked = asked or plan()
        self.recorder = recorder
        self.records = [RequestRecord(spec=spec) for spec in asked.requests(1)[:requests]]
        recorder.begin(1, info(uid="the-run"), asked, self.records)

    def fold(self, events: Sequence[Event]) -> None:
        for event in events:
            for record in self.records:
                if record.spec.request_id == getattr(event, "request_id", -1) and not isinstance(event, RequestEnded):
                    record.apply(event)

    def add(self, events: list[Event]) -> int | None:
        self.fold(events)
        return self.recorder.add(events)
