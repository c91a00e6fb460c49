"""Spans of time in words, and the slots of a watch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.session.watching import Rhythm, parse_span, span_words

RHYTHMS = st.builds(Rhythm, st.integers(1, 7 * 86_400), st.text(min_size=1, max_size=12))
NOW = st.floats(1_700_000_000, 2_000_000_000)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5_400), ("7d", 604_800), ("1d2h3m4s", 93_784)]
)
def test_spans_are_read_and_written(text: str, seconds: int) -> None:
    assert parse_span(text) == seconds
    assert parse_span(span_words(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "0s", "5m!", "1.5h", "99999d", "٥m"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 90s"):
        parse_span(text)


@given(RHYTHMS, NOW)
def test_a_slots_moment_lies_in_the_slot(rhythm: Rhythm, now: float) -> None:
    slot = rhythm.slot_at(now)
    assert rhythm.slot_at(rhythm.time_of(slot)) == slot
    assert rhythm.time_of(slot + 1) > rhythm.time_of(slot)


@given(RHYTHMS, NOW, st.integers(0, 1_000))
def test_what_is_due_is_neither_done_nor_long_past(rhythm: Rhythm, now: float, gap: int) -> None:
    done = rhythm.slot_at(now) - gap
    slot, skipped = rhythm.due(done, now)
    assert slot > done
    assert skipped == slot - done - 1
    assert rhythm.time_of(slot) + rhythm.grace_s >= now


def test_two_watches_of_one_interval_do_not_ask_at_the_same_moment() -> None:
    moments = {Rhythm(300, f"watch-{number}").time_of(6_000_000) % 300 // 10 for number in range(40)}
    assert len(moments) > 15
