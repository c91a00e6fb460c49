"""Two snapshots side by side, in words."""

from tui.core.sanitize import clean
from tui.core.snapshot import LaneChange, Snapshot, change


def comparison_lines(before: Snapshot, now: Snapshot) -> list[str]:
    """Lane by lane: what was asked differently, the tokens, and how each figure has changed."""
    lines: list[str] = []
    for lane in now.lanes:
        earlier = before.lane(lane.name)
        if earlier is None and len(now.lanes) == len(before.lanes) == 1:
            earlier = before.lanes[0]
        if earlier is None:
            lines += [clean(lane.name), f"  not in {clean(before.name)}", ""]
            continue
        lines += [clean(lane.name), *_change_lines(change(earlier, lane)), ""]
    missing = [lane.name for lane in before.lanes if now.lane(lane.name) is None and len(now.lanes) > 1]
    lines += [f"not in {clean(now.name)}: {clean(', '.join(missing))}"] if missing else []
    return lines


def _change_lines(found: LaneChange) -> list[str]:
    asked = [f"  {clean(cause)}" for cause in found.causes] or ["  asked the same"]
    tokens = [
        f"{name} tokens {change_:+,.0f}"
        for name, change_ in (("input", found.input_tokens), ("output", found.output_tokens))
        if change_
    ]
    said = [f"  {clean(comparison.sentence)}." for comparison in found.comparisons]
    return [*asked, *([f"  {', '.join(tokens)} (medians)"] if tokens else []), *said]
