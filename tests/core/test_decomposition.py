"""Where the time goes."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.decomposition import FEWEST, Fit, Parts, RunsNeeded, fit, parts_of, typical
from tui.core.events import Status, Usage
from tui.core.metrics import NS_PER_MS
from tui.core.observation import Observation, observe
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.core.timeline import Timeline

MS = NS_PER_MS


def answer(inputs: int, outputs: int, total_ms: float) -> Observation:
    return Observation(input_tokens=inputs, output_tokens=outputs, total_ns=round(total_ms * MS))


def sweep(inputs: list[int], outputs: list[int], seed: int = 1) -> list[Observation]:
    random = Random(seed)
    return [
        answer(prompt, reply, (300 + 0.1 * prompt + 12 * reply) * random.lognormvariate(0, 0.01))
        for prompt, reply in zip(inputs, outputs, strict=True)
    ]


def test_a_sweep_of_both() -> None:
    inputs = [prompt for prompt in (500, 2_000, 8_000) for _ in range(8)]
    outputs = [reply for _ in range(6) for reply in (20, 100, 200, 400)]
    found = fit(sweep(inputs, outputs))
    assert (found.needed, found.sentence, found.count) == (RunsNeeded.NOTHING, "", 24)
    for estimate, truth in ((found.baseline, 300), (found.per_input, 0.1), (found.per_output, 12)):
        assert estimate is not None
        assert estimate.interval.low <= truth * MS <= estimate.interval.high
        assert estimate.value == pytest.approx(truth * MS, rel=0.15)


@pytest.mark.parametrize(
    ("inputs", "outputs", "needed", "said"),
    [
        (range(100, 1_000, 100), range(100, 1_000, 100), RunsNeeded.MORE_RUNS, "10 complete answers are needed"),
        ([500] * 12, [100] * 12, RunsNeeded.VARY_BOTH, "vary max_tokens and prompt length"),
        ([500, 501] * 6, [100, 110] * 6, RunsNeeded.VARY_BOTH, "vary max_tokens and prompt length"),
        ([500] * 12, range(100, 700, 50), RunsNeeded.VARY_INPUT, "vary prompt length"),
        (range(500, 6_500, 500), [100] * 12, RunsNeeded.VARY_OUTPUT, "vary max_tokens"),
        (range(500, 6_500, 500), range(50, 650, 50), RunsNeeded.VARY_APART, "vary max_tokens at one prompt length"),
        # A quarter of the largest, but of a dozen tokens.
        ([8, 16] * 6, [100] * 12, RunsNeeded.VARY_BOTH, "vary max_tokens and prompt length"),
    ],
)
def test_which_runs_would_make_it_possible(
    inputs: list[int], outputs: list[int], needed: RunsNeeded, said: str
) -> None:
    found = fit(sweep(list(inputs), list(outputs)))
    assert found.needed is needed
    assert said in found.sentence
    assert (found.per_input is not None) == (needed is RunsNeeded.VARY_OUTPUT)
    assert (found.per_output is not None) == (needed is RunsNeeded.VARY_INPUT)
    # The time that is not told would be in it.
    assert found.baseline is None


def test_a_time_per_token_that_may_be_none_wants_more_runs() -> None:
    inputs = [prompt for prompt in (50, 1_000, 3_000) for _ in range(8)]
    outputs = [reply for _ in range(6) for reply in (20, 100, 200, 400)]
    random = Random(5)
    slow = [300 * random.lognormvariate(0, 0.3) for _ in inputs]

    def with_prompts_at(ms: float) -> Fit:
        return fit(
            [
                answer(prompt, reply, wait + ms * prompt + 12 * reply)
                for prompt, reply, wait in zip(inputs, outputs, slow, strict=True)
            ]
        )

    unsure = with_prompts_at(0.0)
    assert unsure.per_input is not None
    assert unsure.per_input.interval.low <= 0
    assert unsure.needed is RunsNeeded.UNSURE
    assert "more runs of different lengths" in unsure.sentence
    assert with_prompts_at(1.0).needed is RunsNeeded.NOTHING


def test_failures_and_unknown_counts_are_not_fitted() -> None:
    assert fit([Observation(status=Status.FAILED), Observation(total_ns=5)] * 20).count == 0
    assert fit([answer(1, 1, 1)] * (FEWEST - 1)).needed is RunsNeeded.MORE_RUNS


def test_the_network_is_no_time_of_the_prompt() -> None:
    # 0.02 ms a token are read, and 0.05 ms a token are sent over a link whose round trips stray widely.
    random, answers = Random(8), []
    for prompt in (100, 4_000, 16_000) * 6:
        reply = random.choice((16, 100, 200))
        trip, sending = random.lognormvariate(3, 0.8), 0.05 * prompt
        wait = 300 * random.lognormvariate(0, 0.02) + 0.02 * prompt
        ttft = round((wait + trip + sending) * MS)
        answers.append(
            Observation(
                input_tokens=prompt,
                output_tokens=reply,
                ttft_ns=ttft,
                ttfo_ns=ttft,
                total_ns=ttft + 12 * reply * MS,
                network_ns=round(trip * MS),
                upload_ns=round(sending * MS),
            )
        )
    split = fit(answers)
    blind = fit([msgspec.structs.replace(each, network_ns=None) for each in answers])
    assert split.per_input is not None
    assert split.per_input.value == pytest.approx(0.02 * MS, rel=0.1)
    assert blind.per_input is not None
    assert blind.per_input.value == pytest.approx(0.07 * MS, rel=0.1)
    assert split.baseline is not None
    assert split.baseline.interval.low <= (300 + 20) * MS <= split.baseline.interval.high


def test_answers_that_show_no_writing_are_fitted_as_a_whole() -> None:
    inputs = [prompt for prompt in (500, 2_000, 8_000) for _ in range(8)]
    outputs = [reply for _ in range(6) for reply in (20, 100, 200, 400)]
    whole = [
        msgspec.structs.replace(each, ttft_ns=each.total_ns, ttfo_ns=each.total_ns) for each in sweep(inputs, outputs)
    ]
    hidden = [
        msgspec.structs.replace(each, ttft_ns=(each.total_ns or 0) // 2, thinking_tokens=10, thinking_ns=0)
        for each in sweep(inputs, outputs)
    ]
    assert fit(whole) == fit(hidden) == fit(sweep(inputs, outputs))


def test_a_few_answers_in_one_piece_do_not_spoil_the_others() -> None:
    def streamed(prompt: int, reply: int, wait: int) -> Observation:
        ttft = round((wait + 0.1 * prompt) * MS)
        each = answer(prompt, reply, 0)
        return msgspec.structs.replace(each, ttft_ns=ttft, ttfo_ns=ttft, total_ns=ttft + 12 * reply * MS)

    cells = [(prompt, reply) for prompt in (500, 2_000, 8_000) for reply in (20, 100, 200, 400)]
    whole = [streamed(prompt, reply, 300 + at % 5) for at, (prompt, reply) in enumerate(cells)]
    short = [msgspec.structs.replace(each, ttft_ns=each.total_ns) for each in whole[:3]]
    assert fit([*short, *whole]) == fit(whole)


def complete(timeline: Timeline, input_tokens: int = 1_000) -> RequestRecord:
    return RequestRecord(
        spec=RequestSpec(
            request_id=1,
            target="t",
            model="m",
            endpoint=Endpoint(name="e", base_url="http://localhost"),
            prompt=Prompt(user="u"),
            parameters=Parameters(max_tokens=5),
            timeouts=Timeouts(),
        ),
        timeline=timeline,
        usage=Usage(input_tokens=input_tokens, output_tokens=10),
        status=Status.DONE,
    )


def parts(record: RequestRecord, per_token_ns: float | None = None) -> Parts | None:
    found = observe(record)
    assert found is not None
    return parts_of(found, per_token_ns)


THOUGHT = Timeline(
    connect_started_ns=10,
    connected_ns=40,
    tls_done_ns=60,
    sent_ns=100,
    thinking_started_ns=290,
    content_ns=[300, 400, 700, 900],
    thinking_pieces=2,
    first_text_ns=700,
)


def test_the_parts_of_one_request() -> None:
    assert parts(complete(THOUGHT)) == Parts(
        connection_ns=50, waiting_ns=190, prompt_ns=None, thinking_ns=410, output_ns=200
    )
    plain = Timeline(reused_ns=5, sent_ns=100, content_ns=[300, 900], first_text_ns=300)
    assert parts(complete(plain)) == Parts(
        connection_ns=0, waiting_ns=200, prompt_ns=None, thinking_ns=0, output_ns=600
    )


def test_thinking_that_is_not_shown_is_thinking() -> None:
    hidden = Timeline(sent_ns=100, thinking_started_ns=250, content_ns=[700, 900], first_text_ns=700)
    found = parts(complete(hidden))
    assert found is not None
    assert (found.waiting_ns, found.thinking_ns, found.output_ns) == (150, 450, 200)


def test_thinking_without_an_answer() -> None:
    found = parts(complete(Timeline(sent_ns=100, content_ns=[300, 900], thinking_pieces=2)))
    assert found is not None
    assert (found.waiting_ns, found.thinking_ns, found.output_ns) == (200, 600, 0)


def test_a_fit_splits_the_waiting() -> None:
    found = parts(complete(THOUGHT), 0.1)
    assert found is not None
    assert (found.waiting_ns, found.prompt_ns) == (90, 100)
    # Never more than there was.
    most = parts(complete(THOUGHT), 5.0)
    assert most is not None
    assert (most.waiting_ns, most.prompt_ns) == (0, 190)


def test_what_has_no_parts() -> None:
    broken = complete(THOUGHT)
    broken.status = Status.FAILED
    assert parts(broken) is None
    assert parts(complete(Timeline(sent_ns=1))) is None
    assert typical([]) is None


STAMPS = st.lists(st.integers(101, 10**12), min_size=1, max_size=30).map(sorted)


@given(STAMPS, st.integers(0, 30), st.integers(0, 10**12) | st.none(), st.floats(0.001, 1e6))
def test_parts_add_up_to_the_total(stamps: list[int], thinking: int, started: int | None, slope: float) -> None:
    thinking = min(thinking, len(stamps))
    timeline = Timeline(
        connect_started_ns=1,
        connected_ns=41,
        sent_ns=100,
        thinking_started_ns=started,
        content_ns=stamps,
        thinking_pieces=thinking,
        first_text_ns=stamps[thinking] if thinking < len(stamps) else None,
    )
    made = complete(timeline)
    for per_token_ns in (None, slope):
        found = parts(made, per_token_ns)
        assert found is not None
        assert min(found.connection_ns, found.waiting_ns, found.prompt_ns or 0, found.thinking_ns, found.output_ns) >= 0
        assert made.total_ns is not None
        assert found.sum_ns == pytest.approx(made.total_ns + 40)


@given(st.lists(st.tuples(*[st.integers(0, 10**9)] * 4), min_size=1, max_size=40))
def test_a_typical_request_is_in_the_middle(rows: list[tuple[int, int, int, int]]) -> None:
    every = [Parts(connection_ns=a, waiting_ns=b, prompt_ns=None, thinking_ns=c, output_ns=d) for a, b, c, d in rows]
    found = typical(every)
    assert found is not None
    sums = sorted(each.sum_ns for each in every)
    cut = len(sums) // 4
    middle = sums[cut : len(sums) - cut]
    assert found.sum_ns == pytest.approx(sum(middle) / len(middle))


def test_a_typical_request_is_split_only_if_all_are() -> None:
    split = Parts(connection_ns=0, waiting_ns=60, prompt_ns=40, thinking_ns=0, output_ns=10)
    whole = Parts(connection_ns=0, waiting_ns=100, prompt_ns=None, thinking_ns=0, output_ns=10)
    found = typical([split, split])
    assert found == split
    mixed = typical([split, whole])
    assert mixed == whole
