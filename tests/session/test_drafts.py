"""Drafts on disk: found again, apart by what they began with, and by who is using them."""

import os
import stat
import threading
from pathlib import Path

import pytest

from tui.config import paths
from tui.config.load import Flags, load
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.plan_contents import PlanContents
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target
from tui.session import drafts as module
from tui.session.draft import Draft
from tui.session.draft_on_disk import DraftOnDisk
from tui.session.drafts import Drafts, KeptDraft, PaneSizes, key_of
from tui.session.live import LiveState
from tui.session.plan_files import PlanFiles
from tui.session.target_choice import TargetChoice


@pytest.fixture(autouse=True)
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    return tmp_path / "cwd"


def draft(text: str) -> KeptDraft:
    contents = PlanContents(
        prompts=(Prompt(user=text),), parameters=Parameters(max_tokens=5), targets=(Target(model="m"),)
    )
    return KeptDraft(contents=contents)


def directory() -> Path:
    return paths.state_dir() / "drafts"


def left(text: str, key: str = "usual") -> None:
    """Another program was here, and wrote this."""
    drafts = Drafts(key)
    drafts.claim()
    drafts.keep(draft(text))
    drafts.close()


def taken(key: str = "usual") -> str | None:
    drafts = Drafts(key)
    stored = drafts.claim()
    drafts.close()
    return stored.draft.excerpt if stored is not None else None


def test_a_slow_disk_keeps_nobody_waiting_but_who_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    may_write, write = threading.Event(), Drafts._write

    def slow(drafts: Drafts, slot: str, wanted: KeptDraft | None) -> None:
        assert may_write.wait(30)
        write(drafts, slot, wanted)

    monkeypatch.setattr(Drafts, "_write", slow)
    drafts = Drafts("usual")
    drafts.claim()
    drafts.keep(draft("written later"))
    assert not list(directory().glob("*.json"))
    may_write.set()
    drafts.close()
    assert taken() == "written later"


def test_a_draft_is_there_at_the_next_start_and_only_its_owner_can_read_it() -> None:
    assert taken() is None
    left("Why?")
    assert taken() == "Why?"
    (file,) = directory().glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory().stat().st_mode) == 0o700


def test_the_latest_of_many_drafts_is_what_is_written() -> None:
    drafts = Drafts("usual")
    drafts.claim()
    for number in range(50):
        drafts.keep(draft(f"text {number}"))
    drafts.flush()
    assert taken("other") is None
    drafts.close()
    assert taken() == "text 49"


def test_nothing_is_written_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    drafts = Drafts("usual")
    drafts.claim()
    drafts.keep(draft("once"))
    drafts.flush()
    monkeypatch.setattr(module, "write_private", lambda _path, data: written.append(data))
    drafts.keep(draft("once"))
    drafts.flush()
    assert not written


def test_a_draft_that_was_given_up_is_deleted() -> None:
    left("Why?")
    drafts = Drafts("usual")
    drafts.claim()
    drafts.keep(None)
    drafts.close()
    assert taken() is None


def test_two_programs_side_by_side_have_a_draft_each() -> None:
    first, second = Drafts("usual"), Drafts("usual")
    first.claim()
    second.claim()
    first.keep(draft("of the first"))
    second.keep(draft("of the second"))
    first.flush()
    second.flush()
    assert [stored.draft.excerpt for stored in first.others()] == ["of the second"]
    first.close()
    second.close()
    assert taken() == "of the first"


def test_what_was_set_aside_is_listed_and_the_oldest_of_many_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    drafts = Drafts("usual")
    drafts.claim()
    for number in range(5):
        drafts.set_aside(draft(f"text {number}"))
    assert [stored.draft.excerpt for stored in drafts.others()] == ["text 4", "text 3", "text 2"]
    drafts.close()


@pytest.mark.parametrize("data", [b"", b"{", b'{"draft": 1}', b"\xff\xfe", b'{"saved_unix_ns": 1}'])
def test_a_file_that_cannot_be_read_is_no_draft(data: bytes) -> None:
    left("Why?")
    (file,) = directory().glob("*.json")
    file.write_bytes(data)
    assert taken() is None


def test_a_draft_whose_places_lead_nowhere_is_none() -> None:
    drafts = Drafts("usual")
    drafts.claim()
    drafts.keep(KeptDraft(contents=draft("x").contents, current=4))
    drafts.close()
    assert taken() is None
    drafts.claim()
    drafts.keep(KeptDraft(contents=draft("x").contents, not_chosen=frozenset([0])))
    drafts.close()
    assert taken() is None


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "state" / "latency-tui").mkdir(parents=True)
    directory().write_text("in the way")
    drafts = Drafts("usual")
    assert drafts.claim() is None
    assert "cannot be kept for the next start" in drafts.problem
    drafts.keep(draft("Why?"))
    drafts.close()
    assert "cannot be kept for the next start" in drafts.problem
    assert drafts.others() == []


def key(flags: Flags, environ: dict[str, str] | None = None) -> str:
    loaded = load(flags, environ or {}, Path.cwd())
    return key_of(loaded, PlanFiles(is_demo=flags.demo, environ={}).contents(loaded))


def test_drafts_are_apart_by_what_the_program_was_started_with(sealed: Path) -> None:
    (sealed / "plan.toml").write_text('[prompt]\nuser = "Why?"\n')
    keys = [
        key(Flags()),
        key(Flags(demo=True)),
        key(Flags(prompt="hi")),
        key(Flags(prompt="ho")),
        key(Flags(config=Path("plan.toml"))),
    ]
    assert len(set(keys)) == 5
    assert keys[0] == key(Flags()) == "usual"
    assert keys[-1] == key(Flags(config=Path("plan.toml")))
    (sealed / "plan.toml").write_text('[prompt]\nuser = "Why not?"\n')
    assert key(Flags(config=Path("plan.toml"))) not in keys
    assert os.sep not in "".join(keys)


def test_settings_that_are_not_part_of_a_draft_do_not_part_them(sealed: Path) -> None:
    (sealed / "latency-tui.toml").write_text('[ui]\ntheme = "dark"\n')
    assert key(Flags(fps="5")) == "usual"


def on_disk() -> tuple[Draft, DraftOnDisk]:
    plan = Plan(
        prompt=Prompt(user="Why?"),
        parameters=Parameters(max_tokens=5),
        targets=(Target(model="m"),),
        endpoints=(Endpoint(name="here", base_url="http://127.0.0.1"),),
        default_endpoint="here",
    )
    draft, drafts = Draft(plan, TargetChoice(plan.targets, ())), Drafts("usual")
    on_disk = DraftOnDisk(draft, LiveState(), [], drafts)
    on_disk.take_up(drafts.claim())
    return draft, on_disk


def test_what_cannot_be_kept_is_in_a_plan_among_temporary_files_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state" / "latency-tui").mkdir(parents=True)
    directory().write_text("in the way")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    draft, there = on_disk()
    draft.book.edit(user="Why is the sky blue?")
    there.close()
    said = there.farewell()
    (place,) = tmp_path.glob("latency-tui-draft-*/draft.toml")
    assert "cannot be kept" in said
    assert str(place) in said
    assert load(Flags(config=place), {}, tmp_path).settings.prompt.user == "Why is the sky blue?"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    monkeypatch.setattr("tempfile.tempdir", str(directory()))
    assert str(place) not in there.farewell(), "nor there"


def test_dragged_panes_are_as_they_were_at_the_next_start_and_nothing_that_was_written() -> None:
    draft, first = on_disk()
    draft.panes = PaneSizes(prompt=0.5, bottom=12)
    assert first.is_fresh
    assert not first.farewell()
    first.close()
    draft, second = on_disk()
    assert draft.panes == PaneSizes(prompt=0.5, bottom=12)
    assert second.restored is None, "there is no text to tell of"
    second.close()
