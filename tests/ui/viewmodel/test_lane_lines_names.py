"""Names of lanes, made short together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.ui.viewmodel.lane_lines import shortened

MODELS = ["claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"]


@pytest.mark.parametrize(
    ("labels", "cells", "short"),
    [
        (MODELS, 17, MODELS),
        (MODELS, 10, ["haiku", "sonnet", "opus"]),
        (["claude-sonnet-5-5 · plain", "claude-sonnet-5-5 · one sentence"], 20, ["plain", "one sentence"]),
        (
            [f"{model} · {variant}" for model in MODELS[:2] for variant in ("plain", "one sentence")],
            22,
            ["haiku · plain", "haiku · one sentence", "sonnet · plain", "sonnet · one sentence"],
        ),
        (
            [
                f"claude-haiku-5-5 · {variant} · {host}"
                for variant in ("old text", "new text")
                for host in ("rack", "desk")
            ],
            20,
            ["old · rack", "old · desk", "new · rack", "new · desk"],
        ),
        (
            ["claude-haiku-5-5", "claude-haiku-5-5 · at most 2 sentences"],
            19,
            ["claude-haiku-5-5", "at most 2 sentences"],
        ),
        (["claude-haiku-5-5", "claude-haiku-5-5, effort low"], 16, ["claude-haiku-5-5", "effort low"]),
        (["claude-fable-5-1", "claude-fable-5-2"], 10, ["fable-5-1", "fable-5-2"]),
        (["claude-haiku-5-5", "claude-haiku-4-5"], 12, ["haiku-5", "haiku-4"]),
        (["one-very-long-name-of-a-model"], 12, ["one-v…-model"]),
        (["claude-haiku-5-5", "claude-haiku-5-5"], 8, ["cla…-5-5"] * 2),
    ],
)
def test_what_all_share_goes_first(labels: list[str], cells: int, short: list[str]) -> None:
    assert shortened(labels, cells) == short


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=6), st.integers(0, 40))
def test_all_fit(labels: list[str], cells: int) -> None:
    found = shortened(labels, cells)
    assert len(found) == len(labels)
    assert all(cell_len(name) <= cells for name in found)
