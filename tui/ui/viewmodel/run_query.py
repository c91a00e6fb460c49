"""The line that filters the history: words with a meaning, and text that the prompt holds."""

from datetime import datetime, timedelta

from tui.core.stored import RunFilter

HINT = "text in the prompt, and: model:haiku endpoint:api tag:x since:2026-11-01 until:2026-11-30 failed simulated"
"""What can be typed."""

_NS_PER_S = 1_000_000_000


class QueryError(ValueError):
    """The line cannot be understood; the message is one sentence."""


def parse_query(line: str) -> RunFilter:
    """The filter that a line means. Days are local ones, as the list shows them. Raises QueryError."""
    wanted: dict[str, object] = {}
    text: list[str] = []
    for word in line.split():
        name, colon, value = word.partition(":")
        if word in ("failed", "simulated"):
            wanted[word] = True
        elif not colon or name not in ("model", "endpoint", "tag", "since", "until"):
            text.append(word)
        elif not value:
            raise QueryError(f"{word} lacks what to look for, as in {name}:{_EXAMPLES[name]}.")
        elif name in ("since", "until"):
            wanted[f"{name}_unix_ns"] = _day_ns(word, value, days=int(name == "until"))
        else:
            wanted[name] = value
    if text:
        wanted["text"] = " ".join(text)
    return RunFilter(**wanted)  # type: ignore[arg-type]


_EXAMPLES = {"model": "haiku", "endpoint": "api", "tag": "x", "since": "2026-11-01", "until": "2026-11-30"}


def _day_ns(word: str, value: str, *, days: int) -> int:
    """The first moment of a day, or of the one so many days later, ns since 1970."""
    try:
        day = datetime.strptime(value, "%Y-%m-%d") + timedelta(days=days)
        return int(day.astimezone().timestamp()) * _NS_PER_S
    except (ValueError, OverflowError, OSError):
        raise QueryError(f"{word}: give a day such as 2026-11-22.") from None
