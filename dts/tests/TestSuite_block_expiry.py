"""A block ends by itself, and the next one of the same source is longer."""

from typing import ClassVar

from framework.passage import time_ns
from framework.settings import Table
from framework.test_suite import TestSuite, func_test
from framework.tools import fetches
from framework.traffic import port_scan
from framework.waiting import wait_for

FIRST, SECOND = 3, 6  # seconds


class TestBlockExpiry(TestSuite):
    """A ladder of three and six seconds."""

    settings: ClassVar[Table] = {"block": {"ladder": [f"{FIRST}s", f"{SECOND}s"]}}

    @func_test
    def lets_a_source_back_in_and_remembers_it(self) -> None:
        """Blocked, free again, blocked for longer, free again.

        Steps:
            Scan until blocked, wait for the end of the block, fetch a page, scan again.

        Verify:
            Both blocks expire in time, the second is longer and says that it is the second, and
            the source is served after each.
        """
        source = self.attacker.fresh_ipv4()
        for number, seconds in ((1, FIRST), (2, SECOND)):
            ports = range(1000 * number, 1000 * number + 60)
            self.sender.send(port_scan(source, self.server, ports), 0.01)
            block = self.wait_count("source-blocked", source, number)
            self.verify_equal(block["edgesentry"]["offence"], number, "offence")
            self.verify_equal(block["edgesentry"]["block_seconds"], seconds, "block_seconds")
            expired = self.wait_count("block-expired", source, number)
            lasted = (time_ns(expired) - time_ns(block)) / 1e9
            self.verify(lasted >= seconds, f"a block of {seconds} s ended after {lasted:.2f} s")
            self.verify(fetches(self.attacker, source, self.server), "still shut out")

    @func_test
    def counts_what_expired(self) -> None:
        """The metrics follow the ledger.

        Steps:
            Wait until no block is active.

        Verify:
            As many blocks have expired as were added.
        """
        wait_for(
            "no active block",
            lambda: self.sut.metrics().sum("edgesentry_blocks_active") == 0,
            FIRST + SECOND + 30,
        )
        metrics = self.sut.metrics()
        added = metrics.sum("edgesentry_blocks_added_total")
        self.verify(added >= 1, "no block was ever added")
        self.verify_equal(metrics.sum("edgesentry_blocks_expired_total"), added, "expired blocks")

    def wait_count(self, action: str, source: str, count: int) -> dict[str, dict[str, object]]:
        """Wait for the nth event of a kind and return it."""
        what = f"{action} number {count} of {source}"
        wait_for(what, lambda: len(self.sut.events(action, source)) >= count, SECOND + 30)
        return self.sut.events(action, source)[count - 1]
