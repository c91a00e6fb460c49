"""Attached files from a plan to the wires: found beside the plan, counted, sent, and kept out of exports."""

import base64
import json
import os
from pathlib import Path

import pytest
from attached_files import pdf, png

from tui.config.load import Flags, Loaded, build_plan, load
from tui.config.variables import files_of, found_files
from tui.core.attachment import Attachment
from tui.core.grouping import fingerprint
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.engine import files
from tui.engine.wires import chat, responses
from tui.engine.wires.messages import request_body as messages
from tui.errors import ConfigError
from tui.export.portable import portable_prompt

PLAN = """
[prompt]
user = "What is this?"
attach = ["pictures/{{which}}.png", "report.pdf"]
[variables]
rows = [{ which = "a" }, { which = "b" }]
[[targets]]
model = "claude-haiku-5-5"
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(png(75, 10))
    (tmp_path / "pictures" / "b.png").write_bytes(png(75, 20))
    (tmp_path / "report.pdf").write_bytes(pdf(2))
    return tmp_path


def loaded(directory: Path, name: str = "plan.toml", text: str = PLAN) -> Loaded:
    (directory / name).write_text(text)
    config = None if name == "latency-tui.toml" else Path(name)
    return load(Flags(config=config), {"HOME": str(directory), "XDG_CONFIG_HOME": str(directory / "none")}, directory)


def plan_in(directory: Path) -> Plan:
    return build_plan(loaded(directory).settings, {}, "http://127.0.0.1:9")


def one(plan: Plan) -> RequestSpec:
    (spec,) = plan.of_run().requests(0)
    return spec


def test_files_stand_beside_the_plan_and_rows_choose_among_them(directory: Path) -> None:
    plan = plan_in(directory)
    assert plan.problem() is None
    assert [file.name for file in one(plan).prompt.attached] == ["a.png", "report.pdf"]
    (second,) = plan.of_run(1).requests(0)
    assert [file.tokens for file in second.prompt.attached] == [2, 6_000]


@pytest.mark.parametrize(
    ("name", "data", "why"), [("pictures/a.png", None, "no such file"), ("report.pdf", b"hello", "neither PNG")]
)
def test_a_file_that_cannot_be_attached_is_said(directory: Path, name: str, data: bytes | None, why: str) -> None:
    if data is None:
        (directory / name).unlink()
    else:
        (directory / name).write_bytes(data)
    with pytest.raises(ConfigError, match=f"attach: .*{Path(name).name} .*{why}"):
        plan_in(directory)


def test_a_found_file_attaches_nothing(directory: Path) -> None:
    found = loaded(directory, "latency-tui.toml")
    assert found.settings.prompt.attach == ()
    assert any(each.path == "prompt.attach" for each in found.ignored)


def test_other_content_is_another_question(directory: Path) -> None:
    before, again = plan_in(directory), plan_in(directory)
    (directory / "report.pdf").write_bytes(pdf(3))
    after = plan_in(directory)
    values = before.values()
    found = [fingerprint(plan, plan.targets[0], values) for plan in (before, again, after)]
    assert found[0] == found[1] != found[2]


def test_a_plan_from_elsewhere_reads_no_file(directory: Path) -> None:
    plan = plan_in(directory)
    plan.files.clear()
    assert "was not read: open the plan that attaches it" in (plan.problem() or "")


def test_exports_have_names_sizes_and_digests_and_no_places(directory: Path) -> None:
    prompt = portable_prompt(one(plan_in(directory)).prompt)
    assert prompt.attach == ("a.png", "report.pdf")
    assert [(file.name, file.path) for file in prompt.attached] == [("a.png", ""), ("report.pdf", "")]
    assert all(file.size and file.sha256 for file in prompt.attached)


def test_bytes_go_to_the_engine_once_and_a_changed_file_does_not(directory: Path) -> None:
    spec = one(plan_in(directory))
    needed = files.attached_to([spec])
    assert len(files.read(needed.values())) == 2
    (directory / "report.pdf").write_bytes(pdf(4))
    assert [len(data) for data in files.read(needed.values()).values()] == [needed_size(needed, "a.png")]
    assert (files.missing(spec) or "").endswith("is gone or has changed since the plan was read; open the plan again")


def needed_size(needed: dict[str, Attachment], name: str) -> int:
    return next(file.size for file in needed.values() if file.name == name)


def test_every_wire_says_them_in_its_own_words(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = one(plan_in(directory))
    kept: dict[str, bytes] = {}
    monkeypatch.setattr(files, "_kept", kept)
    files.keep(files.read(files.attached_to([spec]).values()))
    picture = base64.b64encode(png(75, 10)).decode()
    (message,) = messages.body(spec)["messages"]
    assert [block["type"] for block in message["content"]] == ["image", "document", "text"]
    assert message["content"][0]["source"] == {"type": "base64", "media_type": "image/png", "data": picture}
    (message,) = chat.body(spec)["messages"]
    url, document, words = message["content"]
    assert url == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
    assert (document["file"]["filename"], words["text"]) == ("report.pdf", "What is this?")
    (item,) = responses.body(spec)["input"]
    assert [part["type"] for part in item["content"]] == ["input_image", "input_file", "input_text"]
    assert json.dumps(item)


def test_what_is_there_is_found_and_what_is_not_is_said(directory: Path) -> None:
    (directory / "pictures" / "b.png").unlink()
    there, gone = str(directory / "report.pdf"), str(directory / "pictures" / "{{which}}.png")
    found, problems = found_files([Prompt(attach=(there, gone))], [{"which": "a"}, {"which": "b"}])
    assert [file.name for file in found.values()] == ["report.pdf", "a.png"]
    (problem,) = problems
    assert "b.png cannot be read: no such file" in problem


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ConfigError, match="is no ordinary file"):
        files_of([Prompt(attach=(str(tmp_path / "pipe.png"),))], [])
