"""`latency-tui replay`: what it can't play is said before any screen."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tui.config.load import Flags, load
from tui.errors import ExitCode, HistoryError, UsageError
from tui.export.formats import write
from tui.headless.arguments import endpoints_of, run_of
from tui.history.store import Store

from .conftest import Run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "RUN"),
        (["last"], "last names no runs"),
        (["nowhere.json"], "nowhere.json names no runs"),
        (["1", "--speed", "0.05"], "must be a number from 0.1 to 100, but is '0.05'"),
        (["1", "--speed", "fast"], "must be a number from 0.1 to 100"),
    ],
)
def test_what_cannot_be_played_is_said(run: Run, arguments: list[str], words: str) -> None:
    done = run("replay", *arguments)
    assert done.returncode == ExitCode.USAGE
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_it_needs_a_terminal(run: Run, plan: Callable[[str], str]) -> None:
    run("run", plan(""), "--quiet")
    done = run("replay", "last")
    assert done.returncode == ExitCode.USAGE
    assert "The screen needs a terminal" in done.stderr


def test_look_ups_keep_the_general_timeouts_too(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(
        'endpoint = "here"\n[timeouts]\nconnect = 3\nrequest = 40\n'
        '[endpoints.here]\nbase_url = "http://127.0.0.1:9"\n[endpoints.here.timeouts]\nrequest = 7\n'
        '[[targets]]\nmodel = "m"\n'
    )
    with endpoints_of(load(Flags(config=path), {}, tmp_path)) as (endpoint,):
        assert (endpoint.timeouts.connect, endpoint.timeouts.request) == (3, 7)


def test_one_run_is_meant_even_of_a_series(
    run: Run, plan: Callable[[str], str], environment: dict[str, str], tmp_path: Path
) -> None:
    run("run", plan(""), "--quiet", "--repeat", "2")
    with Store(Path(environment["XDG_DATA_HOME"]) / "latency-tui" / "history.db") as store:
        assert run_of("2", store).number == 2
        assert run_of("last", store).number == 3
        write(tmp_path / "all.json", [store.run(number) for number in (1, 2)])
        assert run_of(str(tmp_path / "all.json"), store).info == store.run(2).info
        with pytest.raises(HistoryError, match="There is no run 9"):
            run_of("9", store)
    with pytest.raises(UsageError, match="9 names no runs"):
        run_of("9", None)
