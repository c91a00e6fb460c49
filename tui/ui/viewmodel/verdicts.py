"""Verdicts in words: a lane against the pinned results and its objectives, and two snapshots side by side."""

from collections.abc import Sequence

from tui.core.comparison import Comparison, Verdict, family_sentence, look_at
from tui.core.failures import failures_sentence
from tui.core.interleaved import Turns, compare_in_turn, differences, failures_in_turn, questions_of
from tui.core.objectives import Judgement, ObjectiveState, judge
from tui.core.sanitize import clean
from tui.core.snapshot import LaneChange, LaneSnapshot, Snapshot, apart_ns, change_so_far, changes
from tui.core.wording import amount, roughly, span
from tui.session.live import Lane, LiveState

VERDICTS = {
    Verdict.FASTER: "▼ faster",
    Verdict.SLOWER: "▲ slower",
    Verdict.NONE_SHOWN: "○ none shown",
    Verdict.TOO_FEW: "? too few runs",
}
"""A shape and a word each."""


class LaneVerdicts:
    """Verdicts of all lanes, worked out one lane at a time: thousands of samples take milliseconds, and keys wait."""

    def __init__(self) -> None:
        self._lines: dict[int, tuple[tuple[object, ...], tuple[str, ...]]] = {}

    def refresh_one(self, live: LiveState) -> bool:
        """Work out one lane whose results have changed; False when there is none."""
        for lane in live.lanes:
            asked = (live.pinned, live.objectives, lane.target.against)
            state = (lane, len(lane.outcomes), len(lane.swept), *asked)
            known = self._lines.get(id(lane))
            if known is None or any(old is not new and old != new for old, new in zip(known[0], state, strict=True)):
                self._lines[id(lane)] = (state, tuple(self._work_out(live, lane)))
                return True
        return False

    def lines(self, lane: Lane) -> tuple[str, ...]:
        """The lines of a lane, as last worked out."""
        known = self._lines.get(id(lane))
        return known[1] if known is not None and known[0][0] is lane else ()

    def _work_out(self, live: LiveState, lane: Lane) -> list[str]:
        lines: list[str] = []
        before = live.pinned.lane(lane.label) if live.pinned is not None else None
        now = lane.snapshot()
        if now is not None and (turns := _in_turn(live, lane)):
            pairs = sum(other.target.against is not None for other in live.lanes)
            count, shares = look_at(min(len(differences(each)) for each in turns))
            lines += map(change_line, compare_in_turn(turns, shares=shares * pairs, most=count))
            lines += [f"⚠ {failures}" for failures in failures_in_turn(turns)]
        if before is not None and now is not None and now.runs != before.runs:
            lines += map(change_line, change_so_far(before, now, len(live.lanes)))
            failures = failures_sentence((now.name, now.observations), (f"{now.name} before", before.observations))
            lines += [f"⚠ {failures}"] if failures else []
            apart = apart_ns(before, now)
            lines += [f"measured {roughly(apart)} after what is pinned"] if apart is not None else []
        if live.objectives and lane.current:
            lines.append(
                objectives_line([judge(objective, lane.current, fitted=lane.fit) for objective in live.objectives])
            )
        return lines


def _in_turn(live: LiveState, lane: Lane) -> list[Turns]:
    """The questions of a lane and the one that is asked in turn with it; none for a lane without such a one."""
    other = next((each for each in live.lanes if each.label == lane.target.against), None)
    return [] if other is None else questions_of(lane.label, lane.current, other.label, other.current)


def change_line(comparison: Comparison) -> str:
    """One figure against the pinned one: its verdict first, as shape and word, since a narrow lane cuts the rest."""
    figure, verdict = comparison.figure, VERDICTS[comparison.verdict]
    if comparison.difference is None or comparison.interval is None:
        now, before = comparison.medians
        by = f" {signed(comparison, now - before)}" if now is not None and before is not None else ""
        return f"{verdict}: {figure.label}{by}"
    interval = span(figure, comparison.interval.low, comparison.interval.high).replace("-", "−")
    return f"{verdict}: {figure.label} {signed(comparison, comparison.difference)} ({interval})"


def signed(comparison: Comparison, difference: float) -> str:
    """A difference with its sign: `−212 ms`."""
    return f"{'−' if difference < 0 else '+'}{amount(comparison.figure, abs(difference))}"


def objectives_line(judgements: Sequence[Judgement]) -> str:
    """All objectives of a lane, by what became of them: those missed first, since a narrow lane cuts the rest.

    They are judged after every run, each time at 95 %, so a state is said to be so far.
    """
    parts = []
    for state in (ObjectiveState.MISSED, ObjectiveState.UNKNOWN, ObjectiveState.MET):
        texts = [judgement.objective.text for judgement in judgements if judgement.state is state]
        if texts:
            so_far = "" if state is ObjectiveState.UNKNOWN else " so far"
            parts.append(f"{state.mark} {state.value}{so_far}: {', '.join(texts)}")
    return " ".join(parts)


def comparison_lines(before: Snapshot, now: Snapshot) -> list[str]:
    """Lane by lane: what was asked differently, the tokens, and how each figure has changed; then the family."""
    earlier = {lane.name: _earlier(before, now, lane) for lane in now.lanes}
    pairs = [(old, lane) for lane in now.lanes if (old := earlier[lane.name]) is not None]
    found = iter(changes(pairs))
    lines: list[str] = []
    shown: list[Comparison] = []
    for lane in now.lanes:
        if earlier[lane.name] is None:
            lines += [clean(lane.name), f"  not in {clean(before.name)}", ""]
            continue
        changed = next(found)
        shown += changed.comparisons
        lines += [clean(lane.name), *_change_lines(changed), ""]
    missing = [lane.name for lane in before.lanes if now.lane(lane.name) is None and len(now.lanes) > 1]
    lines += [f"not in {clean(now.name)}: {clean(', '.join(missing))}"] if missing else []
    family = family_sentence(shown)
    return [*lines, f"{family}."] if family else lines


def _earlier(before: Snapshot, now: Snapshot, lane: LaneSnapshot) -> LaneSnapshot | None:
    """The lane that one is compared with: that of its name, or the only one there is."""
    return before.lane(lane.name) or (before.lanes[0] if len(now.lanes) == len(before.lanes) == 1 else None)


def _change_lines(found: LaneChange) -> list[str]:
    asked = [f"  {clean(cause)}" for cause in found.causes] or ["  asked the same"]
    tokens = [
        f"{name} tokens {change_:+,.0f}"
        for name, change_ in (("input", found.input_tokens), ("output", found.output_tokens))
        if change_
    ]
    said = [f"  {clean(comparison.sentence)}." for comparison in found.comparisons]
    failures = [f"  {clean(found.failures)}."] if found.failures else []
    return [*asked, *([f"  {', '.join(tokens)} (medians)"] if tokens else []), *failures, *said]
