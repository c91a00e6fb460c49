"""Endings of headless commands: exit codes from every path, and outputs that are closed, full or gone."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from warm import Before

from tui.child import own_command
from tui.errors import ExitCode
from tui.history.store import Store
from tui.streams import READER_GONE

from .conftest import Workplace

RUN = ("run", "plan.toml", "--plain", "--repeat", "4")
WITHIN_S = 60.0
KEY_FORMED = "sk-ant-api03-" + "abCD12" * 5


def shell(workplace: Workplace, line: str, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of bash, in which "$@" is the command."""
    workplace.plan()
    return subprocess.run(
        ["bash", "-c", line, "bash", *own_command(*arguments)],
        cwd=workplace.cwd,
        env=workplace.environment | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def stored(workplace: Workplace) -> int:
    paths = list(workplace.base.rglob("history.db"))
    if not paths:
        return 0
    with Store(paths[0]) as store:
        return store.count()


@contextlib.contextmanager
def leading(to: str) -> Iterator[int]:
    """What to give to `subprocess` for an output that leads there."""
    match to:
        case "full disk":
            with Path("/dev/full").open("wb") as device:
                yield device.fileno()
        case "nobody":
            reading, writing = os.pipe()
            os.close(reading)
            yield writing
            os.close(writing)
        case "head -1":
            with subprocess.Popen(["head", "-1"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as head:
                assert head.stdin is not None
                yield head.stdin.fileno()
        case "output":
            yield subprocess.STDOUT
        case _:
            yield subprocess.PIPE


OUTPUTS: list[tuple[str, str, tuple[int, ...], int, str]] = [
    ("head -1", "", (), READER_GONE, ""),
    ("nobody", "", (), READER_GONE, ""),
    ("nobody", "output", (), READER_GONE, ""),
    ("head -1", "output", (), READER_GONE, ""),
    ("full disk", "", (), ExitCode.NOT_MEASURED, "no space left on device"),
    ("full disk", "output", (), ExitCode.NOT_MEASURED, ""),
    ("", "full disk", (), ExitCode.OK, ""),
    ("", "", (2,), ExitCode.OK, ""),
    ("", "", (1,), ExitCode.OK, ""),
    ("", "", (0,), ExitCode.OK, ""),
    ("", "", (0, 1, 2), ExitCode.OK, ""),
]
"""Places to which output and errors lead, standard streams that are closed, exit status, words on standard error."""


def run_into(
    workplace: Workplace, out: str, err: str, closed: tuple[int, ...], *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Run the command with such standard streams, as in `OUTPUTS`."""
    workplace.plan()
    with leading(out) as stdout, leading(err) as stderr:
        return subprocess.run(
            own_command(*arguments),
            cwd=workplace.cwd,
            env=workplace.environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            timeout=WITHIN_S,
            check=False,
            preexec_fn=Before(close=closed),
        )


@pytest.mark.parametrize(("out", "err", "closed", "status", "said"), OUTPUTS)
def test_an_output_that_goes_away_ends_quietly(
    workplace: Workplace, out: str, err: str, closed: tuple[int, ...], status: int, said: str
) -> None:
    done = run_into(workplace, out, err, closed, *RUN)
    assert done.returncode == status
    errors = done.stderr or ""
    assert "Traceback" not in errors
    assert said in errors
    assert stored(workplace) >= 1, "what was asked until then is in the history"


@pytest.mark.parametrize("command", [("config",), ("--help",), ("models", "--json", "-")])
def test_every_command_says_in_a_sentence_that_its_output_is_full(
    workplace: Workplace, command: tuple[str, ...]
) -> None:
    done = shell(workplace, '"$@" >/dev/full', *command)
    assert done.returncode == ExitCode.NOT_MEASURED
    assert done.stderr == "latency-tui: Standard output cannot be written: no space left on device.\n"
    assert shell(workplace, '"$@" | true; exit ${PIPESTATUS[0]}', *command).returncode in (0, READER_GONE)


def test_a_signal_ends_a_program_that_writes_into_a_full_pipe(workplace: Workplace) -> None:
    """Nobody reads: the write blocks, and with it the event loop."""
    workplace.plan()
    reading, writing = os.pipe()
    with contextlib.suppress(BlockingIOError):
        os.set_blocking(writing, False)
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    process = subprocess.Popen(
        own_command(*RUN),
        cwd=workplace.cwd,
        env=workplace.environment,
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    try:
        _until_blocked(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.wait()
        os.close(reading)
        if process.stderr is not None:
            process.stderr.close()


def _until_blocked(pid: int) -> None:
    """Wait until the process waits for room in the pipe."""
    while "pipe_write" not in Path(f"/proc/{pid}/wchan").read_text():
        os.sched_yield()


@pytest.mark.parametrize("where", ["a directory", "a newer schema", "/dev/null", "a pipe"])
def test_a_history_that_takes_nothing_is_no_success(workplace: Workplace, where: str, tmp_path: Path) -> None:
    path = tmp_path / "data" / "latency-tui" / "history.db"
    path.parent.mkdir(parents=True)
    match where:
        case "a directory":
            path.mkdir()
        case "a newer schema":
            with Store(path) as store:
                store._connection.execute("PRAGMA user_version = 999")
        case "/dev/null":
            path.symlink_to("/dev/null")
        case "a pipe":
            os.mkfifo(path)
    workplace.plan()
    done = workplace.run("run", "plan.toml", TMPDIR=str(tmp_path))
    assert done.returncode == ExitCode.NOT_MEASURED
    assert "cannot be written" in done.stderr
    assert "Not yet in the history, but in " in done.stderr


def test_results_that_no_disk_takes_are_said_to_be_lost(workplace: Workplace, tmp_path: Path) -> None:
    workplace.plan()
    workplace.before = Before(largest_file=0)
    done = workplace.run(*RUN)
    assert done.returncode == ExitCode.NOT_MEASURED
    assert "esults are kept in memory only." in done.stderr
    assert "Not stored, since they were in memory only: 10 results of this session." in done.stderr
    assert not list(tmp_path.rglob("*spill*"))


@pytest.mark.cold
def test_an_engine_that_dies_is_no_success(workplace: Workplace) -> None:
    workplace.plan()
    process = subprocess.Popen(
        own_command("run", "plan.toml", "--repeat", "8", "--plain"),
        cwd=workplace.cwd,
        env=workplace.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    (engine,) = [pid for pid in _children(process.pid) if "engine" in Path(f"/proc/{pid}/cmdline").read_text()]
    os.kill(engine, signal.SIGKILL)
    _, said = process.communicate(timeout=WITHIN_S)
    assert process.returncode == ExitCode.NOT_MEASURED, said


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def test_json_is_utf8_whatever_the_locale(workplace: Workplace) -> None:
    workplace.plan()
    (workplace.cwd / "plan.toml").write_text((workplace.cwd / "plan.toml").read_text().replace("Why", "Grüße →"))
    latin = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = shell_bytes(workplace, *("run", "plan.toml", "--json", "-", "--quiet"), **latin)
    assert "Grüße →" in done.stdout.decode()
    done = shell_bytes(workplace, "config", "--system", "grün", **latin)
    assert b'system = "gr?n"' in done.stdout


def shell_bytes(workplace: Workplace, *arguments: str, **more: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        own_command(*arguments),
        cwd=workplace.cwd,
        env=workplace.environment | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=WITHIN_S,
        check=True,
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("run", "\x1b]0;PWNED\a.toml"), "PWNED"),
        (("run", "plan.toml", "--model", "\x1b[2Jx"), "x"),
        (("run", "plan.toml", "--json", "nowhere/\x9b31m\u202ejson"), "nowhere"),
        (("replay", "\x1b[5m.weird"), "weird"),
        (("compare", "a\x1b[2J", "b"), "a"),
        (("config", "--config", "\x1bc"), "c"),
        (("run", "plan.toml", "--\x1b[31mno-such-option"), "no-such-option"),
    ],
)
def test_a_name_given_to_the_command_cannot_drive_the_terminal(
    workplace: Workplace, arguments: tuple[str, ...], named: str
) -> None:
    workplace.plan()
    done = workplace.run(*arguments)
    assert done.returncode != ExitCode.OK
    assert named in done.stderr
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(done.stderr + done.stdout)


def test_nor_can_the_name_of_a_variable(workplace: Workplace) -> None:
    done = workplace.run("config", **{"LATENCY_TUI_\x1b[2JX": "1"})
    assert done.returncode == ExitCode.USAGE
    assert "LATENCY_TUI_\u241b[2JX" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", KEY_FORMED),
        ("run", "plan.toml", f"--{KEY_FORMED}"),
        ("run", "plan.toml", "--model", KEY_FORMED),
        ("compare", KEY_FORMED, "last", "--fail-on", KEY_FORMED),
        ("doctor", KEY_FORMED),
    ],
)
def test_a_key_given_by_mistake_is_not_repeated(workplace: Workplace, arguments: tuple[str, ...]) -> None:
    workplace.plan()
    done = workplace.run(*arguments)
    assert done.returncode == ExitCode.USAGE
    assert KEY_FORMED not in done.stderr + done.stdout
    assert stored(workplace) == 0
