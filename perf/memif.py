#!/usr/bin/env python3
"""edgesentryd fed by testpmd over shared memory (net_memif), as a tap and inline.

    perf/memif.py [--seconds 3] [--rounds 3] [--only tap|inline] [--build BUILD]

Two programs, a core each, no kernel between them. As a tap the generator is testpmd in txonly mode
with --txonly-multi-flow (256 sources). Inline it is testpmd in flowgen mode on both ends of the
wire, which sends from each port what must come back at the other, so that loss can be counted.
Printed: packets a second of CPU of the appliance's worker and of time, and the share that was lost:
what the generator's ring took and nobody got. The rate is the appliance's only where it is the
slower of the two: `busy` is the share of its polls that brought something, `generator_core` the
share of a core that testpmd had. Needs root for hugepages, and two cores.
"""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time

import appliance_vs_testpmd
import rig

PAGES_NEEDED = 512
POLLS = ("edgesentry_worker_bursts_total", "edgesentry_worker_empty_polls_total")


def wire(folder: pathlib.Path, number: int, role: str) -> str:
    """One end of a wire."""
    return (f"net_memif{number},role={role},id={number},socket={folder}/memif.sock,"
            "socket-abstract=no,rsize=11")


def one_run(place: appliance_vs_testpmd.Placement, build: pathlib.Path, folder: pathlib.Path,
            seconds: float) -> dict[str, float]:
    """The figures of one window."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise rig.NotHere("generator and appliance need a core each, and there is one")
    ports = 2 if place.has_inside else 1
    vdevs = [f"--vdev={wire(folder, port, 'server')}" for port in range(ports)]
    mode = (["--forward-mode=flowgen"] if place.has_inside
            else ["--forward-mode=txonly", "--txonly-multi-flow"])
    metrics = rig.free_address()
    config = appliance_vs_testpmd.CONFIG.format(
        placement=place.name, outside=wire(folder, 0, "client"), pid=os.getpid(), core=cores[0],
        inside=f'inside = "{wire(folder, 1, "client")}"' if place.has_inside else "",
        metrics=metrics, folder=folder).replace("10.0.0.0/8", "198.18.0.0/15")
    with rig.testpmd(folder, ["-l", f"{cores[0]},{cores[-1]}", "--no-huge", "-m", "256", *vdevs],
                     [*mode, "--total-num-mbufs=16384", "--disable-link-check",
                      "--no-flush-rx"]) as generator, \
            rig.appliance(build, folder, config, metrics) as program:
        def counters() -> dict[str, float]:
            values = {"received": program.counter("edgesentry_packets_received_total"),
                      "forwarded": program.counter("edgesentry_packets_forwarded_total"),
                      "sent": sum(generator.counter(port, "TX-packets") for port in range(ports)),
                      "back": sum(generator.counter(port, "RX-packets") for port in range(ports))}
            for name in POLLS:
                values[name] = program.counter(name)
            return {**values, "cpu": rig.cpu_seconds(tasks), "time": time.monotonic(),
                    "generator": rig.cpu_seconds(senders)}

        tasks = rig.polling_threads(program.process.pid)
        senders = rig.polling_threads(generator.process.pid)
        rig.wait_for("the first packet", lambda: counters()["received"] or None)
        before = counters()
        time.sleep(seconds)
        after = counters()
    spent = {name: after[name] - value for name, value in before.items()}
    got = spent["back"] if place.has_inside else spent["received"]
    if got == 0:
        raise rig.NotMeasured(f"nothing came through {place.name} over memif")
    return {"mpps_cpu": got / spent["cpu"] / 1e6, "mpps_time": got / spent["time"] / 1e6,
            "lost": max(0.0, 1 - got / spent["sent"]),
            "generator_core": spent["generator"] / spent["time"],
            "busy": spent[POLLS[0]] / max(spent[POLLS[0]] + spent[POLLS[1]], 1)}


def measure(build: pathlib.Path, seconds: float, rounds: int,
            places: tuple[appliance_vs_testpmd.Placement, ...]) -> dict[str, list[float]]:
    """Each round's."""
    figures: dict[str, list[float]] = {}
    with rig.hugepages(PAGES_NEEDED):
        for _ in range(rounds):
            for place in places:
                with tempfile.TemporaryDirectory(prefix="edgesentry-perf-") as folder:
                    found = one_run(place, build, pathlib.Path(folder), seconds)
                for key, value in found.items():
                    figures.setdefault(f"memif_{place.name}_{key}", []).append(value)
    return figures


def main() -> int:
    """For people."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("tap", "inline"))
    parser.add_argument("--build", type=pathlib.Path, default=rig.ROOT / "build")
    args = parser.parse_args()
    places = tuple(place for place in (appliance_vs_testpmd.TAP, appliance_vs_testpmd.INLINE)
                   if args.only in (None, place.name))
    try:
        figures = measure(args.build, args.seconds, args.rounds, places)
    except rig.NotMeasured as reason:
        return rig.refused("memif", reason)
    for key, values in figures.items():
        print(f"{key}={statistics.median(values):.4g}  range {min(values):.4g} "
              f"to {max(values):.4g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
