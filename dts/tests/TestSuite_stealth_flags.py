"""Probes that no TCP stack sends: FIN, NULL and XMAS scans."""

from framework.passage import Crossing
from framework.servers import HTTP_PORT
from framework.test_suite import TestSuite, func_test
from framework.tools import fetches
from framework.traffic import port_scan, tcp

PROBES = 30
ABNORMAL_MAX = 3  # detect.abnormal: the third such probe decides


class TestStealthFlags(TestSuite):
    """Each technique is named, and almost none of it passes."""

    def expect(self, flags: str, technique: str) -> None:
        """Scan with some flags and check name and number of arrivals."""
        source = self.attacker.fresh_ipv4()
        ports = range(600, 600 + PROBES)
        with Crossing(self.testbed) as crossing:
            self.sender.send(port_scan(source, self.server, ports, flags), 0.01)
            event = self.sut.wait_event("source-blocked", source)
            seen = crossing.arrived(source)
        self.verify_equal(event["edgesentry"]["technique"], technique, "technique")
        self.verify(seen <= ABNORMAL_MAX, f"{seen} of {PROBES} probes reached the server")

    @func_test
    def blocks_fin(self) -> None:
        """FIN alone, nmap -sF.

        Steps:
            Send FIN to 30 ports.

        Verify:
            Blocked as tcp_fin, at most three probes arrived.
        """
        self.expect("F", "tcp_fin")

    @func_test
    def blocks_null(self) -> None:
        """No flag at all, nmap -sN.

        Steps:
            Send packets without flags to 30 ports.

        Verify:
            Blocked as tcp_null, at most three probes arrived.
        """
        self.expect("", "tcp_null")

    @func_test
    def blocks_xmas(self) -> None:
        """FIN, PSH and URG, nmap -sX.

        Steps:
            Send FIN+PSH+URG to 30 ports.

        Verify:
            Blocked as tcp_xmas, at most three probes arrived.
        """
        self.expect("FPU", "tcp_xmas")

    @func_test
    def leaves_a_stray_end_alone(self) -> None:
        """The end of a connection the appliance never saw is not a scan.

        Steps:
            Send a FIN+ACK and a RST to an open port, as after a restart of the appliance.

        Verify:
            The source is not blocked and gets a page.
        """
        source = self.attacker.fresh_ipv4()
        self.sender.send([tcp(source, self.server, HTTP_PORT, flags) for flags in ("FA", "R")])
        self.verify(fetches(self.attacker, source, self.server), "the source is shut out")
        self.verify_equal(self.sut.events("source-blocked", source), [], "blocks")
