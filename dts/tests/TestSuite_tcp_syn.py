"""The commonest scan: SYN to one port after the other."""

from framework.passage import Crossing
from framework.servers import OPEN_PORTS
from framework.test_suite import TestSuite, func_test
from framework.tools import fetches
from framework.traffic import port_scan, tcp

PACE = 0.02  # slow enough for answers to come back between probes


class TestTcpSyn(TestSuite):
    """Half-open scans of closed, open and silent ports."""

    @func_test
    def blocks_a_scan_of_closed_ports(self) -> None:
        """A scan of refused ports is cut off long before its end.

        Steps:
            Send 60 SYNs to closed ports of one server, with time for the refusals between them.

        Verify:
            The source is blocked as a vertical tcp_syn scan, and the server saw less than 20 SYNs.
        """
        source = self.attacker.fresh_ipv4()
        with Crossing(self.testbed) as crossing:
            self.sender.send(port_scan(source, self.server, range(1000, 1060)), PACE)
            event = self.sut.wait_event("source-blocked", source)
            seen = crossing.arrived(source)
        evidence = event["edgesentry"]
        self.verify_equal(evidence["technique"], "tcp_syn", "technique")
        self.verify_equal(evidence["shape"], "vertical", "shape")
        self.verify(0 < seen < 20, f"the server saw {seen} of 60 SYNs")

    @func_test
    def shuts_a_blocked_source_out_of_open_ports(self) -> None:
        """Blocked means blocked for everything.

        Steps:
            Scan until blocked, then ask the web server from the same address.

        Verify:
            No page, while another address of the same network gets it.
        """
        source, neighbour = self.attacker.fresh_ipv4(), self.attacker.fresh_ipv4()
        self.sender.send(port_scan(source, self.server, range(2000, 2030)), PACE)
        self.sut.wait_event("source-blocked", source)
        self.verify(not fetches(self.attacker, source, self.server, 2), "a blocked source got in")
        self.verify(fetches(self.attacker, neighbour, self.server), "its neighbour is shut out")

    @func_test
    def leaves_a_few_refusals_alone(self) -> None:
        """Three refused connections are a typing error, not a scan.

        Steps:
            Send SYNs to three closed ports, and fetch pages before and after.

        Verify:
            The source is not blocked and gets its pages.
        """
        source = self.attacker.fresh_ipv4()
        self.verify(fetches(self.attacker, source, self.server), "no page before")
        self.sender.send(port_scan(source, self.server, range(3000, 3003)), PACE)
        self.verify(fetches(self.attacker, source, self.server), "no page after three refusals")
        self.verify_equal(self.sut.events("source-blocked", source), [], "blocks")

    @func_test
    def leaves_a_busy_client_alone(self) -> None:
        """Many connections to open ports are work, not a scan.

        Steps:
            Fetch a page twenty times and open every service of two servers.

        Verify:
            The source is not blocked.
        """
        source = self.client.ipv4[2]
        for _ in range(20):
            self.verify(fetches(self.client, source, self.server), "a page is missing")
        for server in self.testbed.servers.ipv4[:2]:
            for port in OPEN_PORTS:
                words = ("curl", "-s", "--max-time", "0.3", "--interface", source)
                self.client.namespace.run(*words, f"telnet://{server}:{port}", check=False)
        self.verify_equal(self.sut.events("source-blocked", source), [], "blocks")

    @func_test
    def counts_a_retransmission_once(self) -> None:
        """One SYN repeated is one attempt.

        Steps:
            Send the same SYN to a closed port 30 times.

        Verify:
            The source is not blocked and gets a page.
        """
        source = self.attacker.fresh_ipv4()
        self.sender.send([tcp(source, self.server, 4000)] * 30, PACE)
        self.verify(fetches(self.attacker, source, self.server), "the source is shut out")
        self.verify_equal(self.sut.events("source-blocked", source), [], "blocks")

    @func_test
    def blocks_a_scan_faster_than_its_answers(self) -> None:
        """A burst that outruns every refusal is stopped all the same.

        Steps:
            Send SYNs to 1000 closed ports as fast as possible.

        Verify:
            The source is blocked and the server saw less than half of them.
        """
        source = self.attacker.fresh_ipv4()
        with Crossing(self.testbed) as crossing:
            self.sender.send(port_scan(source, self.server, range(5000, 6000)))
            self.sut.wait_event("source-blocked", source)
            seen = crossing.arrived(source)
        self.verify(seen < 500, f"the server saw {seen} of 1000 SYNs")
