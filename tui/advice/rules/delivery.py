"""Rules on delivery: streaming, the path, connections, region and service tier."""

from collections.abc import Mapping
from statistics import median
from typing import Any

import msgspec

from tui.advice import citations
from tui.advice.estimate import (
    change_to,
    enough_measured,
    faster_alternative,
    measured_saving,
    measured_value,
    part_saved,
)
from tui.advice.evidence import Evidence
from tui.advice.suggestion import Basis, Change, NoSuggestion, Saving, Suggestion, Trial
from tui.core.comparison import FEWEST
from tui.core.figures import Figure
from tui.core.parameters import Parameters
from tui.core.wording import amount, part_of

_STREAMED = Trial(change=Change(label="streamed", parameters=Parameters(stream=True)), figure=Figure.TTFT)
_MOSTLY = 0.5


def streaming(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest streaming for answers in one piece, where the first token was measured to come sooner."""
    subject, rule = evidence.subject, "streaming"
    if subject.parameters.stream is not False:
        waits = [float(one.total_ns - one.ttft_ns) for one in subject.answers if one.total_ns and one.ttft_ns]
        gain = f": a reader starts {amount(Figure.TOTAL, median(waits))} before the end" if waits else ""
        return NoSuggestion(rule, f"answers stream already{gain}")
    rest = msgspec.structs.replace(subject.parameters, stream=None)
    streamed = [
        other
        for other in evidence.alike
        if other.target.model == subject.target.model
        and other.parameters.stream is not False
        and msgspec.structs.replace(other.parameters, stream=None) == rest
    ]
    found = faster_alternative(evidence, streamed, Figure.TTFT)
    if found is None:
        if enough_measured(streamed):
            return NoSuggestion(rule, "streaming is not shown to bring the first token sooner")
        return NoSuggestion(
            rule,
            "answers come in one piece, so it is not known when their first token would come",
            run="a series that streams beside this one",
            trial=_STREAMED,
        )
    _, comparison = found
    return Suggestion(
        id=f"{rule}:on",
        target=subject.label,
        headline="Stream the answers",
        saving=measured_saving(comparison),
        figures=(comparison.sentence, "the total time stays the same, but the reader waits less"),
        price="none, but the program that reads must take the answer piece by piece",
        source=citations.STREAMING,
        trial=_STREAMED,
    )


def path(evidence: Evidence) -> NoSuggestion:
    """Warn of a path that holds answers back: what was measured is then the path, and no model."""
    subject, rule = evidence.subject, "path"
    held = sum(one.held_back for one in subject.answers)
    if not held or held < _MOSTLY * len(subject.answers):
        return NoSuggestion(rule, "answers arrive as they are made, as far as their stamps tell")
    return NoSuggestion(
        rule,
        f"{part_of(held, len(subject.answers), 'answer')} came all at once or in bursts: something between here "
        "and the model collects them, so that TTFT is late and the speed is not known",
        run=(
            "turn off buffering and compression of text/event-stream in the proxy or gateway (nginx: proxy_buffering "
            "off, gzip off; haproxy: option http-no-delay), or ask the server directly, then run a series"
        ),
        warns=True,
    )


def connection(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest keeping connections, which saves all of the set-up, where most requests opened one."""
    subject, rule = evidence.subject, "connection"
    answers = subject.answers
    set_up = [float(one.set_up_ns) for one in answers if one.set_up_ns is not None]
    if answers and len(set_up) >= _MOSTLY * len(answers):
        return Suggestion(
            id=f"{rule}:reuse",
            target=subject.label,
            headline="Keep connections open between requests",
            saving=part_saved(Figure.TTFT, set_up),
            figures=(
                f"{part_of(len(set_up), len(answers), 'request')} opened a connection, "
                f"which took {amount(Figure.TTFT, median(set_up))}; that comes before TTFT and is not part of it",
                "this program reuses connections where it can, so a server or a proxy closes them",
            ),
            price="none; check the keep-alive of servers and proxies on the way, and use one client throughout",
            source=citations.CONNECTION,
            trial=None,
        )
    cold = [float(one.set_up_ns) for one in (*subject.warm_ups, *answers) if one.set_up_ns is not None]
    cost = (
        f"; a client that opens one per request waits {amount(Figure.TTFT, median(cold))} more each time"
        if cold
        else ""
    )
    return NoSuggestion(rule, f"connections are reused{cost}")


def region(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest a region that was measured to be faster: nothing here tells its distance and load."""
    rule, parameter = "region", "inference_geo"
    price = (
        "this decides where the prompt is processed, and a single region may cost more: "
        "ask whoever answers for your data"
    )
    measured = measured_value(
        evidence,
        rule,
        parameter,
        price,
        citations.REGION,
        figure=Figure.TTFT,
        none_faster="no other measured region is shown to be faster",
    )
    if measured is not None:
        return measured
    if evidence.subject.parameters.inference_geo in (None, "global"):
        return NoSuggestion(
            rule, "no region was measured", run='a series with inference_geo, "us" for instance, beside this one'
        )
    return NoSuggestion(
        rule,
        "requests are bound to one region, and no other was measured",
        run="a series without inference_geo beside this one",
        trial=Trial(change=change_to(parameter, None), figure=Figure.TTFT),
    )


def service_tier(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest a service tier that was measured to be faster: nobody outside knows how full each capacity is."""
    rule, parameter = "service tier", "service_tier"
    measured = measured_value(
        evidence,
        rule,
        parameter,
        "priority capacity is bought beforehand; without any, both tiers are the same",
        citations.SERVICE_TIER,
        figure=Figure.TTFT,
        none_faster="the other tier is not shown to be faster",
    )
    if measured is not None:
        return measured
    if evidence.subject.parameters.service_tier != "standard_only":
        return NoSuggestion(rule, "priority capacity may serve these requests already")
    return NoSuggestion(
        rule,
        "priority capacity is ruled out, and was not measured",
        run="a series with service_tier auto beside this one",
        trial=Trial(change=change_to(parameter, "auto"), figure=Figure.TTFT),
    )


def output_schema(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest a request ahead for a new schema: the first one waits until it is compiled."""
    subject, rule = evidence.subject, "output schema"
    if not _has_schema(subject.parameters.extra or {}):
        return NoSuggestion(rule, "no answer has to keep a schema")
    timed = [one for one in (*subject.warm_ups, *subject.answers) if one.ttft_ns is not None]
    if len(timed) <= FEWEST:
        return NoSuggestion(rule, "too few answers tell the first from the others", run=f"{FEWEST + 1} runs")
    first, *others = sorted(timed, key=lambda one: one.run)
    if not first.cached_tokens and any(one.cached_tokens for one in others):
        return NoSuggestion(rule, "the first request found the prompt cache cold too, so that neither cost is told")
    usual, cold = median(one.ttft_ns or 0 for one in others), first.ttft_ns or 0
    said = f"TTFT of the first request was {amount(Figure.TTFT, cold)}, of the others {amount(Figure.TTFT, usual)}"
    if cold <= max(one.ttft_ns or 0 for one in others):
        return NoSuggestion(rule, f"the first request was not the slowest: {said}")
    return Suggestion(
        id=f"{rule}:ahead",
        target=subject.label,
        headline="Send a request with the schema before users need it: the first one pays for its compilation",
        saving=Saving(figure=Figure.TTFT, ns=cold - usual, interval=None, basis=Basis.DERIVED, count=1),
        figures=(said, "one first request is no statistic: chance may have slowed it"),
        price="one more request for every new schema",
        source=citations.SCHEMA,
        trial=None,
    )


def _has_schema(extra: Mapping[str, Any]) -> bool:
    """True where a request asks for structured output, in the words of any of the three protocols."""
    places = (("output_config", "format"), ("response_format",), ("text", "format"))
    for place in places:
        found: Any = extra
        for name in place:
            found = found.get(name) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping) and found.get("type") == "json_schema":
            return True
    return False
