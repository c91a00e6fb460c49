"""Sketches of gaps: as many as there were, each to a hundredth, and the longest exactly."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.core.arrivals import ContentSummed, GapSketch, arrivals

GAPS = st.lists(st.one_of(st.integers(0, 2_000_000), st.integers(0, 3_000_000_000)), max_size=60)


@given(GAPS)
@example([365, 365])
def test_every_gap_is_there_to_a_hundredth(gaps: list[int]) -> None:
    sketch = GapSketch.of(gaps)
    near, exact = sketch.gaps_ns, sorted(gaps)
    assert len(near) == len(exact)
    # To a hundredth, and then to a whole nanosecond.
    assert all(abs(one - other) <= 0.01 * other + 0.51 for one, other in zip(near, exact, strict=True))
    assert (sketch.longest_ns, near[-1:]) == (max(gaps, default=0), exact[-1:])
    assert not gaps or gaps[sketch.longest_at - 1] == sketch.longest_ns
    assert msgspec.json.decode(msgspec.json.encode(sketch), type=GapSketch) == sketch


@pytest.mark.parametrize(
    "changes",
    [
        {"characters": -1},
        {"thinking_pieces": 4},
        {"gaps": GapSketch.of([5])},
        {"gaps": GapSketch(buckets={5: -1, 6: 3})},
        {"gaps": GapSketch(buckets={10**9: 2})},
    ],
)
def test_counts_that_do_not_fit_together_are_not_believed(changes: dict[str, object]) -> None:
    stamps = [10, 40, 50]
    found = arrivals(stamps)
    assert found is not None
    whole = ContentSummed(request_id=1, arrivals=found, first_ns=10, last_ns=50, gaps=GapSketch.of([30, 10]))
    assert whole.is_sound
    assert not msgspec.structs.replace(whole, **changes).is_sound
