"""`latency-tui models`: the models that are known, and what endpoints list when asked."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec

from tui.config.known_models import known_models, save_list
from tui.config.load import Flags, build_plan, load, needs_simulator
from tui.core.events import Event, ModelsListed
from tui.core.model import KnownModel
from tui.core.sanitize import clean
from tui.core.target import Endpoint
from tui.core.text_table import aligned
from tui.core.wording import ABSENT
from tui.engine.client import EngineClient, spawn
from tui.engine.protocol import ListModels
from tui.errors import ExitCode
from tui.simulator.process import SimulatorProcess

_WITHIN_S = 40.0
"""How long the engine may take to start and to ask."""


def main(argv: list[str]) -> int:
    """Print the models; returns the exit status. Raises ConfigError."""
    options = _parser().parse_args(argv)
    loaded = load(Flags(config=options.config, demo=options.demo, base_url=options.base_url), os.environ, Path.cwd())
    settings = loaded.settings
    is_whole = True
    if options.refresh:
        simulator = SimulatorProcess.start() if needs_simulator(settings, os.environ) else None
        try:
            plan = build_plan(settings, os.environ, simulator.base_url if simulator is not None else None)
            endpoints = {endpoint.name: endpoint for endpoint in map(plan.endpoint_of, plan.targets)}
            is_whole = asyncio.run(_refresh(tuple(endpoints.values())))
        finally:
            if simulator is not None:
                simulator.stop()
    models = known_models(settings.endpoints)
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(models)).decode() + "\n")
    else:
        print("\n".join(table(models)))
    return ExitCode.OK if is_whole else ExitCode.ERROR


def table(models: Sequence[KnownModel]) -> list[str]:
    """One line per model under a heading: id, limits, prices with their date, and what is said of its end."""
    rows = [("id", "context", "most output", "$ in/out per 1M", "prices of", "")]
    for model in models:
        prices = model.prices
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
    parser = argparse.ArgumentParser(
        prog="latency-tui models",
        description="The models that are known: those of models.toml, and what the endpoints listed when last asked.",
        allow_abbrev=False,
    )
    parser.add_argument("--refresh", action="store_true", help="ask the endpoints of the configured targets now")
    parser.add_argument("--base-url", metavar="URL", help="ask a server that speaks the Messages API at URL")
    parser.add_argument("--config", type=Path, metavar="PATH", help="a configuration or plan file (TOML)")
    parser.add_argument("--demo", action="store_true", help="use the simulator even if a key is set")
    parser.add_argument("--json", choices=["-"], help="- prints JSON")
    return parser


async def _refresh(endpoints: tuple[Endpoint, ...]) -> bool:
    """Ask, remember, and say what went wrong; false if anything did."""
    answers: asyncio.Queue[Event] = asyncio.Queue()

    def take(events: list[Event]) -> None:
        for event in events:
            answers.put_nowait(event)

    client = EngineClient(spawn(), take)
    await client.connect()
    failed: list[str] = []
    try:
        client.ask_aside(ListModels(endpoints=endpoints))
        by_name = {endpoint.name: endpoint for endpoint in endpoints}
        async with asyncio.timeout(_WITHIN_S):
            while by_name:
                event = await answers.get()
                if not isinstance(event, ModelsListed):
                    continue
                endpoint = by_name.pop(event.endpoint)
                if event.failure is not None:
                    failed.append(event.failure.message)
                elif not endpoint.simulated:
                    save_list(endpoint, event.models, date.today())
    except TimeoutError:
        failed.append("The endpoints did not list their models in time; try again.")
    finally:
        await client.stop()
    for sentence in failed:
        print(f"latency-tui: {sentence}", file=sys.stderr)
    return not failed
