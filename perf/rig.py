"""What the measurements of whole programs share: hugepages lent, programs run, CPU time read."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar

ROOT = pathlib.Path(__file__).resolve().parent.parent
HUGEPAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
PATIENCE_S = 30.0
ATTEMPTS = 5  # to get hugepages, a second each
Found = TypeVar("Found")


SKIPPED = 77  # meson shows it as such


class NotMeasured(Exception):
    """Why there is no figure, in a sentence."""


class NotHere(NotMeasured):
    """The same, where nothing is broken: this machine or user lacks what it takes."""


def refused(name: str, reason: NotMeasured) -> int:
    """Says why; the exit code."""
    print(f"{name}: {reason}", file=sys.stderr)
    return SKIPPED if isinstance(reason, NotHere) else 1


def free_address() -> str:
    """On loopback, that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def syn(source: int, number: int) -> bytes:
    """A 64-byte SYN (without its check sequence) to 10.0.0.1 port 443."""
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40, number & 0xFFFF, 0, 57, 6, 0, source, 0x0A000001)
    tcp = struct.pack(">HHIIBBHHH", 40000, 443, number, 0, 0x50, 0x02, 1024, 0, 0)
    return bytes.fromhex("020000000001020000000002" "0800") + ip + tcp + bytes(6)


def write_capture(path: pathlib.Path, sources: int) -> None:
    """One SYN of each source, in the classic format."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(sources):
            frame = syn(0x14000000 + i * 0x9E3779B1 % (1 << 24), i)
            record = struct.pack("<IIII", 1 + i // 1_000_000, i % 1_000_000, 60, 60)
            file.write(record + frame)


def free_pages() -> int:
    """Of 2 MiB, that nobody uses."""
    found = re.search(r"HugePages_Free:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return int(found.group(1)) if found else 0


@contextlib.contextmanager
def hugepages(pages: int) -> Iterator[None]:
    """So many pages are free inside. Afterwards those that were added are given back, and only
    those: somebody else may have asked for some meanwhile."""
    added = 0
    try:
        for _ in range(ATTEMPTS):  # who gives its own back may set the number that was before ours
            missing = pages - free_pages()
            if missing <= 0:
                break
            before = int(HUGEPAGES.read_text())
            HUGEPAGES.write_text(str(before + missing))
            # At most what is asked for: what came on top of it replaced what somebody took.
            added = min(pages, added + max(0, int(HUGEPAGES.read_text()) - before))
            time.sleep(0 if free_pages() >= pages else 1)
        if free_pages() < pages:
            raise NotHere(f"the kernel has no {pages} hugepages of 2 MiB to give")
        yield
    except PermissionError:
        raise NotHere("only root can reserve hugepages: run it as root") from None
    finally:
        if added > 0:
            HUGEPAGES.write_text(str(max(0, int(HUGEPAGES.read_text()) - added)))


def polling_threads(pid: int) -> list[pathlib.Path]:
    """The threads of EAL's worker lcores."""
    tasks = [task for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
             if re.match(r"(lcore|rte)-worker", (task / "comm").read_text())]
    if not tasks:
        raise NotMeasured(f"process {pid} has no worker lcore: its core may be missing here")
    return tasks


def cpu_seconds(tasks: list[pathlib.Path]) -> float:
    """That these threads have had."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def wait_for(what: str, probe: Callable[[], Found | None]) -> Found:
    """What the probe returns once it is not None."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        value = probe()
        if value is not None:
            return value
        time.sleep(0.02)
    raise NotMeasured(f"{what} did not come within {PATIENCE_S:g} s")


def rate(pid: int, packets: Callable[[], int], seconds: float) -> float:
    """Million packets for each second that the polling threads had."""
    tasks = polling_threads(pid)
    packets()  # warm
    begin = packets(), cpu_seconds(tasks)
    time.sleep(seconds)
    end = packets(), cpu_seconds(tasks)
    if end[0] <= begin[0]:
        raise NotMeasured(f"process {pid} counted no packets in {seconds} s")
    return (end[0] - begin[0]) / (end[1] - begin[1]) / 1e6


@contextlib.contextmanager
def running(command: list[str], log: IO[bytes], **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is asked to end, and then made to."""
    with subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **more) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(PATIENCE_S)
                except subprocess.TimeoutExpired:
                    process.kill()


class Testpmd:
    """A testpmd that is told what to do, and asked for its counters, by its prompt."""

    def __init__(self, process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
        self.process, self.log = process, log

    def said(self, pattern: str) -> list[str]:
        """Every match of what it has printed."""
        text = self.log.read_text(errors="replace")
        if self.process.poll() is not None:
            raise NotMeasured(f"testpmd ended at once: {text[-400:]}")
        return re.findall(pattern, text)

    def tell(self, line: str) -> None:
        """A line at its prompt."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def counter(self, port: int, name: str) -> int:
        """"RX-packets" or "TX-packets" of a port."""
        before = len(self.said(rf"{name}: *(\d+)"))
        self.tell(f"show port stats {port}")
        return int(wait_for("testpmd's statistics",
                            lambda: self.said(rf"{name}: *(\d+)")[before:] or None)[0])


@contextlib.contextmanager
def testpmd(folder: pathlib.Path, eal: list[str], options: list[str],
            prefix: tuple[str, ...] = ()) -> Iterator[Testpmd]:
    """Forwarding already; `prefix` as of nice or ip netns exec."""
    log_path = folder / f"testpmd{len(list(folder.glob('testpmd*')))}.log"
    command = [*prefix, "stdbuf", "-oL", "dpdk-testpmd", "--no-pci", "--no-telemetry",
               *([] if "--no-huge" in eal else ["--in-memory"]),
               "--file-prefix", f"edgesentry-perf-{os.getpid()}t", *eal, "--", "-i", *options]
    with log_path.open("wb") as log, running(command, log, stdin=subprocess.PIPE) as process:
        program = Testpmd(process, log_path)
        wait_for("testpmd's prompt", lambda: program.said("testpmd> ") or None)
        program.tell("start")
        wait_for("testpmd's start", lambda: program.said("packet forwarding") or None)
        yield program
        program.tell("stop")
        program.tell("quit")
        process.wait(PATIENCE_S)


class Appliance:
    """An edgesentryd and its metrics."""

    def __init__(self, process: subprocess.Popen[bytes], metrics: str) -> None:
        self.process, self.metrics = process, metrics

    def counter(self, name: str) -> int:
        """The sum of a counter over its labels."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=PATIENCE_S) as page:
            text = page.read().decode()
        found = re.findall(rf"^{name}(?:{{\S*}})? (\S+)$", text, re.MULTILINE)
        return sum(int(float(value)) for value in found)


@contextlib.contextmanager
def appliance(build: pathlib.Path, folder: pathlib.Path, config: str, metrics: str,
              prefix: tuple[str, ...] = ()) -> Iterator[Appliance]:
    """Once it is active; `prefix` as of nice or ip netns exec."""
    program = build / "app" / "edgesentryd"
    if not program.exists():
        raise NotMeasured(f"{program} is missing: build with ./dev build")
    path, log_path = folder / "perf.toml", folder / "edgesentryd.log"
    path.write_text(config)
    command = [*prefix, str(program), "--", "-c", str(path)]
    with log_path.open("wb") as log, running(command, log) as process:
        def active() -> bool | None:
            text = log_path.read_text(errors="replace")
            if process.poll() is not None:
                raise NotMeasured(f"edgesentryd ended at once: {text[-400:]}")
            return True if "is active" in text else None

        wait_for("edgesentryd", active)
        yield Appliance(process, metrics)


def median_and_range(values: list[float]) -> str:
    """For people: the median, and the range beside it."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"
