"""The ledger: each trial once, and those that concern some runs."""

import msgspec
import pytest
from tried_samples import TRIED

from tui.advice.ledger import concerning, merged
from tui.advice.suggestion import Change, Trial
from tui.core.events import Status
from tui.core.observation import Figure
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.target import Endpoint, Target

UNDECIDED = msgspec.structs.replace(TRIED, accepted=None)
replace = msgspec.structs.replace


def simple_run() -> StoredRun:
    plan = Plan(
        prompt=Prompt(user="Why?"),
        parameters=Parameters(max_tokens=9),
        targets=(Target(model="claude-haiku-5-5"),),
        endpoints=(Endpoint(name="simulator", base_url="http://127.0.0.1:1", simulated=True),),
        default_endpoint="simulator",
    )
    info = RunInfo(uid="run-1", started_unix_ns=1, app_version="0", sdk_version="0")
    return StoredRun(info=info, plan=plan, requests=[RequestRecord(spec=plan.requests(1)[0], status=Status.DONE)])


@pytest.mark.parametrize("order", [1, -1])
def test_a_decision_takes_the_place_of_its_undecided_entry(order: int) -> None:
    assert merged([UNDECIDED, TRIED][::order]) == [TRIED]
    another = replace(UNDECIDED, begun_unix_ns=1)
    assert merged([another, UNDECIDED, TRIED]) == [another, TRIED]


def test_what_was_tried_on_what_the_runs_ask_concerns_them() -> None:
    run = simple_run()
    assert concerning([TRIED], [run]) == [TRIED]
    assert concerning([replace(TRIED, endpoint="gateway")], [run]) == []
    assert concerning([replace(TRIED, simulated=False)], [run]) == []
    elsewhere = replace(TRIED, model="other")
    assert concerning([elsewhere], [run]) == []
    run.info = replace(run.info, series="series-2")
    assert concerning([elsewhere], [run]) == [elsewhere]


def test_the_model_that_was_tried_in_place_of_another_counts_as_well() -> None:
    trial = Trial(change=Change(label="haiku", model="claude-haiku-5-5"), figure=Figure.TOTAL)
    tried = replace(TRIED, model="other", trial=trial)
    assert concerning([tried], [simple_run()]) == [tried]
