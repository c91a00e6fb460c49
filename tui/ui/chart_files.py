"""Files that charts are exported to."""

from datetime import datetime
from itertools import count
from pathlib import Path


def write_chart(directories: tuple[Path, ...], kind: str, suffix: str, text: str, when: datetime) -> Path:
    """Write `text` to a new file in the first of the directories that takes it; returns where it is.

    The name says kind and time; a file that is there already is left alone. It is written beside and renamed, so that
    nobody finds half of it. Raises the last directory's OSError.
    """
    stem = f"latency-tui-{kind}-{when:%Y%m%d-%H%M%S}"
    *first, last = directories
    for directory in first:
        try:
            return _write(directory, stem, suffix, text)
        except OSError:
            continue
    last.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _write(last, stem, suffix, text)


def _write(directory: Path, stem: str, suffix: str, text: str) -> Path:
    path = _reserved(directory, stem, suffix)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise
    return path.absolute()


def _reserved(directory: Path, stem: str, suffix: str) -> Path:
    """A name nobody has, made as an empty file so that nobody else takes it."""
    for number in count(1):
        path = directory / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        return path
    raise AssertionError("numbers do not end")
