"""Summaries of repeated measurements."""

import statistics

from hypothesis import given
from hypothesis import strategies as st

from tui.core.statistics import Summary, summarise


@given(st.lists(st.none() | st.integers(0, 10**15)))
def test_a_summary_counts_what_is_there(samples: list[int | None]) -> None:
    present = [sample for sample in samples if sample is not None]
    summary = summarise(samples)
    assert summary.count == len(present)
    assert summary.last == (samples[-1] if samples else None)
    assert summary.best == (min(present) if present else None)
    assert summary.median == (statistics.median(present) if present else None)


def test_nothing() -> None:
    assert summarise([]) == Summary(count=0, last=None, best=None, median=None)


def test_a_failed_run_is_the_last_but_is_not_counted() -> None:
    assert summarise([30, 10, None]) == Summary(count=2, last=None, best=10, median=20)
