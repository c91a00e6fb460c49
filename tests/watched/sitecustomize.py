"""Imported by every Python that tests start: notes each process that one starts with the key where it does not belong.

`canary.py` copies this file to a directory of the session, beside a file with the key, and puts that on PYTHONPATH.
What is found is written there, since a child that is watched has no other way to say so.
"""

import os
import sys
from collections.abc import Iterable, Mapping

_HERE = os.path.dirname(__file__)  # noqa: PTH120 - pathlib is slow to import, and every child pays
with open(os.path.join(_HERE, "key"), "rb") as _file:  # noqa: PTH118, PTH123
    _KEY = _file.read()


def _bytes(part: object) -> bytes:
    return part if isinstance(part, bytes) else os.fsencode(str(part))


def _may_hold_it(words: list[bytes]) -> bool:
    """Whether these arguments are the engine's, or the screen's, which `serve` starts by a line of a shell."""
    line = b" ".join(words).split()
    return line[line.index(b"tui") + 1 :][:1] != [b"simulate"] if b"tui" in line else False


def _note(what: str, words: list[bytes]) -> None:
    line = b" ".join(words).replace(_KEY, b"[the key]").decode("utf-8", "replace")
    with open(os.path.join(_HERE, f"found-{os.getpid()}"), "a") as notes:  # noqa: PTH118, PTH123
        notes.write(f"{what}: {line}\n")


def _watch(event: str, details: tuple[object, ...]) -> None:
    if event == "subprocess.Popen":
        _, arguments, _, environ = details
    elif event in ("os.exec", "os.posix_spawn"):
        _, arguments, environ = details
    else:
        return
    words = [_bytes(arguments)] if isinstance(arguments, (str, bytes)) else []
    if not words and isinstance(arguments, Iterable):
        words = list(map(_bytes, arguments))
    given = environ if isinstance(environ, Mapping) else os.environ
    if any(_KEY in word for word in words):
        _note("arguments of a process", words)
    if not _may_hold_it(words) and any(_KEY in _bytes(value) for value in given.values()):
        _note("environment of a process", words)


sys.addaudithook(_watch)
