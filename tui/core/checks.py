"""Checks of answers: the kinds there are, each declared once, and what a check finds in an answer.

A check is a table of a plan with one key that names its kind. Judging may take as long as a pattern or a program
wants, so that it is done in a process that can be killed: see `tui.session.checking`.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec

from tui.core.answer_text import (
    Normalisation,
    Span,
    difference,
    json_part,
    normalised,
    paragraphs_in,
    place,
    sentences_in,
    token_at,
    too_much,
    words_in,
    words_of,
)
from tui.core.setting import open_setting, setting

_Most = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
_Offset = Annotated[int, msgspec.Meta(ge=0)]
_Share = Annotated[float, msgspec.Meta(ge=0.01, le=1)]

MAX_CHECKS = 64
"""Most checks of one prompt."""


class AnswerCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One check: exactly one kind is given. Texts may hold variables, which take their values from the row in use."""

    contains: Annotated[str | None, open_setting("Text that must be in the answer.")] = None
    not_contains: Annotated[str | None, open_setting("Text that must not be in the answer.")] = None
    equals: Annotated[str | None, open_setting("Text that the answer must be, after `normalise` was done to both.")] = (
        None
    )
    regex: Annotated[str | None, open_setting("Pattern of Python's re that must be found in the answer.")] = None
    json: Annotated[bool | None, open_setting("True: the answer must be JSON.")] = None
    json_schema: Annotated[
        str | None, open_setting("JSON Schema, as JSON, that the answer must keep; needs latency-tui[checks].")
    ] = None
    max_sentences: Annotated[_Most | None, open_setting("Most sentences.")] = None
    max_paragraphs: Annotated[_Most | None, open_setting("Most paragraphs.")] = None
    max_words: Annotated[_Most | None, open_setting("Most words.")] = None
    max_tokens: Annotated[
        _Most | None, open_setting("Most output tokens, thinking included, as the server counts them.")
    ] = None
    similar: Annotated[
        str | None, open_setting("Reference text; the F1 of its words and the answer's must be `at_least`.")
    ] = None
    command: Annotated[
        tuple[str, ...] | None,
        setting(
            "Program with its arguments that reads the answer on its input, and exits with 0 if it passes.",
            set_by="chosen files",
        ),
    ] = None
    judge: Annotated[
        str | None,
        setting(
            "Question about the answer that a model is asked, and must answer with yes; its requests cost.",
            set_by="chosen files",
        ),
    ] = None
    normalise: Annotated[
        Normalisation,
        open_setting(
            "With equals: exact, spaces (runs of white space are one) or words (also without case, punctuation and "
            "English articles)."
        ),
    ] = "spaces"
    at_least: Annotated[_Share, open_setting("With similar: the least F1, 0.01 to 1.")] = 0.5
    judge_target: Annotated[
        str | None,
        setting(
            "With judge: the target that is asked, by its name or model, or another model at the first one's endpoint; "
            "absent: the first target.",
            set_by="chosen files",
        ),
    ] = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are given: exactly one, unless a file from elsewhere says otherwise."""
        return tuple(name for name in KINDS if getattr(self, name) not in (None, False))

    @property
    def kind(self) -> str:
        """The kind; empty where none is given."""
        return next(iter(self.kinds), "")

    @property
    def acts(self) -> bool:
        """True where it does more than to look: it runs a program, or sends what costs. Only its own person says so."""
        return self.command is not None or self.judge is not None

    @property
    def wanted(self) -> Any:
        """The value of the kind's key."""
        return getattr(self, self.kind, None)

    def texts(self) -> tuple[str, ...]:
        """The texts in which variables are looked for."""
        wanted = self.wanted
        return (wanted,) if isinstance(wanted, str) else ()

    def filled(self, fill: Callable[[str, Callable[[str], str]], str]) -> "AnswerCheck":
        """This check with values in its text; `fill` takes the text, and the function that quotes each value."""
        if not self.texts():
            return self
        quoted = KINDS[self.kind].quoted
        return msgspec.structs.replace(self, **{self.kind: fill(self.wanted, quoted)})


class CheckFinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Outcome of one check of one answer."""

    kind: Annotated[str, msgspec.Meta(description="Which check it was, such as contains; answer: it did not end well.")]
    passed: Annotated[bool | None, msgspec.Meta(description="Absent where it cannot be judged.")] = None
    reason: Annotated[str, msgspec.Meta(description="Why, in words.")] = ""
    model: Annotated[str, msgspec.Meta(description="The model that was asked; only of a judge.")] = ""
    input_tokens: Annotated[int | None, msgspec.Meta(description="Tokens that it read; only of a judge.")] = None
    output_tokens: Annotated[int | None, msgspec.Meta(description="Tokens that it wrote; only of a judge.")] = None
    span: Annotated[
        tuple[_Offset, _Offset] | None,
        msgspec.Meta(
            description="The part of the answer's text that fails, where it is known: the first character and the one "
            "behind the last, code points from 0; equal where something is missing."
        ),
    ] = None


class JudgedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The part of an answer that checks look at."""

    text: str
    output_tokens: int | None = None


class _Verdict(NamedTuple):
    """Finding of one kind of check; the part that fails where that is known."""

    passed: bool | None
    reason: str
    span: Span | None = None


class CheckKind(msgspec.Struct, frozen=True, kw_only=True):
    """Declaration of one kind of check."""

    judge: Callable[[Any, JudgedAnswer, AnswerCheck], _Verdict] | None
    """Tells whether the answer passes, None where that cannot be told, and why. None: the session does."""
    refuse: Callable[[Any], str | None] = lambda _wanted: None
    """The complaint about a value, as the end of a sentence, or None."""
    quoted: Callable[[str], str] = str
    """A variable's value as it is put into the text."""
    option: str = ""
    """Another key that goes with this kind alone."""


def judge(check: AnswerCheck, answer: JudgedAnswer) -> CheckFinding:
    """Judge one answer by a check that needs no program. It may take any time: see the module."""
    kind = check.kind
    judged = KINDS[kind].judge if kind else None
    if judged is None:
        return CheckFinding(kind=kind, reason="it cannot be judged here")
    try:
        passed, reason, span = judged(check.wanted, answer, check)
    except RecursionError:
        passed, reason, span = None, "nested too deeply to be judged", None
    return CheckFinding(kind=kind, passed=passed, reason=reason, span=span)


def complaint(check: AnswerCheck) -> str | None:
    """The reason why a check cannot be used, as the end of a sentence, or None."""
    kind = check.kind
    if len(check.kinds) != 1:
        return f"must hold exactly one of {', '.join(KINDS)}, but holds {' and '.join(check.kinds) or 'none'}"
    for name, declared in KINDS.items():
        if (
            declared.option
            and name != kind
            and getattr(check, declared.option) != getattr(AnswerCheck(), declared.option)
        ):
            return f"holds {declared.option}, which goes with {name}, not with {kind}"
    return KINDS[kind].refuse(check.wanted)


def passed_of(findings: tuple[CheckFinding, ...]) -> bool | None:
    """True if all passed, False if any did not, else None: without checks, or where one cannot be judged."""
    verdicts = [each.passed for each in findings]
    if False in verdicts:
        return False
    return None if not verdicts or None in verdicts else True


def failing_spans(findings: tuple[CheckFinding, ...]) -> tuple[Span, ...]:
    """The parts of the answer that were not passed, where they are known."""
    return tuple(each.span for each in findings if each.passed is False and each.span is not None)


_WORDS = {True: "passed", False: "not passed", None: "not judged"}


def verdict_line(findings: tuple[CheckFinding, ...], overruled: bool | None = None) -> str:
    """`passed`, or what was not passed and why, behind a person's word that overruled it; empty without checks."""
    open_ones = "; ".join(f"{each.kind}: {each.reason}" for each in findings if each.passed is not True)
    said = f"{_WORDS[passed_of(findings)]}{': ' * bool(open_ones)}{open_ones}" if findings else ""
    return said if overruled is None else f"overruled by hand: {_WORDS[overruled]}; the checks said {said}"


def next_word(findings: tuple[CheckFinding, ...], overruled: bool | None) -> bool | None:
    """The word that follows a person's present one: against the checks, where they do not know either, then none."""
    said = passed_of(findings)
    words = (None, True, False) if said is None else (None, not said)
    return words[(words.index(overruled) + 1) % len(words)] if overruled in words else None


def _quote(text: str) -> str:
    short = " ".join(text.split())
    return f'"{short[:60]}…"' if len(short) > 60 else f'"{short}"'


def _contains(wanted: str, answer: JudgedAnswer, _check: AnswerCheck) -> _Verdict:
    there = wanted in answer.text
    return _Verdict(there, f"{_quote(wanted)} is {'' if there else 'not '}in it")


def _lacks(wanted: str, answer: JudgedAnswer, _check: AnswerCheck) -> _Verdict:
    at = answer.text.find(wanted)
    if at < 0:
        return _Verdict(True, f"{_quote(wanted)} is not in it")
    return _Verdict(False, f"{_quote(wanted)} is in it, at {place(answer.text, at)}", (at, at + len(wanted)))


def _equals(wanted: str, answer: JudgedAnswer, check: AnswerCheck) -> _Verdict:
    what = f"{_quote(wanted)} ({check.normalise})"
    if normalised(answer.text, check.normalise) == normalised(wanted, check.normalise):
        return _Verdict(True, f"it is {what}")
    span = difference(answer.text, wanted, check.normalise)
    how = "differs from" if span[0] < span[1] else "lacks something at"
    return _Verdict(False, f"it is not {what}: it {how} {place(answer.text, span[0])}", span)


def overlap(text: str, reference: str) -> float:
    """F1 of the words of two texts, each counted as often as it occurs in both: SQuAD's. 1 for two empty texts."""
    found, wanted = Counter(words_of(text)), Counter(words_of(reference))
    if not found or not wanted:
        return float(found == wanted)
    shared = (found & wanted).total()
    return 2 * shared / (found.total() + wanted.total())


def _similar(wanted: str, answer: JudgedAnswer, check: AnswerCheck) -> _Verdict:
    f1 = overlap(answer.text, wanted)
    return _Verdict(f1 >= check.at_least, f"F1 {f1:.2f}, at least {check.at_least:g} is wanted")


def _regex(wanted: str, answer: JudgedAnswer, _check: AnswerCheck) -> _Verdict:
    there = re.search(wanted, answer.text) is not None
    return _Verdict(there, f"the pattern {_quote(wanted)} is {'' if there else 'not '}found")


def _refuse_regex(wanted: str) -> str | None:
    try:
        re.compile(wanted)
    except (re.error, RecursionError, OverflowError) as error:
        return f"holds a regex that cannot be used: {error}"
    return None


def _json(_wanted: bool, answer: JudgedAnswer, _check: AnswerCheck) -> _Verdict:
    try:
        json.loads(answer.text)
    except ValueError as error:
        reason = f"it is no JSON: {_reason(error)}"
        if not isinstance(error, json.JSONDecodeError):
            return _Verdict(False, reason)
        return _Verdict(False, f"{reason}, at {place(answer.text, error.pos)}", token_at(answer.text, error.pos))
    return _Verdict(True, "it is JSON")


def _json_schema(wanted: str, answer: JudgedAnswer, check: AnswerCheck) -> _Verdict:
    if not (as_json := _json(True, answer, check)).passed:
        return as_json
    try:
        import jsonschema
        import referencing
    except ImportError:
        return _Verdict(None, "json_schema needs jsonschema: pip install 'latency-tui[checks]'")
    try:
        # Without a registry of its own, a `$ref` would be fetched from the network.
        kind = jsonschema.validators.validator_for(json.loads(wanted), jsonschema.Draft202012Validator)
        kind.check_schema(json.loads(wanted))
        found = next(
            kind(json.loads(wanted), registry=referencing.Registry()).iter_errors(json.loads(answer.text)), None
        )
    except (jsonschema.SchemaError, referencing.exceptions.Unresolvable, re.error, ValueError) as error:
        return _Verdict(None, f"the schema cannot be used: {_quote(_reason(error))}")
    if found is None:
        return _Verdict(True, "it keeps the schema")
    span = json_part(answer.text, found.absolute_path)
    return _Verdict(False, f"at {found.json_path}, {place(answer.text, span[0])}: {_quote(found.message)}", span)


def _refuse_json(wanted: str) -> str | None:
    try:
        is_schema = isinstance(json.loads(wanted), dict | bool)
    except (ValueError, RecursionError):
        is_schema = False
    return None if is_schema else "holds a json_schema that is no JSON object"


def _reason(error: Exception) -> str:
    return str(getattr(error, "msg", None) or getattr(error, "message", None) or error)


def _count(parts_in: Callable[[str], Sequence[Span]]) -> "CheckKind":
    def judged(most: int, answer: JudgedAnswer, _check: AnswerCheck) -> _Verdict:
        found = parts_in(answer.text)
        reason = _compared(len(found), most)
        span = too_much(answer.text, found, most)
        if span is None:
            return _Verdict(True, reason)
        return _Verdict(False, f"{reason}: the rest begins at {place(answer.text, span[0])}", span)

    return CheckKind(judge=judged)


def _tokens(most: int, answer: JudgedAnswer, _check: AnswerCheck) -> _Verdict:
    if answer.output_tokens is None:
        return _Verdict(None, "the server did not count the tokens")
    return _Verdict(answer.output_tokens <= most, _compared(answer.output_tokens, most))


def _compared(count: int, most: int) -> str:
    """A count beside the limit of a check, whose name says what is counted."""
    return f"it has {count:,}, at most {most:,} are wanted"


def _refuse_nothing(wanted: object) -> str | None:
    return None if wanted else "holds nothing to look for"


def _refuse_blank(wanted: str) -> str | None:
    return None if wanted.strip() else "asks nothing"


def _refuse_command(wanted: tuple[str, ...]) -> str | None:
    return None if wanted and wanted[0].strip() and not any("\0" in part for part in wanted) else "names no program"


KINDS: Mapping[str, CheckKind] = {
    "contains": CheckKind(judge=_contains, refuse=_refuse_nothing),
    "not_contains": CheckKind(judge=_lacks, refuse=_refuse_nothing),
    "equals": CheckKind(judge=_equals, option="normalise"),
    "regex": CheckKind(judge=_regex, refuse=_refuse_regex, quoted=re.escape),
    "json": CheckKind(judge=_json),
    "json_schema": CheckKind(judge=_json_schema, refuse=_refuse_json, quoted=lambda text: json.dumps(text)[1:-1]),
    "max_sentences": _count(sentences_in),
    "max_paragraphs": _count(paragraphs_in),
    "max_words": _count(words_in),
    "max_tokens": CheckKind(judge=_tokens),
    "similar": CheckKind(judge=_similar, refuse=_refuse_nothing, option="at_least"),
    "command": CheckKind(judge=None, refuse=_refuse_command),
    "judge": CheckKind(judge=None, refuse=_refuse_blank, option="judge_target"),
}
"""Every kind of check, by its key."""
