"""Runs the real edgesentryd over virtual devices: start, ready line, metrics, signals, exit codes.

usage: daemon_test.py EDGESENTRYD    (prints TAP; no root, no hugepages, no interface needed)
"""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

START_SECONDS = 60.0
STOP_SECONDS = 30.0

Case = Callable[["Place"], None]


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


class Place:
    """A directory and a metrics port for one run."""

    def __init__(self, program: str, folder: Path) -> None:
        """Nothing is started yet."""
        self.program = program
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def write_config(self, outside: str, inside: str, more: str = "") -> Path:
        """Write edgesentry.toml; `more` follows the last table."""
        path = self.folder / "edgesentry.toml"
        path.write_text(
            f'mode = "enforce"\n'
            f'[[segment]]\nname = "lan"\noutside = "{outside}"\ninside = "{inside}"\n'
            f'[dpdk]\nhugepages = "off"\nmemory_mb = 128\nfile_prefix = "edgesentry_test"\n'
            f'[workers]\nmbufs = 4096\n[table]\nsources = 4096\nsuspects = 256\nblocks = 256\n'
            f'[networks]\ninside = ["10.0.0.0/8"]\n'
            f'[log]\nsyslog = false\njson_file = "{self.folder}/events.json"\n'
            f'[metrics]\nlisten = "127.0.0.1:{self.port}"\n'
            f'[control]\nsocket = "{self.folder}/control.sock"\n{more}',
            encoding="utf-8")
        return path

    def run(self, *words: str) -> tuple[int, str, str]:
        """A run that must end by itself: exit code, standard output, standard error."""
        done = subprocess.run([self.program, *words], capture_output=True, text=True,
                              timeout=START_SECONDS, check=False)
        return done.returncode, done.stdout, done.stderr

    def start(self, config: Path) -> None:
        """Start and wait for the ready line."""
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self.process = subprocess.Popen([self.program, "-c", str(config)], stdout=out,
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

    def ask(self, request: dict[str, str]) -> dict[str, Any]:
        """A request over the control socket."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(self.folder / "control.sock"))
            with client.makefile("rw", encoding="utf-8") as lines:
                lines.write(json.dumps(request) + "\n")
                lines.flush()
                reply: dict[str, Any] = json.loads(lines.readline())
        assert reply["ok"], reply
        return reply

    def metric(self, name: str, labels: str = "") -> float:
        """The sum of a metric's samples whose labels contain `labels`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as page:
            text = page.read().decode()
        rows = re.findall(rf"^{name}(?:{{([^}}]*)}})? (\S+)$", text, re.MULTILINE)
        return sum(float(value) for found, value in rows if labels in found)

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> str:
        """Ask it to stop, check the exit code, return standard output."""
        assert self.process is not None
        self.process.send_signal(with_signal)
        code = self.process.wait(STOP_SECONDS)
        assert code == 0, f"ended with {code}: {self.errors()}"
        return (self.folder / "out").read_text(encoding="utf-8")

    def clean_up(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def starts_shows_metrics_and_stops(place: Place) -> None:
    """Over net_null: packets flow, are counted, and add up at the end."""
    place.start(place.write_config("net_null0", "net_null1"))
    wait_for("traffic", lambda: place.metric("edgesentry_packets_forwarded_total") > 1000, 20)
    assert place.metric("edgesentry_up") == 1
    out = place.stop()
    account = re.search(r"received (\d+) = forwarded (\d+) \+ dropped by verdict (\d+) "
                        r"\+ dropped by fault (\d+)", out)
    assert account, out
    received, *ended = map(int, account.groups())
    assert received == sum(ended) > 1000, out
    assert not (place.folder / "control.sock").exists(), "the socket is left behind"


def blocks_a_scanner_of_a_capture(place: Place) -> None:
    """From a capture file to a capture file: what passes ends with the decision."""
    source, probes = "198.51.100.66", 400
    capture, left = place.folder / "in.pcap", place.folder / "out.pcap"
    write_capture(capture, [syn(source, port) for port in range(1, probes + 1)])
    nothing = place.folder / "nothing.pcap"
    write_capture(nothing, [])
    # A capture answers no challenge, so that nobody in it could prove where he is.
    place.start(place.write_config(f"net_pcap0,rx_pcap={capture}",
                                   f"net_pcap1,rx_pcap={nothing},tx_pcap={left}",
                                   '[verify]\nproof = "none"\n'))
    wait_for("the whole capture",
             lambda: place.metric("edgesentry_packets_received_total") == probes, 20)
    wait_for("the block", lambda: place.metric("edgesentry_blocks_added_total") == 1, 20)
    dropped = place.metric("edgesentry_packets_dropped_total", 'class="verdict"')
    place.stop(signal.SIGINT)
    passed = count_records(left, source)
    assert 0 < passed < 40 and passed + dropped == probes, f"{passed} passed, {dropped} dropped"
    lines = (place.folder / "events.json").read_text(encoding="utf-8").splitlines()
    actions = [json.loads(line)["event"]["action"] for line in lines]
    assert actions.count("source-blocked") == 1, actions
    assert actions[0] == "service-start" and actions[-1] == "service-stop", actions


def reloads_on_sighup(place: Place) -> None:
    """A good file is taken over, a bad one changes nothing and the appliance lives on."""
    config = place.write_config("net_null0", "net_null1")
    place.start(config)
    assert place.process is not None
    generation = "edgesentry_worker_policy_generation"
    before = place.metric(generation)
    place.write_config("net_null0", "net_null1", "[detect]\nvertical_ports = 30\n")
    place.process.send_signal(signal.SIGHUP)
    wait_for("the new policy", lambda: place.metric(generation) > before, 20)
    config.write_text("mode = 7", encoding="utf-8")
    place.process.send_signal(signal.SIGHUP)
    wait_for("the refusal",
             lambda: place.metric("edgesentry_config_last_reload_successful") == 0, 20)
    assert place.is_alive()
    place.stop()


def says_what_is_wrong(place: Place) -> None:
    """Usage, configuration and environment: each its exit code and its sentence."""
    code, out, _ = place.run("--help")
    assert code == 0 and "SIGHUP" in out
    code, out, _ = place.run("--version")
    assert code == 0 and out.startswith("edgesentryd ")
    assert place.run("--no-such-option")[0] == 2
    code, _, err = place.run("-c", str(place.folder / "missing.toml"))
    assert code == 78 and "missing.toml" in err, err
    bad = place.folder / "bad.toml"
    bad.write_text('mode = "attack"\nnonsense = 1\n', encoding="utf-8")
    code, _, err = place.run("-c", str(bad))
    assert code == 78 and "mode" in err and "nonsense" in err, err
    missing = str(place.write_config("nosuchif0", "net_null1"))
    for words in (["--check"], []):
        code, _, err = place.run(*words, "-c", missing)
        assert code == 1 and '"nosuchif0"' in err and "lo" in err, err
    unread = str(place.write_config("net_pcap0,rx_pcap=/no/such.pcap", "net_null1"))
    code, _, err = place.run("-c", unread)
    assert code == 1 and "lan outside" in err and "/no/such.pcap" in err, err
    good = str(place.write_config("net_null0", "net_null1"))
    code, out, _ = place.run("--check", "-c", good)
    assert code == 0 and "is right" in out
    code, _, err = place.run("--no-such-eal-option", "--", "-c", good)
    assert code == 1 and "no-such-eal-option" in err, err


def says_which_log_cannot_be_written(place: Place) -> None:
    """On standard error and in `status`, once; again when it can be written."""
    config = place.write_config("net_null0", "net_null1")
    logs = place.folder / "logs"
    logs.write_text("a file where the directory has to be", encoding="utf-8")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("/events.json", "/logs/events.json"), encoding="utf-8")
    place.start(config)
    place.ask({"command": "block", "address": "198.51.100.9"})
    wait_for("the complaint", lambda: "log file" in place.errors(), 20)
    row = place.ask({"command": "status"})["logs"][0]
    assert row["place"] == f"{logs}/events.json" and row["state"] == "degraded", row
    assert "create it by hand" in row["trouble"] and row["since"].endswith("Z"), row
    logs.unlink()
    wait_for("the recovery", lambda: "is written again" in place.errors(), 20)
    assert place.ask({"command": "status"})["logs"][0]["state"] == "working"
    assert place.errors().count("log file") == 1, place.errors()
    place.stop()


def takes_no_port_when_others_hold_its_doors(place: Place) -> None:
    """A taken metrics port or control socket ends the start before a device is opened."""
    left, nothing = place.folder / "left.pcap", place.folder / "nothing.pcap"
    write_capture(nothing, [])
    config = str(place.write_config("net_null0", f"net_pcap0,rx_pcap={nothing},tx_pcap={left}"))
    with socket.socket() as other:
        other.bind(("127.0.0.1", place.port))
        other.listen()
        code, _, err = place.run("-c", config)
    assert code == 1 and f"127.0.0.1:{place.port}" in err and "in use" in err, err
    assert not (place.folder / "control.sock").exists(), "the socket is left behind"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(place.folder / "control.sock"))
        other.listen()
        code, _, err = place.run("-c", config)
    assert code == 1 and "another instance answers" in err, err
    assert not left.exists(), "a device was opened for nothing"
    (place.folder / "control.sock").unlink()
    place.start(Path(config))
    assert left.exists(), "this file shows that a device is open"
    place.stop()


def needs_hugepages_only_when_told(place: Place) -> None:
    """With hugepages required and none free, the sentence holds the command."""
    config = place.write_config("net_null0", "net_null1")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('"off"', '"required"').replace("= 128", "= 65536"),
                      encoding="utf-8")
    code, _, err = place.run("-c", str(config))
    assert code == 1 and "vm.nr_hugepages=" in err, err


CASES: list[Case] = [starts_shows_metrics_and_stops, blocks_a_scanner_of_a_capture,
                     reloads_on_sighup, says_what_is_wrong,
                     says_which_log_cannot_be_written,
                     takes_no_port_when_others_hold_its_doors, needs_hugepages_only_when_told]


def main(program: str) -> int:
    """Run all cases; TAP."""
    failed = 0
    print(f"1..{len(CASES)}")
    for number, case in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
            place = Place(os.path.abspath(program), Path(folder))
            try:
                case(place)
                print(f"ok {number} - {case.__name__}")
            except (AssertionError, OSError, subprocess.SubprocessError) as wrong:
                failed += 1
                print(f"not ok {number} - {case.__name__}")
                for line in str(wrong).splitlines():
                    print(f"# {line}")
            finally:
                place.clean_up()
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
