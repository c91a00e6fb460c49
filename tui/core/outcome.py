"""A finished request of the session: what statistics take of it, and under which conditions it was measured."""

import hashlib
from array import array
from collections.abc import Sequence

import msgspec

from tui.core import decomposition, metrics
from tui.core.decomposition import Fit, Parts
from tui.core.events import Status
from tui.core.observation import Observation, observe
from tui.core.plan import RequestSpec
from tui.core.record import RequestRecord

_MOST_FITTED = 400
"""Answers that a fit takes, so that what it costs does not grow with the session."""


class Outcome(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """An observation with its conditions."""

    status: Status
    run: int = 0
    """Number of its run: requests of one run were measured under the same conditions."""
    asked: str = ""
    """A digest of what was asked of whom, equal for equal requests."""
    alike: str = ""
    """A digest of what the time per token depends on: endpoint, model and parameters, but for `max_tokens`."""
    counted: bool = True
    """False for warm-up and sweeps, which no statistic counts."""
    set_up_ns: int | None = None
    """Connection set-up; absent on a reused connection."""
    thinking_ns: float | None = None
    """From the start of thinking to the first text; absent where there was no content."""
    thinking_tokens: int | None = None
    """Tokens of thinking among the output tokens; absent where the API did not say."""


def outcome_of(record: RequestRecord, *, run: int = 0, asked: str = "", counted: bool = True) -> Outcome | None:
    """The outcome of a request that is over; None where `observe` has none."""
    observation = observe(record, with_gaps=False)
    if observation is None or record.status is None:
        return None
    fields = msgspec.structs.asdict(observation)
    # Thousands of gaps of thousands of answers: eight bytes each.
    fields["gaps_ns"] = array("q", [] if observation.failed else metrics.gaps_ns(record.timeline))
    parts = decomposition.parts(record)
    return Outcome(
        **fields,
        status=record.status,
        run=run,
        asked=asked,
        alike=_alike(record.spec),
        counted=counted,
        set_up_ns=metrics.set_up_ns(record.timeline),
        thinking_ns=None if parts is None else parts.thinking_ns,
        thinking_tokens=record.usage.thinking_tokens,
    )


def parts_of(outcome: Outcome, per_token_ns: float | None) -> Parts | None:
    """The parts of a complete answer with content; None for any other. See `decomposition.parts`.

    `per_token_ns` is what a token of the prompt takes; without it the prompt's part is in the baseline.
    """
    if outcome.ttft_ns is None or outcome.total_ns is None:
        return None
    total, thinking = float(outcome.total_ns), outcome.thinking_ns or 0.0
    text = float(outcome.ttfo_ns) if outcome.ttfo_ns is not None else total
    # Thinking whose text is withheld begins before the first content.
    waiting = min(float(outcome.ttft_ns), max(0.0, text - thinking))
    prompt = None
    if per_token_ns is not None and outcome.input_tokens is not None:
        prompt = min(waiting, per_token_ns * outcome.input_tokens)
    return Parts(
        connection_ns=float(outcome.set_up_ns or 0),
        baseline_ns=waiting - (prompt or 0.0),
        prompt_ns=prompt,
        thinking_ns=text - waiting,
        output_ns=total - text,
    )


def fit(outcomes: Sequence[Outcome]) -> Fit:
    """`decomposition.fit` over the latest of those that are like the last one but for the lengths; see `alike`."""
    alike = [one for one in outcomes if one.alike == outcomes[-1].alike]
    return decomposition.fit(alike[-_MOST_FITTED:])


def _alike(spec: RequestSpec) -> str:
    what = (spec.endpoint.name, spec.endpoint.base_url, spec.model, spec.parameters.without(("max_tokens",)))
    return hashlib.blake2b(msgspec.msgpack.encode(what), digest_size=16).hexdigest()
