"""What a headless run found: per target its figures, how its objectives stand, and the exit code that follows."""

from collections.abc import Sequence

import msgspec

from tui.core.grouping import measured_in
from tui.core.objectives import Judgement, Objective, ObjectiveState, judge
from tui.core.observation import Observation
from tui.core.run import StoredRun
from tui.errors import ExitCode


class TargetResult(msgspec.Struct, frozen=True, kw_only=True):
    """One target over all counted runs."""

    name: str
    observations: tuple[Observation, ...]
    judgements: tuple[Judgement, ...]
    """One per objective."""

    @property
    def answered(self) -> bool:
        """True with at least one complete answer."""
        return any(not observation.failed for observation in self.observations)


def results_of(runs: Sequence[StoredRun], objectives: Sequence[Objective]) -> list[TargetResult]:
    """Every target of `runs` in order of appearance; warm-up and sweeps do not count, nor does what was cancelled."""
    return [
        TargetResult(
            name=one.name,
            observations=(observations := one.observations),
            judgements=tuple(judge(objective, observations) for objective in objectives),
        )
        for one in measured_in(runs)
    ]


def exit_code(results: Sequence[TargetResult]) -> ExitCode:
    """0: every objective is met; 1: one is missed; 3: a target never answered, or an objective is not yet known."""
    states = [judgement.state for result in results for judgement in result.judgements]
    if ObjectiveState.MISSED in states:
        return ExitCode.MISSED
    if not results or ObjectiveState.UNKNOWN in states or not all(result.answered for result in results):
        return ExitCode.NOT_MEASURED
    return ExitCode.OK
