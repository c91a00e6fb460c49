"""Script of an answer: events and times, without clock or socket."""

from itertools import islice, pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.simulator.replies import PlannedEvent
from tui.simulator.script import answer_length, folded, plan

from .raw import PROFILES, asked, texts

_MS = 1_000_000


def planned(model: str, seed: int = 0, ordinal: int = 0, **fields: Any) -> list[PlannedEvent]:
    profile, request = asked(model, **fields)
    return list(plan(profile, request, seed, ordinal))


def delta_offsets_ms(events: list[PlannedEvent]) -> list[float]:
    return [event.offset_ns / _MS for event in events if event.name == "content_block_delta"]


@pytest.mark.parametrize("model", PROFILES)
def test_the_same_seed_gives_the_same_bytes_at_the_same_times(model: str) -> None:
    first = [(event.offset_ns, event.encoded()) for event in planned(model)]
    assert first == [(event.offset_ns, event.encoded()) for event in planned(model)]


def test_seed_ordinal_prompt_and_parameters_each_give_another_answer() -> None:
    model = "claude-haiku-5-5"
    variants = [
        planned(model),
        planned(model, seed=1),
        planned(model, ordinal=1),
        planned(model, messages=[{"role": "user", "content": "Another question about gateways."}]),
        planned(model, max_tokens=51),
        planned("claude-sonnet-5-5"),
    ]
    assert len({"".join(texts(events)) for events in variants}) == len(variants)


def test_streaming_or_not_is_no_other_content() -> None:
    assert planned("claude-haiku-5-5", stream=True) == planned("claude-haiku-5-5")


@pytest.mark.parametrize("model", PROFILES)
@pytest.mark.parametrize("max_tokens", [0, 1, 7, 100, 5000])
def test_events_are_framed_and_ordered_as_the_api_does(model: str, max_tokens: int) -> None:
    events = planned(model, max_tokens=max_tokens)
    names = [event.name for event in events]
    assert names[0] == "message_start"
    assert names[-2:] == ["message_delta", "message_stop"]
    assert names.count("content_block_start") == names.count("content_block_stop") <= max_tokens
    assert all(earlier.offset_ns <= later.offset_ns for earlier, later in pairwise(events))
    for event in events:
        assert event.encoded().startswith(f"event: {event.name}\ndata: {{".encode())
        assert event.encoded().endswith(b"}\n\n")
        assert event.encoded().count(b"\n") == 3


@given(model=st.sampled_from(sorted(PROFILES)), max_tokens=st.integers(0, 400), seed=st.integers(0, 1000))
def test_usage_counts_what_was_sent(model: str, max_tokens: int, seed: int) -> None:
    message, _ = folded(planned(model, seed=seed, max_tokens=max_tokens))
    usage = message["usage"]
    assert 0 <= usage["output_tokens_details"]["thinking_tokens"] <= usage["output_tokens"] <= max_tokens
    assert (usage["output_tokens"] == 0) == (not message["content"])
    if message["stop_reason"] == "max_tokens":
        assert usage["output_tokens"] == max_tokens


def test_a_stop_sequence_ends_the_answer_before_itself() -> None:
    whole, _ = folded(planned("sim-steady", max_tokens=400))
    spoken = whole["content"][0]["text"]
    # The stop sequence is part of the content that the words are drawn for: take one that every answer has.
    message, _ = folded(planned("sim-steady", max_tokens=400, stop_sequences=[". "]))
    assert ". " in spoken
    assert message["stop_reason"] == "stop_sequence"
    assert message["stop_sequence"] == ". "
    assert ". " not in message["content"][0]["text"]


def test_steady_is_a_token_every_10_ms_from_200_ms() -> None:
    events = planned("sim-steady", max_tokens=100)
    assert events[0].offset_ns == 50 * _MS
    assert delta_offsets_ms(events) == [200 + 10 * number for number in range(100)]
    assert events[-1].offset_ns == 1190 * _MS


def test_steady_stays_exact_for_a_long_time() -> None:
    profile, request = asked("sim-steady", max_tokens=20_000)
    offsets = delta_offsets_ms(list(plan(profile, request, 0, 0)))
    assert offsets[-1] == 200 + 10 * 19_999


def test_an_endless_answer_is_made_as_it_is_asked_for() -> None:
    profile, request = asked("sim-steady", max_tokens=1_000_000)
    assert len(list(islice(plan(profile, request, 0, 0), 10))) == 10


def test_chunks_of_five_are_50_ms_apart_and_10_ms_per_token() -> None:
    events = planned("sim-chunked", max_tokens=500)
    assert delta_offsets_ms(events) == [200 + 50 * number for number in range(21)]
    message, _ = folded(events)
    assert message["usage"]["output_tokens"] == 101
    assert (events[-1].offset_ns - 200 * _MS) / (101 - 1) == 10 * _MS


def test_thinking_runs_from_200_ms_and_text_from_400() -> None:
    events = planned("sim-thinking")
    thoughts = [event for event in events if "thinking_delta" in str(event.body)]
    words = [event for event in events if "text_delta" in str(event.body)]
    assert thoughts[0].offset_ns == 200 * _MS
    assert words[0].offset_ns == 400 * _MS
    message, _ = folded(events)
    assert [block["type"] for block in message["content"]] == ["thinking", "text"]
    assert message["content"][0]["signature"]
    assert message["usage"]["output_tokens_details"] == {"thinking_tokens": 20}


def test_withheld_thinking_takes_its_time_and_shows_a_signature_only() -> None:
    shown = planned("sim-thinking")
    events = planned("sim-thinking", thinking={"type": "adaptive", "display": "omitted"})
    assert not texts(events, "thinking")
    assert len(texts(events, "signature")) == 1
    assert events[-1].offset_ns == shown[-1].offset_ns


def test_effort_stretches_the_thinking_and_fast_mode_the_speed() -> None:
    def thought(**fields: Any) -> int:
        message, _ = folded(planned("sim-fast", thinking={"type": "adaptive"}, **fields))
        return int(message["usage"]["output_tokens_details"]["thinking_tokens"])

    assert thought(output_config={"effort": "low"}) == 3
    assert thought() == 10
    assert thought(output_config={"effort": "max"}) == 30
    slow, fast = planned("sim-fast"), planned("sim-fast", speed="fast")
    assert (slow[-1].offset_ns - 20 * _MS) == 2.5 * (fast[-1].offset_ns - 20 * _MS)


def test_input_tokens_delay_the_first_token() -> None:
    long_prompt = [{"role": "user", "content": "word " * 100_000}]
    short, long = planned("claude-haiku-5-5"), planned("claude-haiku-5-5", messages=long_prompt)
    assert delta_offsets_ms(long)[0] - delta_offsets_ms(short)[0] > 400


@pytest.mark.parametrize(
    ("prompt", "least", "most"),
    [
        ("Explain gateways.", 60, 260),
        ("Explain gateways in one sentence.", 20, 90),
        ("Explain gateways in 10 words.", 14, 14),
        ("Explain gateways. " * 200, 200, 800),
    ],
)
def test_the_prompt_decides_the_length_of_the_answer(prompt: str, least: int, most: int) -> None:
    profile, request = asked("claude-sonnet-5-5", messages=[{"role": "user", "content": prompt}])
    lengths = [answer_length(profile, request, Random(seed)) for seed in range(50)]
    assert least <= min(lengths) <= max(lengths) <= most
