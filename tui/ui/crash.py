"""Report of a crash: a file that can be sent to the developers, without prompt, answer or key."""

import os
import platform
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from textual import __version__ as textual_version
from textual.geometry import Size
from textual.worker import WorkerFailed

from tui import __version__
from tui.config.paths import private_directory, state_dir, write_private
from tui.ui.terminal import Terminal


def say_and_report(error: BaseException, terminal: Terminal, size: Size) -> str:
    """Write a report on `error`; what to print, once the terminal is restored, for a person to read."""
    try:
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        path = state_dir() / "crashes" / name
        private_directory(path.parent)
        write_private(path, ("\n".join(_lines(error, terminal, size)) + "\n").encode("utf-8", "replace"))
    except OSError as problem:
        where = f"A report could not be written: {problem.strerror}."
    else:
        where = f"A report, without your prompt and key, is in {path}."
    return f"latency-tui: internal error ({type(error).__name__}); all requests were cancelled. {where}"


def _lines(error: BaseException, terminal: Terminal, size: Size) -> Iterator[str]:
    yield f"latency-tui {__version__}, Textual {textual_version}, Python {platform.python_version()}, {sys.platform}"
    yield f"{terminal}, TERM={os.environ.get('TERM', '')!r}, {size.width}x{size.height}"
    yield "Error messages and values are left out: they may contain your prompt or a model's answer."
    seen: BaseException | None = error
    while seen is not None:
        yield ""
        yield f"{type(seen).__module__}.{type(seen).__qualname__}"
        for frame in traceback.extract_tb(seen.__traceback__):
            yield f"  {_within_package(frame.filename)}:{frame.lineno} in {frame.name}"
        seen = seen.error if isinstance(seen, WorkerFailed) else seen.__cause__ or seen.__context__


def _within_package(filename: str) -> str:
    """The path from the package on: what stands before it names the person's home."""
    parts = Path(filename).parts
    for root in ("site-packages", "tui"):
        if root in parts:
            last = len(parts) - 1 - parts[::-1].index(root)
            return "/".join(parts[last + (root == "site-packages") :])
    return parts[-1]
