"""The chart "way", us, the network or the API: a typical answer as connect, upload, network, server and stream."""

from collections.abc import Sequence
from statistics import fmean

from tui.core.observation import Observation
from tui.core.wording import format_duration
from tui.ui.charts.plot import BarRow, BarRows, Look, Numbers, stacked, time_axis
from tui.ui.charts.source import Chart, ChartSource, bounded_note, by_answer, latest_answers

LOOKS = (
    Look("connect", "conn", "·", ".", "setup"),
    Look("upload", "up", "╱", "/", "prompt"),
    Look("network", "net", "▒", "~", "thinking"),
    Look("server", "api", "░", "-", "waiting"),
    Look("stream", "out", "█", "#", "output"),
)


def typical_way(answers: Sequence[Observation]) -> tuple[float, ...]:
    """The parts of a typical answer in the order of `LOOKS`, ns; empty where no answer's TTFT could be split.

    They are means over the middle half of the answers by their sum: medians of parts do not add up.
    """
    whole = [parts for one in answers if (parts := _parts(one)) is not None]
    ascending = sorted(whole, key=sum)
    cut = len(ascending) // 4
    middle = ascending[cut : len(ascending) - cut]
    return tuple(map(fmean, zip(*middle, strict=True)))


def _parts(one: Observation) -> tuple[float, ...] | None:
    parts = (one.upload_ns, one.network_ns, one.server_ns)
    if one.total_ns is None or one.ttft_ns is None or None in parts:
        return None
    return (one.set_up_ns or 0.0, *(part or 0.0 for part in parts), one.total_ns - one.ttft_ns)


def way_rows(source: ChartSource) -> BarRows:
    """The typical answer of each lane, of those counted since anything asked was last changed."""
    found = [(lane, typical_way(latest_answers(lane))) for lane in source.lanes]
    rows = tuple(BarRow(lane.label, stacked(zip(LOOKS, parts, strict=bool(parts)))) for lane, parts in found)
    untold = any(latest_answers(lane) and not parts for lane, parts in found)
    foot = "The kernel tells of no acknowledgements here, so TTFT cannot be split." if untold else ""
    return BarRows(rows=rows, x=time_axis(rows), key=LOOKS if any(parts for _, parts in found) else (), foot=foot)


def way_numbers(source: ChartSource) -> Numbers:
    """The parts of each lane's bar. Those of TTFT are about right: a peer may hold back its acknowledgement."""
    rows = []
    for lane in source.lanes:
        parts = typical_way(latest_answers(lane))
        cells: tuple[float | None, ...] = (*parts, sum(parts)) if parts else (None,) * (len(LOOKS) + 1)
        rows.append((lane.label, *map(format_duration, cells)))
    return Numbers(("typical, about", *(look.name for look in LOOKS), "sum"), tuple(rows), bounded_note(source.lanes))


CHART = Chart(
    title="Us, the network or the API",
    placeholder="No TTFT yet that can be split.",
    build=way_rows,
    version=by_answer,
    numbers=way_numbers,
)
