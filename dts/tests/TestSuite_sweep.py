"""One question to many hosts: horizontal scans."""

from typing import ClassVar

from scapy.layers.inet import ICMP

from framework.passage import Crossing
from framework.settings import Table
from framework.test_suite import TestSuite, func_test
from framework.traffic import network, sweep


class TestSweep(TestSuite):
    """Sweeps of a TCP port and of ping.

    Without proof of source: on this one link a kernel cannot reset what comes from an address that
    answers no ARP.
    """

    settings: ClassVar[Table] = {"verify": {"proof": "none"}}

    @func_test
    def blocks_a_sweep_of_a_closed_port(self) -> None:
        """One SYN to telnet of every server is a horizontal scan.

        Steps:
            Send a SYN to port 23 of 40 servers.

        Verify:
            The source is blocked as horizontal, and less than half of the servers were reached.
        """
        source, targets = self.attacker.fresh_ipv4(), self.testbed.servers.ipv4
        with Crossing(self.testbed) as crossing:
            self.sender.send(sweep(source, targets, 23), 0.02)
            event = self.sut.wait_event("source-blocked", source)
            seen = crossing.arrived(source)
        self.verify_equal(event["edgesentry"]["shape"], "horizontal", "shape")
        self.verify(seen < len(targets) / 2, f"{seen} servers were reached")

    @func_test
    def blocks_a_ping_sweep(self) -> None:
        """Ping of many addresses that nobody has is a horizontal scan.

        Steps:
            Send an echo request to 60 addresses nobody has.

        Verify:
            The source is blocked as icmp_echo.
        """
        source = self.attacker.fresh_ipv4()
        dark = [f"203.0.113.{host}" for host in range(100, 160)]
        probes = [network(source, target) / ICMP(id=9, seq=1) for target in dark]
        self.sender.send(probes, 0.02)
        event = self.sut.wait_event("source-blocked", source)
        self.verify_equal(event["edgesentry"]["technique"], "icmp_echo", "technique")
