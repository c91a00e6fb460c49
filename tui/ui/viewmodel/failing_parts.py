"""Parts of an answer that did not pass a check, with a little of what stands around them."""

import msgspec

from tui.core.record import RequestRecord
from tui.core.sanitize import clean

_AROUND = 60
"""Characters shown before a part, and behind it."""
_MOST = 300
_MISSING = "(here something is missing)"


class FailingPart(msgspec.Struct, frozen=True):
    """One part as it is shown, on one line and safe to print."""

    kind: str
    """The check."""
    before: str
    part: str
    after: str


def failing_parts(record: RequestRecord) -> list[FailingPart]:
    """The parts that are known, in the order of the checks."""
    text, found = record.text(), []
    for finding in record.checks:
        if finding.passed is not False or finding.span is None:
            continue
        # A file from elsewhere may say anything.
        start, end = (min(at, len(text)) for at in finding.span)
        before = f"{'…' * (start > _AROUND)}{_line(text[max(0, start - _AROUND) : start])}"
        part = text[start:end]
        shown = f"{_line(part[:_MOST])}{'…' * (len(part) > _MOST)}"
        after = f"{_line(text[end : end + _AROUND])}{'…' * (len(text) > end + _AROUND)}"
        found.append(FailingPart(clean(finding.kind), before, shown or _MISSING, after))
    return found


def _line(text: str) -> str:
    return clean(text).replace("\n", "↵").replace("\t", " ")
