"""Connections of ssh that a person opens; `tests/ssh/test_logins.py` has a real ssh that asks."""

import asyncio
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from tui.core.engine_events import EngineFailed
from tui.core.host import Host
from tui.engine.logins import Logins, needs_person

TOKYO, TWIN, PARIS = Host(name="tokyo", ssh="tokyo"), Host(name="twin", ssh="tokyo"), Host(name="paris", ssh="paris")
POD = Host(name="pod", command=("kubectl",))


@pytest.mark.parametrize(
    ("host", "status", "words", "needs"),
    [
        (TOKYO, 255, "me@tokyo: Permission denied (publickey,password).", True),
        (TOKYO, 255, "Host key verification failed.", True),
        (TOKYO, 255, "ssh: connect to host tokyo port 22: Connection refused", False),
        (TOKYO, 126, "sh: latency-tui: Permission denied", False),
        (POD, 255, "Permission denied", False),
    ],
)
def test_a_person_is_needed_where_ssh_says_that_it_may_not_ask(
    host: Host, status: int, words: str, *, needs: bool
) -> None:
    assert needs_person(host, status, words) is needs


class Person:
    """Somebody who logs in, or does not, and is asked one thing at a time."""

    def __init__(self, *answers: bool) -> None:
        self.answers = [*answers]
        self.asked: list[tuple[str, Sequence[str]]] = []
        self._is_busy = False

    async def __call__(self, host: Host, command: Sequence[str]) -> bool:
        assert not self._is_busy
        self._is_busy = True
        await asyncio.sleep(0)
        self._is_busy = False
        self.asked.append((host.name, command))
        return self.answers.pop(0)


async def test_one_login_serves_all_engines_of_a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    logins = Logins()
    assert not await logins.open(TOKYO), "nobody is there"
    logins.answer = person = Person(True, False, True)
    assert [*await asyncio.gather(*map(logins.open, (TOKYO, TWIN, PARIS)))] == [True, True, False]
    assert [name for name, _ in person.asked] == ["tokyo", "paris"]
    said = [logins.explained(host, EngineFailed(t_ns=1, message="No.")).message for host in (PARIS, Host(name="osaka"))]
    assert said == ["No.", "No. Where there is a terminal, ssh asks on it."], "who was asked on one knows"
    assert not await logins.open(POD)
    socket = logins.socket(TWIN)
    assert socket is not None
    assert logins.socket(TOKYO) == socket
    assert logins.socket(PARIS) is None
    directory = Path(socket).parent
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert len(os.fsencode(socket)) + 17 <= 103, "what the kernel and ssh leave of a socket's name"
    assert not logins.can_help(TOKYO), "it was in vain"
    assert logins.can_help(TOKYO)
    logins.said_hello(TWIN)
    assert logins.can_help(TWIN)
    assert not logins.can_help(POD)
    assert logins.socket(TOKYO) is None
    assert await logins.open(TWIN), "a connection that is gone is opened anew, elsewhere"
    assert logins.socket(TOKYO) != socket
    logins.drop()
    assert not directory.exists()


def test_what_is_shared_is_asked_for_once_and_nothing_else_changes() -> None:
    login, launch = TOKYO.login("/run/100%/1"), TOKYO.launch_over("/run/100%/1")
    assert login[:6] == ("ssh", "-M", "-S", "/run/100%%/1", "-o", "ControlPersist=60")
    assert "BatchMode=yes" not in login
    assert login[-3:] == ("--", "tokyo", "true")
    assert launch[:5] == ("ssh", "-S", "/run/100%%/1", "-o", "BatchMode=yes")
    assert launch[5:] == TOKYO.launch[3:]
    assert POD.launch_over("/run/1") == ("kubectl",)
