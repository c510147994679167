"""PortSentry's own history lines, for everything that already reads them."""

import re

from framework.test_suite import TestSuite, func_test
from framework.traffic import port_scan, udp
from framework.waiting import wait_for

LINE = re.compile(
    r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}"
    r" Scan from: \[([0-9a-f.:]+)\] \(([0-9a-f.:]+)\)"
    r" protocol: \[(TCP|UDP)\] port: \[(\d+)\] type: \[([^\]]+)\]"
    r" IP opts: \[(set|not set|unknown)\]"
    r" ignored: \[(true|false|unset)\] triggered: \[(true|false|unset)\]"
    r" noblock: \[(true|false|unset)\] blocked: \[(true|false|unset)\]$"
)


class TestPortsentryLog(TestSuite):
    """One line per deed, byte for byte in PortSentry 2.x' form."""

    def line_of(self, source: str) -> "re.Match[str]":
        """Wait for the line about a source; verify its form."""

        def about() -> list[str]:
            return [line for line in self.sut.portsentry_log() if f"[{source}]" in line]

        text = wait_for(f"a line about {source}", about)[-1]
        match = LINE.match(text)
        if match is None:
            self.verify(False, f"not PortSentry's form: {text!r}")
            raise AssertionError
        return match

    @func_test
    def writes_a_blocked_syn_scan(self) -> None:
        """A blocked TCP scan reads as PortSentry would have written it.

        Steps:
            Send SYNs to 40 closed ports.

        Verify:
            One line: TCP, a port of the scan, SYN/Normal, triggered and blocked.
        """
        source = self.attacker.fresh_ipv4()
        self.sender.send(port_scan(source, self.server, range(1000, 1040)), 0.02)
        match = self.line_of(source)
        self.verify_equal(match[3], "TCP", "protocol")
        self.verify(1000 <= int(match[4]) < 1040, f"port {match[4]}")
        self.verify_equal(match[5], "TCP SYN/Normal scan", "type")
        self.verify_equal(match.group(7, 8, 9, 10), ("false", "true", "false", "true"), "flags")

    @func_test
    def writes_a_blocked_xmas_scan(self) -> None:
        """The type follows the flags.

        Steps:
            Send FIN+PSH+URG to 20 ports.

        Verify:
            One line of type TCP XMAS scan.
        """
        source = self.attacker.fresh_ipv4()
        self.sender.send(port_scan(source, self.server, range(1000, 1020), "FPU"), 0.02)
        self.verify_equal(self.line_of(source)[5], "TCP XMAS scan", "type")

    @func_test
    def writes_a_blocked_udp_scan(self) -> None:
        """UDP is said to be UDP.

        Steps:
            Send datagrams to 40 closed ports.

        Verify:
            One line with protocol UDP.
        """
        source = self.attacker.fresh_ipv4()
        self.sender.send([udp(source, self.server, port) for port in range(7000, 7040)], 0.02)
        self.verify_equal(self.line_of(source)[3], "UDP", "protocol")
