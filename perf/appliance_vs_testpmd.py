#!/usr/bin/env python3
"""The whole appliance beside DPDK's own testpmd, on the same devices, capture and core.

    perf/appliance_vs_testpmd.py [--seconds 3] [--rounds 3] [--sources 16384 | --capture FILE]
                                 [--only tap|inline]

net_pcap with infinite_rx=1 replays a capture from memory without end. As a tap: testpmd in rxonly
mode frees what it gets, and no program that receives these packets can be faster; edgesentryd
parses, looks up, inspects and frees them. Inline: testpmd in io mode hands each packet unread to
the other port, a net_null that receives nothing and frees what it is sent; edgesentryd decides
about each before it does the same. The two take turns. Packets are counted by the programs
themselves (inline: those that left); time is the CPU time of the polling thread, so that a busy
machine matters less. Needs root for hugepages, of which it reserves a few and gives them back
whatever happens.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass

import rig

PAGES_NEEDED = 512  # of 2 MiB: mbufs for the capture and the queue, the tables, and some to spare
CORE = 1
SINK = "net_null0,no-rx=1"


@dataclass(frozen=True)
class Placement:
    """Where the appliance stands, and who does the same with less."""

    name: str
    forward_mode: str
    has_inside: bool
    testpmd_counter: tuple[int, str]
    appliance_counter: str


TAP = Placement("tap", "rxonly", False, (0, "RX-packets"), "edgesentry_packets_received_total")
INLINE = Placement("inline", "io", True, (1, "TX-packets"), "edgesentry_packets_forwarded_total")

CONFIG = """
mode = "observe"
placement = "{placement}"
[[segment]]
name = "perf"
outside = "{outside}"
{inside}
[networks]
inside = ["10.0.0.0/8"]
[dpdk]
hugepages = "required"
memory_mb = 512
file_prefix = "edgesentry-perf-{pid}"
[workers]
count = 1
cores = [{core}]
idle = "poll"
mbufs = 65535
[log]
syslog = false
portsentry_file = ""
json_file = ""
[allow]
file = ""
[state]
file = ""
[metrics]
listen = "{metrics}"
[control]
socket = "{folder}/control.sock"
"""


@dataclass(frozen=True)
class Run:
    """What both programs are given."""

    build: pathlib.Path
    folder: pathlib.Path
    seconds: float
    capture: pathlib.Path

    @property
    def source(self) -> str:
        """The device that packets come from."""
        return f"net_pcap0,rx_pcap={self.capture},infinite_rx=1"

    def testpmd(self, place: Placement) -> float:
        """Mpps of testpmd."""
        vdevs = [f"--vdev={self.source}"] + ([f"--vdev={SINK}"] if place.has_inside else [])
        with rig.testpmd(self.folder, ["-l", f"0,{CORE}", *vdevs],
                         [f"--forward-mode={place.forward_mode}", "--total-num-mbufs=65535",
                          "--rxd=1024", "--no-flush-rx"]) as program:
            return rig.rate(program.process.pid,
                            lambda: program.counter(*place.testpmd_counter), self.seconds)

    def appliance(self, place: Placement) -> float:
        """Mpps of edgesentryd."""
        metrics = rig.free_address()
        config = CONFIG.format(
            placement=place.name, outside=self.source, pid=os.getpid(), core=CORE,
            inside=f'inside = "{SINK}"' if place.has_inside else "", metrics=metrics,
            folder=self.folder)
        with rig.appliance(self.build, self.folder, config, metrics) as program:
            return rig.rate(program.process.pid,
                            lambda: program.counter(place.appliance_counter), self.seconds)


def measure(build: pathlib.Path, seconds: float = 3, rounds: int = 3,
            capture: int | pathlib.Path = 16384,
            places: tuple[Placement, ...] = (TAP, INLINE)) -> dict[str, list[float]]:
    """The figures by their headline names, each round's. A number is so many sources' SYNs."""
    if shutil.which("dpdk-testpmd") is None:
        raise rig.NotHere("dpdk-testpmd is not installed (package dpdk)")
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="edgesentry-perf-") as name, \
            rig.hugepages(PAGES_NEEDED):
        folder = pathlib.Path(name)
        if isinstance(capture, int):
            rig.write_capture(folder / "sources.pcap", capture)
            capture = folder / "sources.pcap"
        run = Run(build, folder, seconds, capture.resolve())
        for _ in range(rounds):
            for place in places:
                theirs, ours = run.testpmd(place), run.appliance(place)
                kind = "appliance" if place is TAP else place.name
                for key, value in ((f"{place.forward_mode}_mpps", theirs), (f"{kind}_mpps", ours),
                                   (f"{kind}_vs_{place.forward_mode}_ratio", ours / theirs)):
                    figures.setdefault(key, []).append(value)
    return figures


def headline(figures: dict[str, list[float]]) -> dict[str, float]:
    """Medians."""
    return {key: statistics.median(values) for key, values in figures.items()}


def main() -> int:
    """For people."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sources", type=int, default=16384, help="packets of the capture")
    parser.add_argument("--capture", type=pathlib.Path, help="packets of this file instead")
    parser.add_argument("--only", choices=("tap", "inline"))
    parser.add_argument("--build", type=pathlib.Path, default=rig.ROOT / "build")
    args = parser.parse_args()
    places = tuple(place for place in (TAP, INLINE) if args.only in (None, place.name))
    try:
        figures = measure(args.build, args.seconds, args.rounds,
                          args.capture or args.sources, places)
    except rig.NotMeasured as reason:
        return rig.refused("appliance_vs_testpmd", reason)
    for key, values in figures.items():
        print(f"{key}={statistics.median(values):.4g}  range {min(values):.4g} "
              f"to {max(values):.4g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
