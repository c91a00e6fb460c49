"""The prompt from the command line: an argument, a file, or standard input. The screen and the commands share it."""

import argparse
import sys
from pathlib import Path

from tui.errors import UsageError, reason_of

STANDARD_INPUT = "-"


def add_asked_options(parser: argparse.ArgumentParser) -> None:
    """Options that say what is asked of whom, beside where the prompt itself stands."""
    parser.add_argument("--model", action="append", default=[], metavar="ID", help="a model to ask; repeatable")
    parser.add_argument("--system", metavar="TEXT", help="the system prompt")
    parser.add_argument("--file", type=Path, metavar="PATH", help="read the user prompt from a file")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="most tokens an answer may have")


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Options that say which settings and which server."""
    parser.add_argument("--config", type=Path, metavar="PATH", help="a configuration or plan file (TOML)")
    parser.add_argument("--base-url", metavar="URL", help="ask a server that speaks the Messages API at URL")
    parser.add_argument("--api-key-env", metavar="NAME", help="variable with its key; without it none is sent")
    parser.add_argument("--demo", action="store_true", help="use the simulator even if a key is set")


def prompt_of(given: str | None, file: Path | None, name: str) -> str | None:
    """The user prompt from wherever the arguments say, or None to leave it to the configuration.

    `name` is what the argument that was `given` is called. Raises UsageError.
    """
    if file is not None:
        if given is not None:
            raise UsageError(f"{name} and --file were both given; give one of them.")
        return _read_file(file)
    return _read_standard_input() if given == STANDARD_INPUT else given


def _read_file(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {reason_of(error)}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not UTF-8 text.") from None


def _read_standard_input() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("`-` reads the prompt from standard input: pipe or redirect a text into it.")
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("The prompt on standard input is not UTF-8 text.") from None
