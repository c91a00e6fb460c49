"""Writes a file that only its owner can read, all of it or nothing."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step: written beside it, on the disk before it gets its name, mode 0600.

    Raises OSError; then `path` is what it was, and nothing lies beside it.
    """
    handle, beside = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)  # makes it 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)  # noqa: PTH105 - mkstemp gave a text
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)  # noqa: PTH108 - as above
        raise


def private_directory(path: Path) -> None:
    """Make the directory `path`, with mode 0700 also if it was made before by other means. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
