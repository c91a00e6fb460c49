"""Where the time goes: what a target takes per token and apart from them, and the parts of one request."""

from collections.abc import Sequence
from enum import StrEnum
from statistics import correlation, fmean

import msgspec

from tui.core import metrics
from tui.core.observation import Observation
from tui.core.record import RequestRecord
from tui.core.regression import Estimate, robust_fit
from tui.core.statistics import CONFIDENCE

FEWEST = 10
"""Complete answers below which nothing is fitted."""
_LEAST_RANGE = 0.25
_LEAST_TOKENS = 16
_MOST_CORRELATED = 0.95


class Advice(StrEnum):
    """Which runs would make the whole fit possible."""

    NOTHING = "nothing"
    """It is possible."""
    MORE_RUNS = "more runs"
    VARY_OUTPUT = "vary max_tokens"
    VARY_INPUT = "vary prompt length"
    VARY_BOTH = "vary both"
    VARY_APART = "vary apart"
    """Prompt and answer grow together, so that their parts cannot be told apart."""
    UNSURE = "more of these lengths"
    """Both vary enough, but a time per token may still be none: the noise is larger than what so few runs show."""


_SENTENCES = {
    Advice.NOTHING: "",
    Advice.MORE_RUNS: f"too few runs: {FEWEST} complete answers are needed",
    Advice.VARY_OUTPUT: "all answers are about as long: vary max_tokens to learn the time per output token",
    Advice.VARY_INPUT: "all prompts are about as long: vary prompt length to learn the time per input token",
    Advice.VARY_BOTH: "prompts and answers are all about as long: vary max_tokens and prompt length",
    Advice.VARY_APART: "long prompts had long answers: vary max_tokens at one prompt length to tell their parts apart",
    Advice.UNSURE: "a time per token may still be none: more runs of different lengths would tell",
}


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """total = baseline + per_input · input tokens + per_output · output tokens, of one target."""

    advice: Advice
    sentence: str
    """The advice in words, without a full stop; empty if there is none."""
    count: int
    """Answers it rests on."""
    baseline: Estimate | None = None
    """ns; where one of the others is absent, its part is in here."""
    per_input: Estimate | None = None
    """ns per token of the prompt that was not read from the cache; absent where they did not vary enough."""
    per_output: Estimate | None = None
    """ns per output token, thinking included; absent where they did not vary enough."""


def fit(observations: Sequence[Observation], confidence: float = CONFIDENCE) -> Fit:
    """Fit a target's complete answers by `regression.robust_fit`, as far as their tokens vary.

    A count varies enough when its range is a quarter of the largest, and 16 tokens, or more; with a correlation
    beyond 0.95 the two cannot be told apart, and nothing is fitted.
    """
    answers = [
        (observation.input_tokens, observation.output_tokens, observation.total_ns)
        for observation in observations
        if observation.input_tokens is not None
        and observation.output_tokens is not None
        and observation.total_ns is not None
    ]
    if len(answers) < FEWEST:
        return _unfit(Advice.MORE_RUNS, len(answers))
    inputs, outputs, totals = (list(map(float, column)) for column in zip(*answers, strict=True))
    has_inputs, has_outputs = _varies(inputs), _varies(outputs)
    if has_inputs and has_outputs and abs(correlation(inputs, outputs)) > _MOST_CORRELATED:
        return _unfit(Advice.VARY_APART, len(answers))
    advice = {
        (True, True): Advice.NOTHING,
        (True, False): Advice.VARY_OUTPUT,
        (False, True): Advice.VARY_INPUT,
        (False, False): Advice.VARY_BOTH,
    }[has_inputs, has_outputs]
    columns = [column for column, has in ((inputs, has_inputs), (outputs, has_outputs)) if has]
    found = robust_fit(columns, totals, confidence) if columns else None
    if found is None:
        return _unfit(advice if columns == [] else Advice.VARY_APART, len(answers))
    if advice is Advice.NOTHING and any(per_token.interval.low <= 0 for per_token in found[1:]):
        advice = Advice.UNSURE
    return Fit(
        advice=advice,
        sentence=_SENTENCES[advice],
        count=len(answers),
        baseline=found[0],
        per_input=found[1] if has_inputs else None,
        per_output=found[-1] if has_outputs else None,
    )


def _unfit(advice: Advice, count: int) -> Fit:
    return Fit(advice=advice, sentence=_SENTENCES[advice], count=count)


def _varies(counts: Sequence[float]) -> bool:
    return max(counts) - min(counts) >= max(_LEAST_TOKENS, _LEAST_RANGE * max(counts))


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """One request's time in a row, ns; together the total and the connection's set-up."""

    connection_ns: float
    """Set-up of the connection; 0 on a reused one."""
    baseline_ns: float
    """Waiting for the first content; the prompt's part is in here where `prompt_ns` is absent."""
    prompt_ns: float | None
    """The prompt's part of waiting, from a fit; absent where there is none."""
    thinking_ns: float
    """From the start of thinking to the first text."""
    output_ns: float
    """From the first text to the last content."""

    @property
    def sum_ns(self) -> float:
        """Connection set-up + total, ns."""
        return self.connection_ns + self.baseline_ns + (self.prompt_ns or 0) + self.thinking_ns + self.output_ns


def parts(record: RequestRecord, fitted: Fit | None = None) -> Parts | None:
    """The parts of a complete answer with content; None for any other.

    Waiting is split only by a `per_input` that is surely more than zero: the prompt's part is that times the prompt's
    tokens, at most all of it.
    """
    timeline = record.timeline
    if not record.complete or timeline.sent_ns is None or not timeline.content_ns:
        return None
    sent, first, last = timeline.sent_ns, timeline.content_ns[0], timeline.content_ns[-1]
    text = last if timeline.first_text_ns is None else timeline.first_text_ns
    starts = first if timeline.thinking_pieces or timeline.first_text_ns is None else text
    if timeline.thinking_started_ns is not None:
        # With its text omitted, thinking is seen to start but not to go on.
        starts = max(sent, min(starts, timeline.thinking_started_ns))
    waiting: float = starts - sent
    prompt = _prompt_ns(record, fitted, waiting)
    return Parts(
        connection_ns=metrics.set_up_ns(timeline) or 0,
        baseline_ns=waiting - (prompt or 0),
        prompt_ns=prompt,
        thinking_ns=text - starts,
        output_ns=last - text,
    )


def _prompt_ns(record: RequestRecord, fitted: Fit | None, waiting: float) -> float | None:
    tokens = record.usage.input_tokens
    if fitted is None or fitted.per_input is None or fitted.per_input.interval.low <= 0 or tokens is None:
        return None
    processed = tokens + (record.usage.cache_creation_input_tokens or 0)
    return min(waiting, fitted.per_input.value * processed)


def typical(all_parts: Sequence[Parts]) -> Parts | None:
    """The parts of a typical request: their means over the middle half of the requests by sum; None without any.

    Medians of parts do not add up to a median; these means add up to the mean of that half.
    """
    ascending = sorted(all_parts, key=lambda each: each.sum_ns)
    cut = len(ascending) // 4
    middle = ascending[cut : len(ascending) - cut]
    if not middle:
        return None
    prompts = [each.prompt_ns for each in middle if each.prompt_ns is not None]
    is_split = len(prompts) == len(middle)
    return Parts(
        connection_ns=fmean(each.connection_ns for each in middle),
        baseline_ns=fmean(each.baseline_ns + (0 if is_split else each.prompt_ns or 0) for each in middle),
        prompt_ns=fmean(prompts) if is_split else None,
        thinking_ns=fmean(each.thinking_ns for each in middle),
        output_ns=fmean(each.output_ns for each in middle),
    )
