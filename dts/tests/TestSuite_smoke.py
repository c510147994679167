"""The appliance starts, says so, and is invisible to honest traffic of every kind."""

from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import Dot1Q
from scapy.packet import Packet, Raw

from framework import tools
from framework.capture import Capture, Seen
from framework.namespace import run
from framework.servers import UDP_PORT
from framework.test_suite import TestSuite, func_test
from framework.testbed import HOST_DEVICE
from framework.tools import Download, fetches
from framework.traffic import Sender, udp
from framework.waiting import wait_for


class TestSmoke(TestSuite):
    """Ready, metrics, and a wire that carries what a wire carries."""

    def set_up_suite(self) -> None:
        """Send honest traffic from the client, not from the attacker."""
        super().set_up_suite()
        self.honest = Sender(self.client, self.testbed.servers)
        self.arrivals = Capture(self.testbed.servers.namespace, HOST_DEVICE)
        self.returns = Capture(self.client.namespace, HOST_DEVICE)

    def tear_down_suite(self) -> None:
        """Stop the captures too."""
        self.honest.close()
        self.arrivals.close()
        self.returns.close()
        super().tear_down_suite()

    def wait_payload(self, what: str, capture: Capture, payload: bytes) -> Packet:
        """Wait until a packet with this payload has come in, and return it."""

        def wanted(packet: Seen) -> bool:
            return not packet.outgoing and payload in packet.frame

        return wait_for(what, lambda: capture.packets(wanted))[0].packet()

    @func_test
    def says_that_it_is_active(self) -> None:
        """The ready line stands in the output and the metrics name every worker.

        Steps:
            Start the appliance, wait for the ready line and scrape /metrics.

        Verify:
            The metrics have one label value per worker.
        """
        workers = self.sut.metrics().label_values("edgesentry_packets_received_total", "worker")
        wanted = [str(i) for i in range(self.testbed.nodes.appliance.queues)]
        self.verify_equal(workers, wanted, "workers in /metrics")

    @func_test
    def metrics_pass_promtool(self) -> None:
        """Prometheus' own checker finds nothing to complain about.

        Steps:
            Scrape /metrics and hand the text to promtool check metrics.

        Verify:
            It ends with success and prints nothing.
        """
        tools.need("promtool")
        text = self.testbed.work / "metrics.txt"
        text.write_text(self.sut.metrics().text, encoding="utf-8")
        said = run(["sh", "-c", f"promtool check metrics < {text}"])
        self.verify_equal(said.strip(), "", "promtool's complaints")

    @func_test
    def forwards_arp_and_ipv4_both_ways(self) -> None:
        """A client that knows no neighbour gets a page.

        Steps:
            Forget all neighbours on both sides, then fetch a page over IPv4.

        Verify:
            The page comes, and the client has learned the server's Ethernet address.
        """
        for host in (self.client, self.testbed.servers):
            host.namespace.ip("neigh", "flush", "all")
        self.verify(fetches(self.client, self.client.ipv4[0], self.server), "no page over IPv4")
        neighbour = self.client.namespace.ip("neigh", "show", self.server)
        self.verify(self.testbed.servers.mac in neighbour, f"not learned: {neighbour!r}")

    @func_test
    def forwards_neighbour_discovery_and_ipv6(self) -> None:
        """IPv6 works from nothing, with neighbour discovery through the appliance.

        Steps:
            Forget all neighbours on both sides, then fetch a page over IPv6.

        Verify:
            The page comes.
        """
        for host in (self.client, self.testbed.servers):
            host.namespace.ip("-6", "neigh", "flush", "all")
        source = self.client.ipv6[0]
        self.verify(fetches(self.client, source, self.server_ipv6), "no page over IPv6")

    @func_test
    def forwards_vlan_tags_untouched(self) -> None:
        """One tag and two tags arrive as they were sent.

        Steps:
            Send a UDP packet behind tag 42, and one behind tags 42 and 43.

        Verify:
            Both arrive with exactly their tags.
        """
        source = self.client.ipv4[1]
        self.honest.send_tagged([udp(source, self.server, 7, b"one tag only")], [42])
        one = self.wait_payload("the tagged packet", self.arrivals, b"one tag only")
        self.verify_equal(one[Dot1Q].vlan, 42, "VLAN of the packet with one tag")
        self.honest.send_tagged([udp(source, self.server, 7, b"two of them")], [42, 43])
        two = self.wait_payload("the packet with two tags", self.arrivals, b"two of them")
        vlans = [two.getlayer(Dot1Q, number).vlan for number in (1, 2)]
        self.verify_equal(vlans, [42, 43], "VLANs of the packet with two tags")

    @func_test
    def forwards_frames_larger_than_ethernet(self) -> None:
        """Frames of more than 1800 bytes pass both ways.

        Steps:
            Send a UDP datagram of 1800 bytes to the echo service.

        Verify:
            The same 1800 bytes arrive and come back.
        """
        payload = bytes(range(200)) * 9
        self.honest.send([udp(self.client.ipv4[0], self.server, UDP_PORT, payload)])
        self.wait_payload("the large frame", self.arrivals, payload)
        self.wait_payload("the large answer", self.returns, payload)

    @func_test
    def forwards_fragments_of_ipv4(self) -> None:
        """A fragmented IPv4 datagram is answered.

        Steps:
            Send 1200 bytes to the echo service in three fragments.

        Verify:
            The whole payload comes back, which it can only after all fragments arrived.
        """
        payload = b"a good deal more than 480 by" * 43
        whole = IP(src=self.client.ipv4[0], dst=self.server, id=77)
        whole = whole / UDP(sport=40077, dport=UDP_PORT) / Raw(payload)
        sent = self.honest.send(fragment(whole, fragsize=480))
        self.verify_equal(sent, 3, "fragments")
        self.wait_payload("the answer to the fragments", self.returns, payload)

    @func_test
    def forwards_fragments_of_ipv6(self) -> None:
        """A fragmented IPv6 datagram is answered.

        Steps:
            Send 1600 bytes over IPv6 to the echo service in fragments of at most 700 bytes.

        Verify:
            The whole payload comes back.
        """
        payload = b"sixteen bytes ok" * 100
        whole = IPv6(src=self.client.ipv6[0], dst=self.server_ipv6)
        whole = whole / IPv6ExtHdrFragment(id=78) / UDP(sport=40078, dport=UDP_PORT) / Raw(payload)
        sent = self.honest.send(fragment6(whole, 700))
        self.verify(sent >= 3, f"only {sent} fragments")
        self.wait_payload("the answer to the fragments", self.returns, payload)

    @func_test
    def carries_a_download_unharmed(self) -> None:
        """A megabyte passes and its checksum is right.

        Steps:
            Download the large file over IPv4 and over IPv6.

        Verify:
            Both are complete and equal to the original.
        """
        for number, server in enumerate((self.server, self.server_ipv6)):
            download = Download.begin(
                self.client.namespace,
                server,
                self.servers.content / "large",
                self.testbed.work / f"smoke-{number}",
                "4M",
            )
            self.verify_equal(download.finish(60), "", f"the download from {server}")

    @func_test
    def blocks_nobody(self) -> None:
        """Nothing of the above was taken for a scan.

        Steps:
            Look at the events and metrics after all that traffic.

        Verify:
            No block, no detection.
        """
        self.verify_equal(self.sut.events("source-blocked"), [], "blocked sources")
        self.verify_equal(self.sut.events("scan-detected"), [], "detected scans")
        self.verify_equal(self.sut.metrics().dropped_by_verdict, 0, "packets dropped by verdict")
