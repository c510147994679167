"""The real tools, all bounded: curl as a client; nmap, masscan, ZMap, hping3 as attackers."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framework.errors import SkipCase
from framework.namespace import Namespace, on_one_core, stop_process
from framework.testbed import HOST_DEVICE, Host

MAX_RATE = 5000  # packets a second of nmap
OPEN_PORT = re.compile(r"^(\d+)/(tcp|udp)\s+open\b", re.MULTILINE)


def need(tool: str) -> None:
    """Skip the case visibly when a tool is not installed."""
    if shutil.which(tool) is None:
        raise SkipCase(f"{tool} is not installed (apt install {tool})")


def url(address: str, path: str = "index.html") -> str:
    """Return the URL of a file on a server address, IPv4 or IPv6."""
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}/{path}"


def fetches(host: Host, source: str, server: str, seconds: float = 10.0) -> bool:
    """Tell whether a source address gets the page from a server within some seconds."""
    words = ["curl", "-sf", "--max-time", str(seconds), "--interface", source, url(server)]
    text = host.namespace.run(*words, timeout=seconds + 10, check=False)
    return "an innocent page" in text


def nmap(host: Host, source: str, targets: Sequence[str], *options: str) -> str:
    """Run nmap from one source address without ping or name lookups; return its report."""
    need("nmap")
    words = _nmap_words(source, targets, ("-Pn", *options))
    with on_one_core():
        return host.namespace.run("nmap", *words, timeout=120)


def start_nmap(
    host: Host, source: str, targets: Sequence[str], *options: str
) -> "subprocess.Popen[bytes]":
    """Start nmap from one source address; with ping unless told -Pn. The caller stops it."""
    need("nmap")
    words = _nmap_words(source, targets, options)
    with on_one_core():
        return host.namespace.start("nmap", *words, stdout=subprocess.DEVNULL)


def _nmap_words(source: str, targets: Sequence[str], options: Sequence[str]) -> list[str]:
    family = ["-6"] if ":" in source else []
    words = [*family, "-n", "-S", source, "-e", HOST_DEVICE, "-T4", "--max-retries", "1"]
    words += ["--host-timeout", "15s", "--max-rate", str(MAX_RATE)]
    return [*words, *options, *targets]


def nmap_connect(host: Host, source: str, targets: Sequence[str], *options: str) -> str:
    """Run nmap's connect scan; the kernel is told for this long which address it speaks from."""
    need("nmap")
    words = ["-n", "-Pn", "-sT", "-T4", "--max-retries", "1", "--host-timeout", "10s"]
    routes = [(f"{target}/32", "dev", HOST_DEVICE) for target in targets]
    for route in routes:
        host.namespace.ip("route", "add", *route, "src", source)
    try:
        with on_one_core():
            return host.namespace.run("nmap", *words, *options, *targets, timeout=120)
    finally:
        for route in routes:
            host.namespace.ip("route", "del", *route)


def nmap_idle(host: Host, source: str, zombie: str, target: str, ports: str) -> str:
    """Run nmap's idle scan by a zombie, at most 20 s; return its report, or why it gave up."""
    need("nmap")
    words = ["-n", "-Pn", "-S", source, "-e", HOST_DEVICE, "-T4", "-sI", zombie, "-p", ports]
    host.namespace.ip("route", "replace", f"{zombie}/32", "dev", HOST_DEVICE)
    with on_one_core():
        return host.namespace.run("timeout", "20", "nmap", *words, target, timeout=60, check=False)


def open_ports(report: str) -> list[int]:
    """Return the open ports of an nmap report."""
    return sorted({int(port) for port, _ in OPEN_PORT.findall(report)})


def masscan(
    host: Host, source: str, router_mac: str, scan: Sequence[str], seconds: int = 6
) -> str:
    """Run masscan from one source address for at most some seconds; scan is ports and targets.

    Everything goes to one Ethernet address. The time is bounded from outside, because masscan waits
    for a last packet before it ends, and a blocked scanner gets none.
    """
    need("masscan")
    words = ["-e", HOST_DEVICE, "--adapter-ip", source, "--adapter-mac", host.mac]
    words += ["--router-mac", router_mac, "--rate", "500", "--wait", "1", *scan]
    words = ["timeout", str(seconds), "masscan", *words]
    with on_one_core():
        return host.namespace.run(*words, timeout=120, check=False)


def zmap(
    host: Host, source: str, router_mac: str, scan: Sequence[str], seconds: int = 6
) -> str:
    """Run ZMap from one source address for at most some seconds; scan is a port and targets.

    Its own list of reserved networks, where the lab's addresses stand, is put aside.
    """
    need("zmap")
    words = ["-i", HOST_DEVICE, "-S", source, "-G", router_mac, "-b", "/dev/null"]
    words += ["-o", "/dev/null", "-q", "-T", "1", "-c", "1", "-r", "200", *scan]
    with on_one_core():
        return host.namespace.run("timeout", str(seconds), "zmap", *words, timeout=60, check=False)


def hping3(host: Host, source: str, target: str, *options: str, count: int = 40) -> str:
    """Run hping3 with a fixed number of packets, from one source address or what options say."""
    need("hping3")
    sender = ["-a", source] if source else []
    words = ["-q", "-n", "-I", HOST_DEVICE, *sender, "-c", str(count), *options, target]
    return host.namespace.run("hping3", *words, timeout=60, check=False)


@dataclass
class Download:
    """An HTTP transfer of the large file at a bounded speed, under way in the background."""

    process: "subprocess.Popen[bytes]"
    file: Path
    original: Path
    log: Path

    @classmethod
    def begin(
        cls, namespace: Namespace, server: str, original: Path, file: Path, speed: str
    ) -> "Download":
        """Start it; curl gives up when nothing moves for three seconds."""
        log = file.with_suffix(".log")
        with log.open("wb") as output:
            process = namespace.start(
                *("curl", "-sSf", "--limit-rate", speed, "-o", str(file)),
                *("--speed-limit", "1024", "--speed-time", "3", url(server, original.name)),
                stdout=output,
            )
        return cls(process, file, original, log)

    @property
    def bytes_so_far(self) -> int:
        """How much has arrived."""
        return self.file.stat().st_size if self.file.exists() else 0

    @property
    def is_running(self) -> bool:
        """Tell whether it is still under way."""
        return self.process.poll() is None

    def finish(self, seconds: float) -> str:
        """Wait for the end; return what is wrong with the transfer, or nothing."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            stop_process(self.process)
            return f"not finished after {seconds:g} more seconds"
        if code != 0:
            return f"curl ended with {code}: {self.log.read_text(encoding='utf-8').strip()}"
        wanted, got = (_sha256(path) for path in (self.original, self.file))
        return "" if wanted == got else f"sha256 {got} instead of {wanted}"

    def stop(self) -> None:
        """End it, wherever it is."""
        stop_process(self.process)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
