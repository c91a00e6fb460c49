"""How figures are written, so that one figure looks the same wherever it is shown.

An absent figure is `—`, never zero. All are short: at most seven characters up to a day and a billion tokens.
"""

from tui.core.cost import Cost, dollars
from tui.core.wording import three_digits
from tui.session.live import InputCount

ABSENT = "—"
"""Stands for a figure that is undefined or not known yet."""

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000


def format_ms(ns: int | None) -> str:
    """A duration of `ns` nanoseconds: three significant digits, so that 1 % is seen, in the unit that suits.

    `0.42 ms`, `8.31 ms`, `64.2 ms`, `212 ms`, `1.34 s`, `12.7 s`, `102 s`, `17:05` (minutes and seconds, from 1,000 s).
    Milliseconds end where they would need four digits, at 999.5 ms.
    """
    if ns is None:
        return ABSENT
    size = abs(ns)
    if size < 999.5 * _NS_PER_MS:
        return f"{three_digits(ns / _NS_PER_MS)} ms"
    if size < 999.5 * _NS_PER_S:
        return f"{three_digits(ns / _NS_PER_S)} s"
    minutes, seconds = divmod(round(size / _NS_PER_S), 60)
    return f"{'-' if ns < 0 else ''}{minutes}:{seconds:02}"


def format_rate(per_second: float | None) -> str:
    """A rate in 1/s: three significant digits, no unit: `8.31`, `64.2`, `212`, `1,240`."""
    return ABSENT if per_second is None else three_digits(per_second)


def format_count(count: int | None) -> str:
    """A whole number with thousands set apart: `1,024`; from a million on in millions: `1.02M`."""
    if count is None:
        return ABSENT
    if abs(count) < 999_950:
        return f"{count:,}"
    return f"{three_digits(count / 1_000_000)}M"


def format_cost(cost: Cost | None) -> str:
    """An estimate in US dollars; `≥` where it may be more."""
    return ABSENT if cost is None else f"{'≥' if cost.is_lower_bound else ''}{dollars(cost.usd)}"


def format_input(count: InputCount) -> str:
    """Input tokens: `1,234`; `~1,200` where they are estimated."""
    return f"{'~' if count.is_estimate else ''}{format_count(count.tokens)}"
