"""Starts of the program without its imports, which take 0.3 s of CPU for a command, 1.6 s for an engine.

A process that has made them is forked for each start. What a test gets is a process as `subprocess.Popen` starts it: a
child of whoever starts it, with a pid, descriptors, environment, directory and session of its own, that runs
`python -m tui`, or a script of the tests, from its first line to its exit status. What it starts in turn comes from a
process beside it that has done nothing yet.

Left out are Python's own start, the imports, and the command line in /proc. A test of these is marked `cold`. What a
shell or a terminal starts is cold, too.
"""

import atexit
import contextlib
import ctypes
import fcntl
import gc
import importlib
import inspect
import io
import json
import os
import resource
import runpy
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from tui import cli

_MODULES = (
    *("tui.cli", "tui.engine.server", "tui.simulator.command", "tui.session.session"),
    *(f"tui.headless.{name}" for name in cli._HEADLESS),
    *("tui.ui.start", "tui.ui.app"),
)
"""Modules from which all that a start imports is reached."""
_HERE = Path(__file__)
_PYTHON = (sys.executable, "-P")
_PROGRAM = (*_PYTHON, "-m", "tui")
_START_NOTHING = (["engine"], ["simulate"])
"""Commands without a process beside them."""
_READ_AT_ONCE = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "TEXTUAL_", "ESCDELAY")
"""Beginnings of variables that count when Python starts, or when Textual is imported."""
_NO_MATTER = ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "TEXTUAL_SNAPSHOT_TEMPDIR", "TEXTUAL_FPS")
_MOST_FDS = 64
BESIDE = "warm starter"
"""Name in /proc of the process beside one that starts others."""
_ABOVE = 512
"""A number above those that starters give to descriptors."""
_NOT_FLUSHED = 120
"""Python's exit status when standard output takes nothing more at the end."""
_SYS_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE_PARENT = 0x8000
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)
"""By Python, in every process."""
_SIGNALS = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})


def is_possible() -> bool:
    """Report whether processes can be started so on this machine."""
    return sys.platform == "linux" and os.uname().machine in _SYS_CLONE


class Starter:
    """The starting side: a process that has imported everything, at the other end of a socket."""

    def __init__(self, end: socket.socket | None = None) -> None:
        """`end` is our end of the socket; without it the process is launched when it is first needed."""
        self._end = end
        self._process: subprocess.Popen[bytes] | None = None
        self._environ = dict(os.environ)
        self._one_at_a_time = threading.Lock()

    def close(self) -> None:
        """Let the process end."""
        if self._end is not None:
            self._end.close()
        if self._process is not None:
            self._process.wait()

    def prepare(self) -> socket.socket:
        """Launch the process, if there is none yet, and wait until it has imported everything."""
        if self._end is None:
            self._end, theirs = socket.socketpair()
            with theirs:
                fd = theirs.fileno()
                command = [*_PYTHON, str(_HERE), str(fd)]
                self._process = subprocess.Popen(command, pass_fds=[fd], stdin=subprocess.DEVNULL, env=self._environ)
            _receive(self._end)
        return self._end

    def can(self, wanted: Mapping[str, Any]) -> bool:
        """Report whether it starts what is wanted, which are the arguments of `Popen._execute_child`."""
        args, environ = wanted["args"], os.environ if wanted["env"] is None else wanted["env"]
        usual = {"executable": None, "shell": False, "close_fds": True, "process_group": -1}
        usual |= {"gid": None, "gids": None, "uid": None, "umask": -1}
        return (
            not isinstance(args, str | bytes | os.PathLike)
            and _is_ours(tuple(args))
            and isinstance(wanted["preexec_fn"], Before | None)
            and all(wanted.get(name, value) == value for name, value in usual.items())
            and _read_at_once(environ) == _read_at_once(self._environ)
        )

    def start(self, wanted: Mapping[str, Any]) -> int:
        """Start it; the pid of a child of ours."""
        environ = os.environ if wanted["env"] is None else wanted["env"]
        fds = dict(enumerate((wanted["p2cread"], wanted["c2pwrite"], wanted["errwrite"])))
        fds = {number: number if fd == -1 else fd for number, fd in fds.items()} | {fd: fd for fd in wanted["pass_fds"]}
        there = {number: fd for number, fd in fds.items() if _is_open(fd)}
        what = {
            "arguments": [os.fsdecode(word) for word in wanted["args"]],
            "environ": {os.fsdecode(name): os.fsdecode(value) for name, value in environ.items()},
            "directory": str(Path(os.fsdecode(wanted["cwd"] or ".")).absolute()),
            "name": Path(sys.executable).name,
            "session": wanted["start_new_session"],
            "ignored": [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_IGN],
            "before": vars(wanted["preexec_fn"] or Before()),
            "numbers": list(there),
        }
        with self._one_at_a_time:
            end = self.prepare()
            _send(end, what, list(there.values()))
            pid: int = _receive(end)[0]["pid"]
        return pid


class Before:
    """A `preexec_fn` that a warm start takes, too."""

    def __init__(
        self,
        *,
        terminal: bool = False,
        ignore: int | None = None,
        close: Sequence[int] = (),
        largest_file: int | None = None,
    ) -> None:
        """`terminal`: that of standard error becomes the controlling one. `ignore` is a signal, `close` are descriptors
        that the program is to find closed, `largest_file` is how large a file it may write, bytes."""
        self.terminal = terminal
        self.ignore = ignore
        self.close = close
        self.largest_file = largest_file

    def __call__(self) -> None:
        if self.terminal:
            fcntl.ioctl(2, termios.TIOCSCTTY, 0)
        if self.ignore is not None:
            signal.signal(self.ignore, signal.SIG_IGN)
        for fd in self.close:
            os.close(fd)
        if self.largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest_file, self.largest_file))


class WarmPopen(subprocess.Popen[Any]):
    """`subprocess.Popen`, for which `starter` starts what it can."""

    starter: Starter | None = None

    def _execute_child(self, *details: Any) -> None:
        execute = super()._execute_child  # type: ignore[misc]
        wanted = inspect.signature(execute).bind(*details).arguments
        if WarmPopen.starter is None or not WarmPopen.starter.can(wanted):
            execute(*details)
            return
        sys.audit("subprocess.Popen", wanted["args"][0], list(wanted["args"]), wanted["cwd"], wanted["env"])
        self.pid = WarmPopen.starter.start(wanted)
        self._child_created = True
        close_ends = super()._close_pipe_fds  # type: ignore[misc]
        close_ends(*(wanted[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")))


def _is_ours(args: tuple[Any, ...]) -> bool:
    python, rest = args[: len(_PYTHON)], args[len(_PYTHON) :]
    script = Path(os.fsdecode(rest[0])) if rest else Path()
    is_script = script.suffix == ".py" and script.is_relative_to(_HERE.parent) and script != _HERE
    return python == _PYTHON and (rest[:2] == ("-m", "tui") or is_script)


def _read_at_once(environ: Mapping[Any, Any]) -> dict[str, str]:
    given = {os.fsdecode(name): os.fsdecode(value) for name, value in environ.items()}
    return {name: value for name, value in given.items() if name.startswith(_READ_AT_ONCE) and name not in _NO_MATTER}


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _send(to: socket.socket, what: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
    data = json.dumps(what).encode("utf-8", "surrogateescape")
    socket.send_fds(to, [len(data).to_bytes(4, "big")], fds)
    to.sendall(data)


def _receive(end: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next message, and its descriptors. Raises EOFError when the other side has gone."""
    head, fds, _, _ = socket.recv_fds(end, 4, _MOST_FDS)
    if len(head) < 4:
        raise EOFError
    left, data = int.from_bytes(head, "big"), b""
    while len(data) < left:
        data += end.recv(left - len(data)) or _gone()
    return json.loads(data), fds


def _gone() -> NoReturn:
    raise EOFError


# The started side


def _serve(end: socket.socket) -> None:
    """Start what is asked for, until the other side has gone. Returns in the process that was started only."""
    while True:
        try:
            what, fds = _receive(end)
        except (EOFError, ConnectionError):
            os._exit(0)
        pid = _fork_beside()
        if pid == 0:
            end.close()
            _become(what, fds)
        for fd in fds:
            os.close(fd)
        _send(end, {"pid": pid})


def _fork_beside() -> int:
    """Fork, as `os.fork` does, but a child of our parent's."""
    api = ctypes.PyDLL(None, use_errno=True)
    sys.stdout.flush()
    api.PyOS_BeforeFork()
    pid = int(api.syscall(_SYS_CLONE[os.uname().machine], _CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0))
    if pid == 0:
        api.PyOS_AfterFork_Child()
    else:
        api.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(ctypes.get_errno(), "clone")
    return pid


def _become(what: Mapping[str, Any], fds: list[int]) -> NoReturn:
    """Run what was asked for, to the end of this process."""
    _call(what["name"])
    if what["session"]:
        os.setsid()
    beside, pid = (None, 0) if what["arguments"][len(_PROGRAM) :][:1] in _START_NOTHING else _process_beside()
    _place(dict(zip(what["numbers"], fds, strict=True)), beside)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN if number in (*what["ignored"], *_IGNORED) else signal.SIG_DFL)
    if signal.SIGINT not in what["ignored"]:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    Before(**what["before"])()
    os.environ.clear()
    os.environ.update(what["environ"])
    time.tzset()
    os.chdir(what["directory"])
    sys.stdin = sys.__stdin__ = _stream(0, "r", "strict")  # type: ignore[assignment, misc]
    sys.stdout = sys.__stdout__ = _stream(1, "w", "strict")  # type: ignore[assignment, misc]
    sys.stderr = sys.__stderr__ = _stream(2, "w", "backslashreplace")  # type: ignore[assignment, misc]
    if beside is not None:
        WarmPopen.starter = Starter(beside)
        subprocess.Popen = WarmPopen  # type: ignore[misc]
    status = _run(what["arguments"])
    if beside is not None:
        beside.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    os._exit(status)


def _process_beside() -> tuple[socket.socket, int]:
    """The process that starts what this one asks for: our end of a socket to it, and its pid."""
    ours, theirs = socket.socketpair()
    # Above all numbers that are given to descriptors.
    end = socket.socket(fileno=fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, _ABOVE))
    ours.close()
    pid = os.fork()
    if pid == 0:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _call(BESIDE)
        _close_all_but(theirs.fileno())
        _serve(theirs)
    theirs.close()
    return end, pid


def _call(name: str) -> None:
    Path("/proc/self/comm").write_text(name)


def _place(fds: Mapping[int, int], beside: socket.socket | None) -> None:
    """Give every descriptor its number, and close all others but that of the process beside."""
    above = {number: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE) for number, fd in fds.items()}
    _close_all_but(*above.values(), *([] if beside is None else [beside.fileno()]))
    for number, fd in above.items():
        os.dup2(fd, number)
        os.close(fd)


def _close_all_but(*fds: int) -> None:
    for fd in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if fd not in fds:
            with contextlib.suppress(OSError):
                os.close(fd)


def _stream(fd: int, mode: str, errors: str) -> TextIO | None:
    """A standard stream as Python opens it."""
    if not _is_open(fd):
        return None
    raw = open(fd, f"{mode}b", closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(raw, _ENCODING, errors, line_buffering=fd == 2 or os.isatty(fd))


def _run(words: list[str]) -> int:
    """Run the program as Python does with these words; the exit status."""
    status, of_module = 0, words[2] == "-m"
    sys.orig_argv, sys.argv = words, words[3 if of_module else 2 :]
    try:
        if of_module:
            runpy.run_module(words[3], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(words[2], run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError, OSError):
            status = status if stream is None else _NOT_FLUSHED
    return status & 0xFF


if __name__ == "__main__":
    _ENCODING = sys.__stdout__.encoding if sys.__stdout__ is not None else "utf-8"
    os.environ.setdefault("TEXTUAL_FPS", "240")  # as `tui.ui.start` does
    for _name in _MODULES:
        importlib.import_module(_name)
    gc.collect()
    gc.freeze()
    _end = socket.socket(fileno=int(sys.argv[1]))
    _send(_end, {"pid": os.getpid()})
    _serve(_end)
