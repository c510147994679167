"""The control socket: one JSON object a line each way."""

import json
import socket
from pathlib import Path
from typing import Any

from framework.errors import LabError

Answer = dict[str, Any]


class ControlClient:
    """One connection to the control socket."""

    def __init__(self, path: Path, timeout: float = 5.0) -> None:
        """Connect."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise LabError(f"control socket {path} does not answer: {error}") from error
        self._lines = self._socket.makefile("rb")

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def send_unread(self, data: bytes) -> int:
        """Send without ever waiting; return how much the socket took."""
        self._socket.setblocking(False)
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def read_line(self) -> bytes:
        """Return the next line, or nothing when the appliance has closed."""
        try:
            return self._lines.readline()
        except ConnectionError:
            return b""

    def ask(self, command: str, **arguments: Any) -> Answer:
        """Send one command and return its answer."""
        self.send_raw(json.dumps({"command": command, **arguments}).encode() + b"\n")
        line = self.read_line()
        if not line:
            raise LabError(f"the control socket closed instead of answering {command!r}")
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise LabError(f"the answer to {command!r} is not an object: {line!r}")
        return answer

    def close(self) -> None:
        """Disconnect."""
        self._lines.close()
        self._socket.close()


def ask(path: Path, command: str, **arguments: Any) -> Answer:
    """Connect, ask one thing, disconnect."""
    client = ControlClient(path)
    try:
        return client.ask(command, **arguments)
    finally:
        client.close()
