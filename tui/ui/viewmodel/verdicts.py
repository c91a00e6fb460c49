"""Verdicts in words: a lane against the pinned results and its objectives, and two snapshots side by side."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from tui.core.comparison import Comparison, Verdict, family_sentence, look_at
from tui.core.failures import failures_sentence
from tui.core.interleaved import Turns, compare_in_turn, differences, failures_in_turn, questions_of
from tui.core.objectives import Judgement, ObjectiveState, judge
from tui.core.sanitize import clean
from tui.core.snapshot import LaneChange, LaneSnapshot, Snapshot, apart_ns, change_so_far, changes
from tui.core.wording import ABSENT, aligned, amount, change, roughly
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


_MARKS = {Verdict.FASTER: "▼ ", Verdict.SLOWER: "▲ ", Verdict.NONE_SHOWN: "○ ", Verdict.TOO_FEW: ""}


def change_line(comparison: Comparison) -> str:
    """One figure against the pinned one, the fact before the doubt, since a narrow lane cuts the rest."""
    doubt = " ?" if comparison.verdict is Verdict.TOO_FEW else ""
    return f"{_MARKS[comparison.verdict]}{comparison.figure.label} {_changed(comparison)}{doubt}"


def _changed(comparison: Comparison) -> str:
    """The difference with its interval, or that of the medians while there is none."""
    figure, interval = comparison.figure, comparison.interval
    if comparison.difference is not None and interval is not None:
        return change(figure, comparison.difference, interval.low, interval.high)
    now, before = comparison.medians
    return change(figure, now - before) if now is not None and before is not None else ABSENT


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
    return [*lines, *_doubts(shown), *([f"{family}."] if family else []), *_prompt_lines(pairs)]


def _doubts(shown: Sequence[Comparison]) -> list[str]:
    """The reasons why verdicts are missing, each once, whatever the number of lanes and figures."""
    few = [one for one in shown if one.verdict is Verdict.TOO_FEW]
    needed = dict.fromkeys(one.sentence.rpartition(", ")[2] for one in few)
    said = [f"? too few runs for a verdict: {need}." for need in needed]
    more = [
        f"○ {clean(one.first)}, {one.figure.label}: {one.sentence.partition('; ')[2]}."
        for one in shown
        if one.verdict is Verdict.NONE_SHOWN and "; " in one.sentence
    ]
    return [*said, *more]


def _prompt_lines(pairs: Sequence[tuple[LaneSnapshot, LaneSnapshot]]) -> list[str]:
    """The differences of the prompts by words, each once for all lanes that were asked the same."""
    parts: dict[tuple[str, str, str], None] = {}
    for old, new in pairs:
        for part in ("system", "user"):
            texts = getattr(old.prompt, part), getattr(new.prompt, part)
            if texts[0] != texts[1]:
                parts[(part, *texts)] = None
    return [
        line for part, old_text, new_text in parts for line in ("", f"prompt, {part}:", _by_words(old_text, new_text))
    ]


def _by_words(old: str, new: str) -> str:
    """Words taken out as [-words-], words that came in as {+words+}, with a few around each."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    said: list[str] = []
    for kind, first, last, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        same = before[first:last]
        if kind == "equal":
            is_long = len(same) > 2 * _AROUND
            said.append("".join([*same[:_AROUND], "… ", *same[-_AROUND:]]) if is_long else "".join(same))
            continue
        out, came = "".join(same).strip(), "".join(after[start:end]).strip()
        said += [f"[-{out}-] "] if out else []
        said += [f"{{+{came}+}} "] if came else []
    return clean("  " + " ".join("".join(said).split()))


_WORDS = re.compile(r"\S+\s*")
_AROUND = 5
"""Words before and after a difference that are shown."""


def _earlier(before: Snapshot, now: Snapshot, lane: LaneSnapshot) -> LaneSnapshot | None:
    """The lane that one is compared with: that of its name, or the only one there is."""
    return before.lane(lane.name) or (before.lanes[0] if len(now.lanes) == len(before.lanes) == 1 else None)


def _change_lines(found: LaneChange) -> list[str]:
    # The prompt's own differences follow once, for all lanes.
    causes = [cause for cause in found.causes if not cause.startswith(("- ", "+ "))]
    asked = [f"  {clean(cause)}" for cause in causes] or ([] if found.causes else ["  asked the same"])
    rows = [("", "before", "now", "difference (95 %)", "verdict", "n")]
    for one in found.comparisons:
        now, before = (amount(one.figure, middle) if middle is not None else ABSENT for middle in one.medians)
        counts = f"{one.counts[1]} and {one.counts[0]}"
        rows.append((one.figure.label, before, now, _changed(one), VERDICTS[one.verdict], counts))
    for name, change_ in (("input tokens", found.input_tokens), ("output tokens", found.output_tokens)):
        rows += [(name, "", "", f"{change_:+,.0f}".replace("-", "−"), "", "")] if change_ else []
    failures = [f"  {clean(found.failures)}."] if found.failures else []
    return [*asked, *(f"  {line}" for line in aligned(rows)), *failures]
