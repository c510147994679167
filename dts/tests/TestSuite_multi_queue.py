"""Several queues: one scanner spread over all of them is still one source."""

from framework.errors import SkipCase
from framework.metrics import RECEIVED
from framework.passage import Crossing, late_text
from framework.test_suite import TestSuite, func_test
from framework.tools import fetches
from framework.traffic import port_scan


class TestMultiQueue(TestSuite):
    """Two workers, whose kernel spreads packets by flow and not by source."""

    def set_up_suite(self) -> None:
        """Start; a lab with one queue cannot show any of this."""
        if self.testbed.nodes.appliance.queues < 2:
            raise SkipCase("the lab has one queue only")
        super().set_up_suite()

    @func_test
    def spreads_packets_over_all_workers(self) -> None:
        """Honest traffic of many flows meets every worker.

        Steps:
            Fetch sixteen pages, each from its own source port.

        Verify:
            Every page comes and every worker has received packets.
        """
        for _ in range(16):
            self.verify(fetches(self.client, self.client.ipv4[0], self.server), "no page")
        metrics = self.sut.metrics()
        for worker in metrics.label_values(RECEIVED, "worker"):
            received = metrics.sum(RECEIVED, worker=worker)
            self.verify(received > 0, f"worker {worker} received nothing")

    @func_test
    def decides_as_one_worker_would(self) -> None:
        """A scan over all queues is decided after as few probes as over one.

        Steps:
            Send SYNs to 60 closed ports at a pace that lets answers return.

        Verify:
            One block, after less than 20 probes, and nothing passes after the decision.
        """
        source = self.attacker.fresh_ipv4()
        with Crossing(self.testbed) as crossing:
            self.sender.send(port_scan(source, self.server, range(9000, 9060)), 0.02)
            event = self.sut.wait_event("source-blocked", source)
            passage = crossing.follow(source)
        self.verify_equal(len(self.sut.events("source-blocked", source)), 1, "blocks")
        self.verify(0 < len(passage.passed) < 20, f"{len(passage.passed)} of 60 probes passed")
        self.verify_equal(late_text(passage, event), "", "late packets")
