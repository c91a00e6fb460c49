"""A real OpenSSH server on loopback, on a port and with keys of its own."""

import base64
import hmac
import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
MISSING = next((name for name, path in (("sshd", SSHD), ("ssh", shutil.which("ssh"))) if path is None), None)
"""What is not installed."""

ALIVE_INTERVAL_S, ALIVE_COUNT = 1, 2
"""A client that is silent for so many intervals is taken for dead."""


def knowing(password: str, directory: Path, pam: str = "") -> list[str]:
    """A command that starts another, for which alone this is the password of this user, and PAM's file for sshd.

    Needs root, Linux.
    """
    crypted = subprocess.run(["openssl", "passwd", "-6", password], capture_output=True, text=True, check=True).stdout
    user = pwd.getpwuid(os.geteuid()).pw_name
    (directory / "shadow").write_text(f"{user}:{crypted.strip()}:19000:0:99999:7:::\n")
    over = {"shadow": "/etc/shadow"}
    if pam:
        (directory / "pam").write_text(pam)
        over["pam"] = "/etc/pam.d/sshd"
    mounts = " && ".join(f"mount --bind {directory / name} {place}" for name, place in over.items())
    return ["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh"]


def code(secret: str, at_s: float) -> str:
    """What an app of codes shows for a secret at a moment (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(secret), int(at_s // 30).to_bytes(8, "big"), "sha1")
    part = int.from_bytes(digest[digest[-1] & 15 :][:4], "big") & 0x7FFFFFFF
    return f"{part % 1_000_000:06}"


CODES = next(Path("/").glob("lib/*/security/pam_google_authenticator.so"), None)
"""PAM's module that asks for a code (Debian: libpam-google-authenticator)."""
CAN_ASK_PASSWORDS = (
    MISSING is None
    and sys.platform.startswith("linux")
    and os.geteuid() == 0
    and shutil.which("openssl") is not None
    and subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0
)


class SshServer:
    """An sshd that lets this user in with a throw-away key."""

    def __init__(
        self,
        directory: Path,
        environ: dict[str, str],
        also: tuple[str, ...] = (),
        passphrase: str = "",
        *,
        password: str = "",
        codes: str | None = None,
        address: str = "127.0.0.1",
        within: Sequence[str] = (),
    ) -> None:
        """Sessions get their homes from `environ`, and what is named by `also`; `passphrase` is that of the key.

        With `password` that lets this user in, and no key. With `codes` PAM asks for both, by the keyboard-interactive
        method: for the password, and where it is not empty for a code of that secret. It listens at `address`, started
        by the command `within`, which may put it into another network.
        """
        directory.mkdir(mode=0o700)
        self.directory = directory
        for name, secret in (("host", ""), ("person", passphrase)):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", secret, "-f", str(directory / name)], check=True)
        shutil.copy(directory / "person.pub", directory / "authorized_keys")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._address = address
        # What a login would bring: sshd starts programs with an environment of its own.
        passed = {
            name: value for name, value in environ.items() if name.startswith(("XDG_", "PYTHONPATH", "HOME", *also))
        }
        config = {
            "Port": self._port,
            "ListenAddress": address,
            "HostKey": directory / "host",
            "AuthorizedKeysFile": directory / "authorized_keys",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no" if codes is None else "yes",
            "KbdInteractiveAuthentication": "no" if codes is None else "yes",
            "PasswordAuthentication": "yes" if password and codes is None else "no",
            "PubkeyAuthentication": "no" if password else "yes",
            "PermitRootLogin": "yes",
            "ClientAliveInterval": ALIVE_INTERVAL_S,
            "ClientAliveCountMax": ALIVE_COUNT,
            "SetEnv": " ".join(f'{name}="{value}"' for name, value in passed.items()),
            "AcceptEnv": "TERMINAL_UNDER_TEST LANG COLORTERM",
        }
        (directory / "config").write_text("".join(f"{name} {value}\n" for name, value in config.items()))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd asks for it when run by root
        assert SSHD is not None
        self._log = directory / "log"
        if password:
            within = [*within, *knowing(password, directory, "" if codes is None else self._pam(codes))]
        command = [*within, SSHD, "-D", "-f", str(directory / "config"), "-E", str(self._log)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE)
        self.client = [
            *("ssh", "-tt", "-F", "none", "-p", str(self._port), "-i", str(directory / "person")),
            *("-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *(
                "-o",
                "LogLevel=ERROR",
                "-o",
                "ConnectionAttempts=20",
                "-o",
                "SendEnv=TERMINAL_UNDER_TEST LANG COLORTERM",
            ),
            f"{pwd.getpwuid(os.geteuid()).pw_name}@{address}",
        ]
        """The command that logs in; what to run follows."""

    def _pam(self, codes: str) -> str:
        """What PAM asks of whoever logs in, and nothing of what else the system does for a login."""
        modules = ["auth required pam_unix.so"]
        if codes:
            secret = self.directory / "codes"
            secret.write_text(f'{codes}\n" TOTP_AUTH\n')
            secret.chmod(0o400)
            modules.append(f"auth required {CODES} secret={secret} user=root")
        return "\n".join([*modules, "account required pam_permit.so", "session required pam_permit.so", ""])

    def configuration(self, alias: str, *, is_known: bool = True) -> str:
        """Lines of a person's configuration of ssh that reach it as `alias`; its key is known there, or not."""
        known = self.directory / "known_hosts"
        key = (self.directory / "host.pub").read_text().split()
        known.write_text(f"[{self._address}]:{self._port} {key[0]} {key[1]}\n" if is_known else "")
        return "\n".join(
            [
                f"Host {alias}",
                f"  HostName {self._address}",
                f"  Port {self._port}",
                f"  User {pwd.getpwuid(os.geteuid()).pw_name}",
                f"  IdentityFile {self.directory / 'person'}",
                "  IdentitiesOnly yes",
                "  ConnectionAttempts 20",
                f"  UserKnownHostsFile {known}",
                "",
            ]
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
