"""Differences between the hosts that a target was asked from, and whose they are: the network's or the server's.

Hosts start together, so that a run is a block: what is compared is the difference within each run, and percentiles of
hosts are never averaged. The parts are those of TTFT (`metrics.split`): they add up to the whole.
"""

from collections.abc import Sequence
from statistics import median
from typing import Any

import msgspec

from tui.core.metrics import NS_PER_MS
from tui.core.observation import Observation, runs_of
from tui.core.sanitize import clean
from tui.core.statistics import CONFIDENCE, describe, samples_needed
from tui.core.wording import ABSENT, aligned, counted, format_duration

_LEAST_ERROR_MS = 0.1
"""Error of the parts from which on it is said."""


class HostAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """Answers of one target to one host."""

    target: str
    """The target's label, without the host's name."""
    host: str
    observations: tuple[Observation, ...]

    def medians(self, of: str) -> dict[int, float]:
        """The median of a field of the observations, by run."""
        found = {
            run: [value for one in of_run if one.answered and (value := getattr(one, of)) is not None]
            for run, of_run in runs_of(self.observations).items()
        }
        return {run: median(values) for run, values in found.items() if run and values}

    def typical(self, of: str) -> float | None:
        """The median of those medians; None without any."""
        values = self.medians(of).values()
        return median(values) if values else None


class HostDifference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """TTFT from one host, and how much longer it is than from the quickest one, ms."""

    target: str
    host: str
    """The slower one."""
    against: str
    """The quickest one."""
    runs: int
    """Runs in which both were answered."""
    ttft_ms: float
    """Median of the differences within runs."""
    low_ms: float | None = None
    high_ms: float | None = None
    """Interval of that median, corrected for the number of pairs of hosts; absent for too few runs."""
    network_ms: float | None = None
    """Part of the round trip."""
    upload_ms: float | None = None
    server_ms: float | None = None
    """The rest: the server's part."""
    split_error_ms: float | None = None
    """Most that the parts are off; absent where TTFT could not be split."""
    sentence: str = ""
    """In words, without a full stop."""


def host_differences(asked: Sequence[HostAnswers]) -> list[HostDifference]:
    """Every target's hosts against its quickest one, in the order of the targets; nothing for one host alone."""
    by_target: dict[str, dict[str, HostAnswers]] = {}
    for one in asked:
        if one.medians("ttft_ns"):
            by_target.setdefault(one.target, {})[one.host] = one
    return [found for hosts in by_target.values() for found in _of_target(list(hosts.values()))]


def _of_target(hosts: Sequence[HostAnswers]) -> list[HostDifference]:
    quickest = min(hosts, key=lambda one: one.typical("ttft_ns") or 0.0)
    pairs = len(hosts) * (len(hosts) - 1) // 2
    compared = (_difference(one, quickest, pairs) for one in hosts if one is not quickest)
    return [difference for difference in compared if difference is not None]


def _difference(slow: HostAnswers, quick: HostAnswers, pairs: int) -> HostDifference | None:
    whole = _within_runs(slow, quick, "ttft_ns")
    if not whole:
        return None
    confidence = 1 - (1 - CONFIDENCE) / pairs
    described = describe(whole, confidence)
    interval, ttft = described.median_interval, median(whole) / NS_PER_MS
    network, upload = (_within_runs(slow, quick, part) for part in ("network_ns", "upload_ns"))
    parts: dict[str, Any] = {}
    if len(network) == len(upload) == len(whole):
        parts = {"network_ms": median(network) / NS_PER_MS, "upload_ms": median(upload) / NS_PER_MS}
        parts["server_ms"] = ttft - sum(parts.values())
        errors = (slow.typical("split_error_ns"), quick.typical("split_error_ns"))
        parts["split_error_ms"] = sum(error or 0.0 for error in errors) / NS_PER_MS
    low, high = (None, None) if interval is None else (interval.low / NS_PER_MS, interval.high / NS_PER_MS)
    found = HostDifference(
        target=slow.target, host=slow.host, against=quick.host, runs=len(whole), ttft_ms=ttft, low_ms=low, high_ms=high,
        **parts,
    )  # fmt: skip
    return msgspec.structs.replace(found, sentence=_sentence(found, samples_needed(50, confidence)))


def _within_runs(slow: HostAnswers, quick: HostAnswers, of: str) -> list[float]:
    first, second = slow.medians(of), quick.medians(of)
    return [first[run] - second[run] for run in first if run in second]


def _sentence(of: HostDifference, needed: int) -> str:
    names = ((of.network_ms, "network"), (of.upload_ms, "upload"), (of.server_ms, "server"))
    told = [(round(part), word) for part, word in names if part is not None]
    # A part that is nothing is left out, but for the two that are always asked for.
    split = ", ".join(f"{value} {word}" for value, word in told if value or word != "upload")
    slower = f"{_ms(of.ttft_ms)} slower than {of.against}{f': {split}' if split else ''}"
    if of.low_ms is None or of.high_ms is None:
        said = f"was {slower}" if of.ttft_ms > 0 else f"and {of.against} are not told apart"
        return f"{of.target}: {of.host} {said} (from {counted(needed, 'run')} on it can be said how sure that is)"
    span = f"{_ms(of.low_ms)} to {_ms(of.high_ms)}"
    if of.low_ms <= 0:
        return f"{of.target}: {of.host} and {of.against} are not told apart, {_ms(of.ttft_ms)} between them ({span})"
    error = f", parts ± {_ms(of.split_error_ms)}" if (of.split_error_ms or 0) >= _LEAST_ERROR_MS else ""
    return f"{of.target}: {of.host} is {slower} (95 %: {span}{error})"


def _ms(value: float | None) -> str:
    amount = format_duration(abs(value or 0.0) * NS_PER_MS)
    # What is shown as nothing has no sign.
    return f"-{amount}" if (value or 0.0) < 0 and amount.strip("0. ms") else amount


def host_sentences(asked: Sequence[HostAnswers]) -> list[str]:
    """Sentences on how every target's hosts differ; nothing for fewer than two hosts."""
    return [clean(f"{each.sentence}.") for each in host_differences(asked)]


def host_lines(asked: Sequence[HostAnswers]) -> list[str]:
    """A table of targets and hosts with the parts of TTFT, then those sentences; nothing for fewer than two hosts."""
    if len({one.host for one in asked}) < 2:
        return []
    return [*map(clean, aligned([HOST_COLUMNS, *host_rows(asked)], labels=2)), *host_sentences(asked)]


PARTS = {"round trip": "network_ns", "upload": "upload_ns", "server": "server_ns"}
"""Parts of TTFT, by what they are called where hosts stand side by side."""
HOST_COLUMNS = ("target", "host", "n", "TTFT", *PARTS)


def host_rows(asked: Sequence[HostAnswers]) -> list[tuple[str, ...]]:
    """A row of `HOST_COLUMNS` for each target and host, with medians of runs."""
    return [
        (
            one.target,
            one.host,
            str(len(one.medians("ttft_ns"))),
            *(
                ABSENT if (value := one.typical(of)) is None else format_duration(value)
                for of in ("ttft_ns", *PARTS.values())
            ),
        )
        for one in asked
    ]
