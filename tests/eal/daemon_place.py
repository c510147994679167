"""A directory, a configuration and a metrics port for one run of edgesentryd, and its food."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

START_SECONDS = 60.0
STOP_SECONDS = 30.0


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Poll until it holds; AssertionError with its name when it never does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:g} s"
        time.sleep(0.02)


def syn(source: str, port: int) -> bytes:
    """An Ethernet frame with a TCP SYN from source to 10.0.0.1."""
    tcp = struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 0x50, 2, 1024, 0, 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0,
                     socket.inet_aton(source), socket.inet_aton("10.0.0.1"))
    return bytes(12) + b"\x08\x00" + ip + tcp


def write_capture(path: Path, frames: list[bytes]) -> None:
    """Write a pcap file."""
    head = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    records = [struct.pack("<IIII", 0, 0, len(f), len(f)) + f for f in frames]
    path.write_bytes(head + b"".join(records))


def count_records(path: Path, source: str) -> int:
    """How many frames of a source a pcap file holds."""
    data, at, found = path.read_bytes(), 24, 0
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        found += data[at + 16 + 26:at + 16 + 30] == socket.inet_aton(source)
        at += 16 + size
    return found


def pattern(name: str, expression: str, found: str, more: str) -> str:
    """One entry of a pattern file; `found` must match."""
    return (f"[[pattern]]\nid = '{name}'\nexpression = '{expression}'\nprotocol = 'tcp'\n"
            f"severity = 'low'\ndescription = 'd'\nmatches = ['{found}']\nspares = ['none']\n"
            f"{more}\n")


SCANNER = pattern("scanner", "nosuchtool", "nosuchtool/1", "kind = 'scanner'\nside = 'client'\n"
                  "tool = 'nmap'")
REFUSAL = pattern("refusal", "^530 ", "530 no", "kind = 'login-failed'\nside = 'server'\n"
                  "ports = '21'\nservice = 'ftp'")


def refusal(target: str) -> bytes:
    """A frame in which 10.0.0.1 refuses an FTP login of `target`."""
    said = b"530 Login incorrect.\r\n"
    segment = struct.pack("!HHIIBBHHH", 21, 40000, 5000, 1100, 0x50, 0x18, 65535, 0, 0) + said
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 1, 0, 64, 6, 0,
                         socket.inet_aton("10.0.0.1"), socket.inet_aton(target))
    return bytes.fromhex("020000000001020000000002") + b"\x08\x00" + header + segment


FILE_PREFIX = f"edgesentry_test{os.getpid()}"  # two runs on one machine do not meet


class Place:
    """A directory and a metrics port for one run."""

    def __init__(self, program: str, folder: Path) -> None:
        """Nothing is started yet."""
        self.program = program
        self.folder = folder
        self.port = free_port()
        self.cores: list[int] = []  # of the workers; empty: the daemon's choice
        self.process: subprocess.Popen[bytes] | None = None

    def write_config(self, outside: str, inside: str, more: str = "") -> Path:
        """Write edgesentry.toml; `more` follows the last table."""
        path = self.folder / "edgesentry.toml"
        path.write_text(
            f'mode = "enforce"\n'
            f'[[segment]]\nname = "lan"\noutside = "{outside}"\ninside = "{inside}"\n'
            f'[dpdk]\nhugepages = "off"\nmemory_mb = 128\nfile_prefix = "{FILE_PREFIX}"\n'
            f'[workers]\nmbufs = 4096\ncores = {self.cores}\n'
            f'[table]\nsources = 4096\nsuspects = 256\nblocks = 256\n'
            f'[networks]\ninside = ["10.0.0.0/8"]\n'
            f'[log]\nsyslog = false\njson_file = "{self.folder}/events.json"\n'
            f'[state]\nfile = "{self.folder}/state.db"\n'
            f'[metrics]\nlisten = "127.0.0.1:{self.port}"\n'
            f'[control]\nsocket = "{self.folder}/control.sock"\n{more}',
            encoding="utf-8")
        return path

    def run(self, *words: str) -> tuple[int, str, str]:
        """A run that must end by itself: exit code, standard output, standard error."""
        done = subprocess.run([self.program, *words], capture_output=True, text=True,
                              timeout=START_SECONDS, check=False)
        return done.returncode, done.stdout, done.stderr

    def start(self, config: Path, *words: str) -> None:
        """Start, with more words on the command line, and wait for the ready line."""
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self.process = subprocess.Popen([self.program, "-c", str(config), *words], stdout=out,
                                            stderr=err)
        wait_for("the ready line", lambda: self.said("is active") or not self.is_alive(),
                 START_SECONDS)
        assert self.is_alive(), self.errors()

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def said(self, words: str) -> bool:
        """Whether standard output holds these words."""
        return words in (self.folder / "out").read_text(encoding="utf-8")

    def errors(self) -> str:
        """Standard error so far."""
        return (self.folder / "err").read_text(encoding="utf-8")

    def ask(self, request: dict[str, Any], *, may_fail: bool = False) -> dict[str, Any]:
        """A request over the control socket."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(self.folder / "control.sock"))
            with client.makefile("rw", encoding="utf-8") as lines:
                lines.write(json.dumps(request) + "\n")
                lines.flush()
                reply: dict[str, Any] = json.loads(lines.readline())
        assert reply["ok"] or may_fail, reply
        return reply

    def metric(self, name: str, labels: str = "") -> float:
        """The sum of a metric's samples whose labels contain `labels`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as page:
            text = page.read().decode()
        rows = re.findall(rf"^{name}(?:{{([^}}]*)}})? (\S+)$", text, re.MULTILINE)
        return sum(float(value) for found, value in rows if labels in found)

    def stop(self, with_signal: signal.Signals = signal.SIGTERM, expected: int = 0) -> str:
        """Ask it to stop, check the exit code, return standard output."""
        assert self.process is not None
        self.process.send_signal(with_signal)
        code = self.process.wait(STOP_SECONDS)
        assert code == expected, f"ended with {code}: {self.errors()}"
        return (self.folder / "out").read_text(encoding="utf-8")

    def clean_up(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
