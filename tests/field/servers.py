"""Real servers as child processes on loopback, each with a configuration of the test's."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

_UP_WITHIN_S = 90
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", os.environ.get("FIELD_PROGRAMS", "")])
"""Where servers are looked for. `FIELD_PROGRAMS` is a directory of programs in an environment of their own."""


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(program: str, arguments: Sequence[str], port: int, place: Path) -> Iterator[int]:
    """The program while it listens on `port`, which is given back. Skips the test where it is not installed."""
    found = shutil.which(program, path=_PATH)
    if found is None:
        pytest.skip(f"{program} is not installed")
    with (place / f"{program}.log").open("w+b") as log:
        process = subprocess.Popen([found, *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=place)
        try:
            _wait_for(process, port, place / f"{program}.log")
            yield port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + _UP_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)  # there is nothing to wait on but the port
    pytest.fail(f"{process.args!r} does not listen on {port}: {log.read_text(errors='replace')}")


@contextmanager
def nginx(place: Path, upstream: int, *, more: str = "", location: str | None = None) -> Iterator[int]:
    """nginx in front of the port `upstream`; `location` takes the place of passing on."""
    port = free_port()
    passing = f"proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1;"
    temporary = "".join(
        f"{kind}_temp_path {place}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (place / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {place}/pid; error_log {place}/errors;\n"
        "events {}\n"
        f"http {{ access_log off; {temporary} {more}\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ {location or passing} }} }} }}\n"
    )
    with running("nginx", ["-p", str(place), "-e", f"{place}/errors", "-c", str(place / "nginx.conf")], port, place):
        yield port


@contextmanager
def haproxy(place: Path, upstream: int) -> Iterator[int]:
    """haproxy as it comes, in front of the port `upstream`."""
    port = free_port()
    (place / "haproxy.conf").write_text(
        "defaults\n mode http\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n"
        f"frontend here\n bind 127.0.0.1:{port}\n default_backend there\n"
        f"backend there\n server one 127.0.0.1:{upstream}\n"
    )
    with running("haproxy", ["-db", "-f", str(place / "haproxy.conf")], port, place):
        yield port


@contextmanager
def tinyproxy(place: Path, more: str = "") -> Iterator[int]:
    """tinyproxy, with further lines of configuration."""
    port = free_port()
    (place / "tinyproxy.conf").write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\n{more}\n")
    with running("tinyproxy", ["-d", "-c", str(place / "tinyproxy.conf")], port, place):
        yield port


@contextmanager
def squid(place: Path) -> Iterator[int]:
    """squid, that caches nothing."""
    port = free_port()
    place.chmod(0o777)  # it leaves root's rights
    for above in place.parents:
        if above.owner() == place.owner() and "pytest" in above.name:
            above.chmod(0o755)
    (place / "squid.conf").write_text(
        f"http_port 127.0.0.1:{port}\nhttp_access allow all\ncache deny all\naccess_log none\n"
        f"pid_filename {place}/squid.pid\ncache_log {place}/cache.log\ncoredump_dir {place}\npinger_enable off\n"
        "shutdown_lifetime 0 seconds\n"
    )
    with running("squid", ["-N", "-f", str(place / "squid.conf")], port, place):
        yield port


@contextmanager
def microsocks(place: Path, *more: str) -> Iterator[int]:
    """microsocks, with further arguments."""
    port = free_port()
    with running("microsocks", ["-i", "127.0.0.1", "-p", str(port), *more], port, place):
        yield port


@contextmanager
def litellm(place: Path, upstream: int, model: str) -> Iterator[int]:
    """LiteLLM's gateway, which asks `model` of the Messages API on the port `upstream`."""
    port = free_port()
    (place / "litellm.yaml").write_text(
        "model_list:\n"
        f"  - model_name: {model}\n"
        "    litellm_params:\n"
        f"      model: anthropic/{model}\n"
        f"      api_base: http://127.0.0.1:{upstream}\n"
        "      api_key: none\n"
        "general_settings:\n"
        "  dangerously_permit_weak_or_unset_master_key: true\n"
    )
    arguments = ["--config", str(place / "litellm.yaml"), "--host", "127.0.0.1", "--port", str(port)]
    with running("litellm", arguments, port, place):
        yield port


@contextmanager
def llama_cpp(place: Path) -> Iterator[int]:
    """llama.cpp's own server, with the model that `tiny_model.py` makes, which lies beside the program."""
    model = shutil.which("tiny.gguf", os.R_OK, path=_PATH)
    if model is None:
        pytest.skip("tiny.gguf is not there: see CONTRIBUTING.md")
    port = free_port()
    with running("llama-server", ["-m", model, "--host", "127.0.0.1", "--port", str(port), "-c", "4096"], port, place):
        yield port
