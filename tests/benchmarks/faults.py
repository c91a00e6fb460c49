"""Faults tried on the real program, with what was lost: `python tests/benchmarks/faults.py [PART ...]`.

Parts: kills (processes killed at random moments), disks (full or broken), servers (hostile ones, with the engine's
peak memory), texts (hostile ones, on a screen in a pty), outputs (closed or full ones) and files (settings that merely
lie in the working directory). All of them without arguments. A loss is what the program must not do: it is named, and
the exit status is 1.
"""

import argparse
import asyncio
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "pty")]

import msgspec  # noqa: E402
from engine.driver import Driver  # noqa: E402
from engine.hostile import behaviours, serving  # noqa: E402
from headless.conftest import Workplace  # noqa: E402
from headless.test_endings import OUTPUTS, run_into, shell, stored  # noqa: E402
from history.killing import VICTIMS, check, crash  # noqa: E402
from terminal_under_test import Terminal  # noqa: E402

from tui.core.parameters import Parameters  # noqa: E402
from tui.core.target import Timeouts  # noqa: E402
from tui.simulator.faults import FAULTS, HOSTILE  # noqa: E402
from tui.simulator.process import SimulatorProcess  # noqa: E402

KILLS, TEXTS = 1000, 100
_ROUND = 20
"""Kills of one history."""
PIECES = (
    *HOSTILE,
    "\x1b[?1049l",
    "\x1bc",
    "\x9b5n",
    "\u2028",
    "\x85",
    "\U000e0041",
    "漢字",
    "👩\u200d💻",
    "नमस्ते",
    "x" * 5000,
)
MOST_MB = 100
"""Most memory that a server may cost the engine beyond its own, MB."""


def lost(what: str) -> int:
    """Name a loss."""
    print(f"LOST: {what}", flush=True)
    return 1


def kills(directory: Path) -> int:
    """Kill the screen's process, the engine or both; `check` raises where a request said to be done is missing."""
    done, said, statuses = 0, 0, Counter[str]()
    with SimulatorProcess.start(seed=1) as simulator, ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        # Each history is written by one session after the other, and read by all that were killed before.
        rounds = [
            pool.submit(_kill_some, simulator.base_url, directory / f"{at}.db", range(at, min(at + _ROUND, KILLS)))
            for at in range(0, KILLS, _ROUND)
        ]
        for one in as_completed(rounds):
            kills, ended, found = one.result()
            done, said, statuses = done + kills, said + ended, statuses + found
            print(f"\r{done} kills", end="", flush=True)
    print(f"\r{done} kills, {said} requests said to have ended, 0 missing; stored: {dict(statuses)}")
    return 0


def _kill_some(base_url: str, history: Path, numbers: range) -> tuple[int, int, Counter[str]]:
    rng, sessions = random.Random(numbers.start), []
    for kill in numbers:
        victim = VICTIMS[kill % len(VICTIMS)]
        sessions.append(crash(base_url, history, f"{victim} {kill}", victim, 5, rng))
    return len(sessions), sum(len(session.said("ended")) for session in sessions), check(history, sessions)


def disks(directory: Path) -> int:
    """Run with a full or broken disk: what is said to be done is in the history or a file, or said to be lost."""
    found = 0
    good = Workplace(_made(directory / "good"))
    good.plan()
    good.run("run", "plan.toml", "--quiet")
    for number, (name, (limit, spoil)) in enumerate(_DISKS.items()):
        place = Workplace(_made(directory / str(number)))
        shutil.copytree(good.base / "data", place.base / "data")
        spoil(place.base / "data" / "latency-tui" / "history.db")
        (place.base / "tmp").mkdir()
        done = shell(place, f'{limit} exec "$@"', "run", "plan.toml", "--repeat", "3", TMPDIR=str(place.base / "tmp"))
        kept = _stored(place) + sum(len(each.read_bytes().splitlines()) for each in place.base.rglob("*spill*.jsonl"))
        admitted = done.returncode == 3 and ("in memory only" in done.stderr or "cannot be" in done.stderr)
        if "Traceback" in done.stderr or not (kept >= 3 or admitted):
            found += lost(f"{name}: {done.returncode}, {kept} kept, {done.stderr[-300:]}")
    print(f"{len(_DISKS)} kinds of disk, {found} with a loss")
    return found


def _made(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def _stored(place: Workplace) -> int:
    try:
        return stored(place)
    except Exception:  # the very file that was broken
        return 0


def _written(data: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


def _replaced(by: Callable[[Path], object]) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.unlink()
        by(path)

    return replace


def _sql(script: str) -> Callable[[Path], None]:
    def execute(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.executescript(script)
        connection.close()

    return execute


def _flipped(bits: int) -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        data, rng = bytearray(path.read_bytes()), random.Random(bits)
        for _ in range(bits):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)

    return flip


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _nothing(_path: Path) -> None:
    pass


def _garbage_beside(path: Path) -> None:
    Path(f"{path}-wal").write_bytes(b"garbage" * 1000)


def _no_directory(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.write_text("")


_DISKS: dict[str, tuple[str, Callable[[Path], None]]] = {
    **{f"no file beyond {kb} KB": (f"ulimit -f {kb};", _nothing) for kb in (0, 4, 12, 40, 60, 100, 200)},
    "data below a file": ("", _no_directory),
    "a directory": ("", _replaced(Path.mkdir)),
    "/dev/null": ("", _replaced(lambda path: path.symlink_to("/dev/null"))),
    "/dev/full": ("", _replaced(lambda path: path.symlink_to("/dev/full"))),
    "a dangling link": ("", _replaced(lambda path: path.symlink_to("nowhere/at/all"))),
    "a pipe": ("", _replaced(os.mkfifo)),
    "empty": ("", _written(b"")),
    "random bytes": ("", _written(random.Random(1).randbytes(100_000))),
    "text": ("", _written(b"not a database\n" * 100)),
    "half of it": ("", _half),
    "40 bits flipped": ("", _flipped(40)),
    "400 bits flipped": ("", _flipped(400)),
    "a newer schema": ("", _sql("PRAGMA user_version = 999")),
    "a table dropped": ("", _sql("DROP TABLE requests")),
    "another program's": ("", _replaced(_sql("CREATE TABLE other (a)"))),
    "garbage beside it": ("", _garbage_beside),
}


def peak_mb(pid: int) -> float:
    """Most memory that the process has had, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


async def _ask(name: str, base_url: str) -> bool:
    """Ask one server with an engine of its own, print how it ended; True for a loss."""
    engine = Driver()
    await engine.connect()
    before = peak_mb(engine.client.pid)
    spec = engine.spec(base_url, timeouts=Timeouts(first_token=6, between_tokens=3, request=12))
    if "one piece" in name:
        spec = msgspec.structs.replace(spec, parameters=Parameters(max_tokens=5, stream=False))
    (record,) = await engine.run(spec)
    peak = peak_mb(engine.client.pid)
    await engine.close()
    words = record.failure.message if record.failure else str(record.status)
    print(f"{name:34} {before:4.0f} -> {peak:4.0f} MB  {words[:80]}", flush=True)
    return peak - before > MOST_MB or record.status is None


async def _servers() -> int:
    found = 0
    for name in behaviours():
        async with serving(name) as server:
            found += await _ask(name, server.base_url)
    for name in FAULTS:
        with SimulatorProcess.start(fault=name) as simulator:
            found += await _ask(name, simulator.base_url)
    print(f"{len(behaviours()) + len(FAULTS)} servers, {found} with a loss")
    return found


def servers(_directory: Path) -> int:
    """Ask each hostile server once."""
    return asyncio.run(_servers())


def texts(directory: Path) -> int:
    """Show hostile texts on a screen, and look for any of their sequences in the bytes that the terminal gets."""
    rng = random.Random(1)
    shown = [rng.choice(HOSTILE) + "".join(rng.sample(PIECES, 3)) for _ in range(TEXTS)]
    found = 0
    for number in range(0, TEXTS, 10):
        part = shown[number : number + 10]
        place = Workplace(_made(directory / f"texts {number}"))
        prompt = "\n".join(part).encode("utf-8", "replace")
        with Terminal(["--demo", "-"], place.environment, stdin=prompt) as terminal:
            terminal.until_shows("F5")
            terminal.press(b"\x1b[15~")
            terminal.until_shows("done")
            terminal.press(b"\x1b[21~")
            terminal.until_ended()
            found += sum(_acts(text, terminal.written) and lost(f"{text!r}") for text in part)
    print(f"{TEXTS} texts, {found} that reached the terminal")
    return found


def _acts(text: str, written: bytes) -> bool:
    """True if a sequence of the text that acts, or a character that moves others, is among the bytes."""
    acting = [piece for piece in HOSTILE if piece in text and ("\x1b]" in piece or "\x1bP" in piece)]
    moving = [char for char in "\u202e\u2066\u2069\u200b\u2060\ufeff\x9b\x9d" if char in text]
    return any(piece.encode() in written for piece in (*acting, *moving))


def outputs(directory: Path) -> int:
    """Close or fill standard streams in all the ways that there are."""
    found, tries = 0, 0
    for number, (out, err, closed, status, _said) in enumerate(OUTPUTS):
        for tail in ((), ("--json", "-")):
            tries += 1
            place = Workplace(_made(directory / f"{number} {len(tail)}"))
            try:
                done = run_into(place, out, err, closed, "run", "plan.toml", "--plain", "--repeat", "2", *tail)
            except subprocess.TimeoutExpired:
                found += lost(f"{OUTPUTS[number]} {tail}: it never ends")
                continue
            errors = done.stderr or ""
            if done.returncode != status or "Traceback" in errors or not _stored(place):
                found += lost(f"{OUTPUTS[number]} {tail}: {done.returncode}, {errors[-200:]}")
    print(f"{tries} forms of output, {found} with a loss")
    return found


def files(directory: Path) -> int:
    """Put what may do harm into a file that merely lies there: it is ignored with a word, or refused."""
    place, found = Workplace(_made(directory / "files")), 0
    own = place.base / "config" / "latency-tui" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text(_OWN)
    place.run("run", "--demo", "--model", "claude-haiku-5-5", "--quiet")
    runs = _stored(place)
    for text in _FILES:
        (place.cwd / "latency-tui.toml").write_text(text)
        done = place.run("config")
        if not (done.returncode == 2 or "# Ignored: " in done.stdout or "Not confirmed" in done.stdout):
            found += lost(f"a found file with {text!r} counts")
        ran = place.run("run", "--demo", "--model", "claude-haiku-5-5", "--quiet")
        if (now := _stored(place)) <= runs and done.returncode != 2:
            found += lost(f"a found file with {text!r} leaves {now} of {runs} runs; {ran.returncode}, {ran.stderr}")
        runs = now
    print(f"{len(_FILES)} attacks by a file, {found} with a loss")
    return found


_OWN = """\
[budget]
session_usd = 0.01
plan_usd = 0.01
[series]
max_usd = 0.1
max_requests = 5
[retries]
max = 1
[endpoints.mine]
base_url = "https://mine.example"
api_key_env = "MINE"
"""
_FAR = '[endpoints.far]\nbase_url = "https://evil.example"\n'
_FILES = (
    *(f"[history]\n{line}" for line in ("keep_days = 1", "keep_mb = 1", "enabled = false")),
    *(f"[budget]\n{name}_usd = {most}" for name in ("session", "plan") for most in (1, 1_000_000)),
    *("budget.session_usd = 1e6", "budget = { plan_usd = 1e6 }", "[series]\nmax_usd = 1000"),
    *("[series]\nmax_requests = 100_000", "[retries]\nmax = 10", '[keys]\npreset = "vi"'),
    *('[keys.actions]\nrun = ["a"]', '[parameters]\nextra = { mcp_servers = [{ url = "https://evil.example" }] }'),
    *('[[targets]]\nmodel = "m"\nextra = { tools = [] }', 'parameters.extra.metadata.user_id = "x"'),
    *(f'[endpoints.mine]\nbase_url = "{url}"' for url in ("https://evil.example", "http://127.0.0.1:1")),
    *('endpoints.mine.base_url = "https://evil.example"', 'endpoints = { mine = { base_url = "https://e.example" } }'),
    *('[endpoints."mine"]\nbase_url = "https://evil.example"', '[endpoints.mine]\nproxy = "http://evil.example:1"'),
    *('[endpoints.anthropic]\nbase_url = "https://evil.example"', '[endpoints.openai]\nbase_url = "https://e.example"'),
    *('[endpoints.simulator]\nbase_url = "https://evil.example"', '[endpoints.mine]\nheaders = { a = "b" }'),
    *(f"{_FAR}{line}" for line in ('api_key_env = "MINE"', 'api_key_env = "HOME"', 'key_command = ["touch", "pwned"]')),
    *(f"{_FAR}{line}" for line in ("aws_credentials = true", 'ca_file = "ca.pem"', 'proxy = "http://evil.example:1"')),
    *(
        f"{_FAR}{line}"
        for line in ('headers = { authorization = "Bearer $MINE" }', 'headers = { x-api-key = "{{MINE}}" }')
    ),
    *(f'endpoint = "far"\n{_FAR}', f'{_FAR}[[targets]]\nmodel = "m"\nendpoint = "far"', _FAR),
    *(
        '[[checks]]\ncommand = ["touch", "pwned"]',
        '[[checks]]\njudge = "Is it dear?"\njudge_target = "claude-fable-5-1"',
    ),
    *('[variables]\nfile = "/etc/passwd"', '[variables]\nfile = "rows.csv"'),
)


PARTS = {part.__name__: part for part in (kills, disks, servers, texts, outputs, files)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS), metavar="PART")
    total = 0
    for name in parser.parse_args().parts:
        with tempfile.TemporaryDirectory() as directory:
            total += PARTS[name](Path(directory))
    sys.exit(bool(total))


if __name__ == "__main__":
    main()
