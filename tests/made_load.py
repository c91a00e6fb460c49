"""Requests and levels of loads that tests make up."""

from random import Random

import msgspec

from tui.core.events import Failure, FailureKind, RequestEnded, Status
from tui.core.load import Level, LoadPlace, RequestBegun
from tui.core.load_results import LevelSummary, LoadTally
from tui.core.objectives import parse
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import RunInfo
from tui.core.target import Endpoint, Timeouts

MS = 1_000_000
ENDPOINT = Endpoint(name="e", base_url="http://a")
INFO = RunInfo(uid="u", started_unix_ns=0, app_version="", sdk_version="", series="s")


def request(
    due: int,
    ttft: int = 100,
    total: int = 400,
    *,
    sent: int | None = None,
    failed: FailureKind | None = None,
    host: str | None = None,
) -> RequestRecord:
    """A request of these milliseconds."""
    spec = RequestSpec(
        request_id=due,
        target="t",
        model="m",
        endpoint=ENDPOINT,
        prompt=Prompt(user="u"),
        parameters=Parameters(max_tokens=5),
        timeouts=Timeouts(),
        host=host,
    )
    record = RequestRecord(spec=spec)
    record.apply(RequestBegun(request_id=due, step=0, row=0, due_ns=due * MS))
    sent = due if sent is None else sent
    record.timeline.queued_ns = record.timeline.sent_ns = sent * MS
    if failed is None:
        record.timeline.content_ns = [(sent + ttft) * MS, (sent + total) * MS]
    failure = None if failed is None else Failure(kind=failed, message="no")
    lost = Status.INTERRUPTED if failed is FailureKind.ENGINE else Status.FAILED
    status = Status.DONE if failed is None else lost
    record.apply(RequestEnded(request_id=due, t_ns=(sent + total) * MS, status=status, failure=failure))
    return record


def at(
    concurrency: int,
    *,
    number: int = 1,
    since: int | None = 0,
    until: int | None = None,
    unsent: int = 0,
    part: int = 0,
) -> RunInfo:
    since_ns, until_ns = (None if each is None else each * MS for each in (since, until))
    level = Level(concurrency=concurrency)
    place = LoadPlace(number=number, level=level, since_ns=since_ns, until_ns=until_ns, unsent=unsent, part=part)
    return msgspec.structs.replace(INFO, load=place, warm_up=since is None)


def curve(
    points: list[tuple[int, float, float]], count: int = 200, noise: float = 0.1, objectives: tuple[str, ...] = ()
) -> list[LevelSummary]:
    """Levels of (in flight, goodput in 1/s, median total time in s)."""
    draws = Random(3)
    found = []
    for number, (load, goodput, total_s) in enumerate(points, 1):
        seconds = count / goodput
        tally = LoadTally([parse(text) for text in objectives])
        for one in range(count):
            due = round(seconds * 1_000 * one / count)
            total = round(total_s * 1_000 * draws.lognormvariate(0, noise))
            tally.add(at(load, number=number, until=round(seconds * 1_000)), request(due, ttft=1, total=max(2, total)))
        found += tally.levels()
    return found


def saturating(most: float, service_s: float, levels: tuple[int, ...]) -> list[tuple[int, float, float]]:
    """A server that answers at most so many per second (Little's law): flat, then in proportion to the load."""
    return [(load, min(most, load / service_s), max(service_s, load / most)) for load in levels]
