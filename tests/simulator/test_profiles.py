"""The profiles: the built-in ones, and what is said of a file that cannot be used."""

from pathlib import Path

import pytest

from tui.errors import ConfigError
from tui.simulator.profiles import load

_DEFAULT = """\
[default]
display_name = "Any"
released = 2026-11-22
context_tokens = 1000
max_output_tokens = 1000
ttft_ms = 10.0
ttft_spread = 0.0
prefill_ms_per_1k = 0.0
start_share = 0.5
tokens_per_second = 100.0
speed_spread = 0.0
jitter = 0.0
tokens_per_chunk = [1, 1]
answer_tokens = [5, 5]
"""


def test_the_built_in_models_are_those_of_the_api_and_differ() -> None:
    profiles = load()
    real = [name for name, profile in profiles.items() if profile.listed]
    assert real == [
        "claude-haiku-5-5",
        "claude-sonnet-5-5",
        "claude-opus-5-5",
        "claude-opus-5",
        "claude-fable-5-2",
        "claude-fable-5-1",
        "claude-haiku-4-5",
    ]
    assert len({(profiles[name].ttft_ms, profiles[name].tokens_per_second) for name in real}) == len(real)
    assert [name for name, profile in profiles.items() if profile.sampling and profile.listed] == ["claude-haiku-4-5"]


def test_a_model_takes_from_the_default_what_it_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(f"{_DEFAULT}[models.mine]\nttft_ms = 20.0\n")
    profile = load(path)["mine"]
    assert (profile.ttft_ms, profile.tokens_per_second) == (20.0, 100.0)


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("= nonsense", "line 1"),
        ("", "`default`"),
        (_DEFAULT + "[models]", "name no model"),
        (_DEFAULT + "[models.mine]\nttft = 20.0", "models.mine: Object contains unknown field `ttft`"),
        (_DEFAULT + "[models.mine]\nttft_ms = -1.0", "models.mine: Expected `float` >= 0"),
        (_DEFAULT + "[models.mine]\nanswer_tokens = [5, 1]", "answer_tokens: the least, 5, is above the most, 1"),
        (_DEFAULT + "[models.mine]\nthinks_unasked = true", "the model accepts no type of thinking"),
        (_DEFAULT + '[models.mine]\neffort = ["low"]', "default_effort: high is not in effort"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence_that_names_it(tmp_path: Path, text: str, needle: str) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert needle in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        load(tmp_path / "missing.toml")
