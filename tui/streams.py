"""Standard streams of a command: there from the start, in characters that they can take, ended without a traceback."""

import io
import os
import sys
from collections.abc import Iterable
from typing import TextIO

from tui.core.sanitize import KEY_FORM, clean
from tui.errors import ExitCode, LatencyTuiError, reason_of

READER_GONE = 141
"""Exit status when the reader of standard output has gone: as shells count SIGPIPE, of which it is the rule to say
nothing."""


_KEY = "[a key]"


class OutputError(LatencyTuiError):
    """Standard output takes nothing more, such as on a full disk."""

    # Not 1: a CI job reads that as an objective missed, or a gate closed.
    exit_code = ExitCode.NOT_MEASURED


class _Output(io.TextIOWrapper):
    """Standard output, whose failures are errors of their own: BrokenPipeError when its reader has gone, OutputError
    otherwise."""

    def write(self, text: str) -> int:
        try:
            return super().write(_harmless(text))
        except OSError as error:
            raise self._given_up(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise self._given_up(error) from None

    def _given_up(self, error: OSError) -> Exception:
        # What is left would fail again at the end of the program.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        if isinstance(error, BrokenPipeError):
            return error
        return OutputError(f"Standard output cannot be written: {reason_of(error)}.")


class _Errors(io.TextIOWrapper):
    """Standard error, which never stops what it speaks of."""

    def write(self, text: str) -> int:
        try:
            return super().write(KEY_FORM.sub(_KEY, _harmless(text)))
        except OSError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


def _harmless(text: str) -> str:
    """`text` for a terminal: paths, names and arguments in it are as foreign as a server's words. The bar needs CR."""
    return "\r".join(map(clean, text.split("\r")))


def prepare() -> None:
    """Open what was closed, so that no pipe of ours takes its place, and replace characters that an encoding lacks."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    if sys.stdout is sys.__stdout__:  # else a test captures it
        sys.stdout = _wrapped(sys.stdout, 1, _Output, "replace")
    if sys.stderr is sys.__stderr__:
        sys.stderr = _wrapped(sys.stderr, 2, _Errors, "backslashreplace")


def print_utf8(pieces: Iterable[str]) -> None:
    """Write the pieces of a document to standard output in UTF-8, whatever the locale says: JSON is nothing else."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.writelines(pieces)


def decoded(argument: str) -> str:
    """A command-line argument as UTF-8, if it is that: in the C locale Python takes it for ASCII."""
    try:
        return os.fsencode(argument).decode()
    except UnicodeError:
        return argument


def _wrapped(stream: TextIO | None, number: int, kind: type[io.TextIOWrapper], errors: str) -> TextIO:
    if stream is None:
        return kind(os.fdopen(number, "wb", closefd=False), encoding="utf-8", errors=errors)
    return kind(stream.buffer, encoding=stream.encoding, errors=errors, line_buffering=stream.isatty() or number == 2)
