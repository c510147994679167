"""The deciding packet is the last one: counted on the server side, packet by packet."""

from collections import defaultdict
from typing import ClassVar

from scapy.layers.inet import TCP

from framework import tools
from framework.metrics import Metrics
from framework.passage import Crossing, Passage, late_text
from framework.settings import Table
from framework.sut import Event
from framework.test_suite import TestSuite, func_test
from framework.traffic import port_scan
from framework.waiting import wait_for

BURST = 800  # about 400 a queue, which holds 512: none is lost however long a worker waits
DARK = "203.0.113.250"  # of the protected network, and nobody there


class TestZeroAfterDecision(TestSuite):
    """Both ends of the appliance are captured and compared; what is dropped is what is blocked."""

    settings: ClassVar[Table] = {"block": {"hold_bursts": False}, "verify": {"proof": "none"}}

    def check(self, crossing: Crossing, source: str, before: Metrics) -> tuple[Passage, Event]:
        """Verify that nothing passed after the decision; return the passage and the decision."""
        decision = self.sut.wait_event("source-blocked", source)

        def is_accounted_for() -> bool:
            now, passage = self.sut.metrics(), crossing.follow(source)
            by_verdict = now.dropped_by_verdict - before.dropped_by_verdict
            by_fault = now.dropped_by_fault - before.dropped_by_fault
            return by_verdict <= passage.dropped <= by_verdict + by_fault

        wait_for("every packet to arrive or to be counted as dropped", is_accounted_for)
        passage = crossing.follow(source)
        self.verify_equal(late_text(passage, decision), "", "late packets")
        self.verify_equal(passage.strangers, 0, "packets at the server that never came in")
        self.verify(passage.dropped > 0, "nothing was dropped at all")
        return passage, decision

    @func_test
    def holds_for_a_paced_scan(self) -> None:
        """With time between the probes the decision is early and final.

        Steps:
            Send 100 SYNs to closed ports, 10 ms apart.

        Verify:
            No packet passes after the decision, which comes within 20 probes.
        """
        source, before = self.attacker.fresh_ipv4(), self.sut.settled_metrics()
        with Crossing(self.testbed) as crossing:
            self.sender.send(port_scan(source, self.server, range(10000, 10100)), 0.01)
            passage, _ = self.check(crossing, source, before)
        self.verify(len(passage.passed) < 20, f"{len(passage.passed)} of 100 probes passed")

    @func_test
    def holds_for_a_burst(self) -> None:
        """At full speed every packet that came in after the decision is missing at the server.

        Steps:
            Send 800 SYNs to closed ports without any pause.

        Verify:
            No packet passes after the decision, and what was dropped adds up to the metric.
        """
        source, before = self.attacker.fresh_ipv4(), self.sut.settled_metrics()
        with Crossing(self.testbed) as crossing:
            self.sender.send(port_scan(source, self.server, range(11000, 11000 + BURST)))
            self.check(crossing, source, before)

    @func_test
    def names_the_last_packet(self) -> None:
        """Where nobody answers, the source's own probe decides, and the decision names it.

        Steps:
            Send 800 SYNs without any pause to an address where nobody is.

        Verify:
            Of the named probe's queue, exactly the probes before it passed; of the others, the
            first ones.
        """
        source, before = self.attacker.fresh_ipv4(), self.sut.settled_metrics()
        with Crossing(self.testbed) as crossing:
            self.sender.send(port_scan(source, DARK, range(11000, 11000 + BURST)))
            passage, decision = self.check(crossing, source, before)
        queues: dict[int, list[int]] = defaultdict(list)
        for packet in passage.sent:
            queues[passage.queue(packet)].append(packet.packet()[TCP].dport)
        passed = {packet.packet()[TCP].dport for packet in passage.passed}
        named = decision["destination"]["port"]
        queue: list[int] = next((ports for ports in queues.values() if named in ports), [])
        self.verify(queue, f"the decision names port {named}, which was not sent to")
        wanted = queue[: queue.index(named)]
        self.verify_equal([port for port in queue if port in passed], wanted, "probes that passed")

    @func_test
    def holds_for_nmap(self) -> None:
        """The same with a real scanner.

        Steps:
            Run nmap -sS over 500 ports.

        Verify:
            No packet passes after the decision.
        """
        source, before = self.attacker.fresh_ipv4(), self.sut.settled_metrics()
        scan = ("-sS", "-p", "1000-1499", "--host-timeout", "5s")
        with Crossing(self.testbed) as crossing:
            tools.nmap(self.attacker, source, [self.server], *scan)
            self.check(crossing, source, before)
