"""What a lane says beside its text."""

import re
from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.checks import CheckFinding
from tui.core.cost import Cost
from tui.core.engine_events import StampSource
from tui.core.events import (
    AnswerChecked,
    AttemptFailed,
    CacheMiss,
    Content,
    Event,
    Failure,
    FailureKind,
    Instrument,
    Kind,
    Mark,
    Marked,
    MessageOpened,
    RequestEnded,
    Status,
    Usage,
    UsageReported,
)
from tui.core.figures import Figure
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord, State
from tui.core.target import Endpoint, Target, Timeouts
from tui.session.live import Lane
from tui.ui.viewmodel.lane_lines import SHAPES, figures, note, state_line, state_lines

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


def test_a_wait_for_another_attempt_says_why_and_how_long() -> None:
    failure = Failure(kind=FailureKind.RATE_LIMITED, message="Rate limited (429): Slow down.")
    lane = lane_after(SENT, AttemptFailed(request_id=1, t_ns=2_000 * MS, failure=failure, wait_s=30))
    assert state_line(lane, 14_000 * MS) == "↻ rate limited, waiting 12 s of 30, then attempt 2"
    assert state_line(lane, 99_000 * MS) == "↻ rate limited, waiting 30 s of 30, then attempt 2"
    assert note(lane) == failure.message
    assert lane.record is not None
    lane.record.apply(Marked(request_id=1, mark=Mark.QUEUED, t_ns=32_000 * MS))
    assert state_line(lane) == "◌ connecting, attempt 2"
    assert note(lane) == ""


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
    assert figures(lane, 0) == ("TTFT —", "— tok", "total —", "— tok/s")
    assert note(lane) == ""


def test_a_clock_behind_the_stamps_shows_no_negative_time() -> None:
    lane = lane_after(SENT, TEXT)
    assert state_line(lane) == "▶ streaming"
    assert "total 250 ms" in figures(lane, 0)
    assert "total 0.0 s" in figures(lane_after(SENT), 0)


def test_figures_while_it_streams() -> None:
    lane = lane_after(SENT, TEXT, UsageReported(request_id=1, usage=Usage(output_tokens=1)))
    assert figures(lane, 3_500 * MS) == ("TTFT 250 ms", "— tok", "total 2.5 s", "— tok/s")


def test_no_time_goes_on_while_an_answer_is_judged() -> None:
    lane = lane_after(SENT, TEXT, UsageReported(request_id=1, usage=Usage(output_tokens=3)))
    assert lane.record is not None
    lane.record.is_judged = True
    assert state_line(lane).startswith("◇ being judged")
    shown = figures(lane, 90_000 * MS, 400)
    lane.record.apply(AnswerChecked(request_id=1, findings=(CheckFinding(kind="judge", passed=True),)))
    lane.record.apply(ended(Status.DONE))
    assert figures(lane, 99_000 * MS, 400) == shown


def test_while_it_streams_tokens_are_estimated_and_the_total_is_never_below_ttft() -> None:
    lane = lane_after(SENT, TEXT)
    assert figures(lane, 3_500 * MS, 400)[1::2] == ("~100 tok", "~40 tok/s")
    record = lane.record
    assert record is not None
    assert record.timeline.sent_ns is not None
    assert record.ttft_ns == 250 * MS
    for passed_ms in (0, 240, 251, 299):
        assert figures(lane, record.timeline.sent_ns + passed_ms * MS)[2] == "total 250 ms"
    assert figures(lane, record.timeline.sent_ns + 300 * MS)[2] == "total 0.3 s"


def test_figures_of_a_finished_answer() -> None:
    lane = lane_after(SENT, TEXT, TOKENS, ended(Status.DONE))
    # Of two chunks of one character each, the first holds half of the tokens: 51 of 101 came in the timed second.
    assert figures(lane, 9_000 * MS) == ("TTFT 250 ms", "101 tok", "total 1.25 s", "51.0 tok/s")


def test_the_usually_fastest_have_a_star_and_the_first_of_a_run_a_word() -> None:
    lane = lane_after(SENT, TEXT, TOKENS, ended(Status.DONE))
    lane.first = (Figure.TTFT,)
    assert "✔ done · first: TTFT" in state_line(lane)
    lane.first = (Figure.TTFT, Figure.TOTAL)
    assert "✔ done · first" in state_line(lane)
    assert "★" not in "".join(figures(lane, 0))
    lane.fastest = (Figure.TTFT,)
    assert figures(lane, 0)[:3:2] == ("TTFT 250 ms★", "total 1.25 s")
    lane.fastest = (Figure.TTFT, Figure.TOTAL)
    assert figures(lane, 0)[:3:2] == ("TTFT 250 ms★", "total 1.25 s★")


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_an_answer_that_broke_off_has_no_total(status: Status) -> None:
    ttft, tokens, total, *_ = figures(lane_after(SENT, TEXT, ended(status)), 0)
    assert (ttft, total, tokens) == ("TTFT 250 ms", "total —", "— tok")


def test_a_failure_is_said() -> None:
    failure = Failure(kind=FailureKind.BAD_KEY, message="The key was refused: check ANTHROPIC_API_KEY.")
    assert note(lane_after(SENT, ended(Status.FAILED, failure=failure))) == failure.message
    assert note(lane_after(SENT, TEXT, ended(Status.DONE))) == ""


def test_what_went_in_and_what_it_cost() -> None:
    usage = Usage(input_tokens=12, cache_read_input_tokens=4_096, cache_creation_input_tokens=100, output_tokens=5)
    lane = lane_after(SENT, TEXT, UsageReported(request_id=1, usage=usage), ended(Status.DONE, "end_turn"))
    assert state_line(lane) == "✔ done · in 12 +4,096 read +100 written"
    lane.cost = Cost(usd=0.0131, is_lower_bound=True, prices_read=date(2026, 11, 22))
    assert state_line(lane) == "✔ done · ≥$0.013 · in 12 +4,096 read +100 written"


def test_where_the_state_line_would_be_cut_the_cache_has_lines_of_its_own() -> None:
    usage = Usage(input_tokens=12, cache_read_input_tokens=4_096, output_tokens=5)
    lane = lane_after(SENT, TEXT, UsageReported(request_id=1, usage=usage), ended(Status.DONE, "end_turn"))
    lane.cost = Cost(usd=0.0131, is_lower_bound=True, prices_read=date(2026, 11, 22))
    line = "✔ done · ≥$0.013 · in 12 +4,096 read"
    assert state_lines(lane, len(line)) == [line]
    assert state_lines(lane, len(line) - 1) == ["✔ done · ≥$0.013", "in 12 +4,096 read"]
    idle = Lane(Target(model="m"))
    assert state_lines(idle, 3) == ["○ idle"]
    idle.cannot_warm = True
    assert state_lines(idle, 25) == ["○ idle", "not warmed: cache is off", "here"]


def test_where_the_state_line_would_be_cut_the_cap_gives_way_to_the_cost() -> None:
    lane = lane_after(SENT, TEXT, ended(Status.TRUNCATED, "max_tokens"))
    lane.cost = Cost(usd=0.0131, is_lower_bound=False, prices_read=date(2026, 11, 22))
    line = state_line(lane)
    assert re.fullmatch(r"◧ truncated at [\d,]+ · \$0.013", line)
    assert state_lines(lane, len(line)) == [line]
    assert state_lines(lane, len(line) - 1) == ["◧ truncated · $0.013"]


def test_not_streamed_is_said() -> None:
    lane = lane_after(SENT, ended(Status.DONE, "end_turn"))
    assert lane.record is not None
    lane.record.spec = msgspec.structs.replace(lane.record.spec, parameters=Parameters(stream=False))
    assert state_line(lane) == "✔ done · not streamed"


@pytest.mark.parametrize(
    ("read", "hits", "said"),
    [
        ("messages_changed", 0, "Cache missed: the messages differ"),
        ("messages_changed", 500, "500 of 501 input tokens came from a cache"),
        ("brand_new\x1b[31m", 0, "Cache missed: brand_new"),
    ],
)
def test_a_missed_cache(read: str, hits: int, said: str) -> None:
    opened = MessageOpened(request_id=1, message_id="msg", cache_miss=CacheMiss(reason=read))
    counted = UsageReported(request_id=1, usage=Usage(input_tokens=1, cache_read_input_tokens=hits))
    shown = note(lane_after(SENT, opened, counted, ended(Status.DONE)))
    assert shown.startswith(said)
    assert bool(shown) == bool(said)
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("base_url", "simulated", "said"),
    [("https://models.example/v1", False, True), ("https://models.example", True, False), ("http://[", False, True)],
)
def test_a_cost_that_nobody_knows_is_said(base_url: str, simulated: bool, said: bool) -> None:
    lane = lane_after(SENT, TEXT, UsageReported(request_id=1, usage=Usage(output_tokens=5)), ended(Status.DONE))
    assert lane.record is not None
    endpoint = msgspec.structs.replace(lane.record.spec.endpoint, base_url=base_url, simulated=simulated)
    lane.record.spec = msgspec.structs.replace(lane.record.spec, endpoint=endpoint)
    assert ("cost unknown" in state_line(lane)) is said


def test_a_ttft_that_was_held_back_has_no_star() -> None:
    burst = [1_250 * MS + at for at in range(40)]
    pieces = [Content(request_id=1, kind=Kind.TEXT, texts=["x "] * 40, t_ns=burst)]
    reads = Instrument(
        request_id=1, stamp_source=StampSource.KERNEL, reads=1, shared=0, delay_p50_ns=1, delay_p99_ns=1, delay_max_ns=1
    )
    lane = lane_after(SENT, *pieces, TOKENS, reads, ended(Status.DONE))
    lane.fastest = (Figure.TTFT, Figure.TOTAL)
    assert lane.record is not None
    assert lane.record.has_no_pace
    assert [text.endswith("★") for text in figures(lane, 0)[:3:2]] == [False, True]


def test_the_verdict_of_the_checks_is_said_first() -> None:
    lane = lane_after(SENT)
    assert lane.record is not None
    assert note(lane) == ""
    lane.record.checks = (CheckFinding(kind="json", passed=True),)
    assert note(lane) == "passed."
    lane.record.checks = (CheckFinding(kind="max_words", passed=False, reason="9 words, at most 3 are wanted"),)
    assert note(lane) == "not passed: max_words: 9 words, at most 3 are wanted."


@given(cells=st.integers(12, 60), cached=st.booleans(), truncated=st.booleans())
def test_no_fact_is_cut_whatever_the_width(cells: int, *, cached: bool, truncated: bool) -> None:
    how = ended(Status.TRUNCATED, "max_tokens") if truncated else ended(Status.DONE, "end_turn")
    lane = lane_after(SENT, TEXT, how)
    lane.cost = Cost(usd=0.000042, is_lower_bound=False, prices_read=date(2026, 11, 22))
    lane.first = (Figure.TTFT,)
    if cached and lane.record is not None:
        lane.record.usage = Usage(input_tokens=12, output_tokens=5, cache_read_input_tokens=4_096)
    rows = state_lines(lane, cells)
    said = " ".join(rows).replace("·", " ").split()
    for fact in ("$0.000042", "first:", "TTFT", *(("+4,096", "read") if cached else ())):
        assert fact in said
    assert all(len(row) <= max(cells, len("◧ truncated")) for row in rows)
    assert len(rows) == 1 or len(state_line(lane)) > cells
