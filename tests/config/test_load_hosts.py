"""Hosts in a configuration: who may set them, and what is wrong with them."""

from pathlib import Path

import pytest

from tui.config import paths
from tui.config.load import Flags, build_plan, load
from tui.config.show import describe
from tui.core.host import Host
from tui.errors import ConfigError

PLAN = """
[[targets]]
model = "a"
[[targets]]
model = "b"
[[hosts]]
name = "desk"
[[hosts]]
name = "tokyo"
ssh = "me@tokyo.example"
proxy = ""
[[hosts]]
name = "pod"
command = "kubectl exec -i bench-0 -- latency-tui engine"
forward_key = true
key_command = ["pass", "show", "key"]
"""
HOSTS = (
    Host(name="desk"),
    Host(name="tokyo", ssh="me@tokyo.example", proxy=""),
    Host(
        name="pod",
        command=("kubectl", "exec", "-i", "bench-0", "--", "latency-tui", "engine"),
        forward_key=True,
        key_command=("pass", "show", "key"),
    ),
)


def test_a_plan_asks_every_target_from_every_host(sealed: Path) -> None:
    (sealed / "plan.toml").write_text(PLAN)
    loaded = load(Flags(config=Path("plan.toml")), {}, sealed)
    plan = build_plan(loaded.settings, {}, "http://127.0.0.1:1")
    assert plan.hosts == HOSTS
    assert [target.label for target in plan.lanes] == [
        f"{model} · {host}" for model in "ab" for host in ("desk", "tokyo", "pod")
    ]
    assert [target.single for target in plan.lanes] == [target for target in plan.targets for _ in HOSTS]
    # What is printed gives the same when it is read.
    (sealed / "again.toml").write_text(describe(loaded, {}))
    assert load(Flags(config=Path("again.toml")), {}, sealed).settings.hosts == HOSTS


def test_a_file_that_was_found_sets_no_host_and_takes_none_away(sealed: Path) -> None:
    (sealed / paths.PROJECT_FILE).write_text(PLAN)
    loaded = load(Flags(), {}, sealed)
    assert loaded.settings.hosts == ()
    assert [ignored.path for ignored in loaded.ignored] == ["hosts"]
    assert "--config" in str(loaded.ignored[0])

    own = paths.user_config_file()
    own.parent.mkdir(parents=True)
    own.write_text('[[hosts]]\nname = "mine"\nssh = "mine"\n')
    for text in (PLAN, "hosts = []\n", 'hosts = "none"\n'):
        (sealed / paths.PROJECT_FILE).write_text(text)
        assert [host.name for host in load(Flags(), {}, sealed).settings.hosts] == ["mine"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('ssh = "tokyo"', "hosts.0 has no name"),
        ('name = "x"\nssh = "-oProxyCommand=id"', "ssh must be a host as ssh takes it"),
        ('name = "x"\nssh = ""', "ssh must be a host"),
        ('name = "x"\nssh = "a b"', "ssh must be a host"),
        ('name = "x"\nssh = "a"\ncommand = "b"', "has both ssh and command"),
        ('name = "x"\ncommand = ""', "command must be a program"),
        ('name = "x"\nforward_key = true', "has forward_key and neither ssh nor command"),
        ('name = "x"\nca_file = "a.pem"', "has ca_file and neither"),
        ('name = "x"\nssh = "a"\nproxy = "ftp://x"', "proxy must be a URL"),
        ('name = "x"\nssh = "a"\n[[hosts]]\nname = "x"\nssh = "b"', 'hosts.1 is called "x", as another host is'),
        ('name = "x"\nport = 22', "unknown key hosts.0.port"),
        ('name = "x"\nssh = 5', "ssh must be a text, but is 5"),
        ('name = "\\u001b[2J"', "name must be"),
    ],
)
def test_what_cannot_be_a_host_is_said_with_its_line(sealed: Path, text: str, words: str) -> None:
    (sealed / "plan.toml").write_text(f"[[hosts]]\n{text}\n")
    with pytest.raises(ConfigError) as error:
        load(Flags(config=Path("plan.toml")), {}, sealed)
    assert words in str(error.value)
    assert str(error.value).startswith("plan.toml, line ")


def test_there_are_not_endlessly_many(sealed: Path) -> None:
    (sealed / "plan.toml").write_text("\n".join(f'[[hosts]]\nname = "h{at}"' for at in range(33)))
    with pytest.raises(ConfigError, match="at most 32 hosts, but holds 33"):
        load(Flags(config=Path("plan.toml")), {}, sealed)
