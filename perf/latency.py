#!/usr/bin/env python3
"""How long a packet stays in the inline appliance: percentiles, beside testpmd's io mode.

    perf/latency.py [--packets 10000] [--rate 2000] [--rounds 3] [--build BUILD]    (root)

Two veth pairs in a network namespace of its own; the appliance takes the inner ends with
net_af_packet, as a machine without a DPDK driver would. Each frame carries a number. Its time of
arrival at the outside port and that behind the inside port are both the kernel's own
(SO_TIMESTAMPNS), so that neither sender nor reader counts. In it are the kernel's rings, which
testpmd in io mode has as well: the difference is the appliance's. `poll` and `adaptive` are its
ways to wait (workers.idle). The rate is low on purpose: this is latency, not queueing.
"""

import argparse
import contextlib
import ctypes
import os
import pathlib
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import appliance_vs_testpmd
import rig

MAGIC = b"edgesentry-latency"
SO_TIMESTAMPNS, SO_RCVBUFFORCE, ETH_P_ALL = 35, 33, 3
ROOM = 64 << 20
PERCENTILES = (50.0, 90.0, 99.0, 99.9)
OUTER, INNER = ("lat-a0", "lat-b0"), ("lat-a1", "lat-b1")


@contextlib.contextmanager
def wires() -> Iterator[str]:
    """A namespace with both pairs."""
    name = f"eslat-{os.getpid()}"

    def ip(*words: str) -> None:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise rig.NotHere(f"ip {' '.join(words)}: {done.stderr.strip()}")

    ip("netns", "add", name)
    try:
        for outer, inner in zip(OUTER, INNER, strict=True):
            ip("-n", name, "link", "add", outer, "type", "veth", "peer", "name", inner)
            for each in (outer, inner):
                ip("-n", name, "link", "set", each, "up", "promisc", "on")
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


def enter(name: str) -> None:
    """For this thread and what it opens from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    with pathlib.Path(f"/run/netns/{name}").open("rb") as file:
        if libc.setns(file.fileno(), 0x40000000) != 0:  # CLONE_NEWNET
            raise rig.NotMeasured(f"cannot enter {name}: {os.strerror(ctypes.get_errno())}")


def listen(interface: str) -> socket.socket:
    """All frames of an interface, with the time of their arrival."""
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    found.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    found.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
    found.bind((interface, ETH_P_ALL))
    found.setblocking(False)
    return found


def arrivals(listener: socket.socket) -> dict[int, int]:
    """Nanoseconds by frame number."""
    found: dict[int, int] = {}
    while True:
        try:
            data, ancillary, _flags, address = listener.recvmsg(2048, 256)
        except BlockingIOError:
            return found
        if address[2] == socket.PACKET_OUTGOING or MAGIC not in data:
            continue
        number = struct.unpack_from("!I", data, data.index(MAGIC) + len(MAGIC))[0]
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("qq", value[:16])
                found[number] = seconds * 1_000_000_000 + nanoseconds


def frame(number: int) -> bytes:
    """UDP of one of 16 sources to 10.0.0.1."""
    payload = MAGIC + struct.pack("!I", number)
    udp = struct.pack("!HHHH", 40000, 443, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), number & 0xFFFF, 0, 57, 17, 0,
                       0x14000000 + number % 16, 0x0A000001)
    return bytes.fromhex("020000000001020000000002" "0800") + head + udp


def through(packets: int, rate: int) -> list[float]:
    """Microseconds of each frame that came through, sorted."""
    with listen(INNER[0]) as before, listen(OUTER[1]) as behind, \
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((OUTER[0], 0))
        for number in range(packets // 10):  # warm
            sender.send(frame(number + (1 << 30)))
            time.sleep(1 / rate)
        start = time.monotonic()
        for number in range(packets):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            sender.send(frame(number))
        time.sleep(0.5)
        came, left = arrivals(before), arrivals(behind)
    passed = sorted((left[number] - came[number]) / 1e3 for number in left
                    if number in came and number < packets)
    if len(passed) < packets * 0.99:
        raise rig.NotMeasured(f"only {len(passed)} of {packets} frames came through")
    return passed


def inside(name: str) -> tuple[str, ...]:
    """What runs a command in the namespace."""
    return "ip", "netns", "exec", name


def percentile(values: list[float], wanted: float) -> float:
    """Of sorted values."""
    return values[min(len(values) - 1, int(len(values) * wanted / 100))]


def appliance(name: str, idle: str, build: pathlib.Path, folder: pathlib.Path,
              measure: Callable[[], list[float]]) -> list[float]:
    """edgesentryd in between."""
    metrics = rig.free_address()
    config = appliance_vs_testpmd.CONFIG.format(
        placement="inline", outside=INNER[0], inside=f'inside = "{INNER[1]}"', pid=os.getpid(),
        core=max(os.sched_getaffinity(0)), metrics=metrics, folder=folder)
    config = config.replace('"required"', '"off"').replace('"poll"', f'"{idle}"')
    with rig.appliance(build, folder, config.replace("65535", "16384"), metrics,
                       inside(name)):
        return measure()


def testpmd(name: str, folder: pathlib.Path,
            measure: Callable[[], list[float]]) -> list[float]:
    """testpmd in between."""
    cores = sorted(os.sched_getaffinity(0))
    vdevs = [f"--vdev=net_af_packet{i},iface={each},qdisc_bypass=1"
             for i, each in enumerate(INNER)]
    with rig.testpmd(folder, ["-l", f"{cores[0]},{cores[-1]}", "--no-huge", "-m", "256", *vdevs],
                     ["--forward-mode=io", "--total-num-mbufs=16384"],
                     inside(name)):
        return measure()


def measure_all(build: pathlib.Path, packets: int, rate: int,
                rounds: int) -> dict[str, list[list[float]]]:
    """By turns: the frames of each round."""
    if os.geteuid() != 0:
        raise rig.NotHere("network namespaces and raw sockets need root")
    figures: dict[str, list[list[float]]] = {}
    with wires() as name:
        enter(name)

        def run() -> list[float]:
            return through(packets, rate)

        for _ in range(rounds):
            with tempfile.TemporaryDirectory(prefix="edgesentry-perf-") as text:
                folder = pathlib.Path(text)
                for kind, passed in (("testpmd_io", testpmd(name, folder, run)),
                                     ("poll", appliance(name, "poll", build, folder, run)),
                                     ("adaptive", appliance(name, "adaptive", build, folder, run))):
                    figures.setdefault(kind, []).append(passed)
    return figures


def main() -> int:
    """For people."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--packets", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=2000, help="packets a second")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--nice", type=int, default=0, help="of all of it; below 0 where others "
                        "use the machine, or their turns are what is measured")
    parser.add_argument("--build", type=pathlib.Path, default=rig.ROOT / "build")
    args = parser.parse_args()
    os.nice(args.nice)
    try:
        figures = measure_all(args.build.absolute(), args.packets, args.rate, args.rounds)
    except rig.NotMeasured as reason:
        return rig.refused("latency", reason)
    for kind, rounds in figures.items():
        for wanted in PERCENTILES:
            values = [percentile(each, wanted) for each in rounds]
            ratios = [value / percentile(other, wanted)
                      for value, other in zip(values, figures["testpmd_io"], strict=True)]
            print(f"latency_{kind}_p{wanted:g}_us={statistics.median(values):.4g}  range "
                  f"{min(values):.4g} to {max(values):.4g}  over testpmd io "
                  f"{rig.median_and_range(ratios)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
