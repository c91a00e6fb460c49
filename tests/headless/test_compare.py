"""`latency-tui compare`: what is named, what is found, and the gate."""

import json

import msgspec
import pytest

from tui.core.decomposition import fit
from tui.core.events import Status
from tui.core.grouping import Measured
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.run import RunInfo
from tui.core.target import Endpoint, Timeouts
from tui.errors import ExitCode
from tui.export import json_format
from tui.export.formats import write
from tui.headless.compare import compare_all, pairs
from tui.headless.results import TargetResult, remark_lines

from .conftest import Run, Workplace


@pytest.fixture(scope="module")
def measured_once(shared_workplace: Workplace) -> Workplace:
    """The workplace of two series of six runs each: one in the history and as a.json, and the same slower as b.json."""
    name = shared_workplace.plan()
    done = shared_workplace.run("run", name, "--repeat", "6", "--json", "a.json", "--quiet")
    assert done.returncode == ExitCode.OK, done.stderr
    runs = json_format.read(shared_workplace.cwd / "a.json").runs
    for stored in runs:
        stored.info = msgspec.structs.replace(stored.info, uid=f"b{stored.info.uid[1:]}")
        for record in stored.requests:
            timeline = record.timeline
            timeline.content_ns = [stamp + 200_000_000 for stamp in timeline.content_ns]
            assert timeline.first_text_ns is not None
            timeline.first_text_ns += 200_000_000
    write(shared_workplace.cwd / "b.json", runs)
    return shared_workplace


@pytest.fixture
def measured(measured_once: Workplace, workplace: Workplace) -> None:
    """A history of one series, which is a.json too, and its slower like as b.json."""
    measured_once.copy_to(workplace)


def test_a_slower_set_is_told_from_a_quick_one_and_gated(run: Run, measured: None) -> None:
    done = run("compare", "last", "b.json", "--fail-on", "ttft.p50 +10%")
    assert done.returncode == ExitCode.MISSED, done.stdout + done.stderr
    assert done.stdout.count("TTFT: A is faster: TTFT ") == 2
    assert done.stdout.count("ttft.p50 +10%: regressed") == 2
    assert done.stdout.startswith("SIMULATED")


def test_equal_sets_show_no_difference_and_pass_a_wide_gate(run: Run, measured: None) -> None:
    done = run("compare", "a.json", "last", "--fail-on", "ttft.p50 +500ms", "--json", "-")
    assert done.returncode == ExitCode.OK
    report = json.loads(done.stdout)
    assert [target["target"] for target in report["targets"]] == ["first", "second"]
    assert {c["verdict"] for target in report["targets"] for c in target["comparisons"]} == {"no difference shown"}
    assert {ruling["state"] for target in report["targets"] for ruling in target["rulings"]} == {"held"}


def test_a_run_of_a_series_stands_for_the_series(run: Run, measured: None) -> None:
    assert "n = 6 and 6" in run("compare", "1", "last").stdout
    assert "n = 6 and 6" in run("compare", "5", "7").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing", "last"], "nothing names no runs"),
        (["99", "last"], "There is no run 99 in the history."),
        (["a.json", "last", "--fail-on", "ttft +1"], "--fail-on: "),
    ],
)
def test_what_cannot_be_compared_is_said(run: Run, measured: None, arguments: list[str], words: str) -> None:
    done = run("compare", *arguments)
    assert done.returncode == ExitCode.USAGE
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_history_has_no_last_run(run: Run) -> None:
    done = run("compare", "last", "last")
    assert done.returncode == ExitCode.USAGE
    assert "last names no runs" in done.stderr


def test_a_target_is_compared_with_what_it_was_asked_before() -> None:
    def asked(name: str, fingerprint: str, endpoint: str = "e") -> Measured:
        far = Endpoint(name=endpoint, base_url="http://localhost")
        return Measured(
            name=name, target="lane", model="m", endpoint=endpoint, simulated=False, fingerprint=fingerprint,
            spec=RequestSpec(
                request_id=1, target="lane", model="m", endpoint=far, prompt=Prompt(), parameters=Parameters(),
                timeouts=Timeouts(),
            ),
            latest=RunInfo(uid="1", started_unix_ns=1, app_version="1", sdk_version="1"),
            plan=Plan(prompt=Prompt(), parameters=Parameters(), targets=(), endpoints=(), default_endpoint="e"),
            requests=0,
            observations=(),
        )  # fmt: skip

    one, two, elsewhere = asked("1", "one"), asked("2", "two"), asked("3", "three", "f")
    assert pairs([one], [two]) == [(one, two)]
    assert pairs([one, two], [two, elsewhere]) == [(two, two)]
    assert pairs([one, elsewhere], [asked("4", "new"), asked("5", "other", "f")]) == [
        (one, asked("4", "new")),
        (elsewhere, asked("5", "other", "f")),
    ]
    other = msgspec.structs.replace(two, model="llama-3")
    (alike,), (unlike,) = compare_all([(one, two)], []), compare_all([(one, other)], [])
    assert (alike.remarks, "(llama, m)" in "".join(unlike.remarks)) == ((), True)
    # Which of the two prompts it replaces is not known.
    assert pairs([one, two], [asked("4", "new")]) == []


def test_the_table_says_where_tokens_differ() -> None:
    answers = tuple(Observation(status=Status.DONE, ttft_ns=1, total_ns=2) for _ in range(2))
    known = fit(answers)
    results = [
        TargetResult(name=model, observations=answers, judgements=(), model=model, fit=known)
        for model in ("a-1", "b-1")
    ]
    assert remark_lines(results[:1]) == []
    assert "(a, b)" in remark_lines(results)[0]
