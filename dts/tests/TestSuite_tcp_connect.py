"""Scans by complete connections, as a program without raw sockets makes them."""

from framework import tools
from framework.test_suite import TestSuite, func_test
from framework.tools import fetches


class TestTcpConnect(TestSuite):
    """connect() scans, with the real nmap."""

    @func_test
    def blocks_nmap_connect(self) -> None:
        """nmap -sT is detected, named and blocked.

        Steps:
            Run nmap -sT over 200 ports from an address of its own.

        Verify:
            The source is blocked as a tcp_connect scan.
        """
        source = self.attacker.ipv4[-1]
        tools.nmap_connect(self.attacker, source, [self.server], "-p", "1000-1199")
        evidence = self.sut.wait_event("source-blocked", source)["edgesentry"]
        self.verify_equal(evidence["technique"], "tcp_connect", "technique")

    @func_test
    def leaves_completed_conversations_alone(self) -> None:
        """A client that always finds its service is never suspected.

        Steps:
            Fetch a page from 30 different servers.

        Verify:
            Every page comes and the source is not blocked, although it met 30 targets.
        """
        source = self.client.ipv4[3]
        for server in self.testbed.servers.ipv4[:30]:
            self.verify(fetches(self.client, source, server), f"no page from {server}")
        self.verify_equal(self.sut.events("source-blocked", source), [], "blocks")
