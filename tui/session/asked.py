"""Which requests asked the same: only those are repeated measurements of one thing."""

import hashlib
from collections.abc import Mapping

import msgspec

from tui.core.plan import Plan
from tui.core.series import Repeat
from tui.core.target import Target
from tui.session.lane import Lane


def asked_of(plan: Plan, lane: Lane, repeat: Repeat | None) -> str:
    """A digest of what is asked of a lane's target.

    The variables' values are part of it, but not in a series, which asks one thing of all rows. A sweep puts no
    question of its own: what was asked before it, by either, is still asked.
    """
    in_use, of_all_rows = _digest(plan, lane.target, plan.values()), _digest(plan, lane.target, {})
    if repeat is None:
        return in_use
    if repeat.sweep and lane.outcomes and lane.outcomes[-1].asked == in_use:
        return in_use
    return of_all_rows


def _digest(plan: Plan, target: Target, values: Mapping[str, str]) -> str:
    """Of prompt, parameters, model and endpoint, but not of the target's name."""
    asked = (plan.prompt_of(target), values, plan.parameters_of(target), target.model, plan.endpoint_of(target).name)
    return hashlib.blake2b(msgspec.msgpack.encode(asked), digest_size=16).hexdigest()
