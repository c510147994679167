#!/usr/bin/env python3
"""The whole appliance beside DPDK's own testpmd, on the same device, capture and core.

    perf/appliance_vs_testpmd.py [--seconds 3] [--rounds 3] [--sources 16384]

net_pcap with infinite_rx=1 replays a capture from memory without end. testpmd in rxonly mode frees
what it gets: no program that receives these packets can be faster. edgesentryd in tap mode parses,
looks up, inspects and frees them. The two take turns. Packets are counted by the programs
themselves; time is the CPU time of the polling thread, so that a busy machine matters less. Needs
root for hugepages, of which it reserves a few and gives them back whatever happens.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
HUGEPAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
PAGES_NEEDED = 512  # of 2 MiB: mbufs for the capture and the queue, the tables, and some to spare
CORE = 1
METRICS = "127.0.0.1:19465"
PATIENCE_S = 30


class NotMeasured(Exception):
    """Why there is no figure, in a sentence."""


def write_capture(path, sources):
    """One 64-byte SYN (without its check sequence) of each source, in the classic format."""
    ethernet = bytes.fromhex("020000000001020000000002" "0800")
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(sources):
            source = 0x14000000 + i * 0x9E3779B1 % (1 << 24)
            ip = struct.pack(
                ">BBHHHBBHII", 0x45, 0, 40, i & 0xFFFF, 0, 57, 6, 0, source, 0x0A000001
            )
            tcp = struct.pack(">HHIIBBHHH", 40000, 443, i, 0, 0x50, 0x02, 1024, 0, 0)
            frame = ethernet + ip + tcp + bytes(6)
            file.write(struct.pack("<IIII", 1 + i // 1_000_000, i % 1_000_000, 60, 60) + frame)


def free_pages():
    found = re.search(r"HugePages_Free:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return int(found.group(1)) if found else 0


@contextlib.contextmanager
def hugepages(pages):
    """So many pages are free inside. Afterwards those that were added are given back, and only
    those: somebody else may have asked for some meanwhile."""
    added = 0
    try:
        before = int(HUGEPAGES.read_text())
        missing = max(0, pages - free_pages())
        if missing > 0:
            HUGEPAGES.write_text(str(before + missing))
            added = int(HUGEPAGES.read_text()) - before
        if free_pages() < pages:
            raise NotMeasured(f"the kernel has no {pages} hugepages of 2 MiB to give")
        yield
    except PermissionError:
        raise NotMeasured("only root can reserve hugepages: run it as root") from None
    finally:
        if added > 0:
            HUGEPAGES.write_text(str(max(0, int(HUGEPAGES.read_text()) - added)))


def polling_thread(pid):
    """The thread of EAL's worker lcore."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if re.match(r"(lcore|rte)-worker", (task / "comm").read_text()):
            return task
    raise NotMeasured(f"process {pid} has no worker lcore: its core may be missing here")


def cpu_seconds(task):
    return int((task / "schedstat").read_text().split()[0]) / 1e9


def wait_for(what, probe):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        value = probe()
        if value is not None:
            return value
        time.sleep(0.02)
    raise NotMeasured(f"{what} did not come within {PATIENCE_S} s")


def rate(pid, packets, seconds):
    """Million packets for each second that the polling thread had."""
    task = polling_thread(pid)
    packets()  # warm
    begin = packets(), cpu_seconds(task)
    time.sleep(seconds)
    end = packets(), cpu_seconds(task)
    if end[0] <= begin[0]:
        raise NotMeasured(f"process {pid} received nothing in {seconds} s")
    return (end[0] - begin[0]) / (end[1] - begin[1]) / 1e6


@contextlib.contextmanager
def running(command, log, **kwargs):
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **kwargs)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdin:
            process.stdin.close()


def testpmd_rate(capture, folder, seconds):
    log_path = folder / "testpmd.log"
    command = ["stdbuf", "-oL", "dpdk-testpmd", "-l", f"0,{CORE}", "--in-memory", "--no-pci",
               "--no-telemetry",
               "--file-prefix", f"edgesentry-perf-{os.getpid()}",
               f"--vdev=net_pcap0,rx_pcap={capture},infinite_rx=1", "--", "-i",
               "--forward-mode=rxonly", "--total-num-mbufs=65535", "--rxd=1024", "--no-flush-rx"]
    with log_path.open("wb") as log, running(command, log, stdin=subprocess.PIPE) as process:
        def said(pattern):
            if process.poll() is not None:
                raise NotMeasured(f"testpmd ended at once: {log_path.read_text()[-400:]}")
            return re.findall(pattern, log_path.read_text(errors="replace")) or None

        def tell(line):
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()

        def packets():
            pattern = r"RX-packets: (\d+)"
            before = len(said(pattern) or [])
            tell("show port stats 0")
            return int(wait_for("testpmd's statistics", lambda: (
                (said(pattern) or [])[before:] or None))[0])

        wait_for("testpmd's prompt", lambda: said("testpmd> "))
        tell("start")
        wait_for("testpmd's start", lambda: said("rxonly packet forwarding"))
        result = rate(process.pid, packets, seconds)
        tell("stop")
        tell("quit")
        process.wait(PATIENCE_S)
        return result


CONFIG = """
mode = "observe"
placement = "tap"
[[segment]]
name = "perf"
outside = "net_pcap0,rx_pcap={capture},infinite_rx=1"
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


def appliance_rate(build, capture, folder, seconds):
    program = build / "app" / "edgesentryd"
    if not program.exists():
        raise NotMeasured(f"{program} is missing: build with ./dev build")
    config = folder / "perf.toml"
    config.write_text(CONFIG.format(capture=capture, pid=os.getpid(), core=CORE, metrics=METRICS,
                                    folder=folder))
    log_path = folder / "edgesentryd.log"
    with log_path.open("wb") as log, running([program, "--", "-c", config], log) as process:
        def active():
            if process.poll() is not None:
                raise NotMeasured(f"edgesentryd ended at once: {log_path.read_text()[-400:]}")
            return True if "is active" in log_path.read_text() else None

        def packets():
            with urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=PATIENCE_S) as page:
                text = page.read().decode()
            found = re.findall(r"^edgesentry_packets_received_total\S* (\S+)$", text, re.MULTILINE)
            return sum(int(float(value)) for value in found)

        wait_for("edgesentryd", active)
        return rate(process.pid, packets, seconds)


def measure(build, seconds=3, rounds=3, sources=16384):
    """The figures by their headline names, medians over the rounds."""
    if shutil.which("dpdk-testpmd") is None:
        raise NotMeasured("dpdk-testpmd is not installed (package dpdk)")
    with tempfile.TemporaryDirectory(prefix="edgesentry-perf-") as name, hugepages(PAGES_NEEDED):
        folder = pathlib.Path(name)
        capture = folder / "sources.pcap"
        write_capture(capture, sources)
        theirs, ours = [], []
        for _ in range(rounds):
            theirs.append(testpmd_rate(capture, folder, seconds))
            ours.append(appliance_rate(build, capture, folder, seconds))
    ratios = [a / b for a, b in zip(ours, theirs)]
    return {"rxonly_mpps": statistics.median(theirs), "appliance_mpps": statistics.median(ours),
            "appliance_vs_rxonly_ratio": statistics.median(ratios)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sources", type=int, default=16384, help="packets of the capture")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    args = parser.parse_args()
    try:
        figures = measure(args.build, args.seconds, args.rounds, args.sources)
    except NotMeasured as reason:
        print(f"appliance_vs_testpmd: {reason}", file=sys.stderr)
        return 1
    for key, value in figures.items():
        print(f"{key}={value:.4g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
