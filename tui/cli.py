"""Arguments to one front end, which is imported only once it is chosen: `--help` and `--version` stay quick."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tui import __version__, streams
from tui.arguments import CommandParser, number_of
from tui.errors import ExitCode, LatencyTuiError, UsageError, nearest
from tui.headless.prompt_source import STANDARD_INPUT, add_asked_options, add_server_options, prompt_of

if TYPE_CHECKING:
    from tui.config.load import Flags

_ALIKE = 0.75
"""Likeness from which on a word was meant to be a command: two letters that changed places in `history`."""
_OF_SIGNALS = 128
"""Exit statuses from here on tell which signal ended the program."""
_DESCRIPTION = "Tune LLM latency in the terminal: edit a prompt, fire it at several models, watch TTFT and total time."

_SERVE_DESCRIPTION = """\
Show the screen in a browser, one program per page; each takes the arguments below. The address that is printed holds a
token without which nothing is shown; only this machine is listened to unless --host says otherwise."""
_CONFIG_DESCRIPTION = "Print the effective configuration and where each value came from."

_EPILOG = """\
commands:
  latency-tui run              measure a plan without a screen (see `latency-tui run --help`)
  latency-tui load             ask at levels of load: how many requests a target bears
  latency-tui watch            measure a plan every so often, and say what changed when
  latency-tui sweep            measure the time per token and the baseline latency
  latency-tui advise           measure a plan and say what would save time
  latency-tui doctor           check keys, endpoints, clocks, terminal and files
  latency-tui compare A B      compare two runs, series or exports; can gate a CI job
  latency-tui history ...      list, show, export, import and delete stored runs
  latency-tui replay RUN       play a stored run again in the lanes (see `latency-tui replay --help`)
  latency-tui config           print the effective configuration and where each value came from
  latency-tui serve            show the screen in a browser (see `latency-tui serve --help`)
  latency-tui endpoints        the endpoints that can be named, and whether their keys are set
  latency-tui models           the models that are known (see `latency-tui models --help`)
  latency-tui simulate         run the simulator alone (see `latency-tui simulate --help`)
  latency-tui engine           the measuring process, as it runs on other hosts (see `latency-tui engine --help`)

Without an API key it runs on the built-in simulator; set ANTHROPIC_API_KEY to use the API.
A prompt that is named like a command is given after `--`.
"""


_HEADLESS = ("run", "load", "watch", "advise", "sweep", "doctor", "compare", "history", "endpoints", "models")
"""Commands without a screen, each with its module in `tui.headless`, whose `main` takes the arguments."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status; what went wrong stands in one sentence on standard error."""
    streams.prepare()
    arguments = list(map(streams.decoded, sys.argv[1:] if argv is None else argv))
    try:
        try:
            if argv is None and not {"simulate", "-h", "--help", "--version"} & set(arguments):
                from tui.child import seal

                # The environment of all others may hold keys.
                seal()
            status = _dispatch(arguments)
        except SystemExit as end:  # argparse, after help or a usage error
            if not isinstance(end.code, int):
                raise
            status = end.code
        if status < _OF_SIGNALS:  # a terminal that has gone takes nothing, and is why
            sys.stdout.flush()
        return status
    except BrokenPipeError:
        return streams.READER_GONE
    except LatencyTuiError as error:
        print(f"latency-tui: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


_OTHERS = ("simulate", "engine", "config", "replay", "serve")


def _dispatch(arguments: list[str]) -> int:
    command = arguments[0] if arguments else ""
    if command == "engine":
        from tui.engine.command import main as engine
        from tui.engine.command import require_pipes
        from tui.engine.protocol import KEEP_STAMPS

        if KEEP_STAMPS in arguments and not {"-h", "--help"} & set(arguments):
            from tui.session.load import keep

            require_pipes()
            return keep([argument for argument in arguments[1:] if argument != KEEP_STAMPS])
        return engine(arguments[1:])
    if command == "judge":
        from tui.session.checking import main as judge

        return judge()
    if command == "simulate":
        from tui.simulator.command import main as simulate

        return simulate(arguments[1:])
    if command in _HEADLESS:
        gc.disable()  # as for the screen
        front_end = import_module(f"tui.headless.{command}")
        gc.enable()
        status: int = front_end.main(arguments[1:])
        return status
    if command == "config":
        return _config(_parser("config", _CONFIG_DESCRIPTION, with_prompt=False).parse_args(arguments[1:]))
    if command == "replay":
        return _replay(arguments[1:])
    if command == "serve":
        return _serve(arguments[1:])
    _refuse_mistyped(command)
    return _screen(_parser(with_prompt=True).parse_args(arguments))


def _refuse_mistyped(word: str) -> None:
    """Raise UsageError for what is hardly a prompt but nearly a command."""
    if word.isalpha() and (similar := nearest(word, (*_HEADLESS, *_OTHERS), _ALIKE)):
        raise UsageError(f"{word} is no command: did you mean {similar}? To ask it as a prompt: latency-tui -- {word}")


def _parser(
    command: str = "",
    description: str = _DESCRIPTION,
    *,
    with_prompt: bool,
    parents: Sequence[argparse.ArgumentParser] = (),
) -> argparse.ArgumentParser:
    parser = CommandParser(command, description, "" if command else _EPILOG, parents=parents)
    if with_prompt:
        parser.add_argument(
            "prompt", nargs="?", metavar="PROMPT", help="the user prompt; - reads it from standard input"
        )
        parser.add_argument("--version", action="version", version=f"latency-tui {__version__}")
        parser.add_argument("--run", action="store_true", help="fire at once")
        parser.add_argument("--fps", metavar="N", help="screen updates per second, or auto to follow the connection")
        parser.add_argument("--record", type=Path, metavar="FILE", help="append every event as a line of JSON to FILE")
    add_asked_options(parser)
    add_server_options(parser)
    return parser


def _config(options: argparse.Namespace) -> int:
    from tui.config.load import load
    from tui.config.show import describe

    loaded = load(_flags(options, prompt=None), os.environ, Path.cwd())
    print(describe(loaded, os.environ))  # noqa: T201
    return ExitCode.OK


def _serve(arguments: list[str]) -> int:
    where = CommandParser("serve", add_help=False)
    where.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on; %(default)s")
    where.add_argument("--port", type=number_of(1, 65_535), default=8000, metavar="N", help="its port; %(default)s")
    where.add_argument("--public-url", type=_url, metavar="URL", help="address of a proxy through which browsers come")
    options, rest = where.parse_known_args(arguments)
    # Refused here, where it is read, and not on a page.
    whole = _parser("serve", _SERVE_DESCRIPTION, with_prompt=True, parents=[where])
    whole.parse_args(arguments)
    try:
        from tui.ui.serve import serve
    except ModuleNotFoundError as error:
        remedy = "install it with: pip install 'latency-tui[serve]'"
        raise UsageError(f"The browser needs {error.name}, which is not installed; {remedy}.") from None
    return serve(options.host, options.port, options.public_url, rest)


def _url(text: str) -> str:
    if not (text.startswith(("http://", "https://")) and text.isprintable() and "@" not in text):
        raise argparse.ArgumentTypeError("must be a URL such as https://bench.example/latency")
    return text.rstrip("/")


def _replay(arguments: list[str]) -> int:
    parser = CommandParser(
        "replay", "Play a stored run again in the lanes, at its recorded pace. Nothing is sent or stored."
    )
    parser.add_argument("run", metavar="RUN", help="its number, 'last', or a JSON export (of several runs, the last)")
    parser.add_argument(
        "--speed", type=number_of(0.1, 100.0), default=1.0, metavar="X", help="from 0.1 to 100; default 1"
    )
    options = parser.parse_args(arguments)
    from tui.config.load import Flags, load
    from tui.headless.arguments import history_if_any, run_of

    with history_if_any() as store:
        run = run_of(options.run, store)
    _require_terminal()

    from tui.ui.start import start

    return start(load(Flags(), os.environ, Path.cwd()), run_at_once=False, record=None, replay=(run, options.speed))


def _screen(options: argparse.Namespace) -> int:
    # Until the first frame is painted, nothing that is made is garbage; the app turns this on again then.
    gc.disable()
    from tui.config.load import load

    prompt = _prompt(options)
    loaded = load(_flags(options, prompt), os.environ, Path.cwd())
    _require_terminal()

    from tui.ui.start import start

    return start(loaded, run_at_once=options.run, record=options.record)


def _require_terminal() -> None:
    """Raise UsageError where the screen cannot be shown."""
    # In a browser, pipes take the terminal's place: see tui.ui.serve.
    in_browser = bool(os.environ.get("TEXTUAL_DRIVER"))
    if not in_browser and not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        raise UsageError("The screen needs a terminal for its input and output; start it in one, without redirection.")

    from tui.ui.terminal import require_screen

    require_screen(os.environ)


def _flags(options: argparse.Namespace, prompt: str | None) -> "Flags":
    from tui.config.load import Flags

    return Flags(
        prompt=prompt,
        models=tuple(options.model),
        system=options.system,
        max_tokens=options.max_tokens,
        base_url=options.base_url,
        api_key_env=options.api_key_env,
        config=options.config,
        demo=options.demo,
        fps=getattr(options, "fps", None),
    )


def _prompt(options: argparse.Namespace) -> str | None:
    """The user prompt of the screen, whose keys come from the terminal in any case."""
    prompt = prompt_of(options.prompt, options.file, "PROMPT")
    if options.prompt == STANDARD_INPUT:
        _take_keys_from_terminal()
    return prompt


def _take_keys_from_terminal() -> None:
    """Put the terminal in the place of standard input, which was read to its end, so that the keyboard works."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        raise UsageError(f"There is no terminal to take keys from: {error.strerror}.") from None
    os.dup2(terminal, 0)
    os.close(terminal)
