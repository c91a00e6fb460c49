"""Which requests are repeats of each other."""

from typing import Any

import msgspec

from tui.core.events import Status
from tui.core.grouping import measured_in
from tui.core.host import Host
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.snapshot import of_runs
from tui.core.target import Endpoint, Target
from tui.core.timeline import Timeline

PLAN = Plan(
    prompt=Prompt(user="Why is {what} blue?"),
    parameters=Parameters(max_tokens=9),
    targets=(Target(model="m", name="lane"),),
    endpoints=(Endpoint(name="a", base_url="https://a.example"), Endpoint(name="b", base_url="https://b.example")),
    default_endpoint="a",
    rows=({"what": "the sky"},),
)


def run_of(plan: Plan = PLAN, ttft_ns: int = 5, started: int = 1, **info: Any) -> StoredRun:
    (spec,) = plan.requests(1)
    if info.get("cache_buster"):
        spec = msgspec.structs.replace(spec, prompt=spec.prompt.begun_with(info.pop("cache_buster")))
    record = RequestRecord(
        spec=spec, timeline=Timeline(sent_ns=0, content_ns=[ttft_ns, 9], first_text_ns=ttft_ns), status=Status.DONE
    )
    infos = RunInfo(uid=str(started), started_unix_ns=started, app_version="1", sdk_version="1", **info)
    return StoredRun(info=infos, plan=plan, requests=[record])


def changed(**fields: Any) -> Plan:
    return msgspec.structs.replace(PLAN, **fields)


def sizes(*runs: StoredRun) -> dict[str, int]:
    return {one.name: one.requests for one in measured_in(runs)}


def test_repeats_of_one_question_are_one_group() -> None:
    assert sizes(run_of(), run_of()) == {"lane": 2}
    renamed = changed(targets=(Target(model="m", name="other"),))
    assert sizes(run_of(), run_of(renamed)) == {"lane": 1, "other": 1}


def test_two_endpoints_are_never_mixed() -> None:
    elsewhere = changed(default_endpoint="b")
    assert sizes(run_of(), run_of(elsewhere), run_of()) == {"lane @a": 2, "lane @b": 1}
    moved = changed(endpoints=(Endpoint(name="a", base_url="https://moved.example"),))
    assert sizes(run_of(), run_of(moved)) == {"lane · setup 1": 1, "lane · setup 2": 1}


def test_two_hosts_are_never_mixed_nor_with_a_plan_without_hosts() -> None:
    def sent_from(*names: str) -> StoredRun:
        plan = changed(hosts=tuple(Host(name=name) for name in names)).of_run()
        runs = [run_of(msgspec.structs.replace(plan, targets=(target,))) for target in plan.targets]
        return msgspec.structs.replace(runs[0], plan=plan, requests=[run.requests[0] for run in runs])

    both = sent_from("desk", "tokyo")
    assert sizes(both, sent_from("tokyo"), run_of()) == {"lane · desk": 1, "lane · tokyo": 2, "lane": 1}
    alike = measured_in([both])
    assert [one.host for one in alike] == ["desk", "tokyo"]
    (bare,) = measured_in([run_of()])
    assert len({one.fingerprint for one in (*alike, bare)}) == 3


def test_two_prompts_or_parameters_are_never_mixed() -> None:
    for other in (changed(prompt=Prompt(user="Why?")), changed(parameters=Parameters(max_tokens=8))):
        assert sizes(run_of(), run_of(other), run_of()) == {"lane · setup 1": 2, "lane · setup 2": 1}


def test_the_simulator_is_one_endpoint_at_any_port() -> None:
    def simulated(port: int) -> StoredRun:
        return run_of(changed(endpoints=(Endpoint(name="a", base_url=f"http://127.0.0.1:{port}", simulated=True),)))

    assert sizes(simulated(1), simulated(2)) == {"lane": 2}
    assert len(sizes(simulated(1), run_of())) == 2


def test_a_series_asks_one_thing_of_all_rows_and_with_any_cache_buster() -> None:
    other_row = changed(rows=({"what": "the sea"},))
    assert sizes(run_of(series="s", cache_buster="[1]"), run_of(other_row, series="s", cache_buster="[2]")) == {
        "lane": 2
    }
    assert len(sizes(run_of(), run_of(other_row))) == 2


def test_warm_up_and_sweeps_are_named_but_not_counted() -> None:
    assert sizes(run_of(warm_up=True, series="s"), run_of(sweep=True, series="s")) == {"lane": 0}


def test_a_snapshot_is_of_what_was_asked_last() -> None:
    other = changed(prompt=Prompt(user="Why?"))
    runs = [run_of(ttft_ns=1, started=1), run_of(other, ttft_ns=2, started=2), run_of(ttft_ns=3, started=3)]
    (lane,) = of_runs("all", 9, runs).lanes
    assert [one.ttft_ns for one in lane.observations] == [1, 3]
    assert lane.prompt == PLAN.prompt


def test_sweeps_are_kept_for_fits_alone() -> None:
    runs = [run_of(series="s", sweep=True), run_of(series="s", warm_up=True), run_of(series="s")]
    (one,) = measured_in(runs)
    assert (one.requests, len(one.swept), len(one.observations)) == (1, 1, 1)
    (swept,) = measured_in(runs[:1])
    assert (swept.requests, len(swept.swept)) == (0, 1)
