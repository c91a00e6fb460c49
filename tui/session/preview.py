"""What is known before anything is sent: how long the prompt is, what it may cost, and which models there are."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from typing import Protocol

from tui.config.known_models import merged, save_list
from tui.core.events import Event, LookupEvent, ModelsListed, TokensCounted
from tui.core.model import KnownModel
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.engine.protocol import CountTokens, ListModels
from tui.errors import ConfigError
from tui.session.counting import InputCounter
from tui.session.live import LiveState

_COUNT_AFTER_S = 0.4
"""How long the prompt must stand still before its tokens are counted."""


class SessionView(Protocol):
    """What is needed of the session."""

    plan: Plan
    live: LiveState
    on_change: Callable[[], None]
    on_problem: Callable[[str], None]

    def ask_aside(self, command: CountTokens | ListModels) -> None:
        """Send a question to the engine."""


class Preview:
    """Asks ahead, and never while anything is measured."""

    def __init__(self, session: SessionView, models: Sequence[KnownModel]) -> None:
        self.models = tuple(models)
        """All models that can be named."""
        self.on_models: Callable[[], None] = lambda: None
        """Called when `models` has changed."""
        self.on_counted: Callable[[], None] = lambda: None
        """Called when all prompts of `count_also` are counted, or cannot be."""
        self._session = session
        self._counter = InputCounter(session.ask_aside)
        self._due: asyncio.TimerHandle | None = None

    def count_soon(self) -> None:
        """Show at once what is known of the prompt's length, and have it counted once it has stood still."""
        self._show()
        self.stop()
        self._due = asyncio.get_running_loop().call_later(_COUNT_AFTER_S, self._count)

    def count_also(self, specs: Sequence[RequestSpec]) -> None:
        """Have these prompts counted as well, unless something is measured."""
        live = self._session.live
        if live.engine_ready and not live.busy:
            self._counter.ask_for(specs)

    def counted(self, specs: Sequence[RequestSpec]) -> dict[Prompt, int]:
        """Tokens of those of these prompts that were counted."""
        return self._counter.counted(specs)

    @property
    def counting(self) -> bool:
        """Whether an endpoint is still to answer how long a prompt is."""
        return self._counter.waits

    def stop(self) -> None:
        """Count nothing more for now."""
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def run_starts(self) -> None:
        """The engine drops what it has been asked beside runs."""
        self.stop()
        self._counter.forget_questions()

    def refusal(self, specs: Sequence[RequestSpec], times: int = 1) -> str | None:
        """Why sending all of `specs`, so many times, could go beyond the budget, in one sentence; None if it may be
        sent."""
        session = self._session
        return session.live.ledger.refusal(session.plan.budget, specs, self._counter.at_most, times)

    def may_send(self, specs: Sequence[RequestSpec], times: int = 1) -> bool:
        """Whether the budget allows to send `specs` so many times; says why not."""
        refusal = self.refusal(specs, times)
        if refusal is not None:
            self._session.on_problem(refusal)
        return refusal is None

    def refresh_models(self) -> None:
        """Ask the endpoints of the chosen targets for their models; `on_models` tells when the list is new."""
        plan = self._session.plan
        endpoints = {endpoint.name: endpoint for endpoint in map(plan.endpoint_of, plan.targets)}
        self._session.ask_aside(ListModels(endpoints=tuple(endpoints.values())))

    def take(self, events: list[Event]) -> list[Event]:
        """Take in the answers; returns the events that are not for here."""
        rest: list[Event] = [event for event in events if not isinstance(event, LookupEvent)]
        for event in events:
            if isinstance(event, TokensCounted):
                self._counter.take(event)
            elif isinstance(event, ModelsListed):
                self._listed(event)
        if len(rest) < len(events):
            self._show()
            if not self.counting:
                self.on_counted()
        return rest

    def learn(self, ended: Sequence[RequestRecord]) -> None:
        """Requests were answered: what they counted makes estimates better."""
        for record in ended:
            self._counter.learn(record)

    def _count(self) -> None:
        self._due = None
        live = self._session.live
        if live.engine_ready and not live.busy:
            self._counter.ask_for(self._asked())

    def _asked(self) -> Sequence[RequestSpec]:
        """What would be sent now; nothing while the plan cannot be."""
        plan = self._session.plan
        return plan.of_run().requests(0) if plan.problem() is None else ()

    def _show(self) -> None:
        inputs = {spec.target: self._counter.of(spec) for spec in self._asked()}
        live = self._session.live
        if all(lane.next_input == inputs.get(lane.label) for lane in live.lanes):
            return
        for lane in live.lanes:
            lane.next_input = inputs.get(lane.label)
        live.version += 1
        self._session.on_change()

    def _listed(self, event: ModelsListed) -> None:
        session = self._session
        if event.failure is not None:
            session.on_problem(event.failure.message)
            return
        today = date.today()
        self.models = merged(self.models, event.models, today)
        session.live.ledger.models = {model.id: model for model in self.models}
        endpoint = next((endpoint for endpoint in session.plan.endpoints if endpoint.name == event.endpoint), None)
        if endpoint is not None and not endpoint.simulated:
            try:
                save_list(endpoint, event.models, today)
            except ConfigError as error:
                session.on_problem(str(error))
        self.on_models()
