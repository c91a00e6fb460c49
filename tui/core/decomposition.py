"""Decomposition of the time: what a target takes per token and apart from tokens, and the parts of one request."""

from collections.abc import Sequence
from enum import StrEnum
from statistics import correlation, fmean

import msgspec

from tui.core.linear_fit import Estimate, robust_fit
from tui.core.observation import Observation
from tui.core.statistics import CONFIDENCE

FEWEST = 10
"""Complete answers below which nothing is fitted."""
_MOST_FITTED = 400
"""Answers that a fit takes, so that what it costs does not grow with the session."""
_LEAST_RANGE = 0.25
_LEAST_TOKENS = 16
_MOST_CORRELATED = 0.95


class RunsNeeded(StrEnum):
    """Runs that would make the whole fit possible."""

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
    RunsNeeded.NOTHING: "",
    RunsNeeded.MORE_RUNS: f"too few runs: {FEWEST} complete answers are needed",
    RunsNeeded.VARY_OUTPUT: "all answers are about as long: vary max_tokens to learn the time per output token",
    RunsNeeded.VARY_INPUT: "all prompts are about as long: vary prompt length to learn the time per input token",
    RunsNeeded.VARY_BOTH: "prompts and answers are all about as long: vary max_tokens and prompt length",
    RunsNeeded.VARY_APART: "long prompts had long answers: vary max_tokens at one prompt length to tell them apart",
    RunsNeeded.UNSURE: "a time per token may still be none: more runs of different lengths would tell",
}


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """total = baseline + per_input · input tokens + per_output · output tokens, of one target."""

    needed: RunsNeeded
    sentence: str
    """The runs in words, without a full stop; empty if none are needed."""
    count: int
    """Answers it rests on."""
    baseline: Estimate | None = None
    """ns; where one of the others is absent, its part is in here."""
    per_input: Estimate | None = None
    """ns per token of the prompt that was not read from the cache; absent where they did not vary enough."""
    per_output: Estimate | None = None
    """ns per output token, thinking included; absent where they did not vary enough."""


def fit(observations: Sequence[Observation], confidence: float = CONFIDENCE) -> Fit:
    """Fit a target's complete answers by `linear_fit.robust_fit`, as far as their tokens vary.

    Only the latest are taken, of those that are like the last one but for the lengths (`Observation.fit_group`): the
    time per token is that of one model at one endpoint.

    A count varies enough when its range is a quarter of the largest, and 16 tokens, or more; with a correlation
    beyond 0.95 the two cannot be told apart, and nothing is fitted.
    """
    answers = [
        (observation.input_tokens, observation.output_tokens, observation.total_ns)
        for observation in _alike(observations)
        if observation.input_tokens is not None
        and observation.output_tokens is not None
        and observation.total_ns is not None
    ]
    if len(answers) < FEWEST:
        return _unfit(RunsNeeded.MORE_RUNS, len(answers))
    inputs, outputs, totals = (list(map(float, column)) for column in zip(*answers, strict=True))
    has_inputs, has_outputs = _varies(inputs), _varies(outputs)
    if has_inputs and has_outputs and abs(correlation(inputs, outputs)) > _MOST_CORRELATED:
        return _unfit(RunsNeeded.VARY_APART, len(answers))
    needed = {
        (True, True): RunsNeeded.NOTHING,
        (True, False): RunsNeeded.VARY_OUTPUT,
        (False, True): RunsNeeded.VARY_INPUT,
        (False, False): RunsNeeded.VARY_BOTH,
    }[has_inputs, has_outputs]
    columns = [column for column, has in ((inputs, has_inputs), (outputs, has_outputs)) if has]
    found = robust_fit(columns, totals, confidence) if columns else None
    if found is None:
        return _unfit(needed if columns == [] else RunsNeeded.VARY_APART, len(answers))
    if needed is RunsNeeded.NOTHING and any(per_token.interval.low <= 0 for per_token in found[1:]):
        needed = RunsNeeded.UNSURE
    return Fit(
        needed=needed,
        sentence=_SENTENCES[needed],
        count=len(answers),
        baseline=found[0],
        per_input=found[1] if has_inputs else None,
        per_output=found[-1] if has_outputs else None,
    )


def _alike(observations: Sequence[Observation]) -> Sequence[Observation]:
    return [one for one in observations if one.fit_group == observations[-1].fit_group][-_MOST_FITTED:]


def _unfit(needed: RunsNeeded, count: int) -> Fit:
    return Fit(needed=needed, sentence=_SENTENCES[needed], count=count)


def _varies(counts: Sequence[float]) -> bool:
    return max(counts) - min(counts) >= max(_LEAST_TOKENS, _LEAST_RANGE * max(counts))


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """One request's time in a row, ns; together the total and the connection's set-up."""

    connection_ns: float
    """Set-up of the connection; 0 on a reused one."""
    waiting_ns: float
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
        return self.connection_ns + self.waiting_ns + (self.prompt_ns or 0) + self.thinking_ns + self.output_ns


def parts_of(answer: Observation, per_token_ns: float | None = None) -> Parts | None:
    """The parts of a complete answer with content; None for any other.

    `per_token_ns` is what a token of the prompt surely takes; without it the prompt's part is in waiting. The
    prompt's part is that times the tokens that had to be processed, at most all of the waiting.
    """
    if answer.ttft_ns is None or answer.total_ns is None:
        return None
    total, thinking = float(answer.total_ns), answer.thinking_ns or 0
    text = float(answer.ttfo_ns) if answer.ttfo_ns is not None else total
    # Thinking whose text is withheld begins before the first content.
    waiting = min(float(answer.ttft_ns), max(0.0, text - thinking))
    prompt = None
    if per_token_ns is not None and answer.input_tokens is not None:
        prompt = min(waiting, per_token_ns * answer.input_tokens)
    return Parts(
        connection_ns=float(answer.set_up_ns or 0),
        waiting_ns=waiting - (prompt or 0.0),
        prompt_ns=prompt,
        thinking_ns=text - waiting,
        output_ns=total - text,
    )


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
        waiting_ns=fmean(each.waiting_ns + (0 if is_split else each.prompt_ns or 0) for each in middle),
        prompt_ns=fmean(prompts) if is_split else None,
        thinking_ns=fmean(each.thinking_ns for each in middle),
        output_ns=fmean(each.output_ns for each in middle),
    )
