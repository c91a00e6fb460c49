"""The command line as a shell sees it: what goes to which stream, and the exit status."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from canary import KEY, refuse

from tui import __version__, cli

HEAVY = ("textual", "anthropic", "httpx2", "msgspec", "asyncio")


class Shell:
    """Runs the command without a terminal, in an empty directory."""

    def __init__(self, environ: dict[str, str], cwd: Path) -> None:
        self.environ = environ
        self.cwd = cwd

    def __call__(self, *arguments: str, stdin: str | bytes = "") -> "subprocess.CompletedProcess[str]":
        process = subprocess.run(
            [sys.executable, "-P", "-m", "tui", *arguments],
            input=stdin if isinstance(stdin, bytes) else stdin.encode(),
            capture_output=True,
            env=self.environ,
            cwd=self.cwd,
            start_new_session=True,  # without a controlling terminal either
            timeout=60,
            check=False,
        )
        refuse(process.stdout, "standard output")
        refuse(process.stderr, "standard error")
        return subprocess.CompletedProcess(
            arguments, process.returncode, process.stdout.decode(), process.stderr.decode("utf-8", "backslashreplace")
        )


@pytest.fixture
def shell(child_environ: dict[str, str], tmp_path: Path) -> Shell:
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    return Shell(child_environ, cwd)


def is_one_sentence(process: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert process.returncode == 2
    assert process.stdout == ""
    assert re.fullmatch(r"latency-tui: [^\n]+[.?]\n", process.stderr), process.stderr
    for word in words:
        assert word in process.stderr


def test_version(shell: Shell) -> None:
    process = shell("--version")
    assert (process.returncode, process.stdout, process.stderr) == (0, f"latency-tui {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["config", "--help"], ["simulate", "--help"], ["models", "--help"]]
)
def test_help(shell: Shell, arguments: list[str]) -> None:
    process = shell(*arguments)
    assert process.returncode == 0
    assert process.stdout.startswith("usage: latency-tui")
    assert process.stderr == ""


def test_the_help_names_every_option_of_the_issue_and_every_command(shell: Shell) -> None:
    shown = shell("--help").stdout
    options = ["PROMPT", "--model", "--system", "--file", "--max-tokens", "--base-url", "--config", "--demo", "--run"]
    for word in [*options, "--record", "--version", "simulate", "config", "ANTHROPIC_API_KEY"]:
        assert word in shown
    commands = shown.partition("commands:\n")[2].partition("\n\n")[0].splitlines()
    assert sorted(line.split()[1] for line in commands) == sorted((*cli._HEADLESS, *cli._OTHERS))


@pytest.mark.parametrize("arguments", [[], ["--refresh", "--demo"]])
def test_models_are_listed(shell: Shell, arguments: list[str]) -> None:
    process = shell("models", *arguments)
    assert (process.returncode, process.stderr) == (0, "")
    heading, *lines = process.stdout.splitlines()
    assert heading.startswith("id ")
    assert any(line.startswith("claude-haiku-4-5 ") and "200,000" in line and "1 / 5" in line for line in lines)


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_they_load_nothing_heavy(argument: str) -> None:
    code = (
        "import sys\n"
        "from tui.cli import main\n"
        f"try: main([{argument!r}])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert not set(HEAVY) & set(process.stderr.split())


def test_config_says_where_each_value_is_from(shell: Shell) -> None:
    (shell.cwd / "latency-tui.toml").write_text("[parameters]\nmax_tokens = 77\n")
    process = shell("config", "--model", "sim-fast")
    assert process.returncode == 0
    assert process.stderr == ""
    (line,) = [line for line in process.stdout.splitlines() if "max_tokens" in line]
    assert "77" in line
    assert "latency-tui.toml" in line
    assert "sim-fast" in process.stdout


def test_config_does_not_show_a_key(shell: Shell) -> None:
    shell.environ["ANTHROPIC_API_KEY"] = KEY
    assert KEY not in shell("config").stdout


NEEDED = {"compare": ["a", "b"], "replay": ["last"], "watch": ["--every", "5m"], "history": ["rm", "1"]}


@pytest.mark.unit
@pytest.mark.parametrize("command", ["", *cli._HEADLESS, *cli._OTHERS])
def test_every_command_says_in_one_sentence_what_it_does_not_know(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*command.split(), *NEEDED.get(command, []), "--nonsense=1"]) == 2
    said = f"latency-tui: --nonsense is no option here; see `{' '.join(['latency-tui', *command.split()])} --help`.\n"
    assert capsys.readouterr() == ("", said)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--max-tokens many", "--max-tokens must be a whole number, but is 'many'; see `latency-tui --help`."),
        ("Why is it", "'is it' is more than it takes: put quotes around a text of several words, or see "),
        ("--mod x", "--mod is no option here; did you mean --model?"),
        ("--demo=3", "--demo takes no value, but is given '3'; see "),
        ("config --fps 3", "--fps is no option here; see `latency-tui config --help`."),
        (
            "serve --port 0",
            "--port must be a whole number from 1 to 65535, but is '0'; see `latency-tui serve --help`.",
        ),
        ("compare", "A and B are missing; see `latency-tui compare --help`."),
        ("run --repeat", "--repeat needs one value; see `latency-tui run --help`."),
        ("run --frontier x", "--frontier cannot be 'x'; known are total, ttft."),
        ("history", "ACTION is missing; see `latency-tui history --help`."),
        ("history lst", "ACTION cannot be 'lst'; did you mean list?"),
        ("history list --limt 3", "--limt is no option here; did you mean --limit?"),
        ("history rm x", "NUMBER must be a whole number, but is 'x'; see `latency-tui history rm --help`."),
        ("simulate --fault 429-then-k", "--fault cannot be '429-then-k'; did you mean 429-then-ok?"),
        ("simulate --port 65536", "--port must be a whole number from 0 to 65535, but is '65536'; see "),
        ("history list --limit 0", "--limit must be a whole number from 1, but is '0'; see "),
        ("replay last --speed nan", "--speed must be a number from 0.1 to 100, but is 'nan'; see "),
    ],
)
def test_a_bad_argument_is_told_in_one_sentence(arguments: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments.split()) == 2
    out, error = capsys.readouterr()
    assert (out, error.count("\n")) == ("", 1)
    assert error.startswith(f"latency-tui: {said}")


@pytest.mark.parametrize(("word", "meant"), [("histroy", "history"), ("rn", "run"), ("comapre", "compare")])
def test_a_mistyped_command_is_no_prompt(shell: Shell, word: str, meant: str) -> None:
    done = shell(word, "plan.toml")
    assert done.returncode == 2
    assert f"did you mean {meant}?" in done.stderr
    assert f"latency-tui -- {word}" in done.stderr
    assert "did you mean" not in shell("--", word).stderr


def test_a_word_that_is_like_no_command_is_a_prompt(shell: Shell) -> None:
    for prompt in ("hello", "ping", "two words", "rn?"):
        assert "did you mean" not in shell(prompt).stderr


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[parameters]\nmax_tokns = 5\n", ["latency-tui.toml", "line 2", "max_tokns", "max_tokens"]),
        ('[parameters]\nmax_tokens = "5"\n', ["latency-tui.toml", "line 2", "max_tokens"]),
        ("[parameters\n", ["latency-tui.toml"]),
    ],
)
def test_a_bad_configuration(shell: Shell, toml: str, words: list[str]) -> None:
    (shell.cwd / "latency-tui.toml").write_text(toml)
    for arguments in ([], ["config"]):
        is_one_sentence(shell(*arguments), *words)


def test_bad_values(shell: Shell) -> None:
    is_one_sentence(shell("--max-tokens", "0"), "--max-tokens")
    is_one_sentence(shell("--config", "missing.toml"), "missing.toml")
    is_one_sentence(shell("--demo", "--base-url", "http://localhost"), "--demo", "--base-url")
    is_one_sentence(shell("--base-url", "localhost"), "--base-url")
    shell.environ["LATENCY_TUI_PARAMETERS_MAX_TOKNS"] = "5"
    is_one_sentence(shell("config"), "LATENCY_TUI_PARAMETERS_MAX_TOKNS")


def test_a_prompt_file(shell: Shell) -> None:
    is_one_sentence(shell("--file", "missing.txt"), "missing.txt", "no such file")
    is_one_sentence(shell("--file", "."), "cannot be read")
    (shell.cwd / "latin.txt").write_bytes(b"caf\xe9")
    is_one_sentence(shell("--file", "latin.txt"), "latin.txt", "UTF-8")
    (shell.cwd / "good.txt").write_text("good")
    is_one_sentence(shell("a prompt", "--file", "good.txt"), "PROMPT", "--file")


def test_without_a_terminal(shell: Shell) -> None:
    is_one_sentence(shell(), "terminal")
    is_one_sentence(shell("A prompt."), "terminal")
    is_one_sentence(shell("-", stdin="A prompt."), "terminal")
    is_one_sentence(shell("-", stdin=b"\xff"), "UTF-8")


def test_with_closed_streams(shell: Shell) -> None:
    command = f"exec {sys.executable} -P -m tui"
    for arguments in ("<&-", "- <&-", "2>&- <&-", ">&- <&-"):
        process = subprocess.run(
            ["/bin/sh", "-c", f"{command} {arguments}"],
            capture_output=True,
            text=True,
            env=shell.environ,
            cwd=shell.cwd,
            start_new_session=True,
            timeout=60,
            check=False,
        )
        assert process.returncode == 2, arguments
        assert "Traceback" not in process.stderr


def test_a_prompt_that_is_no_text(shell: Shell) -> None:
    is_one_sentence(shell(os.fsdecode(b"caf\xe9")), "PROMPT")
    is_one_sentence(shell("--system", os.fsdecode(b"caf\xe9")), "--system")


def test_a_pipe_that_is_closed_early(shell: Shell) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        process = subprocess.run(
            [sys.executable, "-P", "-m", "tui", "config"],
            stdin=subprocess.DEVNULL,
            stdout=closed,
            stderr=subprocess.PIPE,
            env=shell.environ,
            cwd=shell.cwd,
            timeout=60,
            check=False,
        )
    assert process.stderr == b""


def test_a_busy_port(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = shell("simulate", "--port", port)
    assert process.returncode == 1
    assert re.fullmatch(r"latency-tui: [^\n]+[.]\n", process.stderr)
    assert port in process.stderr
    assert process.stdout == ""


def test_a_module_named_like_ours_where_the_person_stands_is_not_taken(shell: Shell) -> None:
    (shell.cwd / "tui").mkdir()
    (shell.cwd / "tui" / "__init__.py").write_text("raise SystemExit('wrong package')")
    assert shell("--version").returncode == 0
