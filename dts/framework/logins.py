"""Services that ask for a password, and those who try: sshd, FTP, a guarded page; hydra, users."""

import http.server
import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from framework.namespace import run, stop_process
from framework.testbed import HOST_DEVICE, Host, Testbed
from framework.tools import need
from framework.waiting import wait_for

USER, PASSWORD = "visitor", "open-sesame"
SSH_PORT, FTP_PORT, HTTP_PORT = 2222, 21, 8000
FTP_OK, FTP_REFUSED = "230", "530"
TRUSTING = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR")  # fmt: skip


class Ftp(socketserver.StreamRequestHandler):
    """As much of RFC 959 as a login takes."""

    timeout = 20

    def handle(self) -> None:
        """Talk until the client leaves."""
        with suppress(ConnectionError, TimeoutError):
            self._say("220 the lab")
            while line := self.rfile.readline(512):
                word, _, rest = line.decode("ascii", "replace").strip().partition(" ")
                self._say(self._reply(word.upper(), rest))
                if word.upper() == "QUIT":
                    return

    def _reply(self, word: str, rest: str) -> str:
        if word == "USER":
            self.user = rest
            return "331 Please specify the password."
        if word == "PASS":
            good = (self.user, rest) == (USER, PASSWORD)
            return f"{FTP_OK} Login successful." if good else f"{FTP_REFUSED} Login incorrect."
        return "221 Goodbye." if word == "QUIT" else "500 Unknown command."

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode("ascii"))


class GuardedPage(http.server.BaseHTTPRequestHandler):
    """A page that no password opens."""

    timeout = 20

    def do_GET(self) -> None:
        """Refuse."""
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="lab"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Say nothing: the appliance's log is the one that is read."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is shut out in the middle of a sentence is the point of the suite."""


class LoginServers:
    """The three services on every server address; closed with close()."""

    def __init__(self, testbed: Testbed) -> None:
        """Start them."""
        self._namespace = testbed.servers.namespace
        self._work = testbed.work / "logins"
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir()
        self._servers = [self._serve(FTP_PORT, Ftp), self._serve(HTTP_PORT, GuardedPage)]
        self._sshd = self._start_sshd()
        listens = f":{SSH_PORT} "
        wait_for("sshd to listen", lambda: listens in self._namespace.run("ss", "-Hltn"))

    def _serve(self, port: int, handler: type[socketserver.BaseRequestHandler]) -> _Server:
        server = _Server(("", port), handler, bind_and_activate=False)
        server.socket.close()
        with self._namespace.entered():
            server.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.server_bind()
        server.server_activate()
        threading.Thread(target=server.serve_forever, name=f"port {port}", daemon=True).start()
        return server

    def _start_sshd(self) -> "subprocess.Popen[bytes]":
        """Start the real one, with accounts of its own: it sees other files in /etc."""
        need("sshd")
        key = self._work / "host_key"
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)])
        hashed = run(["openssl", "passwd", "-6", PASSWORD]).strip()
        self._add_line("passwd", f"{USER}:x:60001:60001::/:/bin/true")
        self._add_line("shadow", f"{USER}:{hashed}:19000:0:99999:7:::")
        config = self._work / "sshd_config"
        config.write_text(
            f"Port {SSH_PORT}\nHostKey {key}\nPidFile none\nUsePAM no\nStrictModes no\n"
            "PasswordAuthentication yes\nKbdInteractiveAuthentication no\nMaxStartups 100\n",
            encoding="ascii",
        )
        files = ("passwd", "shadow")
        mounts = " && ".join(f"mount --bind {self._work / f} /etc/{f}" for f in files)
        script = f"mkdir -p /run/sshd && {mounts} && exec /usr/sbin/sshd -D -e -f {config}"
        with (self._work / "sshd.log").open("wb") as log:
            return self._namespace.start("unshare", "--mount", "sh", "-c", script, stdout=log)

    def _add_line(self, name: str, line: str) -> None:
        file = self._work / name
        shutil.copy(Path("/etc", name), file)
        with file.open("a", encoding="utf-8") as text:
            text.write(line + "\n")

    def close(self) -> None:
        """Stop all of them."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        stop_process(self._sshd)


@contextmanager
def speaking_from(host: Host, source: str, target: str) -> Iterator[None]:
    """Tell the kernel which address programs speak from that cannot be told themselves."""
    route = (f"{target}/32", "dev", HOST_DEVICE)
    host.namespace.ip("route", "add", *route, "src", source)
    try:
        yield
    finally:
        host.namespace.ip("route", "del", *route)


def hydra(host: Host, source: str, url: str, words: Path, seconds: int = 15) -> str:
    """Guess passwords from one address for at most some seconds; return what hydra says.

    The time is bounded from outside, because a guesser who is shut out waits.
    """
    need("hydra")
    if not words.exists():
        words.write_text("".join(f"guess{n}\n" for n in range(200)), encoding="ascii")
    target = url.split("//")[1].split(":")[0].split("/")[0]
    with speaking_from(host, source, target):
        return host.namespace.run(
            *("env", "-C", str(words.parent)),  # where hydra leaves what it would resume from
            *("timeout", str(seconds), "hydra", "-I", "-l", USER, "-P", str(words)),
            *("-t", "4", "-W", "1", url),
            timeout=seconds + 20,
            check=False,
        )


def ssh_login(host: Host, source: str, server: str, password: str, command: str = "") -> bool:
    """Log in by SSH with one try; tell whether the server took it."""
    need("sshpass")
    words: Sequence[str] = ("ssh", "-b", source, "-p", str(SSH_PORT), *TRUSTING)
    options = ("-o", "NumberOfPasswordPrompts=1", "-o", "ConnectTimeout=5",
               "-o", "PubkeyAuthentication=no")  # fmt: skip
    argv = ["sshpass", "-p", password, *words, *options, f"{USER}@{server}", command or "true"]
    said = host.namespace.run("sh", "-c", '"$@" && echo taken', "sh", *argv, check=False)
    return "taken" in said


def ftp_login(host: Host, source: str, server: str, password: str) -> str:
    """Log in by FTP with one try; return the code of the reply, or nothing without one."""
    with host.namespace.entered():
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with client, suppress(TimeoutError, ConnectionError):
        client.settimeout(5)
        client.bind((source, 0))
        client.connect((server, FTP_PORT))
        with client.makefile("rw", encoding="ascii", newline="\r\n") as lines:
            lines.readline()
            for line in (f"USER {USER}", f"PASS {password}"):
                lines.write(line + "\r\n")
                lines.flush()
                reply = lines.readline()
            return reply[:3]
    return ""
