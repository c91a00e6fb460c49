"""Decomposition of the time: what a target takes per token and apart from tokens, and the parts of one request."""

from collections.abc import Sequence
from enum import StrEnum
from statistics import correlation, fmean

import msgspec

from tui.core.figures import FITTED, Figure
from tui.core.linear_fit import Estimate, added, robust_fit
from tui.core.observation import Observation
from tui.core.statistics import CONFIDENCE
from tui.core.wording import amount, percent, span

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
    """total = baseline latency + per_input · input tokens + per_output · output tokens, of one target."""

    needed: RunsNeeded
    sentence: str
    """The runs in words, without a full stop; empty if none are needed."""
    count: int
    """Answers it rests on."""
    baseline: Estimate | None = None
    """Baseline latency, ns; absent unless both of the others are there, since their part would be in it."""
    per_input: Estimate | None = None
    """ns per token of the prompt that was not read from the cache; absent where they did not vary enough."""
    per_output: Estimate | None = None
    """ns per output token, thinking included; absent where they did not vary enough."""

    def of(self, figure: Figure) -> Estimate | None:
        """A fitted figure, in its unit; None where it is not known."""
        row = figure.declared
        found: Estimate | None = None if row.fitted is None else getattr(self, row.fitted)
        return None if found is None else found.times(row.per_tokens)

    def sentences(self) -> list[str]:
        """Every figure that is known, with its interval, in words without a full stop."""
        return [
            f"{figure.label} {amount(figure, each.value)}, {percent(each.interval.confidence)} interval "
            f"{span(figure, each.interval.low, each.interval.high)}{'' if each.is_shown else ', none shown'}"
            for figure in FITTED
            if (each := self.of(figure)) is not None
        ]


UNFIT = Fit(needed=RunsNeeded.MORE_RUNS, sentence=_SENTENCES[RunsNeeded.MORE_RUNS], count=0)
"""The fit to no answers."""


def fit(observations: Sequence[Observation], confidence: float = CONFIDENCE, fewest: int = FEWEST) -> Fit:
    """Fit a target's complete answers by `linear_fit.robust_fit`, as far as their tokens vary.

    Only the latest are taken, of those that are like the last one but for the lengths (`Observation.fit_group`): the
    time per token is that of one model at one endpoint.

    Waiting for the first content, less upload and network, is fitted on input tokens, and the rest of the time on
    output tokens: the noise of writing, which is the larger one, then does not hide the prompt's time. The baseline
    latency is the sum of both constants. Where answers do not tell the two apart (in one piece, or with thinking whose
    time was not seen), the total is fitted on both; with a correlation beyond 0.95 nothing is told there.

    A count varies enough when its range is a quarter of the largest, and 16 tokens, or more.
    """
    answers = [one for one in _alike(observations) if one.input_tokens is not None and one.output_tokens is not None]
    answers = [one for one in answers if one.total_ns is not None]
    apart = [one for one in answers if _shows_writing(one)]
    # A few answers in one piece, the shortest, do not spoil the others.
    is_apart = len(apart) >= fewest
    answers = apart if is_apart else answers
    if len(answers) < fewest:
        return _unfit(RunsNeeded.MORE_RUNS, len(answers))
    inputs = [float(one.input_tokens or 0) for one in answers]
    outputs = [float(one.output_tokens or 0) for one in answers]
    needed = {
        (True, True): RunsNeeded.NOTHING,
        (True, False): RunsNeeded.VARY_OUTPUT,
        (False, True): RunsNeeded.VARY_INPUT,
        (False, False): RunsNeeded.VARY_BOTH,
    }[_varies(inputs), _varies(outputs)]
    if needed is RunsNeeded.VARY_BOTH:
        return _unfit(needed, len(answers))
    totals = [float(one.total_ns or 0) for one in answers]
    if is_apart:
        found = _of_parts(answers, inputs, outputs, totals, confidence)
        found = msgspec.structs.replace(found, needed=needed)
    else:
        found = _of_total(inputs, outputs, totals, needed, confidence)
    times = [each for each in (found.per_input, found.per_output) if each is not None]
    if found.needed is RunsNeeded.NOTHING and not all(each.is_shown for each in times):
        found = msgspec.structs.replace(found, needed=RunsNeeded.UNSURE)
    return msgspec.structs.replace(found, sentence=_SENTENCES[found.needed])


def _fitted(
    columns: Sequence[Sequence[float]], values: Sequence[float], confidence: float
) -> tuple[Estimate, ...] | None:
    """The robust fit on the columns that vary enough."""
    varying = [column for column in columns if _varies(column)]
    return robust_fit(varying, values, confidence) if varying else None


def _of_parts(
    answers: Sequence[Observation],
    inputs: Sequence[float],
    outputs: Sequence[float],
    totals: Sequence[float],
    confidence: float,
) -> Fit:
    """The fits of waiting and of writing, and the sum of their constants.

    Where it is known of all, the network's time is no time of the prompt: the upload grows with it and is left out, the
    round trips only add noise, and a typical one is in the baseline latency.
    """
    waits = [_waiting_ns(one) for one in answers]
    trips = [one.network_ns for one in answers if one.network_ns is not None and one.upload_ns is not None]
    of_trip = None
    serving = waits
    if len(trips) == len(answers):
        of_trip = robust_fit([], [float(trip) for trip in trips], confidence)
        serving = [
            max(0.0, wait - (one.upload_ns or 0) - trip) for wait, one, trip in zip(waits, answers, trips, strict=True)
        ]
    of_input = _fitted([inputs], serving, confidence)
    of_output = _of_writing(outputs, [total - wait for total, wait in zip(totals, waits, strict=True)], confidence)
    baseline = added(of_input[0], of_output[0]) if of_input and of_output else None
    return Fit(
        needed=RunsNeeded.NOTHING,
        sentence="",
        count=len(totals),
        baseline=added(baseline, of_trip[0]) if baseline and of_trip else baseline,
        per_input=of_input[1] if of_input else None,
        per_output=of_output[1] if of_output else None,
    )


def _of_writing(
    outputs: Sequence[float], writing: Sequence[float], confidence: float
) -> tuple[Estimate, Estimate] | None:
    """The constant and the time per token of writing. It strays as the tokens do, so each answer counts by its pace."""
    if not _varies(outputs):
        return None
    paces = [time / tokens for time, tokens in zip(writing, outputs, strict=True)]
    found = robust_fit([[1 / tokens for tokens in outputs]], paces, confidence)
    return (found[1], found[0]) if found else None


def _of_total(
    inputs: Sequence[float], outputs: Sequence[float], totals: Sequence[float], needed: RunsNeeded, confidence: float
) -> Fit:
    """The fit of the total on whatever varies."""
    both = needed is RunsNeeded.NOTHING
    can_tell = not both or abs(correlation(inputs, outputs)) <= _MOST_CORRELATED
    found = _fitted([inputs, outputs], totals, confidence) if can_tell else None
    if found is None:
        return _unfit(RunsNeeded.VARY_APART, len(totals))
    return Fit(
        needed=needed,
        sentence="",
        count=len(totals),
        baseline=found[0] if both else None,
        per_input=found[1] if needed is not RunsNeeded.VARY_INPUT else None,
        per_output=found[-1] if needed is not RunsNeeded.VARY_OUTPUT else None,
    )


def _shows_writing(answer: Observation) -> bool:
    """True where the first content, or the start of thinking, was seen apart from the end."""
    is_hidden = bool(answer.thinking_tokens) and not answer.thinking_ns
    return answer.ttft_ns is not None and (answer.total_ns or 0) > answer.ttft_ns and not is_hidden


def _waiting_ns(answer: Observation) -> float:
    """From the send to the first content, or to the start of thinking whose text is withheld and begins before it."""
    total = float(answer.total_ns or 0)
    text = float(answer.ttfo_ns) if answer.ttfo_ns is not None else total
    return min(total if answer.ttft_ns is None else float(answer.ttft_ns), max(0.0, text - (answer.thinking_ns or 0)))


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
    total, waiting = float(answer.total_ns), _waiting_ns(answer)
    text = float(answer.ttfo_ns) if answer.ttfo_ns is not None else total
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
