"""The ledger of what was tried: entries merged, and those that concern some runs."""

from collections.abc import Iterable, Sequence

import msgspec

from tui.advice.trial import TrialResult
from tui.core.run import StoredRun


def merged(entries: Iterable[TrialResult]) -> list[TrialResult]:
    """The entries in their order, each trial once: a decision takes the place of its undecided entry."""
    found: dict[bytes, TrialResult] = {}
    for entry in entries:
        known = found.setdefault(_undecided(entry), entry)
        if known.accepted is None:
            found[_undecided(entry)] = entry
    return list(found.values())


def concerning(entries: Iterable[TrialResult], runs: Sequence[StoredRun]) -> list[TrialResult]:
    """What was tried in these runs, or on a model that they ask at the same endpoint, in the entries' order.

    The model that a change asks instead counts as well: once it is accepted, it is the one that is asked.
    """
    series = {run.info.series for run in runs if run.info.series is not None}
    specs = [record.spec for run in runs for record in run.requests]
    asked = {(spec.model, spec.endpoint.name, spec.endpoint.simulated) for spec in specs}
    return [
        entry
        for entry in entries
        if entry.series in series
        or any(
            (model, entry.endpoint, entry.simulated) in asked for model in (entry.model, entry.trial.change.model or "")
        )
    ]


def _undecided(tried: TrialResult) -> bytes:
    """What an entry and the decision on it have in common."""
    return msgspec.json.encode(msgspec.structs.replace(tried, accepted=None))
