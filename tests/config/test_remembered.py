"""The remembered choice of targets: kept apart, kept private, and never in the way."""

import stat
from pathlib import Path

import pytest

from tui.config import paths
from tui.config.load import Flags, load
from tui.config.presets import with_presets_of
from tui.config.remembered import TargetList, load_targets, save_targets, target_list, to_be_remembered
from tui.core.parameters import Parameters
from tui.core.plan import MAX_TARGETS
from tui.core.target import Target
from tui.errors import ConfigError

TARGETS = (
    Target(model="a"),
    Target(model="b", name="zwei", parameters=Parameters(max_tokens=5, stop_sequences=("x",), temperature=0.5)),
    Target(model="c", endpoint="simulator"),
)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_round_trip_and_modes() -> None:
    assert load_targets() is None
    save_targets(TARGETS)
    assert load_targets() == TargetList(targets=TARGETS)
    save_targets(TARGETS[:1])
    assert load_targets() == TargetList(targets=TARGETS[:1])
    path = paths.state_file()
    assert (_mode(path), _mode(path.parent)) == (0o600, 0o700)
    assert list(path.parent.iterdir()) == [path]


def test_what_is_not_chosen_is_kept_too(sealed: Path) -> None:
    save_targets(TARGETS, {0, 2})
    assert load_targets() == TargetList(targets=TARGETS, disabled=frozenset({0, 2}))
    assert target_list(load(Flags(), {}, sealed)).chosen == TARGETS[1:2]


def test_of_more_than_can_be_asked_the_last_that_are_not_chosen_are_left_out() -> None:
    targets = [Target(model=f"m{number}") for number in range(MAX_TARGETS + 2)]
    save_targets(targets, {1, 5, 7})
    found = load_targets()
    assert found is not None
    assert len(found.targets) == MAX_TARGETS
    assert found.targets == (*targets[:5], targets[6], *targets[8:])
    assert found.disabled == {1}


def test_open_modes_are_closed() -> None:
    path = paths.state_file()
    path.parent.mkdir(parents=True, mode=0o755)
    path.write_text("{}")
    path.chmod(0o644)
    save_targets(TARGETS)
    assert (_mode(path), _mode(path.parent)) == (0o600, 0o700)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"targets": []}', b'{"targets": [{}]}', b'{"targets": 3}',
        b'{"targets": [{"model": "a", "max_tokens": -1}]}', b'{"targets": [{"model": "\\u001b[31m"}]}', b"{}",
        b'{"targets": [{"model": "a"}], "later": 1}', b'{"targets": [{"model": "a"}], "disabled": [0]}',
        b'{"targets": [{"model": "a"}], "disabled": "x"}',
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_ignored(content: bytes, sealed: Path) -> None:
    path = paths.state_file()
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert load_targets() is None
    loaded = load(Flags(), {}, sealed)
    assert target_list(loaded).chosen == loaded.settings.targets


def test_directory_in_its_place() -> None:
    path = paths.state_file()
    path.mkdir(parents=True)
    assert load_targets() is None
    with pytest.raises(ConfigError) as caught:
        save_targets(TARGETS)
    assert str(caught.value) == f"{path}: the choice of targets cannot be saved: is a directory."
    assert list(path.parent.iterdir()) == [path]


def test_they_apply_only_over_the_built_in_ones(sealed: Path) -> None:
    save_targets(TARGETS)
    assert target_list(load(Flags(), {}, sealed)).chosen == TARGETS
    assert [target.model for target in target_list(load(Flags(models=("m",)), {}, sealed)).chosen] == ["m"]
    (sealed / "latency-tui.toml").write_text('[[targets]]\nmodel = "n"\n')
    assert [target.model for target in target_list(load(Flags(), {}, sealed)).chosen] == ["n"]


def test_only_a_persons_own_list_is_to_be_remembered(sealed: Path) -> None:
    assert to_be_remembered(load(Flags(), {}, sealed))
    assert to_be_remembered(load(Flags(demo=True), {}, sealed))
    assert not to_be_remembered(load(Flags(models=("m",)), {}, sealed))
    (sealed / "latency-tui.toml").write_text('[[targets]]\nmodel = "n"\n')
    assert not to_be_remembered(load(Flags(), {}, sealed))


def test_endpoint_that_is_gone_sets_them_aside(sealed: Path) -> None:
    save_targets((Target(model="a"), Target(model="b", endpoint="gone")))
    loaded = load(Flags(), {}, sealed)
    assert target_list(loaded).chosen == loaded.settings.targets


def test_demo_asks_remembered_targets_at_the_simulator(sealed: Path) -> None:
    save_targets((Target(model="a", endpoint="anthropic"), Target(model="b", endpoint="gone")))
    assert target_list(load(Flags(demo=True), {}, sealed)).chosen == (Target(model="a"), Target(model="b"))


def test_a_demo_takes_no_endpoint_from_the_remembered_list(sealed: Path) -> None:
    save_targets((Target(model="a"),))
    assert to_be_remembered(load(Flags(demo=True), {}, sealed))
    save_targets((Target(model="a"), Target(model="b", endpoint="local")))
    assert not to_be_remembered(load(Flags(demo=True), {}, sealed))
    assert to_be_remembered(load(Flags(), {}, sealed))


def test_targets_at_endpoints_known_by_name_are_remembered(sealed: Path) -> None:
    save_targets((Target(model="a"), Target(model="llama", endpoint="groq")))
    loaded = load(Flags(), {}, sealed)
    assert [target.endpoint for target in target_list(loaded).chosen] == [None, "groq"]
    endpoints = with_presets_of(target_list(loaded).targets, loaded.settings.endpoints)
    assert endpoints.keys() == {"anthropic", "groq"}
