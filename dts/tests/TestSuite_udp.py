"""UDP: scans of closed ports are found, questions to a service are not."""

from framework.capture import Capture, Seen
from framework.passage import Crossing
from framework.servers import UDP_PORT
from framework.test_suite import TestSuite, func_test
from framework.testbed import HOST_DEVICE
from framework.traffic import Sender, udp
from framework.waiting import wait_for

QUESTIONS = 50


class TestUdp(TestSuite):
    """nmap -sU and DNS."""

    @func_test
    def blocks_a_scan_of_closed_ports(self) -> None:
        """A UDP scan is detected and cut off.

        Steps:
            Send datagrams to 60 closed ports of one server.

        Verify:
            The source is blocked as a udp scan, and the server saw less than half.
        """
        source = self.attacker.fresh_ipv4()
        probes = [udp(source, self.server, port) for port in range(7000, 7060)]
        with Crossing(self.testbed) as crossing:
            self.sender.send(probes, 0.02)
            event = self.sut.wait_event("source-blocked", source)
            seen = crossing.arrived(source)
        self.verify_equal(event["edgesentry"]["technique"], "udp", "technique")
        self.verify(seen < 30, f"the server saw {seen} of 60 datagrams")

    @func_test
    def leaves_a_resolver_alone(self) -> None:
        """Many questions to one service, each from its own port, are no scan.

        Steps:
            Ask the UDP service fifty times from fifty source ports.

        Verify:
            Every question is answered and the source is not blocked.
        """
        source = self.client.ipv4[1]
        questions = [udp(source, self.server, UDP_PORT, b"q0%02d" % i) for i in range(QUESTIONS)]
        for number, question in enumerate(questions):
            question.sport = 45000 + number

        def answers(seen: Capture) -> set[bytes]:
            return {packet.frame[42:46] for packet in seen.packets(is_answer)}

        def is_answer(packet: Seen) -> bool:
            return packet.source == self.server and packet.frame[42:44] == b"q0"

        sender = Sender(self.client, self.testbed.servers)
        with Capture(self.client.namespace, HOST_DEVICE) as seen:
            sender.send(questions, 0.005)
            wait_for("all answers", lambda: len(answers(seen)) == QUESTIONS)
        sender.close()
        self.verify_equal(self.sut.events("source-blocked", source), [], "blocks")
