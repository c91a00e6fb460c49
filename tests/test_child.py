"""Child processes: started as this program, ended in order or killed, and a failure to start told in words."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tui import child
from tui.errors import ChildError

pytestmark = pytest.mark.cold


def test_a_child_is_this_program_even_beside_another_package_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tui").mkdir()
    (tmp_path / "tui" / "__main__.py").write_text("print('not ours')")
    monkeypatch.chdir(tmp_path)
    process = child.spawn("thing", "--version")
    output, errors = process.communicate(timeout=30)
    assert output.startswith(b"latency-tui ")
    assert errors == b""
    assert child.wait_or_kill(process) == 0


def test_a_child_that_does_not_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "STOP_WITHIN_S", 0.01)
    process = child.spawn("engine", "engine", output=subprocess.DEVNULL)
    assert child.wait_or_kill(process) == -signal.SIGKILL
    assert process.stdin is not None
    process.stdin.close()


def test_a_child_that_cannot_be_started_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(ChildError, match="The engine cannot be started: No such file"):
        child.spawn("engine", "engine")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_process_that_may_hold_keys_leaves_no_core_and_cannot_be_read() -> None:
    asked = "import ctypes; from tui.child import seal; seal(); print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True).stdout == b"0\n"
    process = child.spawn("engine", "engine")
    assert process.stdout is not None
    assert process.stdout.read(1), "it has come up"
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    process.communicate(timeout=30)
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[-3:-1] == ["0", "0"]
