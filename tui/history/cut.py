"""What a session that a signal ended leaves for the next: how many requests it had in flight.

Those are stored as cancelled, as if the person had wanted it; a dropped connection sends such a signal, and the person
who connects again wants to know.
"""

import contextlib
from pathlib import Path

_NAME = "cut-off"


def leave(directory: Path, requests: int) -> None:
    """Say beside the database that so many requests were cut off. Nothing happens if that cannot be written."""
    with contextlib.suppress(OSError):
        (directory / _NAME).write_text(f"{requests}\n")


def take(directory: Path) -> int:
    """How many were, if any; said once."""
    path = directory / _NAME
    try:
        requests = int(path.read_text()[:20])
        path.unlink()
    except (OSError, ValueError):
        return 0
    return max(0, requests)
