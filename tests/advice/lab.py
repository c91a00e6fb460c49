"""A real engine and a real simulator, asked without a screen."""

from waiting import in_time

from tui.advice.advise import Advice, advise
from tui.advice.evidence import CUT_SHARE
from tui.advice.suggestion import Suggestion
from tui.advice.trial import TrialResult
from tui.config.known_models import load_models
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.series import SeriesSettings
from tui.core.target import Endpoint, Target
from tui.session.measured import evidence_for
from tui.session.session import Session
from tui.session.trial_runner import TrialRunner


class Lab:
    """One session, used for one experiment after another."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def seen(self) -> str:
        """The lanes' states, and how far the series is."""
        lanes = [(lane.target.label, lane.state) for lane in self.session.live.lanes]
        return f"lanes {lanes}; series {self.session.series and self.session.series.series}"

    async def series(self, plan: Plan, settings: SeriesSettings) -> None:
        """Run a plan again and again."""
        self.session.start_series(plan, settings)
        async with in_time("the end of a series", self.seen):
            assert self.session.series is not None
            await self.session.series.over()

    async def measured(self, *plans: Plan, repeats: int = 8, cut_share: float = CUT_SHARE) -> Advice:
        """Advice for the first target of the last plan, after a series of each."""
        self.session.live.clear()
        for plan in plans:
            await self.series(plan, SeriesSettings(repeats=repeats, warm_ups=1))
        lanes = self.session.live.lanes
        evidence = evidence_for(lanes[0], lanes, (), MODELS, cut_share=cut_share)
        assert evidence is not None
        return advise(evidence)

    async def tried(self, plan: Plan, suggestion: Suggestion) -> TrialResult:
        """Result of a trial of a suggestion."""
        trying = TrialRunner(self.session, plan, suggestion.target, suggestion, lambda: None)
        trying.start()
        async with in_time("the end of a trial", self.seen):
            await trying.wait()
        assert len(trying.measured) == 2
        return trying.tried


def plan_of(
    base_url: str,
    model: str,
    *,
    prompt: Prompt | None = None,
    parameters: Parameters | None = None,
    ca_file: str | None = None,
) -> Plan:
    """A plan that asks one model of the simulator."""
    return Plan(
        prompt=prompt or Prompt(user="Why is the sky blue?"),
        parameters=parameters or Parameters(max_tokens=2_000),
        targets=(Target(model=model),),
        endpoints=(Endpoint(name="simulator", base_url=base_url, simulated=True, ca_file=ca_file),),
        default_endpoint="simulator",
    )


MODELS = tuple(load_models())
"""Those that the program knows, from its own file."""
