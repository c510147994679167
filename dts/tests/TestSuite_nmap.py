"""The real nmap against an appliance that enforces."""

from typing import ClassVar

from framework import tools
from framework.passage import Crossing, late_text
from framework.settings import Table
from framework.test_suite import TestSuite, func_test

BOUND = ("--host-timeout", "6s")


class TestNmap(TestSuite):
    """What nmap's users run, and how little they get for it; only blocks drop packets."""

    settings: ClassVar[Table] = {"block": {"hold_bursts": False}, "verify": {"proof": "none"}}

    def expect(self, technique: str, *options: str) -> None:
        """Run a scan from a fresh address; verify name, block and that nothing passed late."""
        source = self.attacker.fresh_ipv4()
        with Crossing(self.testbed) as crossing:
            tools.nmap(self.attacker, source, [self.server], *options, *BOUND)
            event = self.sut.wait_event("source-blocked", source)
            passage = crossing.follow(source)
        self.verify_equal(event["edgesentry"]["technique"], technique, "technique")
        self.verify_equal(late_text(passage, event), "", "late packets")

    @func_test
    def is_blind_after_a_syn_scan(self) -> None:
        """nmap -sS of a thousand ports.

        Steps:
            Run nmap -sS --top-ports 1000.

        Verify:
            Blocked as tcp_syn; nothing passes after the decision.
        """
        self.expect("tcp_syn", "-sS", "--top-ports", "1000")

    @func_test
    def is_blind_after_stealth_scans(self) -> None:
        """nmap -sF, -sN and -sX.

        Steps:
            Run each over 100 ports from an address of its own.

        Verify:
            Each is blocked by its name.
        """
        for option, technique in (("-sF", "tcp_fin"), ("-sN", "tcp_null"), ("-sX", "tcp_xmas")):
            self.expect(technique, option, "-p", "1000-1099")

    @func_test
    def is_blind_after_a_udp_scan(self) -> None:
        """nmap -sU.

        Steps:
            Run it over 50 ports.

        Verify:
            Blocked as udp.
        """
        self.expect("udp", "-sU", "-p", "7000-7049")

    @func_test
    def is_blind_after_an_ipv6_scan(self) -> None:
        """nmap -6 -sS.

        Steps:
            Run it over 200 ports.

        Verify:
            Blocked as tcp_syn.
        """
        source = self.attacker.fresh_ipv6()
        tools.nmap(self.attacker, source, [self.server_ipv6], "-sS", "-p", "1000-1199", *BOUND)
        event = self.sut.wait_event("source-blocked", source)
        self.verify_equal(event["edgesentry"]["technique"], "tcp_syn", "technique")
