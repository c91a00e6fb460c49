"""All figures of a request: right where they are defined, dashes where they are not."""

import itertools
from datetime import date

import msgspec
import pytest

from tui.core.checks import CheckFinding
from tui.core.cost import Cost
from tui.core.engine_events import StampSource
from tui.core.events import CacheMiss, Failure, FailureKind, Instrument, Kind, NetworkSeen, Response, Status, Usage
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import Attempt, RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.core.timeline import Timeline
from tui.core.wording import ABSENT
from tui.ui.viewmodel.detail import detail_rows, failing_parts

MS = 1_000_000

SPEC = RequestSpec(
    request_id=1,
    target="lane",
    model="model",
    endpoint=Endpoint(name="e", base_url="http://localhost"),
    prompt=Prompt(),
    parameters=Parameters(),
    timeouts=Timeouts(),
)
NEW = Timeline(
    queued_ns=90 * MS,
    connect_started_ns=91 * MS,
    connected_ns=94 * MS,
    sent_ns=100 * MS,
    headers_ns=140 * MS,
    message_start_ns=150 * MS,
    content_ns=[300 * MS, 350 * MS, 400 * MS, 800 * MS],
    first_text_ns=300 * MS,
    message_stop_ns=801 * MS,
)


def rows(record: RequestRecord) -> dict[str, str]:
    groups = detail_rows(record)
    names = [name for group in groups for name, _ in group]
    assert len(names) == len(set(names))
    return dict(itertools.chain(*groups))


def done(timeline: Timeline, tokens: int | None = None) -> RequestRecord:
    return RequestRecord(
        spec=SPEC,
        timeline=timeline,
        status=Status.DONE,
        stop_reason="end_turn",
        http_status=200,
        api_request_id="req_1",
        usage=Usage(input_tokens=12, output_tokens=tokens),
    )


def test_a_whole_answer_on_a_new_connection() -> None:
    record = done(NEW, 11)
    record.instrument = Instrument(
        request_id=1,
        stamp_source=StampSource.KERNEL,
        reads=5,
        delay_p50_ns=20_000,
        delay_p99_ns=150_000,
        delay_max_ns=2 * MS,
    )
    assert rows(record) == {
        "TTFT, first token": "200 ms",
        "TTFO, first text": "200 ms",
        "TTLT, total": "700 ms",
        "message_start": "50.0 ms",
        "headers": "40.0 ms",
        "OTPS, tokens/s": "20.0",
        "characters/s": ABSENT,
        "TPOT, per token": "50.0 ms",
        "gaps p50 · p95 · p99": "50.0 ms · 400 ms · 400 ms",
        "longest gap": "400 ms, before chunk 4",
        "connection": "new",
        "set-up, not in TTFT": "3.00 ms",
        "cold TTFT, with set-up": "203 ms",
        "retries, in no figure": ABSENT,
        "attempt": "1",
        "HTTP status": "200",
        "request id": "req_1",
        "whole way": "connect 3.00 ms · upload — · network — · server — · stream 500 ms",
        "held back on the way": "no",
        "bursts": "4",
        "from burst to burst": "50.0 ms",
        "upload, about": ABSENT,
        "network, about": ABSENT,
        "server, about": ABSENT,
        "split within": ABSENT,
        "sent again": ABSENT,
        "out of order": ABSENT,
        "stalled by it": ABSENT,
        "input tokens, uncached": "12",
        "output tokens": "11",
        "thinking tokens": ABSENT,
        "chunks": "4",
        "stop reason": "end_turn",
        "stamped by": "the kernel: the delay is in no figure",
        "delay p50 · p99 · max": "0.02 ms · 0.15 ms · 2.00 ms",
        "stamps shared": "0 of 4",
        "stamps refused": "0",
        "delivery": "streamed",
        "input read from cache": ABSENT,
        "input written to cache": ABSENT,
        "tier · speed · region": ABSENT,
        "cost, estimated": f"{ABSENT}, no price is listed for it",
    }


def test_the_parts_of_the_time_in_one_line() -> None:
    record = done(msgspec.structs.replace(NEW, acked_ns=190 * MS), 11)
    seen = NetworkSeen(
        request_id=1, rtt_ns=90 * MS, min_rtt_ns=80 * MS, sent_bytes=20_000, segment_bytes=1_448, out_of_order=2
    )
    record.network = seen
    shown = rows(record)
    assert shown["whole way"] == ("connect 3.00 ms · upload 10.0 ms · network 80.0 ms · server 110 ms · stream 500 ms")
    assert (shown["server, about"], shown["split within"]) == ("110 ms", "10.0 ms")
    assert (shown["out of order"], shown["sent again"]) == ("2", "0")
    assert not any("proxy" in value for value in shown.values())
    record.network = msgspec.structs.replace(seen, to_proxy=True)
    assert rows(record)["whole way"].endswith("the network's to the proxy alone")


def test_nothing_yet_is_all_dashes() -> None:
    shown = rows(RequestRecord(spec=SPEC))
    assert shown.pop("attempt") == "1"
    assert shown.pop("chunks") == "0"
    assert shown.pop("delivery") == "streamed"
    assert {*shown.values()} == {ABSENT}


def test_the_checks_say_what_was_not_passed() -> None:
    record = RequestRecord(spec=SPEC, timeline=NEW, status=Status.DONE)
    assert "checks" not in dict(itertools.chain.from_iterable(detail_rows(record)))
    record.checks = (CheckFinding(kind="json", passed=True), CheckFinding(kind="regex", passed=False, reason="\x1bno"))
    assert dict(itertools.chain.from_iterable(detail_rows(record)))["checks"] == "not passed: regex: ␛no"


def test_a_judge_is_named_with_its_words_and_tokens() -> None:
    record = RequestRecord(spec=SPEC, timeline=NEW, status=Status.DONE)
    said = CheckFinding(
        kind="judge", passed=True, reason="m says yes: \x1b?", model="m", input_tokens=1200, output_tokens=5
    )
    record.checks = (said, CheckFinding(kind="judge", reason="it was cancelled"))
    shown = dict(itertools.chain.from_iterable(detail_rows(record)))
    assert shown["judge"] == "m says yes: ␛?; tokens: 1,200 in, 5 out"
    assert shown["checks"] == "not judged: judge: it was cancelled"


def test_a_reused_connection() -> None:
    shown = rows(done(Timeline(reused_ns=90 * MS, sent_ns=100 * MS, content_ns=[300 * MS], first_text_ns=300 * MS), 1))
    assert shown["connection"] == "reused"
    assert shown["set-up, not in TTFT"] == shown["cold TTFT, with set-up"] == ABSENT
    assert shown["TTFT, first token"] == "200 ms"


def test_one_token_has_no_pace() -> None:
    shown = rows(done(Timeline(sent_ns=100 * MS, content_ns=[300 * MS], first_text_ns=300 * MS), 1))
    assert shown["TTFT, first token"] == shown["TTLT, total"] == "200 ms"
    for name in ("OTPS, tokens/s", "TPOT, per token", "gaps p50 · p95 · p99", "longest gap"):
        assert shown[name] == ABSENT
    assert shown["output tokens"] == "1"


def test_thinking_alone_has_no_first_text() -> None:
    timeline = Timeline(sent_ns=100 * MS, content_ns=[300 * MS, 310 * MS], thinking_pieces=2)
    record = done(timeline, 2)
    record.usage = Usage(output_tokens=2, thinking_tokens=2)
    shown = rows(record)
    assert shown["TTFT, first token"] == "200 ms"
    assert shown["TTFO, first text"] == ABSENT
    assert shown["thinking tokens"] == "2"
    assert shown["input tokens, uncached"] == ABSENT


def test_an_empty_answer() -> None:
    shown = rows(done(Timeline(sent_ns=100 * MS, message_start_ns=150 * MS, message_stop_ns=151 * MS), 0))
    for name in ("TTFT, first token", "TTFO, first text", "TTLT, total", "OTPS, tokens/s", "TPOT, per token"):
        assert shown[name] == ABSENT
    assert shown["message_start"] == "50.0 ms"
    assert shown["output tokens"] == "0"


def test_one_that_broke_off_has_no_figures_of_a_whole() -> None:
    record = done(NEW, 1)
    record.status = Status.FAILED
    record.failure = Failure(kind=FailureKind.BROKEN_STREAM, message="Broken.")
    shown = rows(record)
    assert shown["TTFT, first token"] == "200 ms"
    for name in ("TTLT, total", "OTPS, tokens/s", "TPOT, per token", "output tokens"):
        assert shown[name] == ABSENT
    # What was seen of it stays.
    assert shown["chunks"] == "4"
    assert shown["longest gap"] == "400 ms, before chunk 4"


def test_earlier_attempts_are_counted_and_their_time_is_apart() -> None:
    record = done(NEW, 11)
    failure = Failure(kind=FailureKind.RATE_LIMITED, message="Rate limited.")
    record.earlier.append(
        Attempt(timeline=Timeline(sent_ns=-1000 * MS), failure=failure, http_status=429, api_request_id=None)
    )
    shown = rows(record)
    assert (shown["attempt"], shown["retries, in no figure"]) == ("2", "1.10 s")
    assert shown["TTFT, first token"] == "200 ms"


def test_without_the_kernels_stamps_the_delay_is_not_known() -> None:
    record = done(NEW, 11)
    record.instrument = Instrument(request_id=1, stamp_source=StampSource.READ, reads=5)
    shown = rows(record)
    assert shown["stamped by"] == "the read: its delay is not known"
    assert shown["delay p50 · p99 · max"] == ABSENT


def test_its_service_is_told_in_the_words_of_the_api() -> None:
    record = RequestRecord(
        spec=msgspec.structs.replace(SPEC, parameters=Parameters(stream=False)),
        usage=Usage(
            input_tokens=12,
            cache_read_input_tokens=4096,
            cache_creation_input_tokens=300,
            cache_5m_input_tokens=100,
            cache_1h_input_tokens=200,
            service_tier="priority",
            speed="fast",
        ),
        cache_miss=CacheMiss(reason="tools_changed", missed_input_tokens=1234),
    )
    cost = Cost(usd=0.0131, is_lower_bound=True, prices_read=date(2026, 11, 22))
    found = dict(itertools.chain(*detail_rows(record, cost)))
    assert found["delivery"] == "not streamed: first is last"
    assert found["input tokens, uncached"] == "12"
    assert found["input read from cache"] == "4,096"
    assert found["input written to cache"] == "300, 5m 100 · 1h 200"
    assert found["tier · speed · region"] == f"priority · fast · {ABSENT}"
    assert found["cost, estimated"] == "≥$0.013, prices of 2026-11-22"
    assert found["cache diagnosis"].startswith("Cache missed: the tools differ")


def test_the_way_of_an_answer_is_shown_clean() -> None:
    record = done(NEW, 4)
    record.response = Response(
        proxy="http://proxy.test:3128 (from HTTPS_PROXY)",
        headers={"via": "1.1 edge", "server-timing": "edge;dur=3\x1b[31m"},
    )
    failure = Failure(kind=FailureKind.CONNECTION, message="The kept connection was closed there.")
    record.earlier = [Attempt(timeline=Timeline(), failure=failure, http_status=None, api_request_id=None)]
    shown = rows(record)
    assert shown["connection"] == "new, through the proxy http://proxy.test:3128 (from HTTPS_PROXY)"
    assert (shown["via"], shown["server-timing"]) == ("1.1 edge", "edge;dur=3␛[31m")
    assert shown["attempt 1 failed"] == "The kept connection was closed there."
    record.response = Response(streamed=False)
    assert rows(record)["delivery"].startswith("not streamed")


def answered(text: str, *findings: CheckFinding) -> RequestRecord:
    return RequestRecord(spec=SPEC, pieces=[(Kind.THINKING, "hm"), (Kind.TEXT, text)], checks=findings)


def failing(start: int, end: int) -> CheckFinding:
    return CheckFinding(kind="k", passed=False, span=(start, end))


@pytest.mark.parametrize(
    ("text", "span", "shown"),
    [
        ("I am sorry.", (5, 10), ("I am ", "sorry", ".")),
        ("one\ntwo\tthree", (4, 7), ("one⏎", "two", " three")),
        ("\x1b[31mred", (1, 5), ("␛", "[31m", "red")),
        ("[1, 2", (5, 5), ("[1, 2", "(here something is missing)", "")),
        ("x" * 100 + "y" * 400 + "z" * 100, (100, 500), ("…" + "x" * 60, "y" * 300 + "…", "z" * 60 + "…")),
        # A file from elsewhere may say anything.
        ("ab", (7, 3), ("ab", "(here something is missing)", "")),
    ],
)
def test_a_part_is_shown_between_what_stands_around_it(
    text: str, span: tuple[int, int], shown: tuple[str, str, str]
) -> None:
    assert failing_parts(answered(text, failing(*span))) == [("k", *shown)]


def test_only_what_failed_at_a_known_place_is_shown() -> None:
    passed, nowhere = CheckFinding(kind="a", passed=True), CheckFinding(kind="b", passed=False)
    assert failing_parts(answered("text", passed, nowhere)) == []
