"""What stands behind the appliance: a web server, a few open TCP ports, a UDP service."""

import secrets
import socket
import sys
import threading
from pathlib import Path

from framework.namespace import stop_process
from framework.testbed import Testbed
from framework.waiting import wait_for

HTTP_PORT = 80
OPEN_PORTS = (22, 25, 443, 8080)
UDP_PORT = 53
BACKLOG = 512


class Servers:
    """Services on every server address, IPv4 and IPv6; closed with close()."""

    def __init__(self, testbed: Testbed, content_bytes: int = 1 << 20) -> None:
        """Start them, with one file of random content called `large`."""
        self._namespace = testbed.servers.namespace
        self._closing = threading.Event()
        self.content = testbed.work / "www"
        self.content.mkdir(exist_ok=True)
        (self.content / "index.html").write_text("an innocent page\n", encoding="ascii")
        with Path(self.content, "large").open("wb") as large:
            for _ in range(content_bytes >> 16):
                large.write(secrets.token_bytes(1 << 16))
        with (testbed.work / "http.log").open("wb") as log:
            self._http = self._namespace.start(
                *(sys.executable, "-m", "http.server", str(HTTP_PORT), "--bind", "::"),
                *("--directory", str(self.content)),
                stdout=log,
            )
        self._listeners = [self._listen(port) for port in OPEN_PORTS]
        self._udp = self._open(socket.SOCK_DGRAM, UDP_PORT)
        self._udp.settimeout(0.1)
        self._echo = threading.Thread(target=self._answer_udp, name="udp echo", daemon=True)
        self._echo.start()
        wait_for("the web server to listen", self._http_listens)

    def _open(self, kind: int, port: int) -> socket.socket:
        with self._namespace.entered():
            made = socket.socket(socket.AF_INET6, kind)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("::", port))
        return made

    def _listen(self, port: int) -> socket.socket:
        made = self._open(socket.SOCK_STREAM, port)
        made.listen(BACKLOG)  # the kernel completes handshakes; nobody needs to accept
        return made

    def _http_listens(self) -> bool:
        return f":{HTTP_PORT} " in self._namespace.run("ss", "-Hltn")

    def _answer_udp(self) -> None:
        while not self._closing.is_set():
            try:
                data, peer = self._udp.recvfrom(2048)
                self._udp.sendto(data, peer)
            except TimeoutError:
                continue
            except OSError as refused:  # the peer's own port is closed: its business
                sys.stderr.write(f"udp echo: {refused}\n")

    def close(self) -> None:
        """Stop all of them."""
        if self._closing.is_set():
            return
        self._closing.set()
        stop_process(self._http)
        self._echo.join()
        for made in (*self._listeners, self._udp):
            made.close()
