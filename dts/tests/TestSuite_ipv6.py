"""IPv6: the same detection, and a /64 is one source."""

from framework.passage import Crossing
from framework.test_suite import TestSuite, func_test
from framework.tools import fetches
from framework.traffic import port_scan


class TestIpv6(TestSuite):
    """Scans over IPv6 and who is blocked for them."""

    @func_test
    def blocks_a_scan_and_its_network(self) -> None:
        """A scanner is blocked with its whole /64, and no further.

        Steps:
            Scan 60 closed ports; then send from another address of the same /64, and fetch a page
            from the neighbouring /64.

        Verify:
            The scanner is blocked, the other address does not get through, the neighbour does.
        """
        source, neighbour = self.attacker.fresh_ipv6(), self.attacker.fresh_ipv6()
        sibling = source.removesuffix("10") + "11"
        with Crossing(self.testbed) as crossing:
            self.sender.send(port_scan(source, self.server_ipv6, range(800, 860)), 0.02)
            event = self.sut.wait_event("source-blocked", source)
            self.sender.send(port_scan(sibling, self.server_ipv6, [80]))
            page = fetches(self.attacker, neighbour, self.server_ipv6)
            scanned, others = crossing.arrived(source), crossing.arrived(sibling)
        self.verify(page, "the next /64 is shut out")
        self.verify(event["edgesentry"]["source_prefix"].endswith("/64"), "not blocked as a /64")
        self.verify(0 < scanned < 30, f"{scanned} of 60 probes arrived")
        self.verify_equal(others, 0, "packets from the rest of the /64")

    @func_test
    def leaves_a_client_alone(self) -> None:
        """Pages over IPv6 are no scan.

        Steps:
            Fetch a page from 20 servers over IPv6.

        Verify:
            Every page comes and nothing is blocked.
        """
        source = self.client.ipv6[1]
        for server in self.testbed.servers.ipv6[:20]:
            self.verify(fetches(self.client, source, server), f"no page from {server}")
        self.verify_equal(self.sut.events("source-blocked", source), [], "blocks")
