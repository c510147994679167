"""Inside the guest: the appliance on two taps, blocks by its command line, frames from outside.

Usage: rte_flow.py BUILD SHARE. Takes down what it sees, step by step, in SHARE/facts.json; judging
is left to TestSuite_rte_flow.py.

A frame that is written to a tap's interface goes through the kernel's queueing discipline, where
net_tap has its rules, and then to the driver. The taps are made beforehand, so that they, and what
the driver leaves on them, are still there when it has ended.
"""

import contextlib
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

OUTSIDE, INSIDE = "es_out", "es_in"
WORK = Path("/run/edgesentry-test")
CONTROL = WORK / "control.sock"
METRICS = "127.0.0.1:9465"
PER_SOURCE = 10
SECONDS = 60.0  # software emulation on a busy machine

V4_BLOCKED, V4_OTHER = "198.51.100.7", "198.51.100.8"
V6_BLOCKED, V6_NEIGHBOUR, V6_OTHER = "2001:db8:bad::1", "2001:db8:bad::2:2", "2001:db8:900d::1"
SOURCES = (V4_BLOCKED, V4_OTHER, V6_BLOCKED, V6_NEIGHBOUR, V6_OTHER)

CONFIG = f"""\
mode = "enforce"
placement = "inline"
[[segment]]
name = "lab"
outside = "net_tap0,iface={OUTSIDE}"
inside = "net_tap1,iface={INSIDE}"
[dpdk]
hugepages = "off"
memory_mb = 256
eal_args = ["--no-pci"]
[workers]
count = 1
queue_descriptors = 256
mbufs = 4096
[table]
sources = 65536
suspects = 1024
slow_suspects = 1024
blocks = 4096
[payload]
enabled = false
[networks]
inside = ["203.0.113.0/24", "2001:db8:5e::/64"]
[verify]
mode = "off"
[block]
ladder = ["1h"]
hold_bursts = false
[enforce]
rte_flow = "on"
[log]
syslog = false
[state]
file = "{WORK}/state.db"
[metrics]
listen = "{METRICS}"
[control]
socket = "{CONTROL}"
"""


def run(*command: str) -> str:
    """Run a program to its end and return its output."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    """Look until a condition holds."""
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain for {what}\n{(WORK / 'output').read_text()}")
        time.sleep(0.1)


def frame_of(source: str) -> bytes:
    """A UDP datagram to one service of a protected server."""
    udp = struct.pack("!HHHH", 40000, 53, 12, 0) + b"edge"
    ends = b"\x02\0\0\0\0\x02" + b"\x02\0\0\0\0\x01"
    if ":" in source:
        addresses = socket.inet_pton(socket.AF_INET6, source)
        addresses += socket.inet_pton(socket.AF_INET6, "2001:db8:5e::1")
        head = struct.pack("!IHBB", 6 << 28, len(udp), 17, 64)
        return ends + b"\x86\xdd" + head + addresses + udp
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    header += socket.inet_aton(source) + socket.inet_aton("203.0.113.10")
    words = struct.unpack("!10H", header)
    total = sum(words)
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    header = header[:10] + struct.pack("!H", ~total & 0xffff) + header[12:]
    return ends + b"\x08\0" + header + udp


def source_of(frame: bytes) -> str:
    """Who has sent a frame, or nothing."""
    kind = frame[12:14]
    if kind == b"\x08\0":
        return socket.inet_ntoa(frame[26:30])
    return socket.inet_ntop(socket.AF_INET6, frame[22:38]) if kind == b"\x86\xdd" else ""


def renew_taps() -> None:
    """Make the taps, new and without rules: a killed driver leaves its own on a lasting one."""
    for device in (OUTSIDE, INSIDE):
        words = ("dev", device, "mode", "tap", "multi_queue")
        if Path("/sys/class/net", device).exists():
            run("ip", "tuntap", "del", *words)
        run("ip", "tuntap", "add", *words)


class Appliance:
    """edgesentryd on the two taps."""

    def __init__(self, build: Path) -> None:
        """Take the folder of the programs."""
        self._app = build / "app"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it forwards."""
        output = (WORK / "output").open("wb")
        self._process = subprocess.Popen(
            [str(self._app / "edgesentryd"), "--", "-c", str(WORK / "edgesentry.toml")],
            stdout=output, stderr=subprocess.STDOUT,
        )
        wait_for("the appliance to be active", lambda: "is active" in self.said())
        for device in (OUTSIDE, INSIDE):
            run("ip", "link", "set", device, "up")

    def said(self) -> str:
        """Return its output."""
        return (WORK / "output").read_text(errors="replace")

    def end(self, number: int) -> int:
        """Send a signal and return the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(SECONDS)

    def order(self, *words: str) -> str:
        """Use its command line."""
        return run(str(self._app / "edgesentry"), *words, "--socket", str(CONTROL))

    def metrics(self) -> dict[str, float]:
        """Return each sample with the rte_flow label, and what was received."""
        with urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=30) as reply:
            text = reply.read().decode()
        found = dict(re.findall(r'^edgesentry_(\w+)\{enforcer="rte_flow"\} (\S+)$', text, re.M))
        facts = {name: float(value) for name, value in found.items()}
        received = re.findall(r"^edgesentry_packets_received_total\S* (\S+)$", text, re.M)
        facts["received"] = sum(float(value) for value in received)
        return facts


def rules() -> dict[str, int]:
    """What the kernel has on the outside tap: source, and packets that were dropped."""
    found: dict[str, int] = {}
    for parent in (("parent", "1:"), ("ingress",)):
        shown = subprocess.run(
            ["tc", "-s", "-j", "filter", "show", "dev", OUTSIDE, *parent],
            check=False, capture_output=True, text=True,
        ).stdout
        for each in json.loads(shown or "[]"):
            keys = each.get("options", {}).get("keys", {})
            if "actions" not in each.get("options", {}):
                continue
            stats = each["options"]["actions"][0]["stats"]
            found[keys.get("src_ip", "any")] = stats["drops"]
    return found


class Lab:
    """Frames from outside, and who arrives inside."""

    def __init__(self, appliance: Appliance) -> None:
        """Listen on the inside."""
        self._appliance = appliance
        self._inside = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self._inside.bind((INSIDE, 0))
        self._inside.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._outside = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._outside.bind((OUTSIDE, 0))

    def look(self) -> dict[str, Any]:
        """Send from every source; return who arrived and what kernel and appliance counted."""
        before = self._appliance.metrics()["received"]
        rules_before = rules()
        for source in SOURCES * PER_SOURCE:
            self._outside.send(frame_of(source))
        arrived: Counter[str] = Counter()
        self._inside.settimeout(3.0)
        with contextlib.suppress(TimeoutError):
            while True:
                arrived[source_of(self._inside.recv(2048))] += 1
        after = self._appliance.metrics()
        dropped = {s: n - rules_before.get(s, 0) for s, n in rules().items()}
        return {
            "arrived": dict(arrived), "dropped": dropped,
            "received": after["received"] - before, "metrics": after,
        }


def scenario(appliance: Appliance, facts: dict[str, Any]) -> None:
    """Do it all, and take it down."""
    appliance.start()
    lab = Lab(appliance)
    facts["open"] = lab.look()

    for source in (V4_BLOCKED, V6_BLOCKED):
        appliance.order("block", source, "--for", "30m")
    wait_for("two rules", lambda: len(rules()) == 2)
    facts["blocked"] = lab.look()

    appliance.order("unblock", V4_BLOCKED)
    wait_for("one rule", lambda: len(rules()) == 1)
    facts["unblocked"] = lab.look()

    appliance.order("bypass", "on")
    wait_for("no rule", lambda: not rules())
    facts["bypassed"] = lab.look()
    appliance.order("bypass", "off")
    wait_for("the rule again", lambda: len(rules()) == 1)

    appliance.end(signal.SIGKILL)
    renew_taps()
    appliance.start()
    wait_for("the rule of the earlier run", lambda: len(rules()) == 1)
    facts["restarted"] = Lab(appliance).look()

    facts["exit_code"] = appliance.end(signal.SIGTERM)
    facts["stopped"] = rules()


def main() -> None:
    """Prepare the taps, run, write the facts."""
    build, share = Path(sys.argv[1]), Path(sys.argv[2])
    WORK.mkdir()
    (WORK / "edgesentry.toml").write_text(CONFIG)
    Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
    renew_taps()
    facts: dict[str, Any] = {}
    appliance = Appliance(build)
    try:
        scenario(appliance, facts)
    finally:
        facts["said"] = appliance.said()
        (share / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
