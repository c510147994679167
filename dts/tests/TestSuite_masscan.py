"""The real masscan and hping3, which send without a network stack."""

from typing import ClassVar

from framework import tools
from framework.passage import Crossing, late_text
from framework.settings import Table
from framework.test_suite import TestSuite, func_test


class TestMasscan(TestSuite):
    """Fast scanners with stacks of their own, with nothing dropped before the decision."""

    settings: ClassVar[Table] = {"block": {"hold_bursts": False}, "verify": {"proof": "none"}}

    @func_test
    def is_stopped_across_many_hosts(self) -> None:
        """masscan over eight servers and a hundred ports.

        Steps:
            Run masscan at 1000 packets a second.

        Verify:
            The source is blocked as tcp_syn and nothing passes after the decision.
        """
        source = self.attacker.fresh_ipv4()
        with Crossing(self.testbed) as crossing:
            scan = ("-p", "1-100", "203.0.113.16/29", "--rate", "1000")
            tools.masscan(self.attacker, source, self.testbed.servers.mac, scan)
            event = self.sut.wait_event("source-blocked", source)
            passage = crossing.follow(source)
        self.verify_equal(event["edgesentry"]["technique"], "tcp_syn", "technique")
        self.verify_equal(late_text(passage, event), "", "late packets")
        self.verify(len(passage.passed) < 100, f"{len(passage.passed)} of 800 probes passed")

    @func_test
    def hping3_scan_is_stopped(self) -> None:
        """hping3 with an increasing destination port.

        Steps:
            Run hping3 -S -p ++1000 for 60 packets.

        Verify:
            The source is blocked.
        """
        source = self.attacker.fresh_ipv4()
        tools.hping3(
            self.attacker, source, self.server, "-S", "-p", "++1000", "-i", "u10000", count=60
        )
        self.sut.wait_event("source-blocked", source)
