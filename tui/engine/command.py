"""`latency-tui engine`: the measuring process by itself, at the other end of a pipe or of ssh."""

import gc
import os
import stat
from collections.abc import Sequence

from tui import __version__
from tui.arguments import CommandParser, number_of
from tui.engine.protocol import KEEP_STAMPS, greeting
from tui.errors import UsageError

_DESCRIPTION = """\
Send requests and stamp their answers for a latency-tui that runs elsewhere. It starts this by itself, here and, by ssh
or another command, on the hosts of a plan ([[hosts]]); a person has no use for it. Commands come in on standard input
and events go out on standard output, both in MessagePack. It ends with its standard input."""
PING_WITHIN_S = 60.0
"""Longest silence of a parent that has pinged, s: then the link to it is dead, and nobody reads what is measured."""


def main(arguments: Sequence[str]) -> int:
    """Run the engine until its standard input ends. Raises UsageError where it cannot be spoken to."""
    parser = CommandParser("engine", _DESCRIPTION)
    parser.add_argument(
        "--ping-within",
        type=number_of(0.001, 86_400.0),
        default=PING_WITHIN_S,
        metavar="S",
        help=f"end when a program on another machine is silent for so long (default: {PING_WITHIN_S:g} s)",
    )
    parser.add_argument(  # taken in `tui.cli`, since a history is above an engine
        KEEP_STAMPS,
        action="store_true",
        help="keep stamps and texts of loads in the history here, and tell on what figures follow from",
    )
    options = parser.parse_args(arguments)
    require_pipes()
    # At once, before the imports that take seconds: whoever waits sees that it is there.
    os.write(1, greeting(__version__))
    # The SDK logs requests from its import on, and the last line that an engine says counts as why it ended.
    os.environ.pop("ANTHROPIC_LOG", None)
    # Nothing that thousands of imports make is garbage, and to look for some is a fifth of their time; the server turns
    # this on again.
    gc.disable()

    from tui.engine.server import main as serve

    serve(options.ping_within)


def require_pipes() -> None:
    """Raise UsageError where nobody speaks the engine's language on standard input and output."""
    for descriptor, name in ((0, "standard input"), (1, "standard output")):
        _require_pipe(descriptor, name)


def _require_pipe(descriptor: int, name: str) -> None:
    """Raise UsageError where a descriptor is neither a pipe nor a socket."""
    use = "latency-tui starts it by itself (see `latency-tui engine --help`)"
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        what = "a terminal" if os.isatty(descriptor) else "no pipe"
        raise UsageError(f"The engine speaks to another program over pipes, and its {name} is {what}; {use}.")
