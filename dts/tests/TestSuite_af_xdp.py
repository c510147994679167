"""The same appliance on net_af_xdp, which takes one queue on a veth pair."""

from scapy.layers.inet import TCP

from framework.capture import Capture
from framework.settings import Table
from framework.sut import Appliance
from framework.test_suite import TestSuite, func_test
from framework.testbed import HOST_DEVICE
from framework.tools import fetches
from framework.traffic import port_scan

SEGMENT = {
    "name": "lab",
    "outside": "net_af_xdp0,iface=outside",
    "inside": "net_af_xdp1,iface=inside",
}


class TestAfXdp(TestSuite):
    """Forwarding and blocking over AF_XDP sockets."""

    def set_up_suite(self) -> None:
        """Narrow the veth pairs to one queue, and start on AF_XDP with one worker."""
        self.testbed.set_queues(1)
        changes: Table = {"segment": [SEGMENT], "workers": {"count": 1}}
        self.sut = Appliance(self.testbed, changes)
        super().set_up_suite()

    def clean_up(self) -> None:
        """Give the veth pairs their queues back."""
        super().clean_up()
        self.testbed.set_queues(self.testbed.nodes.appliance.queues)

    @func_test
    def forwards_both_ways(self) -> None:
        """Pages come over IPv4 and IPv6.

        Steps:
            Forget all neighbours, then fetch a page over each.

        Verify:
            Both come.
        """
        for host in (self.client, self.testbed.servers):
            host.namespace.ip("neigh", "flush", "all")
        self.verify(fetches(self.client, self.client.ipv4[0], self.server), "no page over IPv4")
        self.verify(
            fetches(self.client, self.client.ipv6[0], self.server_ipv6), "no page over IPv6"
        )

    @func_test
    def blocks_a_scan(self) -> None:
        """Detection does not depend on the driver, and one queue keeps the order of packets.

        Steps:
            Send SYNs to 60 closed ports.

        Verify:
            The source is blocked; the first probes pass, then none.
        """
        source = self.attacker.fresh_ipv4()
        with Capture(self.testbed.servers.namespace, HOST_DEVICE) as arrivals:
            self.sender.send(port_scan(source, self.server, range(1000, 1060)), 0.02)
            self.sut.wait_event("source-blocked", source)
            arrivals.catch_up()
            ports = [seen.packet()[TCP].dport for seen in arrivals.received_from(source)]
        self.verify(0 < len(ports) < 20, f"{len(ports)} of 60 probes passed")
        first = list(range(1000, 1000 + len(ports)))
        self.verify_equal(ports, first, "ports whose probes passed")
