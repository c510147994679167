"""mode = "observe": everything is seen and said, nothing is dropped."""

from typing import ClassVar

from framework.passage import Crossing
from framework.settings import Table
from framework.test_suite import TestSuite, func_test
from framework.traffic import port_scan
from framework.waiting import wait_for


class TestObserveMode(TestSuite):
    """The shipped mode, in which an operator learns what would be blocked."""

    settings: ClassVar[Table] = {"mode": "observe"}

    @func_test
    def says_what_it_would_block_and_drops_nothing(self) -> None:
        """A scan is reported and passes whole.

        Steps:
            Send SYNs to 60 closed ports.

        Verify:
            source-would-be-blocked is logged, all 60 arrive, no block is active.
        """
        source = self.attacker.fresh_ipv4()
        with Crossing(self.testbed) as crossing:
            self.sender.send(port_scan(source, self.server, range(1000, 1060)), 0.01)
            self.sut.wait_event("source-would-be-blocked", source)
            wait_for("all probes", lambda: crossing.arrived(source) == 60)
            passage = crossing.follow(source)
        self.verify_equal(len(passage.sent), 60, "packets that came in")
        self.verify_equal(passage.dropped, 0, "dropped packets")
        self.verify_equal(self.sut.events("source-blocked"), [], "blocks")
        metrics = self.sut.settled_metrics()
        self.verify_equal(metrics.sum("edgesentry_blocks_active"), 0, "edgesentry_blocks_active")
        self.verify_equal(metrics.dropped_by_verdict, 0, "packets dropped by verdict")
