"""Rounds over hours and days: from the history's entries to hours, changes and their rule."""

from random import Random

from tui.core.figures import Figure
from tui.core.rounds import HOUR_NS, Round, by_hour, changes, rounds_of, rule_sentence
from tui.core.run import RunRow, TargetRow

MS = 1_000_000


def round_at(number: int, ttft_ms: float | None, *, every_ns: int = HOUR_NS // 12, failed: bool = False) -> Round:
    ttft_ns = None if ttft_ms is None else round(ttft_ms * MS)
    total_ns = None if ttft_ns is None else 3 * ttft_ns
    return Round(started_unix_ns=number * every_ns, ttft_ns=ttft_ns, total_ns=total_ns, failed=failed)


def row(started: int, *targets: TargetRow) -> RunRow:
    return RunRow(
        number=1,
        uid="u",
        started_unix_ns=started,
        series=None,
        repeat=1,
        kind="repeat",
        simulated=True,
        excerpt="",
        note="",
        tags=(),
        targets=targets,
    )


def target(name: str, status: str, ttft_ns: int | None, total_ns: int | None) -> TargetRow:
    return TargetRow(
        target=name, model="m", endpoint="e", status=status, ttft_ns=ttft_ns, total_ns=total_ns, output_tokens=None
    )


def test_entries_of_the_history_become_rounds_by_target_in_the_order_of_time() -> None:
    rows = [
        row(20, target("a", "done", 5, 9), target("b", "failed", 4, None)),
        row(10, target("a", "truncated", 6, 8), target("b", "cancelled", None, None)),
        row(30, target("a", "idle", None, None)),
    ]
    assert rounds_of(rows) == {
        "a": [
            Round(started_unix_ns=10, ttft_ns=6, total_ns=8, failed=False),
            Round(started_unix_ns=20, ttft_ns=5, total_ns=9, failed=False),
        ],
        # A TTFT of an answer that broke off is none of an answer.
        "b": [Round(started_unix_ns=20, ttft_ns=None, total_ns=None, failed=True)],
    }


def test_an_hour_has_its_rounds_their_medians_and_what_failed() -> None:
    rounds = [round_at(number, 100 + number) for number in range(13)] + [round_at(24, None, failed=True)]
    first, second, third = by_hour(rounds)
    assert (first.rounds, first.failed, first.medians[Figure.TTFT]) == (12, 0, 105.5 * MS)
    assert (second.began_unix_ns, second.rounds) == (HOUR_NS, 1)
    assert (third.rounds, third.failed, dict(third.medians)) == (1, 1, {})


def test_a_change_says_what_changed_by_how_much_and_between_which_rounds() -> None:
    random = Random(1)
    steady = [round_at(number, random.uniform(190, 210)) for number in range(60)]
    faster = [round_at(number, random.uniform(190, 210) / (2 if number >= 40 else 1)) for number in range(60)]
    found = changes({"steady": steady, "faster": faster})
    assert {(each.target, each.figure) for each in found} == {("faster", Figure.TTFT), ("faster", Figure.TOTAL)}
    for each in found:
        assert (each.last_before_unix_ns, each.first_after_unix_ns) == (39 * HOUR_NS // 12, 40 * HOUR_NS // 12)
        assert 1.9 < each.before / each.after < 2.1
    assert found[0].words.startswith("TTFT fell from ")


def test_rounds_without_an_answer_are_no_change() -> None:
    rounds = [
        round_at(number, None if number % 2 else 200 + number % 5, failed=bool(number % 2)) for number in range(90)
    ]
    assert changes({"a": rounds}) == []


def test_the_rule_says_how_often_it_is_wrong_or_what_is_missing() -> None:
    few = {"a": [round_at(number, 200) for number in range(7)]}
    many = {"a": [round_at(number, 200) for number in range(30)]}
    assert rule_sentence(few, []) == "A change can be told from 20 rounds on; there are 7"
    assert rule_sentence(many, []).startswith("No change is shown. Where nothing changes")
    assert "about 1 %" in rule_sentence(many, [])
