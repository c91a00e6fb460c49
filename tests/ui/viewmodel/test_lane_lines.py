"""What a lane says beside its text."""

import pytest

from tui.core.events import (
    Content,
    Event,
    Failure,
    FailureKind,
    Kind,
    Mark,
    Marked,
    RequestEnded,
    Status,
    Usage,
    UsageReported,
)
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord, State
from tui.core.target import Endpoint, Target, Timeouts
from tui.sitting.board import Lane
from tui.ui.viewmodel.lane_lines import SHAPES, figures, note, state_line

MS = 1_000_000
SENT = Marked(request_id=1, mark=Mark.SENT, t_ns=1_000 * MS)
TEXT = Content(request_id=1, kind=Kind.TEXT, t_ns=[1_250 * MS, 2_250 * MS], texts=["a", "b"])
TOKENS = UsageReported(request_id=1, usage=Usage(output_tokens=101))


def lane_after(*events: Event) -> Lane:
    lane = Lane(Target(model="m"))
    lane.record = RequestRecord(
        spec=RequestSpec(
            request_id=1,
            target="m",
            model="m",
            endpoint=Endpoint(name="local", base_url="http://127.0.0.1:1"),
            prompt=Prompt(user="why?"),
            parameters=Parameters(max_tokens=1_024),
            timeouts=Timeouts(),
        )
    )
    for event in events:
        lane.record.apply(event)
    return lane


def ended(status: Status, stop_reason: str | None = None, failure: Failure | None = None) -> RequestEnded:
    return RequestEnded(request_id=1, t_ns=2_300 * MS, status=status, stop_reason=stop_reason, failure=failure)


def test_every_state_has_a_shape_of_its_own() -> None:
    assert set(SHAPES) == set(State)
    assert len(set(SHAPES.values())) == len(State)
    assert all(len(shape) == 1 for shape in SHAPES.values())


@pytest.mark.parametrize(
    ("events", "line"),
    [
        ((), "◌ connecting"),
        ((Marked(request_id=1, mark=Mark.QUEUED, t_ns=2_000 * MS),), "◌ connecting"),
        ((SENT,), "◔ waiting"),
        ((SENT, Content(request_id=1, kind=Kind.THINKING, t_ns=[1_100 * MS], texts=["hm"])), "◑ thinking"),
        ((SENT, TEXT), "▶ streaming"),
        ((SENT, TEXT, ended(Status.DONE)), "✔ done"),
        ((SENT, TEXT, ended(Status.DONE, "end_turn")), "✔ done"),
        ((SENT, TEXT, ended(Status.DONE, "stop_sequence")), "✔ done (stop_sequence)"),
        ((SENT, TEXT, ended(Status.TRUNCATED, "max_tokens")), "◧ truncated at 1,024"),
        ((SENT, TEXT, ended(Status.CANCELLED)), "⊘ cancelled"),
        ((SENT, ended(Status.FAILED)), "✖ failed"),
    ],
)
def test_state_line(events: tuple[Event, ...], line: str) -> None:
    assert state_line(lane_after(*events)) == line


def test_an_idle_lane() -> None:
    lane = Lane(Target(model="m"))
    assert state_line(lane) == "○ idle"
    assert figures(lane, 0) == ("TTFT —", "— tok", "total —", "— tok/s", "gap —", "± —")
    assert note(lane) == ""


def test_a_clock_behind_the_stamps_shows_no_negative_time() -> None:
    lane = lane_after(SENT, TEXT)
    assert state_line(lane) == "▶ streaming"
    assert "total 0.0 s" in figures(lane, 0)


def test_figures_while_it_streams() -> None:
    lane = lane_after(SENT, TEXT, UsageReported(request_id=1, usage=Usage(output_tokens=1)))
    assert figures(lane, 3_500 * MS)[:5] == ("TTFT 250 ms", "— tok", "total 2.5 s", "— tok/s", "gap —")


def test_figures_of_a_finished_answer() -> None:
    lane = lane_after(SENT, TEXT, TOKENS, ended(Status.DONE))
    assert figures(lane, 9_000 * MS)[:5] == ("TTFT 250 ms", "101 tok", "total 1.25 s", "100 tok/s", "gap 1.00 s")


def test_the_fastest_have_a_star() -> None:
    lane = lane_after(SENT, TEXT, TOKENS, ended(Status.DONE))
    lane.fastest_ttft = True
    assert figures(lane, 0)[:3:2] == ("TTFT 250 ms★", "total 1.25 s")
    lane.fastest_total = True
    assert figures(lane, 0)[:3:2] == ("TTFT 250 ms★", "total 1.25 s★")


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_an_answer_that_broke_off_has_no_total(status: Status) -> None:
    ttft, tokens, total, *_ = figures(lane_after(SENT, TEXT, ended(status)), 0)
    assert (ttft, total, tokens) == ("TTFT 250 ms", "total —", "— tok")


def test_a_failure_is_said() -> None:
    failure = Failure(kind=FailureKind.BAD_KEY, message="The key was refused: check ANTHROPIC_API_KEY.")
    assert note(lane_after(SENT, ended(Status.FAILED, failure=failure))) == failure.message
    assert note(lane_after(SENT, TEXT, ended(Status.DONE))) == ""
