"""JSON: what goes out comes back, with the same figures, by a schema that an independent validator checks."""

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.config import paths
from tui.core.attachment import Attachment
from tui.core.figures import figures_of
from tui.core.prompt import KeptAnswer, Turn
from tui.core.run import StoredRun
from tui.errors import UsageError
from tui.export import json_format
from tui.export.document import SCHEMA_FILE
from tui.export.formats import Format, write
from tui.export.portable import portable, portable_ledger

from .runs import stored_runs
from .samples import all_runs, all_tried, rendered, simple_run

SCHEMA = json.loads(paths.builtin_config(SCHEMA_FILE).read_bytes())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def exported(runs: list[StoredRun], *, with_texts: bool = True) -> str:
    return rendered(runs, Format.JSON, with_texts=with_texts, environ={})


def imported(text: str) -> list[StoredRun]:
    return json_format.parse(text.encode(), "x.json").runs


@settings(max_examples=25)  # each of whole runs
@given(st.lists(stored_runs(), min_size=1, max_size=3, unique_by=lambda run: run.info.uid), st.booleans())
def test_what_goes_out_comes_back(runs: list[StoredRun], with_texts: bool) -> None:
    text = exported(runs, with_texts=with_texts)
    VALIDATOR.validate(json.loads(text))
    back = imported(text)
    assert back == list(portable(runs, with_texts=with_texts))
    for run, again in zip(runs, back, strict=True):
        assert list(map(figures_of, again.requests)) == list(map(figures_of, run.requests))
    assert exported(back, with_texts=with_texts) == text


def test_nothing_is_lost_of_runs_without_secrets() -> None:
    run = simple_run()
    run.number = None
    assert imported(exported([run])) == [run]


def test_turns_and_files_come_back_without_their_places() -> None:
    run = simple_run()
    run.number = None
    file = Attachment(name="a.png", media_type="image/png", size=3, sha256="ab", path="/home/me/a.png")
    record = run.requests[0]
    prompt = msgspec.structs.replace(
        record.spec.prompt,
        attach=("/home/me/a.png",),
        attached=(file,),
        turns=(Turn(role="assistant", text="x", said="[]"), Turn(role="user", text="y", attached=(file,))),
    )
    record.spec = msgspec.structs.replace(record.spec, prompt=prompt, turn=2, call=1)
    record.kept = KeptAnswer(said="[]")
    text = exported([run])
    VALIDATOR.validate(json.loads(text))
    assert "/home/me" not in text
    (told, *_) = json.loads(text)["requests"]
    assert (told["turn"], told["call"], told["prompt"]["attached"][0]["sha256"]) == (2, 1, "ab")
    spec = imported(text)[0].requests[0].spec
    assert (spec.turn, spec.call, spec.prompt.turns[0].said) == (2, 1, "[]")
    assert spec.prompt.attached == (msgspec.structs.replace(file, path=""),)
    rows = list(csv.DictReader(rendered([run], Format.CSV, environ={}).splitlines()))
    assert (rows[0]["turn"], rows[0]["call"], rows[1]["turn"]) == ("2", "1", "")


def test_the_ledger_comes_back() -> None:
    runs = [simple_run()]
    text = rendered(runs, Format.JSON, tried=all_tried(), environ={})
    VALIDATOR.validate(json.loads(text))
    back = json_format.parse(text.encode(), "x.json").tried
    assert back == portable_ledger(all_tried())
    assert back[0] == all_tried()[0]
    assert json_format.parse(exported(runs).encode(), "x.json").tried == []


def test_without_texts_the_ledger_has_none_of_the_prompt() -> None:
    text = rendered([simple_run()], Format.JSON, tried=all_tried(), with_texts=False, environ={})
    first, second = json_format.parse(text.encode(), "x.json").tried
    assert (first.prompt, second.prompt, second.trial.change.edit) == ("", "", None)
    assert first.saved_ns == all_tried()[0].saved_ns


@pytest.mark.parametrize("with_texts", [True, False])
def test_every_request_carries_its_figures(with_texts: bool) -> None:
    document = json.loads(exported([simple_run()], with_texts=with_texts))
    assert (document["app_version"], document["sdk_version"], document["simulated"]) == ("0.1.0", "2.12.0", True)
    assert document["with_texts"] is with_texts
    done, *_, failed, interrupted = document["requests"]
    wanted = {
        "target": "claude-haiku-5-5",
        "model": "claude-haiku-5-5",
        "endpoint": "simulator",
        "simulated": True,
        "status": "done",
        "attempts": 1,
        "ttft_ms": 120.0,
        "ttfo_ms": 120.0,
        "ttlt_ms": 210.0,
        # The first of two chunks has 13 of 24 characters: 5 of 9 tokens.
        "tpot_ms": 90 / 4,
        "otps": 4 / 0.09,
        "itl_ms": {"p50": 20.0, "p95": 50.0, "p99": 50.0, "max": 50.0},
        "connect_ms": 26.0,
        "input_tokens": 14,
        "output_tokens": 9,
        "stop_reason": "end_turn",
        "stamp_source": "kernel",
        "instrument_delay_ms": {"p50": 0.041, "p99": 1.25, "max": 2.0},
    }
    assert {name: done[name] for name in wanted} == wanted
    assert "error" not in done
    assert failed["error"]["kind"] == "overloaded"
    assert failed["attempts"] == 2
    assert not {"ttft_ms", "ttlt_ms", "itl_ms", "otps", "output_tokens", "stop_reason"} & failed.keys()
    assert interrupted["status"] == "interrupted"
    assert "ttlt_ms" not in interrupted


def test_without_texts_neither_prompt_nor_answer_is_there() -> None:
    for wanted in Format:
        assert "Why is the sky blue?" in rendered([simple_run()], wanted, environ={})
        without = rendered([simple_run()], wanted, with_texts=False, environ={})
        for text in ("You answer in", "Why is the sky", "Rayleigh", "Air scatters", "Blue"):
            assert text not in without


def test_each_line_of_jsonl_stands_by_itself() -> None:
    runs = all_runs()
    lines = [json.loads(line) for line in rendered(runs, Format.JSONL, environ={}).split("\n")[:-1]]
    assert len(lines) == sum(len(run.requests) for run in runs)
    validator = jsonschema.Draft202012Validator(SCHEMA | {"$ref": "#/$defs/ExportedRequest"})
    for line in lines:
        validator.validate(line)
    assert lines[1]["prompt"]["user"] == "Why is the sky blue?"
    assert lines[1]["info"]["app_version"] == "0.1.0"
    assert lines[0]["endpoint_settings"]["base_url"] == "https://gateway.example"


def test_it_can_be_printed_on_a_terminal() -> None:
    for wanted in (Format.JSON, Format.JSONL):
        text = rendered(all_runs(), wanted, environ={})
        assert [char for char in text if not char.isprintable() and char != "\n"] == []


def test_the_schema_refuses_what_is_none() -> None:
    document = json.loads(exported([simple_run()]))
    del document["requests"][0]["stamps"]
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(document)


def changed(*path: str | int, to: Any) -> bytes:
    """An export with one value replaced."""
    document = json.loads(exported([simple_run()]))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is not JSON"),
        (b'{"format": "latency-tui export", "ver', "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "is not an export of latency-tui"),
        (b'{"format": "other", "version": 1}', "is not an export of latency-tui"),
        (changed("version", to=2), "of version 2, but this program reads 1: update latency-tui"),
        (changed("version", to=0), "of version 0, but this program reads 1: export it again"),
        (changed("version", to=True), "of version unknown"),
        (changed("requests", 0, "stamps", "sent_ns", to="1\x1b[31m"), "at `$.requests[0].stamps.sent_ns`"),
        (changed("requests", 0, "stamps", "sent_ns", to=10**30), "a number is too large"),
        (changed("requests", 0, "status", to="\x1b[31m"), "does not follow the schema"),
        (changed("requests", 0, "run", to="other"), "names a run that is not there"),
        (changed("requests", 0, "endpoint", to="other"), "an endpoint that is not in its plan"),
        (changed("requests", 0, "stamps", "content_ns", to=[5, 4]), "not in order"),
        (changed("requests", 0, "stamps", "content_ns", to=[-(2**63), 2**63 - 1]), "negative"),
        (changed("requests", 1, "stamps", "thinking_pieces", to=99), "more pieces of thinking"),
        (changed("runs", 0, "info", "started_unix_ns", to=-1), "between 1970 and 9999"),
        (changed("runs", 0, "plan", "default_endpoint", to="other"), "a target's endpoint is not in its plan"),
        (changed("runs", to=json.loads(exported([simple_run()]))["runs"] * 2), "two runs have the same uid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_imported_is_one_sentence(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(data)
    with pytest.raises(UsageError) as raised:
        json_format.read(path)
    sentence = str(raised.value)
    assert sentence.startswith(f"{path}: ")
    assert words in sentence
    assert sentence.endswith(".")
    assert sentence.isprintable()


@cache
def one_exported() -> bytes:
    return exported([simple_run()]).encode()


@given(st.binary(max_size=200), st.integers(0, 10_000), st.integers(0, 10_000))
def test_no_damage_is_more_than_a_sentence(junk: bytes, start: int, length: int) -> None:
    data = one_exported()
    damaged = data[: start % len(data)] + junk + data[start % len(data) + length :]
    try:
        runs = json_format.parse(damaged, "x.json").runs
    except UsageError:
        return
    for wanted in Format:
        rendered(runs, wanted, environ={})


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none.json: cannot be read: no such file or directory\.$"):
        json_format.read(tmp_path / "none.json")


def test_a_file_is_read_back(tmp_path: Path) -> None:
    write(tmp_path / "x.json", all_runs())
    assert json_format.read(tmp_path / "x.json").runs == list(portable(all_runs()))


def test_an_import_can_neither_name_a_key_nor_run_a_command() -> None:
    document = json.loads(exported([simple_run()]))
    for endpoint in document["runs"][0]["plan"]["endpoints"]:
        endpoint |= {"api_key_env": "HOME", "key_command": ["touch", "x"], "ca_file": "/x"}
    (run,) = imported(json.dumps(document))
    for endpoint in (*run.plan.endpoints, *(record.spec.endpoint for record in run.requests)):
        assert (endpoint.api_key_env, endpoint.key_command, endpoint.ca_file) == (None, (), None)
