"""The main job in the lab: an innocent download, two real scanners, and what became of each."""

import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from framework import tools
from framework.console import Console
from framework.errors import VerifyError
from framework.namespace import on_one_core, stop_process
from framework.passage import Crossing, Passage, time_ns
from framework.servers import Servers
from framework.sut import Appliance, Event
from framework.testbed import HOST_DEVICE, Testbed
from framework.tools import Download
from framework.waiting import wait_for

BLOCK_SECONDS = 20
DOWNLOAD_SECONDS = 60
DOWNLOAD_BYTES_PER_SECOND = 1 << 20
STALL_SECONDS_MAX = 3.0
ATTACK_SECONDS_MAX = 14.0  # a scanner still at work then is ended: its block must expire in peace
SNAP_BYTES = 192
SETTINGS = {
    "mode": "enforce",
    # What is dropped is what is blocked, so that the order of packets shows the decision.
    "block": {"ladder": [f"{BLOCK_SECONDS}s", "60s", "10m"], "hold_bursts": False},
    "verify": {"proof": "none"},
}


@dataclass
class Attack:
    """One scanner: how it is called, where it comes from, what the appliance said about it."""

    tool: str
    source: str
    words: list[str]
    process: "subprocess.Popen[bytes] | None" = None
    began_ns: int = 0
    decision: Event = field(default_factory=dict)
    passage: Passage | None = None


class Progress:
    """Watches a download and keeps the longest time in which nothing arrived."""

    def __init__(self, download: Download) -> None:
        """Start to watch."""
        self.longest_stall = 0.0
        self._download = download
        self._thread = threading.Thread(target=self._watch, name="download", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        size, since = 0, time.monotonic()
        while self._download.is_running:
            now, grown = time.monotonic(), self._download.bytes_so_far
            if grown != size:
                size, since = grown, now
            self.longest_stall = max(self.longest_stall, now - since)
            time.sleep(0.1)

    def stop(self) -> None:
        """Wait for the watcher; the download has ended."""
        self._thread.join()


class Story:
    """The parts of the lab at work: start() starts them, close() ends whatever still runs."""

    def __init__(self, testbed: Testbed, console: Console) -> None:
        """Prepare; nothing is started."""
        self.testbed = testbed
        self.console = console
        self.servers: Servers | None = None
        self.crossing: Crossing | None = None
        self.sut = Appliance(testbed, SETTINGS, name="lab")
        self.download: Download | None = None
        self.progress: Progress | None = None
        attacker = testbed.attacker
        self.victims = testbed.servers.ipv4[:5]
        self.nmap = self._nmap(attacker.fresh_ipv4())
        self.masscan = self._masscan(attacker.fresh_ipv4())

    @property
    def attacks(self) -> tuple[Attack, Attack]:
        """Both scanners."""
        return self.nmap, self.masscan

    def _nmap(self, source: str) -> Attack:
        words = ["nmap", "-sS", "-n", "-Pn", "-T4", "--max-retries", "1", "-S", source]
        words += ["-e", HOST_DEVICE, "--host-timeout", "8s", "--top-ports", "1000", self.victims[0]]
        return Attack("nmap", source, words)

    def _masscan(self, source: str) -> Attack:
        words = ["masscan", "-p", "1-200", "203.0.113.16/29", "--rate", "500", "--wait", "1"]
        words += ["-e", HOST_DEVICE, "--adapter-ip", source]
        words += ["--adapter-mac", self.testbed.attacker.mac]
        words += ["--router-mac", self.testbed.servers.mac]
        return Attack("masscan", source, words)

    def start(self) -> None:
        """Start servers and appliance."""
        for tool in ("nmap", "masscan", "curl"):
            tools.need(tool)
        self.servers = Servers(self.testbed, DOWNLOAD_SECONDS * DOWNLOAD_BYTES_PER_SECOND)
        self.sut.start()

    def begin_counting(self) -> None:
        """Capture on both sides of the appliance from now on."""
        self.crossing = Crossing(self.testbed, SNAP_BYTES)

    def begin_download(self) -> None:
        """Start the innocent client's transfer, which spans the whole story."""
        assert self.servers is not None
        self.download = Download.begin(
            self.testbed.client.namespace,
            self.victims[0],
            self.servers.content / "large",
            self.testbed.work / "downloaded",
            f"{DOWNLOAD_BYTES_PER_SECOND >> 10}k",
        )
        self.progress = Progress(self.download)
        wait_for("the first bytes of the download", lambda: self.started)

    @property
    def started(self) -> bool:
        """Tell whether the download has brought anything yet."""
        return self.download is not None and self.download.bytes_so_far > 0

    def fetches(self, source: str, seconds: float = 10.0) -> bool:
        """Tell whether an attacker's address gets a page from a server."""
        return tools.fetches(self.testbed.attacker, source, self.victims[0], seconds)

    def launch(self, attack: Attack) -> None:
        """Start a scanner; its own report goes to a file."""
        attack.began_ns = time.time_ns()
        log = self.report_path(attack).open("wb")
        with log, on_one_core():
            attack.process = self.testbed.attacker.namespace.start(*attack.words, stdout=log)

    def report_path(self, attack: Attack) -> Path:
        """Where the scanner's own report is."""
        return self.testbed.work / f"{attack.tool}.log"

    def wait_decision(self, attack: Attack) -> bool:
        """Wait for the block of a scanner; tell whether it came."""
        try:
            attack.decision = self.sut.wait_event("source-blocked", attack.source, 20)
        except VerifyError as never:
            self.console.step(self.console.paint(str(never), "red"))
        return bool(attack.decision)

    def end_attack(self, attack: Attack) -> None:
        """Let a scanner finish in bounded time, and follow its packets."""
        assert attack.process is not None
        try:
            attack.process.wait(ATTACK_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            stop_process(attack.process)
        attack.passage = self.follow(attack.source).since(attack.began_ns)

    def during_block(self, attack: Attack) -> Passage:
        """Return the passage of a scanner's packets up to the end of its block, or up to now."""
        assert attack.passage is not None
        expired = self.sut.events("block-expired", attack.source)
        return attack.passage.until(time_ns(expired[0])) if expired else attack.passage

    def follow(self, source: str) -> Passage:
        """Return what became of one source's packets so far."""
        assert self.crossing is not None
        return self.crossing.follow(source)

    def close(self) -> None:
        """End whatever still runs."""
        for attack in self.attacks:
            if attack.process is not None:
                stop_process(attack.process)
        if self.download is not None:
            self.download.stop()
        self.sut.kill()
        if self.crossing is not None:
            self.crossing.close()
        if self.servers is not None:
            self.servers.close()
