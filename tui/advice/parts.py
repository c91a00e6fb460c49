"""A prompt's length by part, and which part at its start is the same in every request.

The endpoint counts whole prompts only, so that a part is what the prompt is longer by than without it. What was not
counted is estimated from its share of the bytes of the text, and marked `~`.
"""

from statistics import median

import msgspec

from tui.advice.evidence import Evidence, Measured
from tui.core.prompt import Prompt

_LEAST_BYTES = 1


class Length(msgspec.Struct, frozen=True, kw_only=True):
    """How many tokens something has."""

    tokens: float
    is_estimate: bool
    """True where it was not counted."""

    def __str__(self) -> str:
        return f"{'~' if self.is_estimate else ''}{self.tokens:,.0f}"


class Static(msgspec.Struct, frozen=True, kw_only=True):
    """The parts at the start of a prompt that are the same in every request, whole ones: what a cache can keep."""

    length: Length
    is_all: bool
    sentence: str


def whole_of(evidence: Evidence) -> float | None:
    """Tokens of the whole prompt as the API reported them, the median; None where it did not."""
    answers = evidence.subject.answers
    counts = [one.input_tokens + one.cached_tokens for one in answers if one.input_tokens is not None]
    return median(counts) if counts else None


def less(evidence: Evidence, rest: Prompt | None, whole: float) -> Length:
    """How much longer the prompt, of `whole` tokens, is than `rest`, which is what is left of it; None: nothing is."""
    if rest is None:
        return Length(tokens=whole, is_estimate=False)
    prompt, counted = evidence.subject.prompt, dict(evidence.counted)
    if prompt in counted and rest in counted:
        return Length(tokens=max(0, counted[prompt] - counted[rest]), is_estimate=False)
    size = _size(prompt)
    return Length(tokens=whole * max(0, size - _size(rest)) / max(_LEAST_BYTES, size), is_estimate=True)


def questions(measured: Measured, without: tuple[Prompt, ...] = ()) -> tuple[Prompt, ...]:
    """The prompts whose length must be counted to know that of the parts, and of what is not in `without`."""
    rests = [rest for _, rest in _rests(measured)] + [_after(measured.prompt, _fixed(measured)[0])]
    asked = [rest for rest in (*rests, *without) if rest is not None and rest.user.strip() and rest != measured.prompt]
    return tuple(dict.fromkeys([measured.prompt, *asked])) if asked else ()


def by_part(evidence: Evidence, whole: float) -> str:
    """The parts of a prompt of `whole` tokens, as in `900 system, ~200 earlier turns, 140 user; of these ~30 in
    variables`.
    """
    lengths = [(name, less(evidence, rest, whole)) for name, rest in _rests(evidence.subject)]
    parts = [(name, length) for name, length in lengths if name != _VARIABLES]
    user = Length(
        tokens=max(0.0, whole - sum(length.tokens for _, length in parts)),
        is_estimate=any(length.is_estimate for _, length in parts),
    )
    said = ", ".join(f"{length} {name}" for name, length in (*parts, ("user", user)))
    values = "".join(f"; of these {length} in variables" for name, length in lengths if name == _VARIABLES)
    return said + values


def static_of(evidence: Evidence, whole: float) -> Static:
    """What is the same at the start in all variants that were asked, and for all values of the variables."""
    subject = evidence.subject
    fixed, breaks = _fixed(subject)
    rest = _after(subject.prompt, fixed)
    length = less(evidence, rest, whole)
    if rest is None:
        sentence = f"nothing in it is a variable: all {length} tokens can be cached"
        return Static(length=length, is_all=True, sentence=sentence)
    if not fixed or not length.tokens:
        sentence = f"nothing at its start stays the same, because {breaks}: what changes should stand at the end"
        return Static(length=Length(tokens=0, is_estimate=False), is_all=False, sentence=sentence)
    turns = fixed - 1
    names = [
        *(["system"] if subject.prompt.system else []),
        *([f"{turns} earlier turn{'s' * (turns > 1)}"] if turns else []),
    ]
    sentence = f"the same in every request: {' and '.join(names)}, {length} of {whole:,.0f} tokens; then {breaks}"
    return Static(length=length, is_all=False, sentence=sentence)


_VARIABLES = "variables"


def _rests(measured: Measured) -> list[tuple[str, Prompt]]:
    """What is left of the prompt without each part that it has."""
    prompt, replace = measured.prompt, msgspec.structs.replace
    found = []
    if prompt.system:
        found.append(("system", replace(prompt, system="")))
    if prompt.turns:
        found.append(("earlier turns", replace(prompt, turns=())))
    template = measured.template
    if template is not None and (names := template.variables()):
        found.append((_VARIABLES, template.filled(dict.fromkeys(names, ""))))
    return found


def _blocks(prompt: Prompt) -> list[object]:
    return [prompt.system, *prompt.turns, (prompt.user, prompt.prefill)]


def _fixed(measured: Measured) -> tuple[int, str]:
    """How many blocks at the start never change (system, each turn, the user's), and what changes then.

    A variable is there to change, be its value now what it may.
    """
    template = measured.template or measured.prompt
    blocks = _blocks(template)
    fixed, breaks = len(blocks), ""
    for place, texts in enumerate([(template.system,), *((turn.text,) for turn in template.turns), (template.user,)]):
        names = Prompt(user="".join(texts)).variables() if measured.template is not None else ()
        if names:
            fixed, breaks = place, f"{{{{{names[0]}}}}} changes"
            break
    for variant in measured.variants:
        others = _blocks(variant)
        same = next((at for at, (one, other) in enumerate(zip(blocks, others, strict=False)) if one != other), fixed)
        if same < fixed:
            fixed, breaks = same, "the variants differ"
    return fixed, breaks


def _after(prompt: Prompt, fixed: int) -> Prompt | None:
    """The prompt without its first blocks; None where nothing is left."""
    if fixed >= len(prompt.turns) + 2:
        return None
    if not fixed:
        return prompt
    return msgspec.structs.replace(prompt, system="", turns=prompt.turns[fixed - 1 :])


def _size(prompt: Prompt) -> int:
    return sum(len(text.encode("utf-8", "replace")) for text in prompt.texts())
