"""Frames longer than the MTU of the other port go on as fragments, or are dropped and counted."""

from collections.abc import Iterator
from contextlib import contextmanager

from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet, Raw

from framework.capture import Capture, Seen
from framework.metrics import DROPPED
from framework.servers import UDP_PORT
from framework.test_suite import TestSuite, func_test
from framework.testbed import HOST_DEVICE
from framework.traffic import Sender
from framework.waiting import wait_for

MTU = 1500  # of both sides of the servers' wire; the outside keeps the lab's larger one
FRAME_MAX = MTU + 14


class TestLongFrames(TestSuite):
    """An appliance between an outside of 1900 bytes and an inside of 1500."""

    def set_up_suite(self) -> None:
        """Shrink the wire to the servers before the appliance reads its MTU."""
        self._set_inside_mtu(MTU)
        super().set_up_suite()
        self.honest = Sender(self.client, self.testbed.servers)
        self.source = self.client.ipv4[0]

    def tear_down_suite(self) -> None:
        """Check the account of packets."""
        self.honest.close()
        super().tear_down_suite()

    def clean_up(self) -> None:
        """Give the wire its MTU back for the suites to come."""
        super().clean_up()
        self._set_inside_mtu(self.testbed.nodes.mtu)

    def _set_inside_mtu(self, mtu: int) -> None:
        self.testbed.appliance.ip("link", "set", "dev", "inside", "mtu", str(mtu))
        self.testbed.servers.namespace.ip("link", "set", "dev", HOST_DEVICE, "mtu", str(mtu))

    def too_long(self) -> int:
        """Return how many packets were dropped as too long so far."""
        return int(self.sut.metrics().sum(DROPPED, reason="too_long"))

    @contextmanager
    def arrivals(self) -> Iterator[Capture]:
        """Capture what reaches the servers."""
        with Capture(self.testbed.servers.namespace, HOST_DEVICE) as capture:
            yield capture

    def echoed(self, packets: list[Packet], payload: bytes) -> list[Seen]:
        """Send to the echo service; wait for the whole answer and return what the servers got."""

        def is_udp(packet: Seen) -> bool:
            return not packet.outgoing and packet.frame[23:24] == b"\x11"

        def arrived(packet: Seen) -> bool:
            return is_udp(packet) and packet.source == self.source

        with self.arrivals() as capture, Capture(self.client.namespace, HOST_DEVICE) as returns:
            self.honest.send(packets)
            wait_for(
                "the whole answer",
                lambda: sum(len(p.packet()[IP].payload) for p in returns.packets(is_udp))
                >= len(payload) + 8,
            )
            capture.catch_up()
            return list(capture.packets(arrived))

    @func_test
    def passes_a_ping_of_1600_bytes(self) -> None:
        """A ping whose request and answer are fragmented on the inside is answered.

        Steps:
            Ping a server with 1600 bytes, three times, without DF.

        Verify:
            All answers come, and nothing was dropped as too long.
        """
        words = ["-c", "3", "-i", "0.2", "-W", "5", "-M", "dont", "-s", "1600"]
        said = self.client.namespace.run("ping", *words, "-I", self.source, self.server)
        self.verify("3 received" in said, f"answers to the ping: {said}")
        self.verify_equal(self.too_long(), 0, "packets dropped as too long")

    @func_test
    def passes_a_fragmented_datagram(self) -> None:
        """Fragments that the kernel put together on the way in arrive as fragments.

        Steps:
            Send 1700 bytes to the echo service in two fragments with identification 79.

        Verify:
            The servers get fragments of at most their MTU with that identification, and answer.
        """
        payload = b"seventeen bytes, " * 100
        whole = IP(src=self.source, dst=self.server, id=79)
        whole = whole / UDP(sport=40079, dport=UDP_PORT) / Raw(payload)
        got = self.echoed(fragment(whole, fragsize=1000), payload)
        self.verify_equal(len(got), 2, "fragments at the servers")
        self.verify_equal({p.packet()[IP].id for p in got}, {79}, "identifications")
        self.verify(max(len(p.frame) for p in got) <= FRAME_MAX, "a fragment exceeds the MTU")

    @func_test
    def counts_a_long_packet_once(self) -> None:
        """One frame of 1700 bytes without DF is one packet received and one forwarded.

        Steps:
            Send it to a port where nobody listens, and compare two scrapes.

        Verify:
            The account of packets adds up, without a drop.
        """
        before = self.sut.settled_metrics()
        self.honest.send([IP(src=self.source, dst=self.server) / UDP(dport=9) / bytes(1672)])
        wait_for("the packet", lambda: self.sut.metrics().forwarded > before.forwarded)
        after = self.sut.settled_metrics()
        self.verify_equal(after.dropped_by_fault, before.dropped_by_fault, "drops by fault")

    @func_test
    def drops_and_counts_what_must_not_be_cut(self) -> None:
        """IPv4 with DF, IPv6 and what is not IP cannot pass, and that shows.

        Steps:
            Send one frame of each, of 1700 bytes and more.

        Verify:
            None arrives; three more packets were dropped as too long.
        """
        before = self.too_long()
        mark = b"too long for the inside "
        body = UDP(sport=40080, dport=UDP_PORT) / Raw(mark * 70)
        ethernet = bytes.fromhex(
            self.testbed.servers.mac.replace(":", "") + self.client.mac.replace(":", "")
        )
        with self.arrivals() as capture:
            self.honest.send([IP(src=self.source, dst=self.server, flags="DF") / body])
            self.honest.send([IPv6(src=self.client.ipv6[0], dst=self.server_ipv6) / body])
            self.honest.send_frames([ethernet + b"\x88\xb5" + mark * 70])
            wait_for("three drops", lambda: self.too_long() >= before + 3)
            capture.catch_up()
            got = capture.packets(lambda packet: mark in packet.frame)
        self.verify_equal(len(got), 0, "long frames at the servers")
        self.verify_equal(self.too_long(), before + 3, "packets dropped as too long")

    @func_test
    def drops_and_counts_what_was_cut_short_at_reception(self) -> None:
        """A datagram that is longer, put together, than the driver holds cannot pass either.

        Steps:
            Send 3000 bytes in three fragments to the echo service.

        Verify:
            Nothing of it arrives; one more packet was dropped as too long.
        """
        before = self.too_long()
        whole = IP(src=self.source, dst=self.server, id=80)
        whole = whole / UDP(sport=40081, dport=UDP_PORT) / Raw(b"cut short " * 300)
        with self.arrivals() as capture:
            self.honest.send(fragment(whole, fragsize=1200))
            wait_for("a drop", lambda: self.too_long() > before)
            capture.catch_up()
            got = capture.packets(lambda packet: b"cut short " in packet.frame)
        self.verify_equal(len(got), 0, "parts at the servers")
        self.verify_equal(self.too_long(), before + 1, "packets dropped as too long")
