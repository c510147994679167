"""The tools that compare_tools.py sets behind a flood, each with its usual rules against scans.

A source is a scanner after 15 SYNs within a minute, or by what the tool knows itself. Nobody is
blocked, so that all of them see the whole flood.
"""

import contextlib
import json
import os
import random
import re
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import debian_tools
from nftables_test import ATTACKER, SERVER, Place, run, wait_for
from rig import NotMeasured

HERTZ = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Seen:
    """By a tool, so far."""

    packets: int
    found: bool


class Watcher:
    """Nobody; and what a tool of the kernel needs no more than."""

    def __init__(self, place: Place, pid: int | None = None) -> None:
        self.place, self.pid = place, pid

    def seen(self) -> Seen:
        """What reached the host's stack."""
        text = run("ip", "netns", "exec", self.place.server, "cat", "/proc/net/dev")
        return Seen(int(re.findall(r"eth0: *\d+ +(\d+)", text)[0]), False)

    def cpu_seconds(self) -> float:
        """Of its program."""
        if self.pid is None:
            return 0
        return sum(int((task / "schedstat").read_text().split()[0])
                   for task in Path(f"/proc/{self.pid}/task").iterdir()) / 1e9

    def memory_mb(self) -> float | None:
        """Resident; nothing where there is no program."""
        if self.pid is None:
            return None
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


@contextlib.contextmanager
def nothing(place: Place, _build: Path, _folder: Path) -> Iterator[Watcher]:
    """The host's stack alone."""
    yield Watcher(place)


METER = """table inet guard {
  set seen { type ipv4_addr; flags dynamic,timeout; timeout 1m; size 65535; }
  set scanners { type ipv4_addr; flags dynamic,timeout; timeout 1h; size 65535; }
  chain input {
    type filter hook prerouting priority -300;
    tcp flags syn counter
    tcp flags syn add @seen { ip saddr limit rate over 15/minute burst 15 packets } \
add @scanners { ip saddr }
  }
}
"""


class Nftables(Watcher):
    """A dynamic set as a meter."""

    def seen(self) -> Seen:
        listed = json.loads(self.place.nft("-j", "list", "chain", "inet", "guard", "input"))
        counted = [part["counter"]["packets"] for item in listed["nftables"] if "rule" in item
                   for part in item["rule"]["expr"] if "counter" in part]
        found = ATTACKER in self.place.nft("list", "set", "inet", "guard", "scanners")
        return Seen(int(counted[0]), found)


@contextlib.contextmanager
def nftables(place: Place, _build: Path, _folder: Path) -> Iterator[Watcher]:
    """65535 sources in each set, as much as is usual."""
    subprocess.run(["ip", "netns", "exec", place.server, "nft", "-f", "-"], input=METER, text=True,
                   check=True, timeout=60)
    yield Nftables(place)


class XtRecent(Watcher):
    """iptables -m recent."""

    def seen(self) -> Seen:
        listed = self.place.nft("list", "chain", "ip", "filter", "INPUT")
        found = run("ip", "netns", "exec", self.place.server, "cat", "/proc/net/xt_recent/found")
        return Seen(int(re.findall(r"counter packets (\d+)", listed)[0]), ATTACKER in found)


@contextlib.contextmanager
def xt_recent(place: Place, _build: Path, folder: Path) -> Iterator[Watcher]:
    """The kernel's default of 100 sources a list."""
    rules = (["-p", "tcp", "--syn", "-m", "recent", "--name", "seen", "--set"],
             ["-p", "tcp", "--syn", "-m", "recent", "--name", "seen", "--rcheck", "--seconds", "60",
              "--hitcount", "15", "-m", "recent", "--name", "found", "--set"])
    for rule in rules:
        run(*debian_tools.command(["iptables", "-A", "INPUT", *rule], folder, place.server))
    yield XtRecent(place)


class Portsentry(Watcher):
    """Debian's, with a raw socket on TCP."""

    log: Path

    def seen(self) -> Seen:
        """What its socket gave it; the kernel counts what it had no room for."""
        dropped = run("ip", "netns", "exec", self.place.server, "cat", "/proc/net/raw")
        lost = sum(int(line.split()[-1]) for line in dropped.splitlines()[1:])
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return Seen(super().seen().packets - lost, ATTACKER in text)


PORTSENTRY = """TCP_PORTS="1,7,9,11,15,79"
ADVANCED_PORTS_TCP="1024"
ADVANCED_EXCLUDE_TCP="113,139"
IGNORE_FILE="/etc/portsentry/portsentry.ignore"
HISTORY_FILE="{log}"
BLOCKED_FILE="{folder}/blocked"
RESOLVE_HOST="0"
BLOCK_TCP="1"
SCAN_TRIGGER="0"
"""


@contextlib.contextmanager
def portsentry(place: Place, _build: Path, folder: Path) -> Iterator[Watcher]:
    """Stealth detection on the first 1024 ports; it writes who it was and calls nobody."""
    log, config = folder / "history", folder / "portsentry.conf"
    config.write_text(PORTSENTRY.format(log=log, folder=folder), encoding="ascii")
    script = ("cp $0 /etc/portsentry/portsentry.conf; : >/etc/portsentry/portsentry.ignore; "
              "portsentry -atcp")
    run(*debian_tools.command(["sh", "-c", script, str(config)], folder, place.server))
    listed = run("ip", "netns", "pids", place.server).split()
    pids = [int(pid) for pid in listed
            if Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "portsentry"]
    assert pids, "portsentry ended at once"
    watcher = Portsentry(place, pids[0])
    watcher.log = log
    try:
        yield watcher
    finally:
        os.kill(pids[0], signal.SIGKILL)


CONFIG = """mode = "observe"
placement = "host"
[[segment]]
name = "wire"
outside = "eth0"
[dpdk]
hugepages = "off"
memory_mb = 256
file_prefix = "esflood{pid}"
[workers]
mbufs = 16384
cores = [{core}]
[networks]
inside = ["{server}"]
[payload]
cache = ""
[state]
file = ""
[log]
syslog = false
portsentry_file = ""
json_file = "{folder}/events.json"
[metrics]
listen = "127.0.0.1:19466"
[control]
socket = "{folder}/control.sock"
"""


class EdgeSentry(Watcher):
    """edgesentryd in host mode."""

    folder: Path

    def seen(self) -> Seen:
        text = run("ip", "netns", "exec", self.place.server, "curl", "-s",
                   "http://127.0.0.1:19466/metrics")
        counts = re.findall(r"^edgesentry_packets_received_total\S* (\S+)$", text, re.MULTILINE)
        log = self.folder / "events.json"
        events = log.read_text(encoding="utf-8") if log.exists() else ""
        return Seen(sum(int(float(count)) for count in counts), f'"{ATTACKER}"' in events)


@contextlib.contextmanager
def edgesentry(place: Place, build: Path, folder: Path) -> Iterator[Watcher]:
    """With its defaults, the worker beside the core that receives."""
    program = build / "app" / "edgesentryd"
    if not program.exists():
        raise NotMeasured(f"{program} is missing: build with ./dev build")
    config = folder / "edgesentry.toml"
    config.write_text(CONFIG.format(pid=os.getpid(), core=min(os.sched_getaffinity(0)),
                                    server=SERVER, folder=folder), encoding="ascii")
    out = folder / "out"
    with out.open("wb") as file, subprocess.Popen(
            ["ip", "netns", "exec", place.server, str(program), "-c", str(config)], stdout=file,
            stderr=subprocess.STDOUT) as process:
        try:
            wait_for("edgesentryd", lambda: process.poll() is not None or
                     "is active" in out.read_text(encoding="utf-8"), 60)
            assert process.poll() is None, out.read_text(encoding="utf-8")
            watcher = EdgeSentry(place, process.pid)
            watcher.folder = folder
            yield watcher
        finally:
            process.terminate()


WATCHERS: dict[str, Callable[[Place, Path, Path],
                             contextlib.AbstractContextManager[Watcher]]] = {
    "edgesentry": edgesentry, "nothing": nothing, "nftables": nftables, "xt_recent": xt_recent,
    "portsentry": portsentry}


def psad_on_a_file(folder: Path, lines: int, ports: int) -> tuple[bool, float, float]:
    """psad -A: whether it found the scanner, its CPU seconds, its memory in MB."""
    order = random.Random(1)
    with (folder / "log").open("w", encoding="ascii") as log:
        for i in range(lines):
            source = f"20.{order.randrange(256)}.{order.randrange(256)}.{order.randrange(256)}"
            port = order.randrange(1, 1025)
            if i % (lines // ports) == 0:
                source, port = ATTACKER, 1 + i // (lines // ports)
            log.write(f"Nov 23 10:{i // 600 % 60:02d}:{i // 10 % 60:02d} host kernel: [ 1.0] "
                      f"IN=eth0 OUT= SRC={source} DST={SERVER} LEN=40 TOS=0x00 PREC=0x00 TTL=57 "
                      f"ID={i % 65536} PROTO=TCP SPT=40000 DPT={port} WINDOW=1024 RES=0x00 SYN "
                      "URGP=0\n")
    # Programs that it wants to see though this mode calls none of them.
    script = (r"""mkdir -p /var/log/psad /var/lib/psad /var/run/psad; c=/etc/psad/psad.conf
sed -i 's/_CHANGEME_/localhost/' $c
grep -E '^[a-zA-Z0-9]+Cmd' $c | while read -r name path; do
  [ -x "${path%;}" ] || sed -i "s|^$name .*|$name /bin/true;|" $c; done
exec psad -A -m "$0" --no-whois --no-rdns""")
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    said = run(*debian_tools.command(["sh", "-c", script, str(folder / "log")], folder))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if "Finished --Analyze" not in said:
        raise NotMeasured(f"psad gave no analysis after {time.monotonic() - start:.0f} s")
    attackers = said.split("Top 25 attackers")[-1].split("Total")[0]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return ATTACKER in attackers, cpu, after.ru_maxrss / 1024
