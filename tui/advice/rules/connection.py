"""Connections: a new one costs name look-up, TCP and TLS before the request can be sent."""

from statistics import median

from tui.advice import sources
from tui.advice.estimate import part_saved
from tui.advice.evidence import Evidence
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.core.observation import Figure
from tui.core.wording import amount

RULE = "connection"
_MOSTLY = 0.5


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Reuse: all of the set-up, where most requests had to set one up."""
    subject = evidence.subject
    answers = subject.answers
    counted = [float(one.set_up_ns) for one in answers if one.set_up_ns is not None]
    if answers and len(counted) >= _MOSTLY * len(answers):
        return Suggestion(
            id=f"{RULE}:reuse",
            target=subject.label,
            headline="Keep connections open between requests",
            saving=part_saved(Figure.TTFT, counted),
            figures=(
                f"{len(counted)} of {len(answers)} requests set up a connection, "
                f"which took {amount(Figure.TTFT, median(counted))}; it comes before TTFT and is no part of it",
                "this program reuses what it may: a server or a proxy closes connections",
            ),
            price="nothing; look at the keep-alive of servers and proxies on the way, and use one client throughout",
            source=sources.CONNECTION,
            trial=None,
        )
    cold = [float(one.set_up_ns) for one in (*subject.warm_ups, *answers) if one.set_up_ns is not None]
    if not cold:
        return NoSuggestion(rule=RULE, reason="connections are reused")
    return NoSuggestion(
        rule=RULE,
        reason=f"connections are reused; a client that opens one per request waits {amount(Figure.TTFT, median(cold))} "
        "more each time",
    )
