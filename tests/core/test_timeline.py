"""Stamps, folded from events."""

from itertools import accumulate

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tui.core import metrics
from tui.core.arrivals import ContentSummed
from tui.core.engine_events import StampSource
from tui.core.events import (
    Content,
    Event,
    Instrument,
    Kind,
    Mark,
    Marked,
    RequestEnded,
    Responded,
    Status,
    Usage,
    UsageReported,
)
from tui.core.figures import Figure
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.core.timeline import Timeline


@pytest.mark.parametrize("mark", list(Mark))
def test_every_mark_has_a_stamp_of_its_own(mark: Mark) -> None:
    timeline = Timeline()
    timeline.apply(Marked(request_id=1, mark=mark, t_ns=7))
    assert getattr(timeline, f"{mark.value}_ns") == 7
    stamps = [getattr(timeline, name) for name in timeline.__struct_fields__ if name.endswith("_ns")]
    assert stamps.count(7) == 1


def test_content() -> None:
    timeline = Timeline()
    timeline.apply(Content(request_id=1, kind=Kind.THINKING, t_ns=[1, 2], texts=["a", "b"]))
    assert timeline.first_text_ns is None
    timeline.apply(Content(request_id=1, kind=Kind.TEXT, t_ns=[3, 4], texts=["c", "d"]))
    timeline.apply(Content(request_id=1, kind=Kind.TEXT, t_ns=[5], texts=["e"]))
    assert timeline.content_ns == [1, 2, 3, 4, 5]
    assert timeline.thinking_pieces == 2
    assert timeline.first_text_ns == 3


def test_response_and_end() -> None:
    timeline = Timeline()
    timeline.apply(Responded(request_id=1, t_ns=5, http_status=200))
    timeline.apply(UsageReported(request_id=1, usage=Usage(output_tokens=3)))
    timeline.apply(RequestEnded(request_id=1, t_ns=6, status=Status.DONE))
    assert timeline == Timeline(headers_ns=5, ended_ns=6)


def test_two_timelines_share_nothing() -> None:
    Timeline().apply(Content(request_id=1, kind=Kind.TEXT, t_ns=[1], texts=["a"]))
    assert Timeline().content_ns == []


# Content that was summed up


def answer(stamps: list[int], thinking: int = 0, tokens: int | None = None) -> list[Event]:
    """Events of a complete answer whose content came at these moments."""
    kinds = [Kind.THINKING] * thinking + [Kind.TEXT] * (len(stamps) - thinking)
    return [
        Marked(request_id=1, mark=Mark.SENT, t_ns=1_000),
        *(
            Content(request_id=1, kind=kind, t_ns=[stamp], texts=["word "])
            for kind, stamp in zip(kinds, stamps, strict=True)
        ),
        UsageReported(request_id=1, usage=Usage(output_tokens=tokens or len(stamps), thinking_tokens=thinking)),
        Instrument(request_id=1, stamp_source=StampSource.KERNEL, reads=1, delay_max_ns=1_000),
    ]


def recorded(events: list[Event]) -> RequestRecord:
    spec = RequestSpec(
        request_id=1,
        target="t",
        model="m",
        endpoint=Endpoint(name="e", base_url="http://a"),
        prompt=Prompt(user="u"),
        parameters=Parameters(max_tokens=50_000),
        timeouts=Timeouts(),
    )
    record = RequestRecord(spec=spec)
    for event in events:
        record.apply(event)
    return record


GAPS = st.lists(st.one_of(st.integers(0, 2_000_000), st.integers(0, 3_000_000_000)), max_size=60)


@given(GAPS, st.integers(1, 10**9), st.integers(0, 5), st.integers(0, 200))
@example([365, 365], 1, 0, 0)
@settings(max_examples=120, deadline=None)
def test_what_is_summed_up_has_the_same_figures_and_gaps_to_a_hundredth(
    gaps: list[int], first: int, thinking: int, more: int
) -> None:
    stamps = list(accumulate(gaps, initial=1_000 + first))
    events = answer(stamps, min(thinking, len(stamps)), len(stamps) + more)
    end = RequestEnded(request_id=1, t_ns=stamps[-1] + 5, status=Status.DONE)
    whole = recorded([*events, end])
    summary = whole.timeline.summary(1)
    assert summary is not None
    sent = msgspec.json.decode(msgspec.json.encode(summary), type=ContentSummed)
    summed = recorded([*(each for each in events if not isinstance(each, Content)), sent, end])
    assert len(summed.timeline.content_ns) <= 2
    assert summed.text() == ""
    for figure in Figure:
        if figure is not Figure.ITL and figure.declared.fitted is None:
            assert figure.in_file(summed) == figure.in_file(whole), figure
    exact, near = sorted(Figure.ITL.samples_of(whole)), sorted(Figure.ITL.samples_of(summed))
    assert len(near) == len(exact)
    # To a hundredth, and then to a whole nanosecond.
    assert all(abs(one - other) <= 0.01 * other + 0.51 for one, other in zip(near, exact, strict=True))
    assert near[-1:] == exact[-1:]
    if (of_whole := metrics.gaps(whole.timeline)) is not None and not whole.has_no_pace:
        of_summed = metrics.gaps(summed.timeline)
        assert of_summed is not None
        assert (of_summed.count, of_summed.max_ns, of_summed.longest_at) == (
            of_whole.count,
            of_whole.max_ns,
            of_whole.longest_at,
        )


def test_stamps_out_of_order_are_still_said_to_be() -> None:
    timeline = recorded(answer([5_000, 4_000, 9_000])).timeline
    summary = timeline.summary(1)
    assert summary is not None
    timeline.apply(summary)
    assert metrics.is_out_of_order(timeline)
    assert metrics.gap_samples_ns(timeline) == []


def test_nothing_is_summed_up_without_content() -> None:
    assert Timeline().summary(1) is None
