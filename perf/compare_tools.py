#!/usr/bin/env python3
"""A port scan inside a flood of invented sources: who sees it, at what cost.

    perf/compare_tools.py [--seconds 5] [--rounds 3] [--only NAME]...    (root)

Two network namespaces on a veth. From outside comes a flood of SYNs (scan_flood.py) and, within it,
nmap with 80 ports, one in 20 ms. Inside stands by turns: nothing; an nftables set with a dynamic
meter; iptables with xt_recent; Debian's portsentry; EdgeSentry in host mode. Debian's psad reads
kernel log lines of the same traffic from a file (its own analysis mode), since to log each packet
of a flood would be the kernel's cost and harm the machine; nothing is taken from it for that.

Printed for each: packets that it has looked at for each second of CPU (softirq time of the core
that receives, and the program's own; both also by packet), the ratio to EdgeSentry's by turns, the
share of the flood that it saw, whether nmap's address was found, and memory: of a program its
resident set, of the kernel's tools the growth of the machine's slabs. EdgeSentry's worker polls, so
its own time is an upper bound: it could have looked at more. iptables, portsentry and psad are
Debian's packages, unpacked below out/tools and never installed.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "enforce")]

import debian_tools
import rig
from nftables_test import ATTACKER, SERVER, Place, run
from watchers import WATCHERS, Seen, Watcher, psad_on_a_file

FLOOD = Path(__file__).with_name("scan_flood.py")
PORTS = 80


@dataclass(frozen=True)
class Figures:
    """One window."""

    sent: int
    seen: int
    softirq_seconds: float
    own_seconds: float
    found: bool
    memory_mb: float

    @property
    def rate(self) -> float:
        """Packets a second of CPU."""
        return self.seen / max(self.softirq_seconds + self.own_seconds, 0.01)


def slab_mb() -> float:
    """What the kernel has allocated for itself."""
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    return sum(int(kib) for kib in re.findall(r"^(?:Slab|VmallocUsed): +(\d+)", text,
                                              re.MULTILINE)) / 1024


class Street:
    """Two namespaces, and what stands inside."""

    def __init__(self) -> None:
        self.place = Place("", "")
        self.place.prefix = "esflood"
        for role, name in (("srv", "server"), ("out", "outside")):
            setattr(self.place, name, f"esflood-{role}-{os.getpid()}")

    def __enter__(self) -> "Street":
        try:
            self.place.set_up()
            self.place.nft("flush", "ruleset")
            for name in (self.place.server, self.place.outside):
                run("ip", "netns", "exec", name, "ethtool", "-K", "eth0", "gro", "on")
        except BaseException:
            self.place.clean_up()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.place.clean_up()

    def window(self, watcher: Watcher, seconds: float) -> Figures:
        """The flood with the scan inside."""
        mac = run("ip", "netns", "exec", self.place.server, "cat",
                  "/sys/class/net/eth0/address").strip()
        before, slab, cpu = watcher.seen(), slab_mb(), watcher.cpu_seconds()
        with subprocess.Popen(["ip", "netns", "exec", self.place.outside, sys.executable,
                               str(FLOOD), mac, str(seconds)], stdout=subprocess.PIPE,
                              text=True) as flood:
            time.sleep(seconds / 5)
            subprocess.run(["ip", "netns", "exec", self.place.outside, "nmap", "-sS", "-Pn", "-n",
                            "-S", ATTACKER, "-e", "eth0", "-p", f"1-{PORTS}", "--max-retries", "0",
                            "--scan-delay", "20ms", "--max-scan-delay", "20ms",
                            "--host-timeout", f"{seconds * 3 / 5:.0f}s", SERVER],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                           timeout=seconds * 4)
            said, _ = flood.communicate(timeout=seconds * 4 + 30)
        sent, softirq, _busy = map(int, said.split())
        time.sleep(1)  # what waits in rings and files
        after: Seen = watcher.seen()
        own = watcher.cpu_seconds() - cpu
        memory = watcher.memory_mb()
        return Figures(sent, min(sent, after.packets - before.packets),
                       softirq / os.sysconf("SC_CLK_TCK"), own, after.found,
                       slab_mb() - slab if memory is None else memory)


def measure(name: str, build: Path, seconds: float) -> Figures:
    """One tool, in a street of its own."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-perf-") as folder, Street() as street:
        with WATCHERS[name](street.place, build, Path(folder)) as watcher:
            return street.window(watcher, seconds)


def psad(seconds: float) -> Figures:
    """From a file."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-perf-") as folder:
        lines = int(2000 * seconds)
        found, cpu, memory = psad_on_a_file(Path(folder), lines, PORTS)
        return Figures(lines, lines, 0, cpu, found, memory)


def print_table(figures: dict[str, list[Figures]]) -> None:
    """Medians, and ranges of the ratios to the first."""
    print(f"{'inside stands':<13} {'k packets/CPU s':>15} {'to EdgeSentry':>26} {'softirq':>8} "
          f"{'own':>8} {'saw':>5} {'found nmap':>11} {'MB':>6}")
    base = figures.get("edgesentry")
    for name, each in figures.items():
        ratios = [a.rate / b.rate for a, b in zip(each, base, strict=False)] if base else []
        found = "-" if name == "nothing" else f"{sum(one.found for one in each)} of {len(each)}"
        cost = [statistics.median(1e9 * seconds / max(one.seen, 1) for one, seconds in spent)
                for spent in ([(one, one.softirq_seconds) for one in each],
                              [(one, one.own_seconds) for one in each])]
        print(f"{name:<13} {statistics.median(one.rate for one in each) / 1e3:>15.4g} "
              f"{rig.median_and_range(ratios) if ratios else '':>26} "
              f"{cost[0]:>5.0f} ns {cost[1]:>5.0f} ns "
              f"{statistics.median(one.seen / one.sent for one in each):>5.0%} {found:>11} "
              f"{statistics.median(one.memory_mb for one in each):>6.1f}")
    sent = [one.sent for name, each in figures.items() if name != "psad" for one in each]
    if sent:
        print(f"offered in a window: {statistics.median(sent) / 1e6:.2f} M packets")


def main() -> int:
    """By turns."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=[*WATCHERS, "psad"])
    parser.add_argument("--build", type=Path, default=rig.ROOT / "build")
    args = parser.parse_args()
    if os.geteuid() != 0:
        return rig.refused("compare_tools", rig.NotHere("needs root for network namespaces"))
    tools: dict[str, Callable[[], Figures]] = {
        name: (lambda name=name: measure(name, args.build, args.seconds))  # type: ignore[misc]
        for name in WATCHERS}
    tools["psad"] = lambda: psad(args.seconds)
    try:
        debian_tools.unpacked()
    except rig.NotMeasured as reason:
        print(f"LEFT OUT: xt_recent, portsentry, psad: {reason}", file=sys.stderr)
        for name in ("xt_recent", "portsentry", "psad"):
            tools.pop(name)
    figures: dict[str, list[Figures]] = {}
    for _ in range(args.rounds):
        for name in [each for each in tools if args.only is None or each in args.only]:
            try:
                figures.setdefault(name, []).append(tools[name]())
            except (AssertionError, rig.NotMeasured, subprocess.SubprocessError) as failure:
                print(f"LEFT OUT: {name}: {failure}", file=sys.stderr)
                del tools[name]
    seen = {name: each for name, each in figures.items() if each}
    if not seen:
        return rig.refused("compare_tools", rig.NotMeasured("not one of the tools could be run"))
    print_table(seen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
