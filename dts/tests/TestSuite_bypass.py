"""The way out: one command, and every packet passes."""

from framework.test_suite import TestSuite, func_test
from framework.tools import fetches
from framework.traffic import port_scan
from framework.waiting import wait_for


class TestBypass(TestSuite):
    """A blocked source, the bypass, and the blocked source again."""

    @func_test
    def lets_a_blocked_source_through_and_shuts_it_out_again(self) -> None:
        """Bypass on, then off.

        Steps:
            Scan until blocked, switch the bypass on, fetch a page, switch it off, fetch again.

        Verify:
            The blocked source gets its page while the bypass is on, and only then; the metric and
            status tell.
        """
        source = self.attacker.fresh_ipv4()
        self.sender.send(port_scan(source, self.server, range(1000, 1060)), 0.01)
        self.sut.wait_event("source-blocked", source)
        self.verify(not fetches(self.attacker, source, self.server), "blocked, yet served")
        self.sut.edgesentry("bypass", "on")
        wait_for("a page", lambda: fetches(self.attacker, source, self.server), 10.0)
        self.verify_equal(self._metric(), 1, "edgesentry_bypass_active")
        self.verify_equal(self.sut.ask("status")["bypass"], True, "status")
        self.sut.edgesentry("bypass", "off")
        wait_for(
            "the block to hold", lambda: not fetches(self.attacker, source, self.server), 10.0
        )
        self.verify_equal(self._metric(), 0, "edgesentry_bypass_active")

    def _metric(self) -> float:
        return self.sut.metrics().sum("edgesentry_bypass_active")
