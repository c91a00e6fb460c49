"""Advice as text and JSON."""

import json

from tui.advice.advise import advise
from tui.advice.citations import FIRST_NOTE
from tui.advice.rendering import as_json, as_text

from .made import answers, evidence, measured


def test_the_text_says_the_first_note_once_and_ranks() -> None:
    advice = advise(evidence(measured(*answers(thinking=900, writing=400))))
    text = as_text([advice, advice])
    assert text.count(FIRST_NOTE) == 1
    assert text.index("1. Turn thinking off") < text.index("3. Ask with low effort")
    assert "total −900 ms (−" in text
    # Nobody measured a presumed range: it has no probability.
    (effort,) = {line for line in text.splitlines() if "total −450 ms" in line}
    assert " ms, presumed), a presumed share" in effort
    assert "95 %" not in effort
    assert "source: Reducing latency, Optimize prompt and output length, https://" in text


def test_a_hostile_name_does_not_reach_the_terminal() -> None:
    advice = advise(evidence(measured(*answers(thinking=900), name="a\x1b[2Jb")))
    assert "\x1b" not in as_text([advice])


def test_the_json_has_times_in_ms() -> None:
    advice = advise(evidence(measured(*answers(thinking=900))))
    (said,) = json.loads(json.dumps(as_json([advice])))["advice"]
    assert said["bound"] == "thinking-bound"
    assert said["answers"] == 10
    assert said["simulated"] is False
    first = said["suggestions"][0]
    assert first["id"] == "thinking:thinking disabled"
    assert 895 < first["saves_ms"] < 905
    assert first["interval_ms"][0] < first["saves_ms"] < first["interval_ms"][1]
    assert any("run" in silence for silence in said["silent"])
