"""Prose of the simulated models: endless readable text, drawn from a seeded generator.

Beside plain text it holds what is hard for a terminal: wide characters, emoji with joiners and modifiers, combining
marks, right-to-left words, long lines without a space, lists, tables and code.
"""

import re
from collections.abc import Callable, Iterator
from random import Random

_SCANNED_CHARACTERS = 4000
"""Characters at the start and at the end of the prompt to find topics in: a prompt may be megabytes."""

_WORD = re.compile(r"[^\W\d_]{4,24}")

_COMMON = frozenset(
    """about above after again also answer because been before being below between both could does doing down during
    each from further give have having here into just keep like make more most much must only other over please same
    sentence sentences short should some such tell than that their them then there these they this those through under
    until very want were what when where which while will with word words would write your yours explain describe
    brief summarise summarize list using used user""".split()  # noqa: SIM905 - a list of this length hides the words
)

_OPENINGS = (
    "In short, {topic} matters more than it seems.",
    "Here is how I would look at {topic}.",
    "Let us take {topic} first and come to {other} afterwards.",
    "There are two sides to this: {topic} and {other}.",
    "Good question. The answer begins with {topic}.",
    "The quick version: {topic} sets the pace, and {other} follows.",
)

_SENTENCES = (
    "A {adjective} {noun} makes {topic} easier to reason about.",
    "Most of the time goes into the {noun}, not into {topic} itself.",
    "If {topic} is {adjective}, the {noun} can wait.",
    "Measure the {noun} before you change {topic}, and measure it again afterwards.",
    "With {number} samples the {noun} looked {adjective}; with ten times as many it did not.",
    "Nobody notices {number} milliseconds in {topic}, but everybody notices a {adjective} {noun}.",
    "That is why {other} and {topic} are best kept apart.",
    "The {noun} is {adjective} on the first request and quick on every one after it.",
    "Between {topic} and {other} there is usually a {noun} that nobody drew.",
    "Start small: one {noun}, one change, {number} repeats.",
    "What helps {topic} at noon may hurt {other} at midnight.",
    "It costs about {number} lines, most of them {adjective}.",
    "Under load the {noun} grows, and {topic} pays for it.",
    "A cache turns a {adjective} {noun} into a look-up, until the key changes.",
    "Shorter prompts leave the {noun} less to read; shorter answers leave it less to say.",
    "Keep the {noun} close to {topic}, and the {adjective} parts far away.",
    "So the rule of thumb holds: {number} percent of the effort, most of the gain.",
    "The crème brûlée of the naïve café, as a colleague in Zürich calls it, is a {adjective} {noun}.",
    "Once {topic} streams, {other} can begin before the last {noun} has arrived.",
    "Think of it as a river: {topic} is the source, {other} the delta, and the {noun} everything between.",
)

_CLOSINGS = (
    "In the end {topic} decides, and the {noun} only reports.",
    "Try it with {other}, and keep the numbers.",
    "That is the whole of it: a {adjective} {noun}, and patience.",
    "If one thing stays with you, let it be the {noun}.",
)

_NOUNS = (
    "queue", "first token", "round trip", "handshake", "prefix", "percentile", "buffer", "scheduler", "budget",
    "timeline", "baseline", "outlier", "window", "response", "gateway", "sample", "plan", "connection", "pause", "tail",
)  # fmt: skip

_ADJECTIVES = (
    "short", "steady", "cold", "warm", "surprising", "honest", "quiet", "generous", "late", "narrow", "plain",
    "well-measured", "crowded", "unhurried", "sparse", "robust",
)  # fmt: skip

_TOPICS = ("latency", "the first token", "throughput", "the prompt", "streaming", "the cache", "a short answer")

_WIDE = (
    "日本語では「{topic}」の応答時間を、最初のトークンまでの時間と合計時間に分けて考えます。",
    "中文里常说：先测量，再优化。{topic}也不例外，第一个词元最重要。",
    "한국어로 말하자면, {topic}의 지연 시간은 첫 번째 토큰에서 결정됩니다.",
    "全角の数字１２３と半角の123、そしてｶﾀｶﾅが一行に並びます。",
    "Dans l'été, Zoe\u0308 pre\u0301fe\u0300re {topic}; o\u0302u\u0323 que ce soit.",
    "Some words run the other way: \u05e9\u05dc\u05d5\u05dd and \u0645\u0631\u062d\u0628\u0627, right beside {topic}.",
    "สวัสดี means hello, and नमस्ते does too; {topic} has no word for it.",
)

_EMOJI = (
    "🚀 {topic} took off; 🐢 {other} did not.",
    "👩‍💻 measured, 👨‍👩‍👧‍👦 watched, 🏳️‍🌈 waved, and 👍🏽 was the verdict.",
    "Status: ✅ {topic}, ⚠️ {other}, ❤️ the {noun}, 🇨🇭 hosting.",
    "1️⃣ first, 2️⃣ second, ☕️ third: a {adjective} {noun}.",
)

_LONG_LINES = (
    "See https://example.com/docs/{slug}/reference/time-to-first-token?window=5m&percentile=99&unit=ms&group=region"
    "&group=model&compare=previous&format=table#interpreting-the-intervals-of-a-paired-comparison for the details.",
    "sha256:{hex}{hex}{hex}{hex}",
    "{slug}_{slug}_with_a_name_that_nobody_would_ever_type_but_that_a_generator_emits_without_a_second_thought_{number}",
    "────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
)

_THOUGHTS = (
    "The question turns on {topic}.",
    "Let me check {topic} against {other} first.",
    "A {adjective} {noun} would explain it, but so would {other}.",
    "I should keep the answer short and name the {noun}.",
    "Perhaps an example with {number} requests makes it clear.",
    "No: {topic} comes before {other}, so the order matters.",
    "Then the {noun} is the part worth saying.",
)


def topics_of(prompt: str) -> list[str]:
    """Return words of the prompt for an answer to mention, the most frequent first, or stock ones if there are few."""
    scanned = prompt
    if len(prompt) > 2 * _SCANNED_CHARACTERS:
        scanned = f"{prompt[:_SCANNED_CHARACTERS]} {prompt[-_SCANNED_CHARACTERS:]}"
    counts: dict[str, int] = {}
    for word in _WORD.findall(scanned):
        lowered = word.lower()
        if lowered not in _COMMON:
            counts[lowered] = counts.get(lowered, 0) + 1
    found = sorted(counts, key=lambda word: -counts[word])[:12]
    return found if len(found) >= 3 else [*found * 3, *_TOPICS]


def answer(rng: Random, prompt: str) -> Iterator[str]:
    """Yield endless pieces of an answer, each a sentence, list item or line with the white space after it."""
    fill = _filler(rng, topics_of(prompt))
    yield fill(rng.choice(_OPENINGS)) + " "
    yield from _prose(rng, fill)
    paragraphs = (_prose, _prose, _list, _wide, _wide, _emoji, _long, _table, _code)
    while True:
        yield from rng.choice(paragraphs)(rng, fill)


def thinking(rng: Random, prompt: str) -> Iterator[str]:
    """Yield endless sentences of a thought."""
    fill = _filler(rng, topics_of(prompt))
    while True:
        yield fill(rng.choice(_THOUGHTS)) + " "


_Fill = Callable[[str], str]


def _filler(rng: Random, topics: list[str]) -> _Fill:
    """Return a function that fills a template's fields, each time with other words."""

    def fill(template: str) -> str:
        topic = rng.choice(topics)
        other = rng.choice([word for word in topics if word != topic])
        return template.format(
            topic=topic,
            other=other,
            noun=rng.choice(_NOUNS),
            adjective=rng.choice(_ADJECTIVES),
            number=rng.randint(2, 99),
            slug=topic.replace(" ", "-"),
            hex=f"{rng.getrandbits(64):016x}",
        )

    return fill


def _prose(rng: Random, fill: _Fill) -> Iterator[str]:
    for template in rng.sample(_SENTENCES, rng.randint(2, 4)):
        yield fill(template) + " "
    yield fill(rng.choice(_CLOSINGS)) + "\n\n"


def _list(rng: Random, fill: _Fill) -> Iterator[str]:
    yield fill("What to look at with {topic}:") + "\n"
    numbered = rng.random() < 0.5
    for number, template in enumerate(rng.sample(_SENTENCES, rng.randint(2, 4)), start=1):
        yield (f"{number}. " if numbered else "- ") + fill(template) + "\n"
    yield "\n"


def _wide(rng: Random, fill: _Fill) -> Iterator[str]:
    yield fill(rng.choice(_WIDE)) + " "
    yield fill(rng.choice(_SENTENCES)) + "\n\n"


def _emoji(rng: Random, fill: _Fill) -> Iterator[str]:
    yield fill(rng.choice(_EMOJI)) + "\n\n"


def _long(rng: Random, fill: _Fill) -> Iterator[str]:
    yield fill(rng.choice(_LONG_LINES)) + "\n\n"


def _table(rng: Random, fill: _Fill) -> Iterator[str]:
    yield "| part | ms | note |\n|---|---:|---|\n"
    for noun in rng.sample(_NOUNS, 3):
        yield f"| {noun} | {rng.randint(3, 900)} | " + fill("{adjective}") + " |\n"
    yield "\n"


def _code(rng: Random, fill: _Fill) -> Iterator[str]:
    yield "```python\n"
    yield fill("for attempt in range({number}):\n")
    for _ in range(rng.randint(1, 3)):
        yield fill('    print(f"{{attempt:>3}}  {slug}")\n')
    yield "```\n\n"
