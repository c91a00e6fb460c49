"""Two snapshots side by side, in words: a table per lane, then doubts, and how the prompts differ, once each."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import msgspec

from tui.core.attachment import Attachment
from tui.core.comparison import Comparison, Verdict, family_sentence
from tui.core.prompt import Prompt, Turn
from tui.core.remarks import tokens_differ
from tui.core.sanitize import clean
from tui.core.snapshot import LaneChange, LaneSnapshot, Pair, Snapshot, changes
from tui.core.wording import ABSENT, amount, change, file_words

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
_PARTS = {"attached": "files"}
_AROUND = 5
"""Words before and after a difference that are shown."""


class LaneTable(msgspec.Struct, frozen=True, kw_only=True):
    """One lane of both."""

    name: str
    differences: tuple[str, ...] = ()
    """Differences in what was asked, but for the prompts."""
    rows: tuple[tuple[str, ...], ...] = ()
    """A figure each, with what `HEADING` names. None if the earlier snapshot lacks the lane."""
    said: tuple[str, ...] = ()
    """Sentences without a full stop: on pass rates, on failures."""


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
    asked = {lane.name: (old.prompt, lane.prompt) for old, lane in pairs}
    shown = [one for change_ in found.values() for one in change_.comparisons]
    missing = [lane.name for lane in before.lanes if now.lane(lane.name) is None and len(now.lanes) > 1]
    family = family_sentence(shown)
    return SideBySide(
        before=before.name,
        now=now.name,
        lanes=tuple(
            _table(found[lane.name], *asked[lane.name]) if lane.name in found else LaneTable(name=lane.name)
            for lane in now.lanes
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


def _table(found: LaneChange, old_prompt: Prompt, new_prompt: Prompt) -> LaneTable:
    rows = []
    for one in found.comparisons:
        now, before = (amount(one.figure, middle) if middle is not None else ABSENT for middle in one.medians)
        counts = f"{one.counts[1]} and {one.counts[0]}"
        rows.append((one.figure.label, before, now, changed(one), VERDICTS[one.verdict], counts))
    for name, before_, now_ in found.tokens:
        moved = f"{now_ - before_:+,.0f}".replace("-", "−") if now_ != before_ else "0"
        rows.append((name, f"{before_:,.0f}", f"{now_:,.0f}", moved, "", ""))
    # The prompt's own differences follow once, for all lanes.
    same = () if any(_differing(old_prompt, new_prompt)) else ("asked the same",)
    return LaneTable(
        name=found.name,
        differences=tuple(map(clean, found.causes)) or same,
        rows=tuple(rows),
        said=tuple(clean(one) for one in (found.passes, found.failures) if one),
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
    differing = (one for old, new in pairs for one in _differing(old.prompt, new.prompt))
    for part, old_text, new_text in dict.fromkeys(differing):
        yield part, _by_words(old_text, new_text)


def _differing(old: Prompt, new: Prompt) -> Iterator[tuple[str, str, str]]:
    """The parts in which two prompts differ, each with both texts."""
    for part in (name for name in old.__struct_fields__ if name not in ("name", "attach")):
        texts = _text(getattr(old, part)), _text(getattr(new, part))
        if texts[0] != texts[1]:
            yield _PARTS.get(part, part), *texts


def _text(part: object) -> str:
    """A part of a prompt as words: of turns who says what, of files their names and contents, of checks their lines."""
    if isinstance(part, str):
        return part
    assert isinstance(part, tuple)
    return "\n".join(
        f"{one.role}: {one.text}"
        if isinstance(one, Turn)
        else f"{one.name} ({file_words(one)}, {one.sha256[:8]})"
        if isinstance(one, Attachment)
        else msgspec.json.encode(one).decode()
        for one in part
    )


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
