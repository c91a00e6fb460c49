"""`latency-tui history`: list, show, export, import, rm, prune, path."""

import json
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from tried_samples import TRIED

from tui.errors import ExitCode
from tui.export import json_format
from tui.history.store import Store
from tui.session import trial_log

from .conftest import Run, Workplace


@pytest.fixture(scope="module")
def measured_once(shared_workplace: Workplace) -> Workplace:
    """The workplace of a single run and a series of two."""
    name = shared_workplace.plan()
    for more in ((), ("--repeat", "2")):
        done = shared_workplace.run("run", name, "--quiet", *more)
        assert done.returncode == ExitCode.OK, done.stderr
    return shared_workplace


@pytest.fixture
def measured(measured_once: Workplace, workplace: Workplace) -> None:
    """A history of a single run and a series of two, and the plan they followed."""
    measured_once.copy_to(workplace)


def test_runs_are_listed_latest_first_and_numbered_without_gaps(run: Run, measured: None) -> None:
    head, *lines = run("history", "list").stdout.splitlines()
    assert head.split() == ["No.", "started", "what", "fastest", "TTFT", "total", "prompt"]
    assert [line.split()[0] for line in lines] == ["4", "1"]
    assert "SIMULATED series of 3, 2 lanes" in lines[0]
    for title in ("what", "prompt"):
        at = head.index(title)
        assert all(line[at - 1] == " " and line[at] != " " for line in lines)
    limited = run("history", "list", "--limit", "1")
    assert len(limited.stdout.splitlines()) == 2
    assert "1 more; --limit shows them." in limited.stderr
    rows = json.loads(run("history", "list", "--limit", "1", "--json", "-").stdout)
    assert [row["number"] for row in rows] == [4]
    none = run("history", "list", "--model", "no-such-model")
    assert (none.returncode, none.stdout) == (ExitCode.OK, "")
    assert "No run fits." in none.stderr


@pytest.mark.parametrize("zone", ["Etc/GMT-14", "Etc/GMT+12"])
def test_a_day_is_the_one_that_the_list_shows(run: Run, measured: None, zone: str) -> None:
    shown = run("history", "list", TZ=zone).stdout.splitlines()[1:]
    day = date.fromisoformat(shown[-1].split()[1])
    assert run("history", "list", "--since", f"{day}", TZ=zone).stdout.splitlines()[1:] == shown
    later = max(date.fromisoformat(line.split()[1]) for line in shown) + timedelta(days=1)
    assert run("history", "list", "--since", f"{later}", TZ=zone).stdout == ""


def test_a_series_is_shown_as_a_whole(run: Run, measured: None) -> None:
    shown = run("history", "show", "last").stdout
    assert shown.startswith("Runs 2, 3, 4\n")
    assert "first   TTFT    2 " in shown
    assert run("history", "show", "1").stdout.startswith("Run 1\n")


def test_what_is_exported_can_be_deleted_and_taken_in_again(run: Run, measured: None, tmp_path: Path) -> None:
    assert run("history", "export", "1", "last", "--to", "all.json").returncode == ExitCode.OK
    before = json_format.read(tmp_path / "cwd" / "all.json").runs
    assert len(before) == 4
    assert run("history", "rm", "1", "2", "3", "4").returncode == ExitCode.OK
    assert run("history", "list").stdout == ""
    assert "4 runs" in run("history", "import", "all.json").stderr
    assert run("history", "export", "5", "last", "--to", "again.json").returncode == ExitCode.OK
    again = json_format.read(tmp_path / "cwd" / "again.json").runs
    assert [run_.requests for run_ in again] == [run_.requests for run_ in before]


def test_the_ledger_goes_out_and_comes_in_with_the_runs(run: Run, measured: None) -> None:
    tried = msgspec.structs.replace(TRIED, model="sim-fast")
    history = Path(run("history", "path").stdout.strip())
    with Store(history) as store:
        trial_log.note(store, tried)
    for name in ("a.json", "a.md", "a.html", "a.csv"):
        assert run("history", "export", "last", "--to", name).returncode == ExitCode.OK
    assert "Ask with low effort" in run("history", "show", "last", "--json", "-").stdout
    assert "Ask with low effort" in run("run", "plan.toml", "--quiet", "--markdown", "-").stdout
    history.unlink()
    assert run("history", "import", "a.json").returncode == ExitCode.OK
    with Store(history) as store:
        assert trial_log.read(store) == [tried]


def test_other_formats_by_suffix_and_without_texts(run: Run, measured: None, tmp_path: Path) -> None:
    for name in ("a.csv", "a.html", "a.md", "a.jsonl"):
        assert run("history", "export", "last", "--to", name, "--no-texts").returncode == ExitCode.OK
        text = (tmp_path / "cwd" / name).read_text()
        assert "Why is the sky blue?" not in text
        assert "first" in text


def test_metrics_are_sent_where_the_environment_says(run: Run, measured: None) -> None:
    pytest.importorskip("opentelemetry.sdk")
    paths: list[str] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        done = run("history", "send", "last", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()
    assert done.returncode == ExitCode.OK, done.stderr
    assert "Sent the metrics of 3 runs." in done.stderr
    assert paths == ["/v1/metrics"]


def test_prune_keeps_everything_unless_told_otherwise(run: Run, measured: None) -> None:
    assert "Deleted 0 runs" in run("history", "prune").stderr
    assert "Deleted 0 runs" in run("history", "prune", LATENCY_TUI_HISTORY_KEEP_DAYS="1").stderr


def test_the_path_is_where_the_history_is(run: Run, measured: None) -> None:
    assert Path(run("history", "path").stdout.strip()).is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rm", "77"], "Deleted 0 of 1 run:"),
        (["show", "77"], "There is no run 77"),
        (["export", "1", "--to", "a.doc"], "no export has this suffix"),
        (["import", "not.json"], "not.json"),
        (["list", "--since", "yesterday"], "must be a date such as 2026-11-22"),
        (["list", "--limit", "0"], "must be a whole number from 1"),
        ([], "ACTION is missing"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, measured: None, arguments: list[str], words: str) -> None:
    done = run("history", *arguments)
    assert done.returncode == ExitCode.USAGE
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_collector_that_is_not_there_is_one_sentence(run: Run, measured: None) -> None:
    nowhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    done = run("history", "send", "1", **nowhere)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith("latency-tui: The OpenTelemetry collector did not take the metrics")
    assert done.stderr.count("\n") == 1


def test_a_history_that_cannot_be_opened_is_not_taken_for_a_closed_gate(run: Run) -> None:
    done = run("history", "list", XDG_DATA_HOME="/dev/null")
    assert (done.returncode, done.stdout) == (ExitCode.NOT_MEASURED, "")
    assert "cannot be opened: not a directory." in done.stderr
