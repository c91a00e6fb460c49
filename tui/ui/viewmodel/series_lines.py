"""A series in words."""

from tui.core.series import Ending, Series
from tui.core.wording import dollars, format_duration
from tui.ui.bindings import KeyNames


def progress(series: Series, keys: KeyNames, *, paused: bool, over: bool) -> str:
    """How far it is, how long it takes on, what it has cost; or why it ended."""
    settings = series.settings
    what = "sweep" if series.cells else "series"
    if series.done == 0 and series.warm_ups_done < settings.warm_ups and not over:
        done = f"{what}: warm-up {series.warm_ups_done + 1} of {settings.warm_ups}"
    else:
        done = f"{what}: {series.done} of {series.total}"
    parts = [done]
    if over:
        parts.append("done" if series.ending in (None, Ending.COMPLETE) else str(series.ending))
    elif paused:
        parts.append(f"paused, {keys('pause')} goes on")
    elif (left_ns := series.left_ns()) is not None:
        parts.append(f"{format_duration(left_ns)} left")
    if series.usd:
        parts.append(f"≈ {dollars(series.usd)}")
    return ", ".join(parts)
