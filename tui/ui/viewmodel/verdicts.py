"""Verdicts in words: a lane against the pinned results and its objectives, and two snapshots side by side."""

from collections.abc import Sequence

from tui.core.comparison import Comparison, Verdict, look_at
from tui.core.failures import failures_sentence
from tui.core.figures import Figure
from tui.core.interleaved import Turns, compare_in_turn, differences, failures_in_turn, questions_of
from tui.core.objectives import Judgement, ObjectiveState, judge
from tui.core.sanitize import clean
from tui.core.side_by_side import HEADING, changed, side_by_side
from tui.core.snapshot import Snapshot, apart_ns, change_so_far
from tui.core.wording import aligned, roughly
from tui.session.live import Lane, LiveState


class LaneVerdicts:
    """Verdicts of all lanes, worked out one lane at a time: thousands of samples take milliseconds, and keys wait."""

    def __init__(self) -> None:
        self._lines: dict[int, tuple[tuple[object, ...], tuple[str, ...]]] = {}
        self._words: dict[int, str] = {}

    def refresh_one(self, live: LiveState) -> bool:
        """Work out one lane whose results have changed; False when there is none."""
        for lane in live.lanes:
            asked = (live.pinned, live.objectives, lane.target.against)
            last = id(lane.outcomes[-1]) if lane.outcomes else 0
            state = (lane, len(lane.outcomes), last, len(lane.swept), lane.turn, *asked)
            known = self._lines.get(id(lane))
            if known is None or any(old is not new and old != new for old, new in zip(known[0], state, strict=True)):
                self._lines[id(lane)] = (state, tuple(self._work_out(live, lane)))
                return True
        return False

    def lines(self, lane: Lane) -> tuple[str, ...]:
        """The lines of a lane, as last worked out."""
        known = self._lines.get(id(lane))
        return known[1] if known is not None and known[0][0] is lane else ()

    def word(self, lane: Lane) -> str:
        """The verdict of a lane in a word, as last worked out; empty without objectives and pinned results."""
        return self._words.get(id(lane), "") if self.lines(lane) else ""

    def _work_out(self, live: LiveState, lane: Lane) -> list[str]:
        lines: list[str] = []
        found: list[Comparison] = []
        judged: list[Judgement] = []
        before = live.pinned.lane(lane.measured_name) if live.pinned is not None else None
        now = lane.snapshot()
        if now is not None and (turns := _in_turn(live, lane)):
            pairs = sum(other.target.against is not None for other in live.lanes)
            count, shares = look_at(min(len(differences(each)) for each in turns))
            found += compare_in_turn(turns, shares=shares * pairs, most=count)
            lines += map(change_line, found)
            lines += [f"⚠ {failures}" for failures in failures_in_turn(turns)]
        if before is not None and now is not None and now.runs != before.runs:
            so_far = change_so_far(before, now, len(live.lanes))
            found += so_far
            lines += map(change_line, so_far)
            failures = failures_sentence((now.name, now.observations), (f"{now.name} before", before.observations))
            lines += [f"⚠ {failures}"] if failures else []
            apart = apart_ns(before, now)
            lines += [f"pinned {roughly(apart)} before"] if apart is not None else []
        if live.objectives and lane.current:
            judged = [judge(objective, lane.current, fitted=lane.fit) for objective in live.objectives]
            lines.append(objectives_line(judged))
        self._words[id(lane)] = _word(judged, found)
        return lines


_SHORT = {
    Verdict.FASTER: "▼ faster",
    Verdict.SLOWER: "▲ slower",
    Verdict.NONE_SHOWN: "○ none",
    Verdict.TOO_FEW: "? few",
}
_STATES = {ObjectiveState.MET: "✔ met", ObjectiveState.MISSED: "✖ missed", ObjectiveState.UNKNOWN: "? open"}


def _word(judged: Sequence[Judgement], found: Sequence[Comparison]) -> str:
    """One word: what is missed first, then the total against what it is compared with, then the objectives."""
    states = {each.state for each in judged}
    if ObjectiveState.MISSED in states:
        return _STATES[ObjectiveState.MISSED]
    changed_total = [each.verdict for each in found if each.figure is Figure.TOTAL]
    if changed_total:
        return _SHORT[changed_total[0]]
    return "" if not states else _STATES[ObjectiveState.UNKNOWN if len(states) > 1 else states.pop()]


def _in_turn(live: LiveState, lane: Lane) -> list[Turns]:
    """The questions of a lane and the one that is asked in turn with it; none for a lane without such a one."""
    other = next((each for each in live.lanes if each.label == lane.target.against), None)
    return [] if other is None else questions_of(lane.label, lane.current, other.label, other.current)


_MARKS = {Verdict.FASTER: "▼ ", Verdict.SLOWER: "▲ ", Verdict.NONE_SHOWN: "○ ", Verdict.TOO_FEW: ""}


def change_line(comparison: Comparison) -> str:
    """One figure against the pinned one, the fact before the doubt, since a narrow lane cuts the rest."""
    doubt = " ?" if comparison.verdict is Verdict.TOO_FEW else ""
    return f"{_MARKS[comparison.verdict]}{comparison.figure.label} {changed(comparison)}{doubt}"


def objectives_line(judgements: Sequence[Judgement]) -> str:
    """All objectives of a lane, by what became of them: those missed first, since a narrow lane cuts the rest.

    They are judged after every run, each time at 95 %, so a state is said to be so far.
    """
    parts = []
    for state in (ObjectiveState.MISSED, ObjectiveState.UNKNOWN, ObjectiveState.MET):
        texts = [judgement.objective.text for judgement in judgements if judgement.state is state]
        if texts:
            so_far = "" if state is ObjectiveState.UNKNOWN else " so far"
            parts.append(f"{state.mark} {len(texts)} of {len(judgements)} {state.value}{so_far}: {', '.join(texts)}")
    return " ".join(parts)


def comparison_lines(before: Snapshot, now: Snapshot) -> list[str]:
    """A table per lane, from the first answer on; then, once each, doubts, family, and how the prompts differ."""
    both = side_by_side(before, now)
    lines: list[str] = []
    for lane in both.lanes:
        lines.append(clean(lane.name))
        if lane.rows:
            lines += [f"  {line}" for line in (*lane.differences, *aligned((HEADING, *lane.rows)))]
            lines += [f"  {one}." for one in lane.said]
        else:
            lines.append(f"  not in {clean(both.before)}")
        lines.append("")
    lines += both.notes
    for part, difference in both.prompts:
        lines += ["", f"prompt, {part}:", f"  {difference}"]
    return lines
