"""Two snapshots side by side, in words: a table per lane, then doubts, and how the prompts differ, once each."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import msgspec

from tui.core.comparison import Comparison, Verdict, family_sentence
from tui.core.remarks import tokens_differ
from tui.core.sanitize import clean
from tui.core.snapshot import LaneChange, LaneSnapshot, Pair, Snapshot, changes
from tui.core.wording import ABSENT, amount, change

VERDICTS = {
    Verdict.FASTER: "▼ faster",
    Verdict.SLOWER: "▲ slower",
    Verdict.NONE_SHOWN: "○ none shown",
    Verdict.TOO_FEW: "? too few runs",
}
"""A shape and a word each."""
HEADING = ("", "before", "now", "difference (95 %)", "verdict", "n")
"""Names of the tables' columns."""
_WORDS = re.compile(r"\S+\s*")
_AROUND = 5
"""Words before and after a difference that are shown."""


class LaneTable(msgspec.Struct, frozen=True, kw_only=True):
    """One lane of both."""

    name: str
    differences: tuple[str, ...] = ()
    """Differences in what was asked, but for the prompts."""
    rows: tuple[tuple[str, ...], ...] = ()
    """A figure each, with what `HEADING` names. None if the earlier snapshot lacks the lane."""
    failures: str = ""


class SideBySide(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is said of two snapshots."""

    before: str
    now: str
    lanes: tuple[LaneTable, ...]
    notes: tuple[str, ...]
    """Sentences on all lanes."""
    prompts: tuple[tuple[str, str], ...]
    """Parts of the prompts that differ, each with its difference by words."""


def side_by_side(before: Snapshot, now: Snapshot) -> SideBySide:
    """`now` against `before`, from the first answer on. Names of lanes are as they were given."""
    earlier = {lane.name: _earlier(before, now, lane) for lane in now.lanes}
    pairs = [(old, lane) for lane in now.lanes if (old := earlier[lane.name]) is not None]
    found = dict(zip((lane.name for _, lane in pairs), changes(pairs), strict=True))
    shown = [one for change_ in found.values() for one in change_.comparisons]
    missing = [lane.name for lane in before.lanes if now.lane(lane.name) is None and len(now.lanes) > 1]
    family = family_sentence(shown)
    return SideBySide(
        before=before.name,
        now=now.name,
        lanes=tuple(
            _table(found[lane.name]) if lane.name in found else LaneTable(name=lane.name) for lane in now.lanes
        ),
        notes=(
            *([f"not in {clean(now.name)}: {clean(', '.join(missing))}"] if missing else []),
            *_doubts(shown),
            *([f"{family}."] if family else []),
            *tokens_differ(one.model for pair in pairs for one in pair),
        ),
        prompts=tuple(_prompts(pairs)),
    )


def changed(comparison: Comparison) -> str:
    """The difference with its interval, or that of the medians while there is none."""
    figure, interval = comparison.figure, comparison.interval
    if comparison.difference is not None and interval is not None:
        return change(figure, comparison.difference, interval.low, interval.high)
    now, before = comparison.medians
    return change(figure, now - before) if now is not None and before is not None else ABSENT


def _earlier(before: Snapshot, now: Snapshot, lane: LaneSnapshot) -> LaneSnapshot | None:
    """The lane that one is compared with: that of its name, or the only one there is."""
    return before.lane(lane.name) or (before.lanes[0] if len(now.lanes) == len(before.lanes) == 1 else None)


def _table(found: LaneChange) -> LaneTable:
    # The prompt's own differences follow once, for all lanes.
    causes = [cause for cause in found.causes if not cause.startswith(("- ", "+ "))]
    rows = []
    for one in found.comparisons:
        now, before = (amount(one.figure, middle) if middle is not None else ABSENT for middle in one.medians)
        counts = f"{one.counts[1]} and {one.counts[0]}"
        rows.append((one.figure.label, before, now, changed(one), VERDICTS[one.verdict], counts))
    for name, change_ in (("input tokens", found.input_tokens), ("output tokens", found.output_tokens)):
        rows += [(name, "", "", f"{change_:+,.0f}".replace("-", "−"), "", "")] if change_ else []
    return LaneTable(
        name=found.name,
        differences=tuple(map(clean, causes)) or (() if found.causes else ("asked the same",)),
        rows=tuple(rows),
        failures=clean(found.failures),
    )


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


def _prompts(pairs: Sequence[Pair]) -> Iterator[tuple[str, str]]:
    """The differences of the prompts by words, each once for all lanes that were asked the same."""
    parts: dict[tuple[str, str, str], None] = {}
    for old, new in pairs:
        for part in ("system", "user"):
            texts = getattr(old.prompt, part), getattr(new.prompt, part)
            if texts[0] != texts[1]:
                parts[(part, *texts)] = None
    for part, old_text, new_text in parts:
        yield part, _by_words(old_text, new_text)


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
    return clean(" ".join("".join(said).split()))
