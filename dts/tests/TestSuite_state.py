"""Blocks outlive the process: SIGKILL, a damaged file, a disk that is full."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from framework.capture import Capture
from framework.namespace import run
from framework.servers import HTTP_PORT
from framework.settings import Table
from framework.test_suite import TestSuite, func_test
from framework.testbed import HOST_DEVICE
from framework.traffic import port_scan
from framework.waiting import wait_for

BLOCKED = "198.51.100.77"
ALLOWED, MEMBER = "198.51.101.0/24", "198.51.101.9"
BLOCKED_IPV6 = "2001:db8:77::1"
KNOCKS = 2000  # of the blocked source while the appliance starts; it ends by itself
PAUSE = 0.004
SMALL, LARGE = "96k", "8m"  # disks


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a disk of some size in memory for as long as it is needed."""
    folder.mkdir(exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)])
    try:
        yield folder
    finally:
        run(["umount", "--lazy", str(folder)])


class TestState(TestSuite):
    """One appliance, killed and started again on the same file."""

    settings: ClassVar[Table] = {"block": {"ladder": ["1h"]}}

    def blocked(self) -> dict[str, str]:
        """Return who is blocked until when."""
        return {row["source"]: row["until"] for row in self.sut.ask("blocked")["sources"]}

    def block(self, address: str) -> dict[str, Any]:
        """Block as an operator does."""
        answer = self.sut.ask("block", address=address, **{"for": "30m"})
        self.verify(answer["ok"], f"block: {answer}")
        return answer

    def restart(self) -> None:
        """Take the process away in the middle of its work, and start it again."""
        self.sut.kill()
        self.sut.start()

    @func_test
    def has_the_same_blocks_after_sigkill(self) -> None:
        """A detector's block and two of an operator, with their ends.

        Steps:
            Scan until blocked, block an IPv4 and an IPv6 source by hand, kill -9, start again.

        Verify:
            The same three sources are blocked until the same moments, and the packets of a blocked
            source that knocked all the while have not reached a server.
        """
        source = self.attacker.fresh_ipv4()
        self.sender.send(port_scan(source, self.server, range(1000, 1060)), 0.01)
        self.sut.wait_event("source-blocked", source)
        for address in (BLOCKED, BLOCKED_IPV6):
            self.verify_equal(self.block(address).get("durable"), True, "durable")
        wait_for("the scanner's record", self._all_is_written, 5.0)
        before = self.blocked()
        capture = Capture(self.testbed.servers.namespace, HOST_DEVICE, 96)
        knock = threading.Thread(
            target=self.sender.send,
            args=(port_scan(BLOCKED, self.server, [HTTP_PORT] * KNOCKS), PAUSE),
        )
        with capture:
            knock.start()
            self.restart()
            dropped = wait_for("its packets to be dropped", self._dropped, 20.0)
            knock.join()
            capture.catch_up()
            passed = len(capture.received_from(BLOCKED))
        self.verify_equal(self.blocked(), before, "blocks after the restart")
        self.verify_equal(passed, 0, f"packets that passed beside {dropped} that were dropped")
        self.verify_equal(self.sut.ask("status")["state"]["restored"], 3, "restored")

    def _all_is_written(self) -> bool:
        state = self.sut.ask("status")["state"]
        return bool(state["pending"] == 0 and state["written"] >= 3)

    def _dropped(self) -> float:
        return self.sut.metrics().sum("edgesentry_packets_dropped_total", reason="blocked")

    @func_test
    def still_allows_and_still_tells_after_sigkill(self) -> None:
        """What an operator allowed, and why somebody was blocked, outlive the process.

        Steps:
            Scan until blocked, allow a network, kill -9, start again.

        Verify:
            A member of the network cannot be blocked; `history` has the scanner's block with its
            evidence, and `explain` says where to look.
        """
        source = self.attacker.fresh_ipv4()
        self.sender.send(port_scan(source, self.server, range(1000, 1060)), 0.01)
        self.sut.wait_event("source-blocked", source)
        self.verify_equal(self.sut.ask("allow", address=ALLOWED).get("durable"), True, "durable")
        wait_for("its event", lambda: self._history(source), 10.0)
        self.restart()
        refused = self.sut.ask("block", address=MEMBER)
        self.verify("an operator allowed it" in refused.get("error", ""), f"block: {refused}")
        kept = self._history(source)
        self.verify_equal([row["source"] for row in kept], [source], "sources")
        technique = kept[0]["record"]["edgesentry"]["technique"]
        self.verify_equal(technique, "tcp_syn", "technique in its evidence")
        story = " ".join(self.sut.ask("explain", address=source)["story"])
        self.verify(f"edgesentry history {source}" in story, f"explain: {story}")
        self.verify(self.sut.ask("unallow", address=ALLOWED)["ok"], "unallow")

    def _history(self, source: str) -> list[dict[str, Any]]:
        answer = self.sut.ask("history", address=source, action="source-blocked")
        rows: list[dict[str, Any]] = answer["events"]
        return rows

    @func_test
    def begins_anew_beside_a_damaged_file(self) -> None:
        """A file of garbage does not keep the appliance from its work.

        Steps:
            Kill it, write garbage over the file and its log, start again, block somebody.

        Verify:
            It says so and keeps the damaged file, and the new block is on disk.
        """
        self.sut.kill()
        path = Path(self.sut.settings["state"]["file"])
        path.write_bytes(b"no database" * 1000)
        # From its log alone SQLite would mend the file.
        path.with_name(path.name + "-wal").write_bytes(b"no log" * 1000)
        self.sut.start()
        aside = path.with_name(path.name + ".damaged")
        self.verify(str(aside) in self.sut.log(), f"nothing about {aside}:\n{self.sut.log()}")
        self.verify(aside.read_bytes().startswith(b"no database"), "the damaged file is gone")
        self.verify_equal(self.block("198.51.100.78").get("durable"), True, "durable")
        self.restart()
        self.verify_equal(list(self.blocked()), ["198.51.100.78"], "blocked")

    @func_test
    def goes_on_while_its_disk_is_full(self) -> None:
        """A full disk costs no block, only its durability, and that is said.

        Steps:
            Put the file on a small disk, block until the disk is full, make room, restart.

        Verify:
            Every block is in force; the answer, status and metrics tell when it is not on disk;
            with room all of them are, and a restart finds them.
        """
        self.sut.kill()
        usual = self.sut.settings["state"]["file"]
        with disk(self.sut.work / "disk", SMALL) as folder:
            self.sut.write_config({"state": {"file": str(folder / "state.db")}})
            self.sut.start()
            sources = [f"192.88.{i // 250}.{i % 250 + 1}" for i in range(1500)]
            answers = [self.block(source) for source in sources]
            late = [answer for answer in answers if not answer["durable"]]
            self.verify(late, "the disk never was full")
            self.verify("not on disk" in late[0]["warning"], f"warning: {late[0]}")
            self.verify_equal(self.sut.ask("status")["state"]["state"], "degraded", "state")
            self.verify_equal(self._degraded(), 1, "edgesentry_state_degraded")
            self.verify_equal(self._active(), len(sources), "blocks in force")
            run(["mount", "-o", f"remount,size={LARGE}", str(folder)])
            wait_for("the disk to be used again", lambda: self._degraded() == 0, 10.0)
            self.restart()
            self.verify_equal(self._active(), len(sources), "blocks after the restart")
            self.sut.kill()
        self.sut.write_config({"state": {"file": usual}})
        self.sut.start()

    def _degraded(self) -> float:
        return self.sut.metrics().sum("edgesentry_state_degraded")

    def _active(self) -> float:
        return self.sut.metrics().sum("edgesentry_blocks_active")
