"""Advice for one target: every rule asked, suggestions ranked by their saving, and a conclusion."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from statistics import median

import msgspec

from tui.advice.estimate import prefill_fit
from tui.advice.evidence import Evidence
from tui.advice.rules import answer_length, delivery, generation, model, prompt_cache, prompt_length
from tui.advice.suggestion import MATTERS_NS, NoSuggestion, Suggestion
from tui.advice.trial import accepted_parameters, passes_of
from tui.core.comparison import FEWEST
from tui.core.decomposition import Parts, parts_of, typical
from tui.core.figures import Figure
from tui.core.pass_rate import pass_rate
from tui.core.prompt import Prompt
from tui.core.refusals import lack, unsupported
from tui.core.wording import amount, percent, round_amount

Rule = Callable[[Evidence], Suggestion | NoSuggestion]

RULES: tuple[Rule, ...] = (
    model.model,
    prompt_length.prompt_length,
    prompt_cache.prompt_cache,
    answer_length.answer_length,
    answer_length.max_tokens,
    generation.temperature,
    delivery.path,
    delivery.streaming,
    generation.effort,
    generation.thinking,
    generation.fast_mode,
    delivery.service_tier,
    delivery.region,
    delivery.connection,
    prompt_cache.cold_start,
    prompt_cache.long_history,
    delivery.output_schema,
)


LEVERS: Mapping[Rule, str] = {
    prompt_cache.prompt_cache: "cache",
    prompt_cache.cold_start: "cache",
    prompt_cache.long_history: "thread",
    generation.temperature: "temperature",
    generation.effort: "effort",
    generation.thinking: "thinking",
    generation.fast_mode: "speed",
    delivery.service_tier: "service_tier",
    delivery.region: "inference_geo",
    delivery.streaming: "stream",
    answer_length.max_tokens: "max_tokens",
}
"""The parameter that a rule is about: where a protocol has none, the rule proposes nothing."""


class Bound(StrEnum):
    """Longest part of the time."""

    CONNECTION = "connection-bound"
    PROMPT = "prompt-bound"
    """Reading the prompt, where a known cost per token tells it from waiting."""
    WAITING = "waiting-bound"
    THINKING = "thinking-bound"
    OUTPUT = "output-bound"


class TimeShares(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of a typical request's time."""

    parts: Parts
    bound: Bound
    sentence: str


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """Advice for one target."""

    target: str
    simulated: bool
    count: int
    """Number of complete answers it rests on."""
    where: TimeShares | None
    warnings: tuple[NoSuggestion, ...]
    """Problems to look at before tuning."""
    suggestions: tuple[Suggestion, ...]
    """Suggestions that may save `MATTERS_NS` or more, the largest saving first."""
    minor: tuple[Suggestion, ...]
    """Suggestions that surely save less."""
    no_suggestions: tuple[NoSuggestion, ...]
    conclusion: str
    """Conclusion in one sentence."""


def advise(evidence: Evidence) -> Advice:
    """Ask every rule, and rank the suggestions by the time they are estimated to save."""
    said = [_passing(_as_measured(_as_the_protocol_allows(rule, evidence), evidence), evidence) for rule in RULES]
    suggestions = sorted(
        (one for one in said if isinstance(one, Suggestion)),
        key=lambda suggestion: (-suggestion.saving.rank_ns, -suggestion.saving.ns),
    )
    worth = tuple(suggestion for suggestion in suggestions if suggestion.saving.matters)
    warnings = tuple(one for one in said if isinstance(one, NoSuggestion) and one.warns)
    count, where = len(evidence.subject.answers), time_shares_of(evidence)
    return Advice(
        target=evidence.subject.label,
        simulated=evidence.subject.endpoint.simulated,
        count=count,
        where=where,
        warnings=warnings,
        suggestions=worth,
        minor=tuple(suggestion for suggestion in suggestions if not suggestion.saving.matters),
        no_suggestions=tuple(one for one in said if isinstance(one, NoSuggestion) and not one.warns),
        conclusion=_conclusion(warnings, worth) if warnings or worth else _silence(evidence, where, said),
    )


def _as_the_protocol_allows(rule: Rule, evidence: Evidence) -> Suggestion | NoSuggestion:
    """The rule's answer, unless it proposes what requests to this endpoint cannot say."""
    said = rule(evidence)
    if isinstance(said, NoSuggestion) and not (said.run or said.trial):
        return said
    kind, lever = evidence.subject.endpoint.kind, LEVERS.get(rule)
    refused = unsupported(said.trial.change.parameters, kind) if said.trial else {}
    reason = (lack(lever, kind) if lever is not None else None) or next(iter(refused.values()), None)
    if reason is None:
        return said
    return NoSuggestion(said.rule if isinstance(said, NoSuggestion) else _rule_of(said), reason)


def _as_measured(said: Suggestion | NoSuggestion, evidence: Evidence) -> Suggestion | NoSuggestion:
    """The suggestion with a saving of no more than what was measured; setting up connections is measured beside it."""
    if isinstance(said, NoSuggestion):
        return said
    values = [(one.value(said.saving.figure), one.set_up_ns or 0) for one in evidence.subject.answers]
    whole = [value + set_up for value, set_up in values if value is not None]
    return said if not whole else msgspec.structs.replace(said, saving=said.saving.within(median(whole)))


def _passing(said: Suggestion | NoSuggestion, evidence: Evidence) -> Suggestion | NoSuggestion:
    """The suggestion with what answers to the changed request tell of its pass rate: a trial's, or another lane's."""
    if isinstance(said, NoSuggestion) or said.trial is None:
        return said
    subject, change = evidence.subject, said.trial.change
    model, asked = change.target_of(subject.target).model, accepted_parameters(subject.parameters, change)
    prompt = _unnamed(change.prompt_of(subject.prompt))
    for other in evidence.others:
        is_asked = other.target.model == model and other.parameters == asked and _unnamed(other.prompt) == prompt
        if is_asked and other.endpoint.name == subject.endpoint.name:
            rates = pass_rate(subject.outcomes), pass_rate(other.outcomes)
            if rates[0] is not None and rates[1] is not None:
                passed = f"passed {rates[0].counts} → {rates[1].counts}"
                passes = passes_of(subject.outcomes, other.outcomes)
                return msgspec.structs.replace(said, passes=passes, passed=passed)
    return said


def _unnamed(prompt: Prompt) -> Prompt:
    return msgspec.structs.replace(prompt, name="")


def _conclusion(warnings: Sequence[NoSuggestion], worth: Sequence[Suggestion]) -> str:
    return (
        f"First look at this: {warnings[0].reason}." if warnings else f"{worth[0].headline}. That would save the most."
    )


def _silence(evidence: Evidence, where: TimeShares | None, said: Sequence[Suggestion | NoSuggestion]) -> str:
    """Say that nothing would help only where the largest part of the time was estimated by some rule."""
    count = len(evidence.subject.answers)
    if count < FEWEST:
        return f"Too few runs to tell what would help: {FEWEST} are needed, and there are {count}."
    nothing = f"Nothing that could be estimated would save more than {round_amount(Figure.TOTAL, MATTERS_NS)}."
    totals = [one.total_ns for one in evidence.subject.answers if one.total_ns is not None]
    if where is None:
        if evidence.subject.in_one_piece and median(totals) >= MATTERS_NS:
            return "Not known yet: answers come in one piece; a series that streams would tell where their time goes."
        return nothing
    field, words = _PARTS[where.bound]
    open_rules = [
        one for one in said if isinstance(one, NoSuggestion) and one.run and one.rule in _RULES_ON[where.bound]
    ]
    is_estimated = any(isinstance(one, Suggestion) and _rule_of(one) in _RULES_ON[where.bound] for one in said)
    part = getattr(where.parts, field) or 0.0
    if is_estimated or not open_rules or part < MATTERS_NS:
        return nothing
    return f"Not known yet: most of the time is {words}, {amount(Figure.TOTAL, part)}; {open_rules[0].run} would tell."


def _rule_of(suggestion: Suggestion) -> str:
    return suggestion.id.partition(":")[0]


_RULES_ON = {
    Bound.CONNECTION: ("connection",),
    Bound.PROMPT: ("prompt length", "prompt cache"),
    Bound.WAITING: ("prompt length", "prompt cache"),
    Bound.THINKING: ("thinking", "effort"),
    Bound.OUTPUT: ("answer length", "max_tokens", "fast mode"),
}
"""Rules that estimate what would become of each part of the time."""


def time_shares_of(evidence: Evidence) -> TimeShares | None:
    """Return the parts of a typical answer; None without a complete answer that has text, and in one piece.

    The prompt's part is the fitted cost per token times the tokens that had to be processed.
    """
    fitted = prefill_fit(evidence)
    per_token = fitted[0].value if fitted else None
    if evidence.subject.in_one_piece:
        return None
    answers = [parts_of(one, per_token) for one in evidence.subject.answers]
    found = typical([parts for parts in answers if parts is not None])
    if found is None:
        return None
    times = {bound: getattr(found, field) or 0.0 for bound, (field, _) in _PARTS.items()}
    longest_first = sorted(times, key=lambda bound: -times[bound])
    whole = found.sum_ns or 1.0
    shares = ", ".join(
        f"{percent(round(times[bound] / whole, 2))} {_PARTS[bound][1]}"
        for bound in longest_first
        if times[bound] >= whole / 200
    )
    sentence = f"{longest_first[0].value}: {shares} of {amount(Figure.TOTAL, found.sum_ns)}"
    return TimeShares(parts=found, bound=longest_first[0], sentence=sentence)


_PARTS = {
    Bound.CONNECTION: ("connection_ns", "connecting"),
    Bound.PROMPT: ("prompt_ns", "reading the prompt"),
    Bound.WAITING: ("waiting_ns", "waiting"),
    Bound.THINKING: ("thinking_ns", "thinking"),
    Bound.OUTPUT: ("output_ns", "output"),
}
"""Field of `Parts` and words for each."""
