"""Summaries of repeated measurements."""

from collections.abc import Sequence
from statistics import median

import msgspec


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one metric over the runs of a sitting, in the unit of the samples; absent without samples."""

    count: int
    last: int | None
    best: int | None
    median: float | None


def summarise(samples: Sequence[int | None]) -> Summary:
    """Summarise samples in order of measurement; `None` (a failed run) is not counted, but may be the last."""
    present = [sample for sample in samples if sample is not None]
    return Summary(
        count=len(present),
        last=samples[-1] if samples else None,
        best=min(present, default=None),
        median=median(present) if present else None,
    )
