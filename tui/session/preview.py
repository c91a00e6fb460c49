"""Preview of a run: the length of its prompts, its highest cost, and the models that an endpoint has."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from tui.config.known_models import merged, save_list
from tui.core.cost import Cost
from tui.core.events import Event, LookupEvent, ModelsListed, TokensCounted
from tui.core.model import KnownModel
from tui.core.parameters import PARAMETERS
from tui.core.plan import Budget, Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.series import Repeat, Series
from tui.core.target import Endpoint
from tui.core.wording import counted, dollars
from tui.errors import ConfigError
from tui.session.conversation import asked_at_most, specs_of
from tui.session.live import InputCount, LiveState

if TYPE_CHECKING:
    from tui.engine.protocol import CountTokens, ListModels

_COUNT_AFTER_S = 0.4
"""Pause in typing after which the prompt's tokens are counted, s."""


class Preview:
    """Questions to the engine ahead of a run; none while anything is measured."""

    def __init__(
        self, live: LiveState, models: Sequence[KnownModel], ask_aside: "Callable[[CountTokens | ListModels], None]"
    ) -> None:
        """`ask_aside` sends a question to the engine."""
        self.models = tuple(models)
        """The known models."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when the live state says another length."""
        self.on_problem: Callable[[str], None] = lambda _sentence: None
        """Called with a sentence when nothing may be sent, and when a list of models cannot be had."""
        self.on_models: Callable[[], None] = lambda: None
        """Called when `models` has changed."""
        self.on_counted: Callable[[], None] = lambda: None
        """Called when all prompts of `count_also` are counted, or cannot be."""
        self.unconfirmed: tuple[Endpoint, ...] = ()
        """Endpoints to which nothing is sent yet: a file that was found names them, and nobody has confirmed them."""
        self._live = live
        self._ask_aside = ask_aside
        self._counter = InputCounter(ask_aside)
        self._expected: Plan | None = None
        """The plan that would be asked next, as far as is known."""
        self._listing: dict[str, Endpoint] = {}
        """The endpoints that were asked for their models, by name."""
        self._due: asyncio.TimerHandle | None = None

    def expect(self, plan: Plan) -> None:
        """Take note that `plan` would be asked next: show how long its prompts are."""
        self._expected = plan
        if not self._live.busy:
            self.count_soon()

    def count_soon(self) -> None:
        """Show at once the known length of the prompt, and have it counted when typing has paused."""
        self._show()
        self.stop()
        self._due = asyncio.get_running_loop().call_later(_COUNT_AFTER_S, self._count)

    def count_also(self, specs: Sequence[RequestSpec]) -> None:
        """Have these prompts counted as well, unless something is measured."""
        live = self._live
        if live.engine_ready and not live.busy:
            self._counter.ask_for([spec for spec in specs if self._is_confirmed(spec.endpoint)])

    def counted(self, specs: Sequence[RequestSpec]) -> dict[Prompt, int]:
        """Tokens of those of these prompts that were counted."""
        return self._counter.counted(specs)

    @property
    def counting(self) -> bool:
        """True while an endpoint has not answered how long a prompt is."""
        return self._counter.waits

    def stop(self) -> None:
        """Count nothing more for now."""
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def run_starts(self) -> None:
        """Forget open questions: the engine drops them when a run starts."""
        self.stop()
        self._counter.forget_questions()

    def may_send(
        self, budget: Budget, specs: Sequence[RequestSpec], times: int = 1, *, series_usd: float | None = None
    ) -> bool:
        """Tell whether `budget` allows to send `specs` that many times; if not, `on_problem` says why.

        `series_usd` is the cap of the series that sends them. Nor is anything sent to an endpoint that is not
        confirmed.
        """
        for spec in specs:
            if not self._is_confirmed(spec.endpoint):
                self.on_problem(f"Nothing was sent: the endpoint {spec.endpoint.name} is not confirmed.")
                return False
        refusal = self.refusal(budget, specs, times)
        if refusal is None and series_usd is not None:
            refusal = self._live.spending.price_refusal(specs, ["series.max_usd"])
        if refusal is not None:
            self.on_problem(refusal)
        return refusal is None

    def pays_for(self, budget: Budget, specs: Sequence[RequestSpec], most_usd: float | None) -> bool:
        """True where `budget` and a cap allow to send all of `specs`, as far as prices are known."""
        cost = self.cost(specs) if most_usd is not None else None
        is_within = cost is None or most_usd is None or cost.usd <= most_usd
        return is_within and self.refusal(budget, specs) is None

    def refusal(self, budget: Budget, specs: Sequence[RequestSpec], times: int = 1) -> str | None:
        """Sentence that `budget` does not allow to send `specs` that many times; None if it does."""
        return self._live.spending.refusal(budget, specs, self._counter.at_most, times)

    def paid(self, plan: Plan, repeat: Repeat | None = None) -> tuple[RequestSpec, ...]:
        """All that one run of `plan` may have to pay for: its requests, and those by which models judge the answers."""
        specs = asked_at_most(plan, repeat)
        return specs if repeat is not None and repeat.sweep else (*specs, *self.judges(plan, specs))

    def judges(self, plan: Plan, specs: Sequence[RequestSpec], answer_tokens: int | None = None) -> list[RequestSpec]:
        """The requests by which models judge the answers to `specs`; see `judged_at_most`."""
        from tui.core.judging import judged_at_most

        return judged_at_most(plan, specs, self._live.spending.models, answer_tokens)

    def cost(self, specs: Sequence[RequestSpec], times: int = 1) -> Cost | None:
        """The most that these requests may cost, each sent that many times; None where no price is known."""
        bound = self._live.spending.bound(specs, self._counter.at_most)
        return None if bound is None else msgspec.structs.replace(bound, usd=bound.usd * times)

    def sweep_note(self, plan: Plan, series: Series) -> str:
        """Sentence on what a sweep of `plan` may send and cost."""
        specs, _ = series.at_most(plan.of_run().requests(0))
        cost = self.cost(specs)
        dear = "at prices that are not known" if cost is None else f"for {dollars(cost.usd)} at most, at list prices"
        rest = ", without the targets whose price is not known" if cost is not None and cost.is_lower_bound else ""
        return f"The sweep sends up to {counted(len(specs), 'request')}, {dear}{rest}."

    def length(self, spec: RequestSpec) -> int:
        """Tokens of a prompt, counted or estimated."""
        return self._counter.of(spec).tokens

    def refresh_models(self, plan: Plan) -> None:
        """Ask the endpoints of the plan's targets for their models; `on_models` tells when the list is new."""
        endpoints = filter(self._is_confirmed, map(plan.endpoint_of, plan.targets))
        self._listing = {endpoint.name: endpoint for endpoint in endpoints}
        from tui.engine.protocol import ListModels

        self._ask_aside(ListModels(endpoints=tuple(self._listing.values())))

    def answer(self, events: list[Event]) -> list[Event]:
        """Take the answers to questions out of a batch; returns the other events."""
        rest: list[Event] = [event for event in events if not isinstance(event, LookupEvent)]
        for event in events:
            if isinstance(event, TokensCounted):
                self._counter.answer(event)
            elif isinstance(event, ModelsListed):
                self._listed(event)
        if len(rest) < len(events):
            self._show()
            if not self.counting:
                self.on_counted()
        return rest

    def learn(self, ended: Sequence[RequestRecord]) -> None:
        """Improve the estimates by what answered requests counted."""
        for record in ended:
            self._counter.learn(record)

    def _count(self) -> None:
        self._due = None
        live = self._live
        if live.engine_ready and not live.busy:
            self._counter.ask_for([spec for spec in self._next_requests() if self._is_confirmed(spec.endpoint)])

    def _is_confirmed(self, endpoint: Endpoint) -> bool:
        return all(endpoint.base_url != other.base_url for other in self.unconfirmed)

    def _next_requests(self) -> Sequence[RequestSpec]:
        """The requests that would be sent next; none while the plan cannot be sent."""
        plan = self._expected
        return specs_of(plan.of_run(), None, 0) if plan is not None and plan.problem() is None else ()

    def _show(self) -> None:
        inputs = {spec.target: self._counter.of(spec) for spec in self._next_requests()}
        live = self._live
        if all(lane.next_input == inputs.get(lane.label) for lane in live.lanes):
            return
        for lane in live.lanes:
            lane.next_input = inputs.get(lane.label)
        live.version += 1
        self.on_change()

    def _listed(self, event: ModelsListed) -> None:
        if event.failure is not None:
            self.on_problem(event.failure.message)
            return
        today = date.today()
        self.models = merged(self.models, event.models, today, event.endpoint)
        self._live.spending.models = {model.id: model for model in self.models}
        endpoint = self._listing.get(event.endpoint)
        if endpoint is not None and not endpoint.simulated:
            try:
                save_list(endpoint, event.models, today)
            except ConfigError as error:
                self.on_problem(str(error))
        self.on_models()


_BYTES_PER_TOKEN = 4.0
"""Bytes per token of a model that has not answered yet: about right for English, high for most other UTF-8."""
_ESTIMATE_AT_MOST = 2
"""Factor on an estimate where a cap must hold, because an estimate may be wrong."""
_MOST_KEPT = 1000
_COUNTED = frozenset({"extra", *(name for name, declared in PARAMETERS.items() if declared.is_counted)})
"""Parameters that a count may depend on."""


class InputCounter:
    """Counter that asks an endpoint once for each prompt, and remembers."""

    def __init__(self, ask: "Callable[[CountTokens], None]") -> None:
        """`ask` sends a command to the engine."""
        self._ask = ask
        self._counted: dict[bytes, int] = {}
        self._open: dict[int, bytes] = {}
        self._urls: dict[int, str] = {}
        self._without_counter: set[str] = set()
        self._bytes_per_token: dict[str, float] = {}
        self._last_id = 0

    def ask_for(self, specs: Sequence[RequestSpec]) -> None:
        """Ask for the lengths that are not known yet. Not while anything is measured."""
        wanted: dict[bytes, RequestSpec] = {}
        for spec in specs:
            if spec.endpoint.base_url not in self._without_counter and spec.prompt.user.strip():
                key = _key(spec)
                if key not in self._counted and key not in self._open.values():
                    wanted[key] = spec
        questions = []
        for key, spec in wanted.items():
            self._last_id += 1
            self._open[self._last_id] = key
            self._urls[self._last_id] = spec.endpoint.base_url
            questions.append(msgspec.structs.replace(spec, request_id=self._last_id))
        if questions:
            from tui.engine.protocol import CountTokens

            self._ask(CountTokens(requests=tuple(questions)))

    def forget_questions(self) -> None:
        """Forget open questions: a run has started, or the engine has gone, and nothing will answer them."""
        self._open.clear()
        self._urls.clear()

    def answer(self, event: TokensCounted) -> None:
        """Take in an endpoint's answer."""
        key, url = self._open.pop(event.count_id, None), self._urls.pop(event.count_id, None)
        if key is None or url is None:
            return
        if event.input_tokens is not None:
            self._counted[key] = event.input_tokens
            if len(self._counted) > _MOST_KEPT:
                del self._counted[next(iter(self._counted))]
        elif not event.has_counter:
            self._without_counter.add(url)

    @property
    def waits(self) -> bool:
        """True while an answer is still to come."""
        return bool(self._open)

    def counted(self, specs: Sequence[RequestSpec]) -> dict[Prompt, int]:
        """Tokens of those prompts of `specs` that were counted."""
        found = {spec.prompt: self._counted.get(_key(spec)) for spec in specs}
        return {prompt: tokens for prompt, tokens in found.items() if tokens is not None}

    def learn(self, record: RequestRecord) -> None:
        """Learn the bytes per token of a model from an answered request."""
        tokens, size = record.usage.prompt_tokens, _size(record.spec)
        tokens = None if tokens is None or _awaited(record.spec) else tokens
        if tokens and size:
            self._bytes_per_token[record.spec.model] = size / tokens

    def of(self, spec: RequestSpec) -> InputCount:
        """The length of the prompt: as it was counted, or an estimate from its bytes in UTF-8."""
        counted = self._counted.get(_key(spec))
        if counted is not None:
            return InputCount(tokens=counted, is_estimate=False)
        per_token = self._bytes_per_token.get(spec.model, _BYTES_PER_TOKEN)
        return InputCount(tokens=max(1, round(_size(spec) / per_token)) + _awaited(spec), is_estimate=True)

    def at_most(self, spec: RequestSpec) -> int:
        """The longest that the prompt may be, tokens, where a cap must hold."""
        count, awaited = self.of(spec), _awaited(spec)
        return (count.tokens - awaited) * (_ESTIMATE_AT_MOST if count.is_estimate else 1) + awaited


def _key(spec: RequestSpec) -> bytes:
    """A digest of all that the length of a prompt may depend on, whatever wire it goes out on."""
    parameters = {name: value for name, value in spec.parameters.set_ones() if name in _COUNTED}
    asked = (
        spec.endpoint,
        spec.model,
        _said(spec.prompt),
        [file.sha256 for file in spec.prompt.attached],
        spec.prompt.system,
        parameters,
        spec.betas,
        spec.api_version,
    )
    return hashlib.blake2b(msgspec.json.encode(asked, order="sorted"), digest_size=16).digest()


def _awaited(spec: RequestSpec) -> int:
    """Tokens of answers of a conversation that have not been given yet, and of attached files."""
    turns = spec.prompt.turns
    attached = (*spec.prompt.attached, *(file for turn in turns for file in turn.attached))
    return sum(turn.awaited_tokens for turn in turns) + sum(file.tokens for file in attached)


def _size(spec: RequestSpec) -> int:
    """Bytes of the prompt's text."""
    return len(msgspec.json.encode([_said(spec.prompt), spec.prompt.system]))


def _said(prompt: Prompt) -> list[dict[str, str]]:
    """The turns of the prompt, about as every wire writes them."""
    said = [(turn.role, turn.text) for turn in prompt.turns] + [("user", prompt.user)]
    if prompt.prefill:
        said.append(("assistant", prompt.prefill))
    return [{"role": role, "content": text} for role, text in said]
