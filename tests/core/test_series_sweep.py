"""The runs of a sweep, and what they make of a request."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.series import ROUNDS, Cell, cells, costliest, swept
from tui.core.target import Endpoint, Timeouts

lengths = st.integers(0, 100_000)


def spec_of(max_tokens: int | None) -> RequestSpec:
    return RequestSpec(
        request_id=1,
        target="a",
        model="m",
        endpoint=Endpoint(name="e", base_url="http://127.0.0.1:1"),
        prompt=Prompt(system="Be brief.", user="Why?"),
        parameters=Parameters(max_tokens=max_tokens, effort="low"),
        timeouts=Timeouts(),
    )


@given(lengths, lengths, st.sampled_from([0, 1024, 50_000]))
def test_every_length_of_prompt_meets_every_limit_equally_often(prompt: int, answer: int, budget: int) -> None:
    planned = cells(prompt, answer, budget)
    paddings = {cell.padding_tokens for cell in planned}
    caps = {cell.max_tokens for cell in planned}
    counts = Counter((cell.padding_tokens, cell.max_tokens) for cell in planned)
    assert counts == {(padding, cap): ROUNDS for padding in paddings for cap in caps}
    assert min(paddings) == 0
    assert max(paddings) >= 3 * max(prompt, 1_000)
    assert min(caps) > budget
    assert max(caps) <= max(answer, budget + 16)


@given(st.none() | st.integers(1, 1_000), st.integers(0, 20_000), st.integers(1, 1_000))
def test_a_swept_request_is_longer_and_never_asks_for_more(own: int | None, padding: int, cap: int) -> None:
    spec = spec_of(own)
    changed = swept(spec, Cell(padding_tokens=padding, max_tokens=cap))
    assert changed.parameters == Parameters(max_tokens=min(cap, own or cap), effort="low")
    assert changed.prompt.user == spec.prompt.user
    assert changed.prompt.system.endswith(spec.prompt.system)
    added = len(changed.prompt.system) - len(spec.prompt.system)
    assert abs(added / 4 - padding) <= max(10, padding * 0.2)


def test_the_costliest_run_is_as_long_as_any() -> None:
    (longest,) = costliest([spec_of(500)], cells(200, 400))
    assert longest.parameters.max_tokens == 400
    assert len(longest.prompt.system) >= 3_000 * 4
