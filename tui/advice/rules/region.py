"""Region: where the model runs."""

from tui.advice import sources
from tui.advice.arms import alternatives_of, change_to, measured_lever
from tui.advice.evidence import Evidence
from tui.advice.suggestion import NoSuggestion, Suggestion, Trial
from tui.core.comparison import FEWEST
from tui.core.observation import Figure

RULE = "region"
_PARAMETER = "inference_geo"


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Only what was measured: distance and load are not known from here."""
    price = "it decides where the prompt is processed, and single regions may cost more: ask who answers for your data"
    shown = measured_lever(evidence, RULE, _PARAMETER, price, sources.REGION, figure=Figure.TTFT)
    if shown is not None:
        return shown
    if any(len(arm.answers) >= FEWEST for arm in alternatives_of(evidence, _PARAMETER)):
        return NoSuggestion(rule=RULE, reason="no other region measured is shown to be faster")
    if evidence.subject.parameters.inference_geo in (None, "global"):
        return NoSuggestion(
            rule=RULE,
            reason="no region was measured",
            run='a series with inference_geo, "us" for instance, beside this one',
        )
    return NoSuggestion(
        rule=RULE,
        reason="it is bound to one region, and others were not measured",
        run="a series without inference_geo beside this one",
        trial=Trial(change=change_to(_PARAMETER, None), figure=Figure.TTFT),
    )
