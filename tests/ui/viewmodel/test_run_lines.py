"""Stored runs in words, and the line that filters them."""

from datetime import datetime

import msgspec
import pytest

from tui.config.schema import HistorySettings
from tui.core.checks import CheckFinding
from tui.core.events import Kind
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import RunFilter, RunInfo, RunRow, StoredRun, TargetRow, folded
from tui.core.target import Endpoint, Target
from tui.ui.viewmodel.run_lines import QueryError, detail_lines, heading, parse_query, retention, row_line, tags_of


def row(*statuses: str, excerpt: str = "Why?", series: str | None = None, kind: str = "repeat") -> RunRow:
    return RunRow(
        number=12,
        uid="u",
        started_unix_ns=1_770_000_000 * 10**9,
        series=series,
        repeat=3,
        kind=kind,
        simulated=True,
        excerpt=excerpt,
        note="",
        tags=("x",),
        targets=tuple(
            TargetRow(
                target=f"t{number}",
                model="m",
                endpoint="e",
                status=status,
                ttft_ns=number * 10**8 if status == "done" else 1,
                total_ns=number * 10**9 if status == "done" else None,
                output_tokens=3,
            )
            for number, status in enumerate(statuses, 1)
        ),
    )


def test_a_conversation_is_told_from_a_series() -> None:
    played = msgspec.structs.replace(row("done", series="s"), runs=4, turn=3)
    assert "conversation, 4 turns" in row_line(played, 120, marked=False)
    assert "series of 4" in row_line(msgspec.structs.replace(played, turn=None), 120, marked=False)


def test_the_entry_of_a_conversation_has_the_times_of_its_last_turn() -> None:
    first, last = (msgspec.structs.replace(row("done", series="s"), turn=turn) for turn in (1, 2))
    slow = msgspec.structs.replace(last.targets[0], ttft_ns=9 * 10**8)
    last = msgspec.structs.replace(last, targets=(slow,))
    entry = folded([first, last, first, last])
    assert (entry.runs, entry.turn, entry.targets[0].ttft_ns) == (4, 2, 9 * 10**8)


def test_the_worst_state_and_the_shortest_times_are_shown() -> None:
    line = row_line(row("done", "done", "failed"), 120, marked=True)
    assert line.startswith("◆     12  ")
    assert "✖ failed 1/3" in line
    assert " t1 " in line
    assert "100 ms   1.00 s" in line
    assert line.endswith("SIM #x 3 lanes Why?")
    assert "▶ in flight 1/2" in row_line(row("done", "idle"), 120, marked=False)
    assert "✔ done  " in row_line(row("done", "done"), 120, marked=False)
    assert "— " in row_line(row("interrupted"), 120, marked=False)


def test_a_series_says_how_long_it_is() -> None:
    entry = msgspec.structs.replace(row("done", series="s"), runs=11)
    assert "series of 11" in row_line(entry, 120, marked=False)


def test_a_long_name_keeps_the_end_by_which_it_differs() -> None:
    entry = row("done", "done")
    named = [msgspec.structs.replace(one, target=f"claude-haiku-5-5 · {one.target} 寬") for one in entry.targets]
    lines = [row_line(msgspec.structs.replace(entry, targets=tuple(named)), width, marked=False) for width in (80, 120)]
    assert all("t1 寬 " in line for line in lines)


def test_columns_stand_under_their_heads_at_any_width() -> None:
    for width in (80, 120):
        line, head = row_line(row("done"), width, marked=False), heading(width)
        assert line.index("✔") == head.index("state")
        assert line.index("SIM") == head.index("what")
    assert len(heading(80)) < len(heading(120))


def test_nothing_in_a_row_can_drive_the_terminal() -> None:
    line = row_line(row("done", excerpt="a\x1b[31m\nb"), 120, marked=False)
    assert line.endswith("a␛[31m b")


def test_what_is_kept() -> None:
    assert retention(HistorySettings()) == "all is kept"
    assert retention(HistorySettings(keep_days=30, keep_mb=500)) == "kept for at most 30 days and 500 MB"


def test_tags_are_told_apart_by_blanks() -> None:
    assert tags_of(" #a b  a # ##c") == ["a", "b", "#c"]


def test_words_and_free_text() -> None:
    assert parse_query("") == RunFilter()
    wanted = parse_query("model:haiku why  is tag:x endpoint:api failed http://h simulated")
    assert wanted == RunFilter(
        model="haiku", tag="x", endpoint="api", failed=True, simulated=True, text="why is http://h"
    )


def test_days_are_local_and_the_last_one_is_included() -> None:
    wanted = parse_query("since:2026-11-01 until:2026-11-01")
    day = datetime(2026, 11, 1).astimezone()
    assert wanted.since_unix_ns == int(day.timestamp()) * 10**9
    assert wanted.until_unix_ns == int(datetime(2026, 11, 2).astimezone().timestamp()) * 10**9


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("since:yesterday", "since:yesterday: give a day such as 2026-11-22."),
        ("until:9999-12-31", "give a day such as"),
        ("model:", "model: lacks what to look for, as in model:haiku."),
    ],
)
def test_what_cannot_be_understood_is_said(line: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        parse_query(line)


@pytest.mark.parametrize(
    ("answer", "span", "marked"),
    [
        ("I am sorry.", (5, 10), ["sorry"]),
        ("\u200ba\r\nb", (1, 4), ["a\n"]),
        ("[1, 2", (5, 5), ["2"]),
        ("short", (900, 901), ["t"]),
        ("\u200b", (0, 1), [""]),
        ("fine", None, []),
    ],
)
def test_what_fails_a_check_is_marked_in_the_answer(
    answer: str, span: tuple[int, int] | None, marked: list[str]
) -> None:
    plan = Plan(
        prompt=Prompt(user="Why?"),
        parameters=Parameters(),
        targets=(Target(model="m"),),
        endpoints=(Endpoint(name="e", base_url="http://e.example"),),
        default_endpoint="e",
    )
    (spec,) = plan.requests(1)
    finding = CheckFinding(kind="json", passed=False, reason="no", span=span)
    record = RequestRecord(spec=spec, pieces=[(Kind.TEXT, answer)], checks=(finding,))
    info = RunInfo(uid="u", started_unix_ns=1, app_version="0", sdk_version="")
    lines = detail_lines(StoredRun(info=info, plan=plan, requests=[record], number=1))
    assert any("not passed: json: no" in text for text, _ in lines)
    text, marks = lines[-1]
    assert [text[start:end] for start, end in marks] == marked
