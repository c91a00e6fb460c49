"""Service tier: priority capacity, for those who have bought it."""

from tui.advice import sources
from tui.advice.arms import alternatives_of, change_to, measured_lever
from tui.advice.evidence import Evidence
from tui.advice.suggestion import NoSuggestion, Suggestion, Trial
from tui.core.comparison import FEWEST
from tui.core.observation import Figure

RULE = "service tier"
_PARAMETER = "service_tier"


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Only what was measured: no one can tell from outside how full which capacity is."""
    price = "priority capacity is bought beforehand; without any, both tiers are the same"
    shown = measured_lever(evidence, RULE, _PARAMETER, price, sources.SERVICE_TIER, figure=Figure.TTFT)
    if shown is not None:
        return shown
    if any(len(arm.answers) >= FEWEST for arm in alternatives_of(evidence, _PARAMETER)):
        return NoSuggestion(rule=RULE, reason="the other tier is not shown to be faster")
    if evidence.subject.parameters.service_tier != "standard_only":
        return NoSuggestion(rule=RULE, reason="priority capacity may serve it already")
    return NoSuggestion(
        rule=RULE,
        reason="priority capacity is ruled out, and was not measured",
        run="a series with service_tier auto beside this one",
        trial=Trial(change=change_to(_PARAMETER, "auto"), figure=Figure.TTFT),
    )
