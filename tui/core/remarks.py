"""Remarks on finished requests, a sentence each: what a reader of their figures has to know besides."""

from collections.abc import Iterable, Iterator, Sequence

from tui.core.events import NetworkSeen, Status
from tui.core.metrics import answered_early, is_out_of_order, is_withheld
from tui.core.model import family
from tui.core.observation import Observation
from tui.core.record import RequestRecord
from tui.core.wording import counted, format_duration, part_of

_MOST_NAMED = 4
_STALL_NS = 50_000_000
"""Stall of the network from which on it is said."""
_UNCACHED = "bust_cache = true measures without"


def remarks(record: RequestRecord) -> tuple[str, ...]:
    """The remarks on one request; none for the usual answer. Names and explanations are the server's words."""
    spec, usage, found = record.spec, record.usage, list[str]()
    if record.status is Status.REFUSED:
        found.append(f"The model refused: {record.stop_details or 'the API gives no explanation'}".rstrip(".") + ".")
    if record.stop_reason == "model_context_window_exceeded":
        found.append("The answer is cut where the model's context ends.")
    if record.stop_reason == "pause_turn":
        found.append("The server paused its turn (pause_turn): the answer goes on only with another request.")
    if (other := record.other_model) is not None:
        found.append(f"{other} answered instead of {spec.model}.")
    if record.complete and usage.output_tokens == 0 and record.timeline.content_ns:
        found.append("The server counts 0 output tokens for an answer with content, so the count is not known.")
    if record.exceeds_max_tokens:
        found.append(
            f"The server did not keep max_tokens, or miscounts: {usage.output_tokens:,} output tokens of "
            f"{spec.parameters.max_tokens:,}; no speed is computed from that."
        )
    if answered_early(record.timeline):
        found.append("Content came before the request was sent, so its times are not known.")
    if is_out_of_order(record.timeline):
        found.append("The stamps of its content are out of order, so nothing is known of its pace.")
    if record.response.streamed is False:
        found.append("It came in one piece, though a stream was asked for: the first token's time is that of the last.")
    if record.response.streamed:
        found.append("It was streamed, though one piece was asked for (stream = false).")
    if record.response.redirected_to is not None:
        found.append(f"The server redirected it to {record.response.redirected_to}: times count from the second send.")
    if record.response.proxy is not None:
        found.append(f"It went through the proxy {record.response.proxy}.")
    is_hidden = is_withheld(record.timeline, usage.thinking_tokens)
    if record.output_tokens and record.timed_tokens is None and is_hidden and not record.has_no_pace:
        found.append("Thinking was withheld and its tokens cannot be told from the others, so no speed is known.")
    if record.has_no_pace:
        found.append(_held_back(record))
    found += _lost(record.network)
    if record.reads_unasked_cache:
        read, prompt = usage.cache_read_input_tokens or 0, usage.prompt_tokens or 0
        found.append(f"{read:,} of {prompt:,} input tokens came from a cache that was not asked for; {_UNCACHED}.")
    return tuple(found)


def _lost(network: NetworkSeen | None) -> Iterator[str]:
    """The sentences on what was lost on the way, where it took time that a reader would take for the model's."""
    if network is None:
        return
    if network.retransmissions:
        segments = counted(network.retransmissions, "segment")
        yield f"The network lost {segments} of the request, which had to be sent again."
    if network.out_of_order and network.stalled_ns >= _STALL_NS:
        stalled = format_duration(network.stalled_ns)
        yield f"The network held up the answer for {stalled}, until a missing segment came: no pause of the model."


def _held_back(record: RequestRecord) -> str:
    """The sentence on the arrivals of an answer that was held back."""
    found = record.timeline.arrivals
    assert found is not None
    if found.apart_ns is None:
        came, late = "at once", "When the model began is not known, nor"
    else:
        apart = format_duration(found.apart_ns)
        came = f"in {counted(found.bursts, 'burst')}, {apart} apart"
        late = "TTFT may be that much too late, and nothing is known of"
    return f"Held back on the way, or sent so: {found.pieces:,} pieces of content came {came}. {late} any speed."


def remarks_on(name: str, observations: Sequence[Observation]) -> list[str]:
    """The remarks on one target's requests, which begin with its name."""
    answers = [one for one in observations if one.answered]
    whole, found = counted(len(answers), "answer"), []
    if cut := sum(one.status is Status.TRUNCATED for one in answers):
        found.append(f"{cut:,} of {whole} cut: times and tokens are those of what came before the cut")
    if refused := sum(one.status is Status.REFUSED for one in observations):
        found.append(f"{part_of(refused, len(observations), 'request')} refused by the model: they are in no figure")
    if paused := sum(one.paused for one in answers):
        found.append(f"{paused:,} of {whole} paused by the server (pause_turn): they are not whole")
    if held := sum(one.held_back for one in answers):
        found.append(
            f"{held:,} of {whole} held back on the way, or sent so: content came all at once or in bursts, "
            "which delays TTFT and hides the speed"
        )
    for model in dict.fromkeys(one.answered_by for one in answers if one.answered_by is not None):
        count = sum(one.answered_by == model for one in answers)
        found.append(f"{count:,} of {whole} given by {model}, which was not asked")
    if cached := [one for one in answers if one.unasked_cache]:
        read = max(one.cached_tokens for one in cached)
        prompt = max(one.cached_tokens + (one.input_tokens or 0) for one in cached)
        found.append(
            f"{read:,} of {prompt:,} input tokens came from the server's cache, which was not asked for, in "
            f"{len(cached):,} of {whole}; {_UNCACHED}"
        )
    if other := sum(one.other_delivery for one in answers):
        found.append(f"{other:,} of {whole} came in one piece, though a stream was asked for")
    if again := sum(one.attempt > 1 for one in answers):
        found.append(f"{again:,} of {whole} needed more than one attempt: times are those of the last one")
    proxies = dict.fromkeys(one.proxy for one in observations if one.proxy is not None)
    found += [f"measured through the proxy {proxy}" for proxy in proxies]
    return [f"{name}: {sentence}." for sentence in found]


def tokens_differ(models: Iterable[str]) -> list[str]:
    """The sentence under token counts and speeds of these models where they stand side by side, if there is one."""
    families = sorted({family(model) for model in models})
    if len(families) < 2:
        return []
    named = ", ".join([*filter(None, families)][:_MOST_NAMED]) + (", …" if len(families) > _MOST_NAMED else "")
    return [
        f"Tokens of different families of models are not alike ({named}): "
        "compare these in seconds and characters/s, not in tokens or tok/s."
    ]
