"""Spending of a session: its cost so far, and the check of a budget. Estimates at list prices, simulated or not."""

from collections.abc import Callable, Mapping, Sequence

from tui.core.cost import Cost, cost_of, estimate, prices_at, total, upper_bound
from tui.core.events import Usage
from tui.core.model import KnownModel, Prices
from tui.core.plan import Budget, RequestSpec
from tui.core.record import RequestRecord
from tui.core.wording import counted, dollars, format_cost


class Spending:
    """Sum of the costs of a run and of the session.

    A request that was turned away before anything was counted costs nothing. An answer of the simulator is counted at
    the price it would have.
    """

    def __init__(self, models: Mapping[str, KnownModel]) -> None:
        """`models` has the prices by model id; it may be replaced at any time."""
        self.models = models
        self._of_run: list[Cost | None] = []
        self._of_session: list[Cost | None] = []
        self._of_judges: list[Cost | None] = []
        self._judges_of_run: list[Cost | None] = []
        self._judging: dict[str, int] = {}
        """Tokens of judges, by model."""

    def start_run(self) -> None:
        """Begin the sum of the next run."""
        self._of_run = []
        self._judges_of_run = []

    def add(self, record: RequestRecord) -> Cost | None:
        """Count a request that has ended, and return its cost, where that is known."""
        if record.usage == Usage():
            return None
        cost = cost_of(record, self.models)
        self._of_run.append(cost)
        self._of_session.append(cost)
        return cost

    def add_judge(self, spec: RequestSpec, usage: Usage, *, complete: bool) -> None:
        """Count a question to a model about an answer: in the sums, and apart."""
        if usage == Usage():
            return
        cost = estimate(usage, self._prices_of(spec), spec.parameters, complete=complete)
        for costs in (self._of_run, self._of_session, self._judges_of_run, self._of_judges):
            costs.append(cost)
        tokens = (usage.prompt_tokens or 0) + (usage.output_tokens or 0)
        self._judging[spec.model] = self._judging.get(spec.model, 0) + tokens

    @property
    def judges_of_run(self) -> Cost | None:
        """The part of the latest run's cost that is of judges."""
        return total(self._judges_of_run)

    @property
    def judges(self) -> Cost | None:
        """The part of the session's cost that is of judges."""
        return total(self._of_judges)

    @property
    def judges_sentence(self) -> str:
        """Sentence on what judges were asked in this session, and its cost; empty where none was asked."""
        if not self._judging:
            return ""
        answers, cost = len(self._of_judges), self.judges
        count = counted(answers, "answer")
        dear = "at prices that are not known" if cost is None else f"for about {format_cost(cost)}"
        tokens = f"{counted(sum(self._judging.values()), 'token')} {dear}"
        return f"judges: {count} of {', '.join(self._judging)}, {tokens}, besides the cost of the targets"

    def _prices_of(self, spec: RequestSpec) -> Prices | None:
        return prices_at(self.models, spec.model, spec.endpoint)

    @property
    def run(self) -> Cost | None:
        """Cost of the latest run, so far."""
        return total(self._of_run)

    @property
    def session(self) -> Cost | None:
        """Cost of all since the start, warmed caches included."""
        return total(self._of_session)

    def bound(self, specs: Sequence[RequestSpec], input_tokens: Callable[[RequestSpec], int]) -> Cost | None:
        """Upper bound of the cost of `specs`; None where no price is known. `input_tokens` tells a prompt's length.

        Every attempt that the plan allows is counted: one that failed late may cost as much as one that did not.
        """
        return total([self._bound_of(spec, input_tokens(spec)) for spec in specs for _ in range(spec.retries.max + 1)])

    def _bound_of(self, spec: RequestSpec, input_tokens: int) -> Cost | None:
        return upper_bound(input_tokens, self._prices_of(spec), spec.parameters, answers=not spec.warms_cache)

    def unpriced(self, specs: Sequence[RequestSpec]) -> list[str]:
        """Models among `specs` whose price is not known, so that no cap can be kept; the simulator costs nothing."""
        asked = (spec for spec in specs if not spec.endpoint.simulated and self._bound_of(spec, 0) is None)
        return list(dict.fromkeys(f"{one.model}{' in fast mode' * (one.parameters.speed == 'fast')}" for one in asked))

    def price_refusal(self, specs: Sequence[RequestSpec], caps: Sequence[str]) -> str | None:
        """Reason not to send `specs` under these caps, the settings' names: a price is not known. None if all are."""
        names = self.unpriced(specs) if caps else []
        if not names:
            return None
        prices = "the price of" if len(names) == 1 else "the prices of"
        return (
            f"Nothing was sent: {prices} {', '.join(names)} {'is' if len(names) == 1 else 'are'} not known, so that "
            f"{' and '.join(caps)} cannot be kept; ask models that `latency-tui models` has a price for, give the "
            f"endpoint its prices ([0, 0] for a server of your own), or take the "
            f"{'cap' if len(caps) == 1 else 'caps'} out."
        )

    def refusal(
        self, budget: Budget, specs: Sequence[RequestSpec], input_tokens: Callable[[RequestSpec], int], times: int = 1
    ) -> str | None:
        """Reason not to send `specs` `times` times, in one sentence: it could exceed the budget. None if it cannot."""
        caps = [f"budget.{name}" for name in ("plan_usd", "session_usd") if getattr(budget, name) is not None]
        if (reason := self.price_refusal(specs, caps)) is not None:
            return reason
        bound = self.bound(specs, input_tokens) if budget != Budget() else None
        if bound is None:
            return None
        usd = bound.usd * times
        could = f"Nothing was sent: this could cost up to {dollars(usd)}"
        if budget.plan_usd is not None and usd > budget.plan_usd:
            return (
                f"{could}, more than the cap of {dollars(budget.plan_usd)} (budget.plan_usd); "
                "lower max_tokens, ask fewer targets, or raise the cap."
            )
        spent = self.session.usd if self.session is not None else 0.0
        if budget.session_usd is not None and spent + usd > budget.session_usd:
            return (
                f"{could}, and {dollars(spent)} of the session's {dollars(budget.session_usd)} (budget.session_usd) "
                "are spent; lower max_tokens, ask fewer targets, or raise the cap."
            )
        return None
