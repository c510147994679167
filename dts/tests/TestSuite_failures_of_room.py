"""Something is used up: what was chosen happens, is told, and ends when there is room again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from framework.errors import LabError
from framework.faults import FAST, Failing
from framework.namespace import run
from framework.settings import Table
from framework.test_suite import func_test
from framework.waiting import wait_for

BLOCKS = 64  # the least that table.blocks takes
BY_HAND = [f"192.0.2.{host}" for host in range(1, BLOCKS - 1)]  # leaves room for two
DISK = "192k"
LARGE = "16m"


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a small disk in memory."""
    folder.mkdir(exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)])
    try:
        yield folder
    finally:
        run(["umount", "--lazy", str(folder)])


class TestFailuresOfRoom(Failing):
    """Tables, rings, buffers, rules, disks; and the clock, which is used up by nobody."""

    settings: ClassVar[Table] = {"failure": FAST}

    @func_test
    def a_full_table_does_as_told(self) -> None:
        """table_full = shed, contain, open, with a table of 64 blocks.

        Steps:
            Block 62 sources by hand, scan from three addresses one after the other.

        Verify:
            shed: the first scanner, whose block ends first, gives way, no operator's block does;
            else the first two stay and the third is refused. One unblock ends it.
        """
        for choice in ("shed", "contain", "open"):
            with self.running({"table_full": choice}, {"table": {"blocks": BLOCKS}}):
                for address in BY_HAND:
                    self.sut.ask("block", address=address, **{"for": "1m"})
                scanners = [self.blocked_scanner(), self.blocked_scanner()]
                third = self.scan()
                self.begins("table_full")
                blocked = self._blocked()
                self.verify(set(BY_HAND) <= blocked, "an operator's block has given way")
                self.verify_equal(len(blocked), BLOCKS, "blocks")
                shed = self.sut.metrics().sum("edgesentry_blocks_shed_total")
                if choice == "shed":
                    self.verify_equal(blocked & {*scanners, third}, {scanners[1], third}, "who")
                    self.verify_equal(shed, 1, "edgesentry_blocks_shed_total")
                else:
                    self.verify_equal(blocked & {*scanners, third}, set(scanners), "who")
                    refused = self.sut.metrics().sum("edgesentry_blocks_refused_total")
                    self.verify(refused > 0 == shed, f"refused {refused}, shed {shed}")
                self.verify(self.is_served(), "the client gets no page")
                for address in BY_HAND[:2]:
                    self.sut.ask("unblock", address=address)
                self.ends("table_full")

    def _blocked(self) -> set[str]:
        return {row["source"] for row in self.sut.ask("blocked", count=200)["sources"]}

    @func_test
    def alerts_wait_for_room_in_their_ring(self) -> None:
        """ring_full = shed, open: nobody drains the alerts, and the rings of 64 fill.

        Steps:
            Leave the rings, scan from 80 addresses; let go.

        Verify:
            Refused alerts are counted. shed: the last scanner is shut out though control has not
            heard of it; open: it is not. Afterwards all that still scan are blocked.
        """
        for choice in ("shed", "open"):
            with self.running({"ring_full": choice}, {"control": {"alert_ring": 64}}):
                self.fault("inject", "ring_full")
                sources = [f"198.51.100.{host}" for host in range(10, 90)]
                for source in sources:
                    self.scan_from(source, range(1000, 1030))
                    if self.metric("ring_full") == 1:
                        break
                self.begins("ring_full")
                refused = self.sut.metrics().sum("edgesentry_alerts_refused_total")
                self.verify(refused > 0, "no alert was refused")
                late = "198.51.100.95"
                self.scan_from(late, range(1000, 1060))
                is_out = self.is_shut_out(late)
                self.verify_equal(is_out, choice == "shed", f"{late} shut out with {choice}")
                self.verify(self.is_served(), "the client gets no page")
                self.fault("clear", "ring_full")
                self.ends("ring_full")
                self.scan_from(late, range(1100, 1130))
                self.sut.wait_event("source-blocked", late)

    @func_test
    def goes_on_with_few_buffers(self) -> None:
        """no_buffers = shed, ignore.

        Steps:
            Take all free buffers away, scan, let go, fetch a page, scan.

        Verify:
            Said and over; shed sends no challenge meanwhile; pages come afterwards, and scanners
            are blocked again.
        """
        for choice in ("shed", "ignore"):
            with self.running({"no_buffers": choice}):
                self.blocked_scanner()
                self.fault("inject", "no_buffers")
                self.begins("no_buffers")
                before = self._replies()
                self.scan()
                sent = self._replies() - before
                if choice == "shed":
                    self.verify_equal(sent, 0, "challenges while buffers are scarce")
                self.fault("clear", "no_buffers")
                self.ends("no_buffers")
                wait_for("a page", self.is_served, 30.0)
                self.blocked_scanner()

    def _replies(self) -> float:
        return self.sut.metrics().sum("edgesentry_challenge_replies_total")

    @func_test
    def a_block_waits_for_room_in_the_kernel(self) -> None:
        """rules_full = open, inline with nftables beside the workers.

        Steps:
            Block by hand, let the kernel be full, scan until blocked, unblock the first.

        Verify:
            The scanner is shut out by the workers at once, and counted as waiting until there is
            room; then the condition ends. SIGTERM leaves no table.
        """
        with self.running({"rules_full": "open"}, {"enforce": {"nftables": "inet"}}):
            self.sut.ask("block", address="192.0.2.1")
            wait_for("the first rule", lambda: self._enforcer("sources") == 1, 30.0)
            self.fault("inject", "rules_full")
            source = self.blocked_scanner()
            self.begins("rules_full")
            self.verify(self._enforcer("waiting") >= 1, "nothing waits")
            self.verify(self.is_shut_out(source), "the workers do not drop it")
            self.sut.ask("unblock", address="192.0.2.1")
            self.ends("rules_full")
            self.fault("clear", "rules_full")
            self.verify("table inet edgesentry" in self._tables(), "no table while it runs")
        self.verify("edgesentry" not in self._tables(), "the stop has left its table")

    def _enforcer(self, what: str) -> float:
        return self.sut.metrics().sum(f"edgesentry_enforcer_{what}", enforcer="nftables")

    def _tables(self) -> str:
        return self.testbed.appliance.run("nft", "list", "tables")

    @func_test
    def a_full_disk_does_as_told(self) -> None:
        """disk_full = shed, open, with the state file on a small disk that somebody else fills.

        Steps:
            Fill the disk, block by hand until it is noticed, scan, make room.

        Verify:
            shed: the scanner is blocked, and still after a restart with room; open: it is reported
            and gets its page, and is blocked as it goes on when there is room.
        """
        for choice in ("shed", "open"):
            with small_disk(self.sut.work / "disk") as folder:
                more: Table = {"state": {"file": str(folder / "state.db"), "events_mb": 0}}
                with self.running({"disk_full": choice}, more):
                    self._fill(folder)
                    hosts = range(1, 250)
                    answers = [self.sut.ask("block", address=f"192.88.0.{i}") for i in hosts]
                    self.verify(not answers[-1]["durable"], "the disk never was full")
                    self.begins("disk_full")
                    source = self.scan()
                    self.sut.wait_event("source-blocked" if choice == "shed" else "scan-detected",
                                        source)
                    is_out = self.is_shut_out(source)
                    self.verify_equal(is_out, choice == "shed", f"{source} shut out with {choice}")
                    self.verify(self.is_served(), "the client gets no page")
                    run(["mount", "-o", f"remount,size={LARGE}", str(folder)])
                    self.ends("disk_full")
                    if choice == "open":
                        self.scan_from(source, range(1100, 1160))
                        self.sut.wait_event("source-blocked", source)
                    self.sut.stop()
                    self.sut.start()
                    rows = self.sut.ask("blocked", count=500)["blocked"]
                    self.verify_equal(rows, 250, "blocks after the restart")

    @staticmethod
    def _fill(folder: Path) -> None:
        with (folder / "filler").open("wb", buffering=0) as filler:
            try:
                for _ in range(1024):
                    filler.write(bytes(1024))
                    filler.flush()
            except OSError:
                return
        raise LabError("the disk takes a megabyte")

    @func_test
    def a_clock_that_is_set_moves_no_end(self) -> None:
        """clock_step, an hour forward and back, and a restart.

        Steps:
            Scan until blocked, set the clock, look, set it back.

        Verify:
            The block holds for as long as it had left; each step is counted.
        """
        with self.running({}):
            source = self.blocked_scanner()
            self.fault("inject", "clock_step")
            self.begins("clock_step")
            self.verify(200 < self._left(source) <= 300, f"{self._left(source)} s left")
            self.fault("clear", "clock_step")
            self.verify(self.is_shut_out(source), "let in by the clock")
            self.ends("clock_step")
            self.verify(200 < self._left(source) <= 300, f"{self._left(source)} s left")
            steps = self.sut.metrics().sum("edgesentry_clock_steps_total")
            self.verify_equal(steps, 2, "edgesentry_clock_steps_total")

    def _left(self, source: str) -> float:
        rows = {row["source"]: row for row in self.sut.ask("blocked")["sources"]}
        return float(rows[source]["seconds_left"])
