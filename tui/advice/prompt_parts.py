"""Parts of a prompt: the length of each, and those at the start that are the same in every request.

The endpoint counts whole prompts only, so the length of a part is the prompt's length less the length without it. A
length that was not counted is estimated from its share of the text's bytes, and marked `~`.
"""

from statistics import median

import msgspec

from tui.advice.evidence import Evidence, MeasuredTarget
from tui.core.prompt import Prompt
from tui.core.wording import counted

UNKNOWN_LENGTH = "a run at an endpoint that reports or counts input tokens"
"""Run that would tell the length of a prompt."""


class Length(msgspec.Struct, frozen=True, kw_only=True):
    """Length in tokens."""

    tokens: float
    is_estimate: bool
    """True where the endpoint did not count it."""

    def __str__(self) -> str:
        return f"{'~' if self.is_estimate else ''}{self.tokens:,.0f}"

    @property
    def words(self) -> str:
        """The same with its unit: `~200 tokens`."""
        return f"{'~' if self.is_estimate else ''}{counted(round(self.tokens), 'token')}"


class StaticStart(msgspec.Struct, frozen=True, kw_only=True):
    """Whole parts at the start of a prompt that are the same in every request, which a cache can keep."""

    length: Length
    is_all: bool
    sentence: str


def whole_of(evidence: Evidence) -> float | None:
    """Return the tokens of the whole prompt: the median of those reported, else those counted; None without either."""
    answers = evidence.subject.answers
    counts = [one.input_tokens + one.cached_tokens for one in answers if one.input_tokens is not None]
    return median(counts) if counts else dict(evidence.counted).get(evidence.subject.prompt)


def less(evidence: Evidence, rest: Prompt | None, whole: float) -> Length:
    """Return the length that `rest` lacks of the prompt of `whole` tokens. `rest` is None where nothing is left."""
    if rest is None:
        return Length(tokens=whole, is_estimate=False)
    prompt, counted = evidence.subject.prompt, dict(evidence.counted)
    if prompt in counted and rest in counted:
        return Length(tokens=max(0, counted[prompt] - counted[rest]), is_estimate=False)
    size = _size(prompt)
    return Length(tokens=whole * max(0, size - _size(rest)) / max(1, size), is_estimate=True)


def questions(measured: MeasuredTarget, without: tuple[Prompt, ...] = ()) -> tuple[Prompt, ...]:
    """Return the prompts to count, so that the lengths of the parts and of what `without` lacks are known."""
    fixed = _fixed(measured)[0]
    starts = {fixed, min(fixed, _shared(measured))} if measured.variants else {fixed}
    rests = [rest for _, rest in _rests(measured)] + [_after(measured.prompt, start) for start in sorted(starts)]
    asked = [rest for rest in (*rests, *without) if rest is not None and rest.user.strip() and rest != measured.prompt]
    return tuple(dict.fromkeys([measured.prompt, *asked])) if asked else ()


def by_part(evidence: Evidence, whole: float) -> str:
    """Describe the parts of a prompt of `whole` tokens.

    For instance: `900 system, ~200 earlier turns, 140 user; of these ~30 in variables`.
    """
    lengths = [(name, less(evidence, rest, whole)) for name, rest in _rests(evidence.subject)]
    parts = [(name, length) for name, length in lengths if name != _VARIABLES]
    user = Length(
        tokens=max(0.0, whole - sum(length.tokens for _, length in parts)),
        is_estimate=any(length.is_estimate for _, length in parts),
    )
    said = ", ".join(f"{length} {name}" for name, length in (*parts, ("user", user))) if parts else "all of the user"
    values = "".join(f"; of these {length} in variables" for name, length in lengths if name == _VARIABLES)
    return said + values


def static_start(evidence: Evidence, whole: float) -> StaticStart:
    """Find the start that is the same for all values of the variables, and the start that all variants share."""
    subject = evidence.subject
    fixed, breaks = _fixed(subject)
    length = less(evidence, _after(subject.prompt, fixed), whole)
    is_all = fixed == len(_blocks(subject.prompt))
    if is_all:
        sentence = f"the prompt has no variables: all {length.words} can be cached"
    elif not length.tokens:
        sentence = f"nothing at its start stays the same, because {breaks}: move what changes to the end"
    else:
        names = _names(subject.prompt, fixed)
        sentence = f"the same in every request: {names}, {length} of {counted(round(whole), 'token')}; then {breaks}"
    if len(subject.variants) > 1:
        shared = min(fixed, _shared(subject))
        common = less(evidence, _after(subject.prompt, shared), whole)
        what = f"{_names(subject.prompt, shared)}, {common.words}" if common.tokens else "nothing"
        sentence += f"; all {len(subject.variants)} variants share at the start: {what}"
    return StaticStart(length=length, is_all=is_all, sentence=sentence)


_VARIABLES = "variables"


def _rests(measured: MeasuredTarget) -> list[tuple[str, Prompt]]:
    """Return, for each part of the prompt, its name and the prompt without it."""
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


def _fixed(measured: MeasuredTarget) -> tuple[int, str]:
    """Count the blocks at the start that never change (system, each turn, the user's), and name what changes next.

    A block with a variable counts as changing, whatever the variable's value is now.
    """
    written = measured.template
    blocks = [] if written is None else [written.system, *(turn.text for turn in written.turns), written.user]
    for place, text in enumerate(blocks):
        if names := Prompt(user=text).variables():
            return place, f"{{{{{names[0]}}}}} changes"
    return len(_blocks(measured.prompt)), ""


def _shared(measured: MeasuredTarget) -> int:
    """Count the blocks at the start that all variants have in common."""
    first, *others = map(_blocks, measured.variants)
    different = [at for other in others for at, (one, its) in enumerate(zip(first, other, strict=False)) if one != its]
    return min(different, default=len(first))


def _names(prompt: Prompt, blocks: int) -> str:
    """Name the first blocks."""
    if blocks == len(_blocks(prompt)):
        return "all of it"
    turns = blocks - 1
    earlier = [counted(turns, "earlier turn")] if turns > 0 else []
    return " and ".join([*(["system"] if prompt.system else []), *earlier])


def _after(prompt: Prompt, fixed: int) -> Prompt | None:
    """Return the prompt without its first blocks; None where nothing is left."""
    if fixed >= len(prompt.turns) + 2:
        return None
    if not fixed:
        return prompt
    return msgspec.structs.replace(prompt, system="", turns=prompt.turns[fixed - 1 :])


def _size(prompt: Prompt) -> int:
    return sum(len(text.encode("utf-8", "replace")) for text in prompt.texts())
