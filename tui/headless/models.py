"""`latency-tui models`: the models that are known, and what endpoints list when asked."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date

import msgspec

from tui.arguments import CommandParser
from tui.config.known_models import known_models, save_list
from tui.core.engine_events import EngineFailed
from tui.core.events import EndpointExamined, Event, ModelsListed
from tui.core.host import Host, endpoint_at
from tui.core.model import KnownModel
from tui.core.sanitize import clean
from tui.core.target import Endpoint
from tui.core.wording import ABSENT, aligned
from tui.engine.api_keys import lent_to
from tui.engine.client import HERE, EngineClient, spawn
from tui.engine.logins import Logins, answer_on_terminal
from tui.engine.protocol import Examine, ListModels
from tui.errors import ExitCode
from tui.headless.arguments import add_target_options, endpoints_of, load_from, print_json

_WITHIN_S = 60.0
"""Longest time for the engine to start and to ask, seconds."""
_ELSEWHERE_WITHIN_S = 180.0
"""The same on another machine, where the program may have to be fetched first."""


def main(argv: list[str]) -> int:
    """Print the models; returns the exit status. Raises ConfigError."""
    options = _parser().parse_args(argv)
    loaded = load_from(options)
    is_whole = True
    if options.refresh:
        with endpoints_of(loaded) as endpoints:
            is_whole = asyncio.run(_refresh(endpoints))
    models = known_models(loaded.settings.endpoints)
    if options.json:
        print_json(models)
    else:
        print("\n".join(table(models)))
    return ExitCode.OK if is_whole else ExitCode.ERROR


def table(models: Sequence[KnownModel]) -> list[str]:
    """One line per model under a heading: id, limits, prices with their date, and its lifecycle."""
    rows = [("id", "context", "most output", "$ in/out per 1M", "prices of", "")]
    for model in models:
        prices = model.prices or next(iter(model.prices_at.values()), None)
        rows.append(
            (
                clean(model.id),
                f"{model.context_tokens:,}" if model.context_tokens else ABSENT,
                f"{model.max_output_tokens:,}" if model.max_output_tokens else ABSENT,
                f"{prices.input:g} / {prices.output:g}" if prices else ABSENT,
                str(prices.read) if prices else ABSENT,
                model.lifecycle_note,
            )
        )
    return aligned(rows, labels=len(rows[0]))


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        "models", "The models that are known: those of models.toml, and what the endpoints listed when last asked."
    )
    parser.add_argument("--refresh", action="store_true", help="ask the endpoints of the configured targets now")
    add_target_options(parser, takes_plan=False)
    parser.add_argument("--json", choices=["-"], help="- prints JSON")
    return parser


async def ask_endpoints(question: ListModels | Examine, hear: Callable[[Event], None], host: Host = HERE) -> list[str]:
    """Have a new engine on `host` ask endpoints a question; `hear` gets every event.

    Returns the names of the endpoints that did not answer in time; none of them where the engine failed. Raises
    ChildError.
    """
    logins = Logins()
    logins.answer = answer_on_terminal
    try:
        while True:
            waiting, end = await _ask(question, hear, host, logins.socket(host))
            if end is None:
                return waiting
            client, failed = end
            if not (client.needs_person and logins.can_help(host) and await logins.open(host)):
                hear(logins.explained(host, failed) if client.needs_person else failed)
                return []
    finally:
        await logins.close()


async def _ask(
    question: ListModels | Examine, hear: Callable[[Event], None], host: Host, socket: str | None
) -> tuple[list[str], tuple[EngineClient, EngineFailed] | None]:
    """Ask by a new engine: the names without an answer, and the engine if it ended, which `hear` is not told."""
    answers: asyncio.Queue[Event] = asyncio.Queue()

    def put(events: list[Event]) -> None:
        for event in events:
            answers.put_nowait(event)

    client = EngineClient(spawn(host, question.endpoints, socket), put, host)
    client.lend(await lent_to(host, question.endpoints, os.environ))
    await client.connect()
    asked = tuple(endpoint_at(host, endpoint) for endpoint in question.endpoints)
    waiting = [endpoint.name for endpoint in question.endpoints]
    try:
        client.ask_aside(msgspec.structs.replace(question, endpoints=asked))
        async with asyncio.timeout(_WITHIN_S if host.is_here else _ELSEWHERE_WITHIN_S):
            while waiting:
                event = await answers.get()
                if isinstance(event, EngineFailed):
                    return waiting, (client, event)
                if isinstance(event, ModelsListed | EndpointExamined):
                    waiting.remove(event.endpoint)
                hear(event)
    except TimeoutError:
        pass
    finally:
        await client.stop()
    return waiting, None


async def _refresh(endpoints: tuple[Endpoint, ...]) -> bool:
    """Ask, remember, and say what went wrong; false if anything did."""
    failed: list[str] = []
    by_name = {endpoint.name: endpoint for endpoint in endpoints}

    def hear(event: Event) -> None:
        if isinstance(event, EngineFailed):
            failed.append(event.message)
        elif isinstance(event, ModelsListed):
            endpoint = by_name[event.endpoint]
            if event.failure is not None:
                failed.append(event.failure.message)
            elif not endpoint.simulated:
                save_list(endpoint, event.models, date.today())

    if await ask_endpoints(ListModels(endpoints=endpoints), hear):
        failed.append("The endpoints did not list their models in time; try again.")
    for sentence in failed:
        print(f"latency-tui: {sentence}", file=sys.stderr)
    return not failed
