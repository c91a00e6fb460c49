"""Stamps, folded from events."""

import pytest

from tui.core.events import Content, Kind, Mark, Marked, RequestEnded, Responded, Status, Usage, UsageReported
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
