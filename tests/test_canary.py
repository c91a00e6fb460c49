"""The search for the key must be able to fail: whatever leaks it fails the session, and names the place."""

import base64
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from canary import KEY, holds_key, refuse
from terminal_under_test import Terminal

HEAD = """
import base64, os, sqlite3, subprocess, sys, zlib
from canary import KEY

def start(*arguments, **environ):
    subprocess.run([sys.executable, "-c", *arguments], env=os.environ | environ, check=True)

SPAWN = "import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', '', *sys.argv[1:]])"
"""
LEAKS = {
    "*/log.txt": "(tmp_path / 'log.txt').write_text(f'key={KEY}')",
    "*/encoded": "(tmp_path / 'encoded').write_bytes(base64.b64encode(b'ab' + KEY.encode()))",
    "*/[[]the key[]]": "(tmp_path / KEY).touch()",
    "*/history.db": (
        "db = sqlite3.connect(tmp_path / 'history.db'); db.execute('CREATE TABLE t (x)');"
        "db.execute('INSERT INTO t VALUES (?)', [zlib.compress(KEY.encode() * 9)]); db.commit(); db.close()"
    ),
    "Captured stdout call of *": "start('import sys; print(sys.argv[1])', KEY)",
    "arguments of a process: *": "start(SPAWN, KEY)",
    "environment of a process: *": "start(SPAWN, A_KEY=KEY)",
}


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.Pytester]:
    """Sessions of pytest's own that load the plugin as ours does; no trace of them is left for our own search."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.syspathinsert(Path(__file__).parent)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    yield pytester
    for directory in (pytester.path, pytester._test_tmproot):
        shutil.rmtree(directory)


def run(session: pytest.Pytester, bodies: Iterable[str], *options: str) -> pytest.RunResult:
    """The outcome of a session with a test for each body."""
    tests = [f"def test_{number}(tmp_path):\n    {body}\n" for number, body in enumerate(bodies)]
    session.makepyfile(HEAD + "".join(tests))
    # A snapshot plugin at its end would take the directory of ours away.
    off = ("-p", "no:cacheprovider", "-p", "no:textual-snapshot")
    result = session.runpytest_inprocess("-p", "canary", *off, *options)
    result.assert_outcomes(passed=len(tests))
    return result


def test_leaks_fail_a_session_whose_tests_all_pass(session: pytest.Pytester) -> None:
    """Those of a worker, too."""
    result = run(session, LEAKS.values(), "-n", "1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*THE KEY WAS WRITTEN*"])
    result.stdout.fnmatch_lines_random([f"the key stands in {place}" for place in LEAKS])


def test_a_leak_fails_a_session_without_workers(session: pytest.Pytester) -> None:
    result = run(session, ["print(KEY)"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["the key stands in Captured stdout call of *"])


def test_without_a_leak_it_passes(session: pytest.Pytester) -> None:
    result = run(session, ["(tmp_path / 'x').write_text('sk-ant-')", "start('print(1)', A_KEY=KEY)"])
    assert result.ret == pytest.ExitCode.OK


def test_a_terminal_that_shows_it_fails_even_when_it_is_wrapped(child_environ: dict[str, str]) -> None:
    program = [sys.executable, "-c", "import sys; print(sys.argv[1][:20] + '\\x1b[2;1H\\x1b[1m' + sys.argv[1][20:])"]
    with (
        pytest.raises(AssertionError, match="the key stands in a terminal"),
        Terminal([KEY], child_environ, program=program) as terminal,
    ):
        terminal.until_ended()


def test_forms() -> None:
    for shift in range(3):
        assert holds_key(base64.b64encode(b"x" * shift + KEY.encode() + b"more"))
    assert holds_key(KEY.encode("utf-16-be"))
    assert holds_key(KEY.encode().hex().encode())
    assert not holds_key(b"sk-ant-api03-" + b"Canary" * 9)
    with pytest.raises(AssertionError, match="in parts"):
        refuse(KEY.replace("7f3K", "7f\n  3K"), "a page")
