"""`latency-tui endpoints`: the endpoints that can be named, and whether their keys are set."""

import argparse
import os
from collections.abc import Sequence

import msgspec

from tui.arguments import CommandParser
from tui.config.endpoints import is_key_set
from tui.config.presets import presets
from tui.core.sanitize import clean
from tui.core.target import Endpoint
from tui.core.wording import aligned
from tui.errors import ExitCode
from tui.headless.arguments import add_target_options, load_from, print_json


class EndpointListing(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint in the list."""

    name: str
    base_url: str
    speaks: str
    key: str
    """`none needed`, or where it comes from; never the key."""
    is_configured: bool
    """True for one of the configuration, false for a preset."""


def main(arguments: Sequence[str]) -> int:
    """Print the endpoints; returns the exit status. Raises ConfigError."""
    options = _parser().parse_args(arguments)
    configured = load_from(options).settings.endpoints
    listed = [_listing(one, is_configured=one.name in configured) for one in (presets() | configured).values()]
    if options.json:
        print_json(listed)
    else:
        rows = [("name", "base URL", "speaks", "key")]
        rows += [(clean(one.name), clean(one.base_url), one.speaks, one.key) for one in listed]
        print("\n".join(aligned(rows, labels=len(rows[0]))))
    return ExitCode.OK


def _listing(endpoint: Endpoint, *, is_configured: bool) -> EndpointListing:
    is_set = {name: bool(os.environ.get(name, "").strip()) for name in endpoint.key_variables}
    states = [f"{name} {'is set' if found else 'is not set'}" for name, found in is_set.items()]
    key = ", ".join(states) or "none needed"
    if endpoint.key_command and not is_key_set(endpoint, os.environ):
        key = f"from the command {clean(endpoint.key_command[0])}"
    return EndpointListing(
        name=endpoint.name,
        base_url=endpoint.base_url,
        speaks=endpoint.protocol.value,
        key=key,
        is_configured=is_configured,
    )


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        "endpoints",
        "The endpoints that a target can name, as in --model groq/llama-3.3-70b-versatile, and whether "
        "their keys are set. Asks nothing.",
    )
    add_target_options(parser, takes_plan=False)
    parser.add_argument("--json", choices=["-"], help="- prints JSON")
    return parser
