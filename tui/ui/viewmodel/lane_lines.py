"""Lines beside the text of a lane: its state, its figures, a note, and names of lanes made short together."""

import re
from collections.abc import Sequence
from itertools import takewhile
from textwrap import wrap
from urllib.parse import urlsplit

from tui.core.checks import verdict_line
from tui.core.events import CacheMiss, Status, Usage
from tui.core.figures import Figure
from tui.core.metrics import NS_PER_S
from tui.core.prompt import turn_name
from tui.core.record import RequestRecord, State
from tui.core.remarks import remarks
from tui.core.sanitize import clean
from tui.core.target import Endpoint, is_this_machine
from tui.core.wording import ABSENT, cells_of, counted, format_cost, format_count, format_duration, format_rate
from tui.session.live import Lane

FASTEST = "★"
"""Marks a figure in which a lane is usually the fastest, surely."""

SHAPES: dict[State, str] = {
    State.IDLE: "○",
    State.CONNECTING: "◌",
    State.WAITING: "◔",
    State.RETRYING: "↻",
    State.THINKING: "◑",
    State.STREAMING: "▶",
    State.JUDGED: "◇",
    State.DONE: "✔",
    State.TRUNCATED: "◧",
    State.REFUSED: "⊗",
    State.CANCELLED: "⊘",
    State.FAILED: "✖",
    State.INTERRUPTED: "↯",
}
"""One shape per state, each one cell wide."""

_BETWEEN = " · "
_NS_PER_TENTH = 100_000_000
_CHARACTERS_PER_TOKEN = 4
"""A rule of thumb, for what is marked as an estimate."""
_FIRST_RATE_S = 0.3
"""Time after the first content from which a rate says anything."""
_WORD = re.compile(r"\s*[·,]\s*|[-\s]+")
_HAS_LETTER = re.compile(r"[^\W\d_]")


def state_line(lane: Lane, now_ns: int | None = None) -> str:
    """Shape and word of the lane's state; then what went in and what it cost, or what became of its cache."""
    if lane.warming is not None and lane.warming.state.in_flight:
        return f"{SHAPES[State.WAITING]} warming the cache"
    return _BETWEEN.join([_state(lane, now_ns), *(_warmed(lane) or [*_facts(lane), *_cached(lane)])])


def state_lines(lane: Lane, cells: int, now_ns: int | None = None) -> list[str]:
    """The state line in at most `cells` cells. Where it does not fit, the cap that cut the answer is left out, since it
    stands among the parameters too; then what follows moves to rows below: no fact is cut."""
    line = state_line(lane, now_ns)
    if len(line) > cells:
        line = line.replace(_cap(lane), "", 1)
    row, *parts = line.split(_BETWEEN)
    rows = []
    for part in parts:
        if len(joined := f"{row}{_BETWEEN}{part}") <= cells:
            row = joined
        else:
            # What is wider than a row alone is broken between words.
            *whole, row = [row, *wrap(part, max(1, cells))]
            rows += whole
    return [*rows, row]


def _state(lane: Lane, now_ns: int | None) -> str:
    state, record = lane.state, lane.record
    line = f"{SHAPES[state]} {state.value}"
    if record is None:
        return line
    if record.spec.turn is not None:
        line += f", {turn_name(record.spec.turn, record.spec.call)}"
    if state is State.RETRYING:
        moment_ns = None if now_ns is None else lane.clock.there(now_ns)
        return f"{SHAPES[state]} {_wait(record, moment_ns)}, then attempt {record.attempt}"
    if state.in_flight:
        if record.earlier:
            line += f", attempt {record.attempt}"
    elif state is State.TRUNCATED:
        line += _cap(lane)
    elif state is State.DONE and record.stop_reason not in (None, "end_turn"):
        line += f" ({record.stop_reason})"
    return line


def _wait(record: RequestRecord, now_ns: int | None) -> str:
    """The wait for the next attempt and its reason: `rate limited, waiting 12 s of 30`."""
    failed = record.earlier[-1]
    reason, wait_s = failed.failure.kind.value.replace("_", " "), record.waits_s or 0
    since_ns = failed.timeline.ended_ns
    if now_ns is None or since_ns is None:
        return f"{reason}, waiting {wait_s:g} s"
    passed_s = min(max(0, now_ns - since_ns) / NS_PER_S, wait_s)
    return f"{reason}, waiting {int(passed_s)} s of {wait_s:.3g}"


def _cap(lane: Lane) -> str:
    """The cap that cut an answer, to follow the word for it; empty for any other answer."""
    if lane.record is None or lane.state is not State.TRUNCATED or lane.record.stop_reason != "max_tokens":
        return ""
    return f" at {format_count(lane.record.spec.parameters.max_tokens)}"


def _warmed(lane: Lane) -> list[str]:
    """The result of warming the cache; empty where it was not warmed."""
    if lane.cannot_warm:
        return ["not warmed: cache is off here"]
    if lane.warming is None:
        return []
    usage, failure = lane.warming.usage, lane.warming.failure
    if failure is not None or lane.warming.status is Status.CANCELLED:
        return ["cache not warmed"]
    if usage.cache_creation_input_tokens:
        return [f"cache warmed: {format_count(usage.cache_creation_input_tokens)} written"]
    if usage.cache_read_input_tokens:
        return [f"already warm: {format_count(usage.cache_read_input_tokens)} read"]
    return ["nothing cached: the prompt is too short, or the server has no cache"]


def _facts(lane: Lane) -> list[str]:
    record = lane.record
    if record is None:
        return []
    facts: list[str] = []
    facts += [] if record.is_streamed else ["not streamed"]
    if lane.cost is not None:
        facts.append(format_cost(lane.cost))
    elif not record.state.in_flight and record.usage != Usage() and _is_paid(record.spec.endpoint):
        facts.append("cost unknown")
    return [*facts, *([_first(lane)] if lane.first else [])]


def _is_paid(endpoint: Endpoint) -> bool:
    """True where requests may cost something: not at the simulator, nor on this machine."""
    try:
        host = urlsplit(endpoint.base_url).hostname or ""
    except ValueError:  # of an imported run
        host = ""
    return not endpoint.simulated and not is_this_machine(host)


def _first(lane: Lane) -> str:
    """The figures in which it was first in the run; short where that is both, since a narrow lane cuts the rest."""
    return "first" if len(lane.first) > 1 else f"first: {lane.first[0].label}"


def _cached(lane: Lane) -> list[str]:
    """Input tokens, with those read from the cache and written to it; empty if there were neither."""
    if lane.record is None:
        return []
    usage = lane.record.usage
    read, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    if not read and not written:
        return []
    parts = [format_count(usage.input_tokens)]
    parts += [f"+{format_count(read)} read"] if read else []
    parts += [f"+{format_count(written)} written"] if written else []
    return [f"in {' '.join(parts)}"]


def figures(lane: Lane, now_ns: int, characters: int = 0) -> tuple[str, str, str, str]:
    """TTFT, output tokens, total and OTPS, each with its name; a star for the usually fastest. While an answer comes,
    its tokens are estimated from the `characters` that have come."""
    record, now_ns = lane.record, lane.clock.there(now_ns)
    if record is None:
        return f"TTFT {ABSENT}", f"{ABSENT} tok", f"total {ABSENT}", f"{ABSENT} tok/s"
    # What was held back on the way says nothing of how soon the model began.
    is_fastest = Figure.TTFT in lane.fastest and not record.has_no_pace
    ttft = f"TTFT {format_duration(record.ttft_ns)}{FASTEST if is_fastest else ''}"
    total = f"total {_total(record, now_ns)}{FASTEST if Figure.TOTAL in lane.fastest else ''}"
    if record.state.in_flight and not record.is_judged and characters and record.timeline.content_ns:
        tokens = characters / _CHARACTERS_PER_TOKEN
        passed_s = (now_ns - record.timeline.content_ns[0]) / NS_PER_S
        rate = f"~{_by_tens(tokens / passed_s)}" if passed_s > _FIRST_RATE_S else ABSENT
        return ttft, f"~{_by_tens(tokens)} tok", total, f"{rate} tok/s"
    return ttft, f"{_tokens(record)} tok", total, f"{format_rate(record.otps)} tok/s"


def _by_tens(value: float) -> int:
    """To tens: an estimate claims no more, and every change is painted."""
    return max(10, round(value / 10) * 10)


def note(lane: Lane) -> str:
    """The sentence of a failure, of a missed cache, or what else is to be known; empty if there is nothing."""
    if lane.warming is not None and lane.warming.failure is not None:
        return clean(lane.warming.failure.message)
    record = lane.record
    if record is None:
        return ""
    failure = record.earlier[-1].failure if record.state is State.RETRYING else record.failure
    if failure is not None:
        return clean(failure.message)
    said = [clean(remark) for remark in remarks(record)] if not record.state.in_flight else []
    if record.checks:
        said.insert(0, f"{clean(verdict_line(record.checks, record.overruled))}.")
    if record.cache_miss is not None and not record.usage.cache_read_input_tokens:
        said.append(cache_miss_sentence(record.cache_miss))
    return " ".join(said)


_MISSES = {
    "model_changed": "the model or its speed differs from this lane's request before",
    "system_changed": "the system prompt differs from this lane's request before",
    "tools_changed": "the tools differ from this lane's request before",
    "messages_changed": "the messages differ from this lane's request before",
    "previous_message_not_found": "the API no longer knows the request before, so it cannot compare",
    "unavailable": "the API has no diagnosis; thinking or another parameter may differ from the request before",
}


def cache_miss_sentence(miss: CacheMiss) -> str:
    """The API's diagnosis of a missed cache, in words."""
    reason = _MISSES.get(miss.reason, clean(miss.reason))
    lost = miss.missed_input_tokens
    unread = f"; about {counted(lost, 'token')} could have been read" if lost else ""
    return f"Cache missed: {reason}{unread}."


def _total(record: RequestRecord, now_ns: int) -> str:
    if record.state.in_flight and record.timeline.sent_ns is not None and not record.is_judged:
        passed_ns = max(0, now_ns - record.timeline.sent_ns)
        if record.ttft_ns is not None and passed_ns // _NS_PER_TENTH * _NS_PER_TENTH < record.ttft_ns:
            # It cannot be less, and rounded down it would look so.
            return format_duration(record.ttft_ns)
        return f"{passed_ns // _NS_PER_TENTH / 10:.1f} s"
    return format_duration(record.total_ns)


def _tokens(record: RequestRecord) -> str:
    """Output tokens as reported at the end; what `message_start` says of them before is only a beginning."""
    return format_count(record.output_tokens)


_BETWEEN = " · "
"""Stands between a model, its variant and its host."""


def shortened(labels: Sequence[str], cells: int) -> list[str]:
    """All labels in at most `cells` cells each, by one rule for all: as they are where they fit; else without the words
    that all begin and end with, model and variant each for itself; else with the middle left out, since names differ at
    both ends."""
    names = [clean(label).replace("\n", " ").replace("\t", " ") for label in labels]
    if all(cells_of(name) <= cells for name in names):
        return names
    shorter = without_common(names)
    # Two that are the same in short would be one lane too few.
    if len(set(shorter)) == len(set(names)):
        names = shorter
    return [_without_middle(name, cells) for name in names]


def without_common(names: Sequence[str]) -> list[str]:
    """The names without the words that all of them begin and end with; a word at least stays of each, and no mere
    number. One that the others begin with stays whole."""
    if len(set(names)) < 2:
        return list(names)
    parts = [name.split(_BETWEEN) for name in names]
    if len({*map(len, parts)}) == 1 < len(parts[0]):
        differ = [without_common(part) for part in zip(*parts, strict=True) if len(set(part)) > 1]
        return [*map(_BETWEEN.join, zip(*differ, strict=True))]
    pieces = [[*_words(name)] for name in names]
    shortest = min(map(len, pieces))
    alike = takewhile(lambda place: len({word for word, _ in place}) == 1, zip(*pieces, strict=False))
    first, last = len([*alike]), 0
    if first < shortest:
        while last < shortest - 1 - first and len({each[-1 - last][0] for each in pieces}) == 1:
            last += 1
    while True:
        kept = [each[first : len(each) - last] for each in pieces]
        shorter = ["".join(word + gap for word, gap in each).strip(" ·-,") for each in kept]
        if not 0 < first < shortest or all(map(_HAS_LETTER.search, shorter)):
            return [short or name for short, name in zip(shorter, names, strict=True)]
        first -= 1


def _words(name: str) -> list[tuple[str, str]]:
    """Words with what follows each of them."""
    gaps = [*_WORD.findall(name), ""]
    return list(zip(_WORD.split(name), gaps, strict=True))


def _without_middle(name: str, cells: int) -> str:
    if cells_of(name) <= cells:
        return name
    if cells < 4:
        return _beginning(name, cells)
    front = (cells - 1) // 2
    back = name
    while cells_of(back) > cells - 1 - front:
        back = back[1:]
    return f"{_beginning(name, front).rstrip()}…{back}"


def _beginning(text: str, cells: int) -> str:
    while text and cells_of(text) > cells:
        text = text[:-1]
    return text
