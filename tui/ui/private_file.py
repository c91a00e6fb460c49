"""A file that only its owner can read."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> Path:
    """Write `text` to `path` with mode 0600 in a directory with mode 0700; returns `path`. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)  # it may have been made before, by other means
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(handle, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return path
