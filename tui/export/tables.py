"""Tables of texts, as reports have them."""

from collections.abc import Sequence

import msgspec

ABSENT = "—"
SIMULATED = "SIMULATED"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table of texts; columns after the first `labels` hold numbers."""

    title: str
    columns: tuple[str, ...]
    labels: int
    rows: Sequence[tuple[str, ...]]


def rounded(value: float | None) -> str:
    """A number with about four significant digits."""
    return ABSENT if value is None else f"{value:,.2f}" if abs(value) < 100 else f"{value:,.1f}"
