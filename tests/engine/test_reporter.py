"""The reporter of one request: events as they are told, and what retries and the run's spread depend on."""

from tui.core.events import Content, Event, Kind, Mark, Marked, Status
from tui.engine.reporter import RequestReporter


def test_each_event_is_reported_with_its_request() -> None:
    events: list[Event] = []
    reporter = RequestReporter(7, events.append)
    reporter.mark(Mark.CONNECTED, 5)
    reporter.content(Kind.TEXT, 6, "x")
    assert events == [
        Marked(request_id=7, mark=Mark.CONNECTED, t_ns=5),
        Content(request_id=7, kind=Kind.TEXT, t_ns=[6], texts=["x"]),
    ]


def test_pieces_of_a_slice_are_reported_together_and_before_whatever_follows_them() -> None:
    events: list[Event] = []
    reporter = RequestReporter(7, events.append)
    with reporter.slice():
        for t_ns, kind in ((1, Kind.THINKING), (2, Kind.TEXT), (3, Kind.TEXT)):
            reporter.content(kind, t_ns, "x")
        reporter.mark(Mark.MESSAGE_STOP, 4)
        reporter.content(Kind.TEXT, 5, "y")
        assert len(events) == 3
    reporter.content(Kind.TEXT, 6, "z")
    assert events == [
        Content(request_id=7, kind=Kind.THINKING, t_ns=[1], texts=["x"]),
        Content(request_id=7, kind=Kind.TEXT, t_ns=[2, 3], texts=["x", "x"]),
        Marked(request_id=7, mark=Mark.MESSAGE_STOP, t_ns=4),
        Content(request_id=7, kind=Kind.TEXT, t_ns=[5], texts=["y"]),
        Content(request_id=7, kind=Kind.TEXT, t_ns=[6], texts=["z"]),
    ]


def test_a_later_attempt_is_no_part_of_the_runs_start() -> None:
    reporter = RequestReporter(7, lambda event: None)
    assert reporter.sent_ns is None
    reporter.mark(Mark.CONNECTED, 5)
    assert reporter.sent_ns is None
    reporter.mark(Mark.SENT, 6)
    reporter.mark(Mark.SENT, 9)
    assert reporter.sent_ns == 6


def test_only_content_forbids_another_attempt() -> None:
    reporter = RequestReporter(7, lambda event: None)
    reporter.mark(Mark.MESSAGE_START, 5)
    assert not reporter.has_content
    reporter.content(Kind.THINKING, 6, "x")
    assert reporter.has_content


def test_an_end_is_not_reported_before_it_is_final() -> None:
    events: list[Event] = []
    ended = RequestReporter(7, events.append).ended(Status.DONE, stop_reason="end_turn")
    assert (ended.request_id, ended.status, ended.stop_reason) == (7, Status.DONE, "end_turn")
    assert events == []
