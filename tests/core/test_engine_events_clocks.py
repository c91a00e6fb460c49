"""Offsets of clocks, as pings tell them."""

from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.engine_events import SAME_CLOCK, ClockOffset, best_of, offset_of
from tui.core.events import Kind, NetworkSeen, Status, Usage
from tui.core.goodput import Goodput, goodput
from tui.core.host import Host, HostFacts
from tui.core.objectives import parse
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.snapshot import apart_ns, changes, of_runs
from tui.core.target import Endpoint, Target
from tui.core.timeline import Timeline
from tui.export.formats import Format, render
from tui.headless.results import goodput_lines, hosts_of, results_of, table, verdicts
from tui.session.lane import Lane
from tui.session.replay import Replay
from tui.ui.charts.latest import phase_rows
from tui.ui.charts.source import ChartSource
from tui.ui.viewmodel.lane_lines import figures

FAR = st.integers(-(10**18), 10**18)
WAY = st.integers(0, 10**9)


@given(offset=FAR, sent=FAR, out=WAY, back=WAY)
def test_the_true_offset_is_within_the_error_whatever_the_ways_took(
    offset: int, sent: int, out: int, back: int
) -> None:
    read = offset_of(sent, sent + out + offset, sent + out + back)
    assert abs(read.offset_ns - offset) <= read.error_ns
    assert read.error_ns <= read.rtt_ns // 2 + 1


@given(offset=FAR, moment=FAR)
def test_there_and_back_again(offset: int, moment: int) -> None:
    clock = ClockOffset(offset_ns=offset)
    assert clock.here(clock.there(moment)) == moment
    assert SAME_CLOCK.there(moment) == moment


def test_the_quickest_ping_counts() -> None:
    pings = [offset_of(0, 100 + way // 3, way) for way in (900, 30, 400)]
    assert best_of(pings).rtt_ns == 30
    with pytest.raises(ValueError, match="empty"):
        best_of([])


FAR_AHEAD = 123_456 * 1_000_000_000_000
MS = 1_000_000


def _runs(ahead_ns: int) -> list[StoredRun]:
    """Runs from two hosts, of which the second's clock is `ahead_ns` ahead of ours, beyond the first's."""
    hosts = (Host(name="desk"), Host(name="tokyo", ssh="tokyo"))
    plan = Plan(
        prompt=Prompt(user="Why?"),
        parameters=Parameters(max_tokens=50),
        targets=(Target(model="a"), Target(model="b")),
        endpoints=(Endpoint(name="e", base_url="https://e.example"),),
        default_endpoint="e",
        hosts=hosts,
    ).of_run()
    runs = []
    for number in range(1, 9):
        records = []
        for at, spec in enumerate(plan.requests(1 + 4 * number)):
            is_far = spec.host == "tokyo"
            base = number * 10_000 * MS + (ahead_ns if is_far else 0)
            ttft = (200 + 100 * is_far + (7 * number * (at + 1)) % 13) * MS
            record = RequestRecord(spec=spec, status=Status.DONE, usage=Usage(input_tokens=9, output_tokens=40))
            record.pieces = [(Kind.TEXT, "word ")] * 20
            record.timeline = Timeline(
                queued_ns=base - 30 * MS,
                connect_started_ns=base - 20 * MS,
                connected_ns=base - 5 * MS,
                sent_ns=base,
                acked_ns=base + (10 + 90 * is_far) * MS,
                headers_ns=base + ttft - 5 * MS,
                content_ns=[base + ttft + (11 + at) * MS * piece for piece in range(20)],
                first_text_ns=base + ttft,
                message_stop_ns=base + ttft + 400 * MS,
                ended_ns=base + ttft + 401 * MS,
            )
            record.network = NetworkSeen(
                request_id=spec.request_id, min_rtt_ns=(10 + 90 * is_far) * MS, sent_bytes=900, segment_bytes=1448
            )
            records.append(record)
        facts = (HostFacts(name="desk"), HostFacts(name="tokyo", offset_ns=ahead_ns, error_ns=2 * MS, rtt_ns=4 * MS))
        info = RunInfo(
            uid=f"{number}", started_unix_ns=number * 10**9, app_version="1", sdk_version="2", series="s",
            repeat=number, hosts=facts, send_spread_ns=3 * MS, spread_error_ns=2 * MS,
        )  # fmt: skip
        runs.append(StoredRun(info=info, plan=plan, requests=records))
    return runs


_RAW = ("stamps", "offset_ns", "earlier")
"""Parts of an export that are stamps, or say how far apart two clocks are."""


def _without_stamps(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _without_stamps(value) for name, value in tree.items() if name not in _RAW}
    return [_without_stamps(part) for part in tree] if isinstance(tree, list) else tree


def _told(runs: list[StoredRun]) -> dict[str, object]:
    """All that is told of runs: files, figures, verdicts, drawings and a replay."""
    limits = (parse("ttft.p95 < 800ms"), parse("errors < 50%"))
    told: dict[str, object] = {}
    for wanted in Format:
        text = "".join(render(runs, wanted, objectives=limits, environ={}))
        if wanted is Format.JSON:
            tree = msgspec.json.decode(text)
            assert [each["host"] for each in tree["host_differences"]] == ["tokyo", "tokyo"]
            told[wanted] = _without_stamps(tree)
        elif wanted is Format.JSONL:
            told[wanted] = [_without_stamps(msgspec.json.decode(line)) for line in text.splitlines()]
        else:
            told[wanted] = text
    results = results_of(runs, limits)
    told["lines"] = [table(results), *hosts_of(results), *goodput_lines(results, limits), *verdicts(results)]
    told["all together"] = goodput(limits, [one for result in results for one in result.observations])
    before, now = of_runs("before", 1, runs[:4]), of_runs("now", 1, runs[4:])
    pairs = list(zip(before.lanes, now.lanes, strict=True))
    told["snapshot"] = changes(pairs), [apart_ns(*pair) for pair in pairs]
    replay = Replay(runs[0])
    told["replay"] = [(t_ns - replay._events[0][0], type(event)) for t_ns, event in replay._events]
    lanes = []
    for record, target in zip(runs[0].requests, runs[0].plan.targets, strict=True):
        lane = Lane(target)
        lane.record = record
        lane.clock = ClockOffset(offset_ns=runs[0].info.hosts[1].offset_ns if target.host == "tokyo" else 0)
        lanes.append(lane)
    source = ChartSource(lanes=lanes, current=lanes[0], now_ns=20_000 * MS)
    told["chart"] = [(row.label, [(bar.low, bar.high) for bar in row.bars]) for row in phase_rows(source).rows]
    for lane in lanes:
        assert lane.record is not None
        lane.record = msgspec.structs.replace(lane.record, status=None)
    told["in flight"] = [figures(lane, 20_000 * MS) for lane in lanes]
    return told


def test_nothing_that_is_told_sets_stamps_of_two_hosts_side_by_side() -> None:
    """Whatever one host's clock says, everything stays as it is: a difference between two clocks would show."""
    told, moved = _told(_runs(0)), _told(_runs(FAR_AHEAD))
    for name, value in told.items():
        assert moved[name] == value, name
    difference = next(line for line in cast(list[str], told["lines"]) if "slower" in line)
    assert difference.startswith("a: tokyo is 99.0 ms slower than desk: 90 network, 9 server (95 %: ")
    assert cast(Goodput, told["all together"]).per_second is None
