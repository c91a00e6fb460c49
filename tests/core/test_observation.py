"""Requests as statistics take them."""

import msgspec
import pytest

from tui.core.decomposition import fit
from tui.core.events import Status, Usage
from tui.core.figures import SAMPLED, Figure
from tui.core.observation import Observation, observe, present, samples
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.statistics import describe
from tui.core.target import Endpoint, Timeouts
from tui.core.timeline import Timeline

MS = 1_000_000
USAGE = Usage(input_tokens=10, output_tokens=41, cache_creation_input_tokens=5, cache_read_input_tokens=100)


def request(status: Status | None, usage: Usage | None = None) -> RequestRecord:
    """Sent at 100 ms; thinking at 200 ms, text at 300, 700 and 800."""
    return RequestRecord(
        spec=RequestSpec(
            request_id=1,
            target="t",
            model="m",
            endpoint=Endpoint(name="e", base_url="http://localhost"),
            prompt=Prompt(user="u"),
            parameters=Parameters(max_tokens=50),
            timeouts=Timeouts(),
        ),
        timeline=Timeline(
            sent_ns=100 * MS,
            content_ns=[200 * MS, 300 * MS, 700 * MS, 800 * MS],
            thinking_pieces=1,
            first_text_ns=300 * MS,
            ended_ns=900 * MS,
        ),
        usage=usage or Usage(),
        status=status,
    )


def test_a_complete_answer() -> None:
    found = observe(request(Status.TRUNCATED, USAGE))
    assert found is not None
    assert not found.failed
    assert (found.ttft_ns, found.ttfo_ns, found.total_ns) == (100 * MS, 200 * MS, 700 * MS)
    assert list(found.gaps_ns) == [100 * MS, 400 * MS, 100 * MS]
    assert found.tpot_ns == 15 * MS
    assert found.otps == pytest.approx(1_000 / 15)
    assert (found.input_tokens, found.cached_tokens, found.output_tokens) == (15, 100, 41)
    values = {figure: value for figure in SAMPLED if (value := found.value(figure)) is not None}
    assert [*values.values()] == [100 * MS, 200 * MS, 700 * MS, 15 * MS, found.otps]
    assert values.keys().isdisjoint({Figure.ITL, Figure.SERVER}), "gaps are many, and nothing is known of the network"


def test_what_the_api_did_not_count_is_absent() -> None:
    found = observe(request(Status.DONE))
    assert found is not None
    assert found.input_tokens is None
    assert (found.tpot_ns, found.otps) == (None, None)


def test_a_failure_has_no_figures() -> None:
    found = observe(request(Status.FAILED))
    assert found is not None
    assert found.failed
    assert found.ttft_ns is None
    assert found.sent_ns == 100 * MS


def test_what_says_nothing() -> None:
    assert observe(request(None)) is None
    assert observe(request(Status.CANCELLED)) is None


def test_samples_keep_failures_but_not_what_is_undefined() -> None:
    observations = [
        Observation(ttft_ns=5, ttfo_ns=7, gaps_ns=(1, 2)),
        Observation(status=Status.FAILED),
        Observation(ttft_ns=6, gaps_ns=(3,)),
    ]
    assert samples(observations, Figure.TTFT) == [5, None, 6]
    assert samples(observations, Figure.TTFO) == [7, None]
    assert samples(observations, Figure.ITL) == [1, 2, None, 3]
    assert present(observations, Figure.ITL) == [1, 2, 3]
    assert describe(samples(observations, Figure.TTFT)).failures == 1


def test_a_fit_takes_answers_of_one_endpoint_model_and_set_of_parameters() -> None:
    """A time per token is one server's: answers of another, or asked otherwise, must not move it."""
    first = request(Status.DONE, USAGE)

    def like(**changed: object) -> RequestRecord:
        return msgspec.structs.replace(first, spec=msgspec.structs.replace(first.spec, **changed))

    elsewhere = Endpoint(name="f", base_url="http://localhost")
    moved = Endpoint(name="e", base_url="http://localhost:1")
    others = [
        like(endpoint=elsewhere),
        like(endpoint=moved),
        like(model="n"),
        like(parameters=Parameters(max_tokens=5, effort="low")),
    ]
    shorter = like(parameters=Parameters(max_tokens=1))
    outcomes = [found for one in (*others, shorter, first) if (found := observe(one)) is not None]
    assert len(outcomes) == 6
    assert fit(outcomes).count == 2
