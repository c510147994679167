"""How far each technique of the real scanners gets, at default thresholds, in enforce mode.

The table printed at the end says how many probes had reached servers before the block.
"""

import time

from framework import tools
from framework.capture import Capture
from framework.namespace import stop_process
from framework.passage import time_ns
from framework.reach import Row, probes, table
from framework.servers import HTTP_PORT
from framework.test_suite import TestSuite, func_test
from framework.testbed import HOST_DEVICE

# Five refusals decide (detect.false_positive), and no more than five wait for theirs at one time
# (block.hold_bursts): a flight of ten sends what is too much in vain.
FAST = 5
# A RST to an ACK is also how conversations end: the first one is not held against anybody.
WEAK = FAST + 1
OWN_CLASS = (1, 6, 17)  # protocols that -sO asks for with probes of another class than the rest
ABNORMAL = 3  # detect.abnormal: what no stack sends is evidence at once, flight or not
# detect.horizontal_targets: hosts that answer a ping refuse nothing, so that the fifteenth decides;
# the rest of a flight of ten may be on its way.
SWEEP = 15 + 9
FLOOD = 2000
SETTLE_SECONDS = 0.3  # what is on its way when the decision falls
PORTS = ("-p", "1000-1199")
OPEN = ("22", "80", "443")
TARGETS = "203.0.113.10-49"
RANGE = "203.0.113.10-203.0.113.49"  # the same, as masscan reads it


def shown(options: tuple[str, ...]) -> list[str]:
    """Return the options that tell one scan from another."""
    hidden = ("-Pn", "--disable-arp-ping", *PORTS)
    return [word for word in options if word not in hidden and "," not in word]


class TestNmapTechniques(TestSuite):
    """Each scan comes from an address of its own."""

    def set_up_suite(self) -> None:
        """Start the appliance, listen at the servers, and let the slow scan run all along."""
        super().set_up_suite()
        self.rows: list[Row] = []
        self.sources: set[str] = set()
        self.capture = Capture(self.testbed.servers.namespace, HOST_DEVICE, 128)
        self.slow_source = self._source()
        self.slow = tools.start_nmap(
            *(self.attacker, self.slow_source, [self.server]),
            *("-Pn", "-sS", "--scan-delay", "5s"),
            *("-p", "1000-1011", "--host-timeout", "60s"),
        )

    def tear_down_suite(self) -> None:
        """Print the table, then stop the appliance."""
        print(table(self.rows), flush=True)
        self.capture.close()
        super().tear_down_suite()

    def clean_up(self) -> None:
        """Leave nothing behind, whatever happened."""
        if hasattr(self, "slow"):
            stop_process(self.slow)
        if hasattr(self, "capture"):
            self.capture.close()
        super().clean_up()

    def _source(self, ipv6: bool = False) -> str:
        source = self.attacker.fresh_ipv6() if ipv6 else self.attacker.fresh_ipv4()
        self.sources.add(source)
        return source

    def _tool(self, source: str) -> str:
        named = [event["edgesentry"].get("tool", "none") for event in self.sut.events("", source)]
        return next((tool for tool in reversed(named) if tool != "none"), "")

    def judge(self, name: str, source: str, technique: str, limit: int, seconds: float) -> str:
        """Wait for the block, keep the row, and return what is wrong, or nothing."""
        event = self.sut.wait_event("source-blocked", source, seconds)
        time.sleep(SETTLE_SECONDS)
        self.capture.catch_up()
        arrived = self.capture.received_from(source)
        servers = (*self.testbed.servers.ipv4, *self.testbed.servers.ipv6)
        reached = len(probes(arrived, servers))
        named = event["edgesentry"]["technique"]
        tool = self._tool(source)
        after = max(0.0, (time_ns(event) - arrived[0].time_ns) / 1e9)
        self.rows.append(Row(name, reached, limit, after, named, tool))
        wrong = []
        if named != technique:
            wrong.append(f"{name}: named {named}, is {technique}")
        if not 0 < reached <= limit:
            wrong.append(f"{name}: {reached} probes reached servers, at most {limit} should")
        return "; ".join(wrong)

    def nmap(self, technique: str, limit: int, *options: str, ipv6: bool = False) -> str:
        """Run nmap until it is blocked; return what is wrong, or nothing."""
        source = self._source(ipv6)
        target = [self.server_ipv6 if ipv6 else self.server]
        if "-sn" in options:
            target = [TARGETS]
        else:
            options = ("-Pn", *options)
        running = tools.start_nmap(self.attacker, source, target, *options)
        name = " ".join(["nmap", *(["-6"] if ipv6 else []), *shown(options)])
        try:
            return self.judge(name, source, technique, limit, 10.0)
        finally:
            stop_process(running)

    def verify_all(self, *faults: str) -> None:
        """Fail the case with everything that was wrong in it."""
        self.verify(not any(faults), "\n".join(fault for fault in faults if fault))

    @func_test
    def syn_scans_are_cut_off(self) -> None:
        """nmap -sS, plain, in a hurry, in fragments, over IPv6, and before OS detection.

        Steps:
            Run each over 200 closed ports; one with a pause of 5 ms after each probe.

        Verify:
            Blocked as tcp_syn within the bound.
        """
        self.verify_all(
            self.nmap("tcp_syn", FAST, "-sS", "--scan-delay", "5ms", *PORTS),
            self.nmap("tcp_syn", FAST, "-sS", *PORTS),
            self.nmap("tcp_syn", FAST, "-sS", "-T5", *PORTS),
            self.nmap("tcp_syn", FAST, "-sS", "-f", *PORTS),
            self.nmap("tcp_syn", FAST, "-O", *PORTS),
            self.nmap("tcp_syn", FAST, "-sS", *PORTS, ipv6=True),
        )

    @func_test
    def connect_scan_is_cut_off(self) -> None:
        """nmap -sT, which leaves the packets to the kernel.

        Steps:
            Run it over 200 closed ports.

        Verify:
            Blocked as tcp_connect within the bound.
        """
        source = self._source()
        bound = ("--host-timeout", "1s")
        tools.nmap_connect(self.attacker, source, [self.server], *PORTS, *bound)
        self.verify_all(self.judge("nmap -sT", source, "tcp_connect", FAST, 5.0))

    @func_test
    def impossible_flags_are_cut_off(self) -> None:
        """nmap -sF, -sN and -sX: no stack sends such packets.

        Steps:
            Run each over 200 closed ports.

        Verify:
            Each is blocked by its name within the bound.
        """
        self.verify_all(
            self.nmap("tcp_fin", ABNORMAL, "-sF", *PORTS),
            self.nmap("tcp_null", ABNORMAL, "-sN", *PORTS),
            self.nmap("tcp_xmas", ABNORMAL, "-sX", *PORTS),
        )

    @func_test
    def strays_on_purpose_are_cut_off(self) -> None:
        """nmap -sA, -sW and -sM: packets of connections that never were.

        Steps:
            Run each over 200 closed ports.

        Verify:
            Each is blocked by its name; a Window scan is an ACK scan on the wire.
        """
        self.verify_all(
            self.nmap("tcp_ack", WEAK, "-sA", *PORTS),
            self.nmap("tcp_ack", WEAK, "-sW", *PORTS),
            self.nmap("tcp_maimon", WEAK, "-sM", *PORTS),
        )

    @func_test
    def other_protocols_are_cut_off(self) -> None:
        """nmap -sU, -sY, -sZ and -sO.

        Steps:
            Run each over 200 closed ports, or all protocols.

        Verify:
            Each is blocked by its name within the bound.
        """
        self.verify_all(
            self.nmap("udp", FAST, "-sU", *PORTS),
            self.nmap("sctp_init", FAST, "-sY", *PORTS),
            self.nmap("sctp_cookie_echo", FAST, "-sZ", *PORTS),
            self.nmap("ip_protocol", FAST + len(OWN_CLASS), "-sO"),
        )

    @func_test
    def sweeps_are_cut_off(self) -> None:
        """nmap -sn, masscan and ZMap over all servers.

        Steps:
            Ping 40 servers; ask 40 servers for telnet, in random order.

        Verify:
            Each is blocked by its name within the bound.
        """
        faults = [self.nmap("icmp_echo", SWEEP, "-sn", "-PE", "--disable-arp-ping")]
        mac = self.testbed.servers.mac
        source = self._source()
        tools.masscan(self.attacker, source, mac, ("-p", "23", RANGE), seconds=3)
        faults.append(self.judge("masscan -p 23", source, "tcp_syn", FAST, 5.0))
        source = self._source()
        tools.zmap(self.attacker, source, mac, ("-p", "23", "203.0.113.16/28", "203.0.113.32/28"))
        faults.append(self.judge("zmap -p 23", source, "tcp_syn", FAST, 5.0))
        self.verify_all(*faults)

    @func_test
    def forged_floods_block_nobody(self) -> None:
        """hping3 --rand-source against an open and against a closed port.

        Steps:
            Send 2000 SYNs from random addresses to each port.

        Verify:
            They arrived, no address but the scanners' was blocked, and a client still gets a page.
        """
        flood = ("-S", "--rand-source", "-i", "u500")
        before = len(self.capture.packets())
        for port in (HTTP_PORT, 1000):
            words = (*flood, "-p", str(port))
            tools.hping3(self.attacker, "", self.server, *words, count=FLOOD)
        self.capture.catch_up()
        arrived = [p for p in self.capture.packets()[before:] if not p.outgoing and p.source]
        self.verify(len(arrived) > FLOOD, f"{len(arrived)} packets of the flood arrived")
        blocked = {event["source"]["ip"] for event in self.sut.events("source-blocked")}
        self.verify_equal(blocked - self.sources, set(), "addresses blocked for a flood")
        page = tools.fetches(self.client, self.client.ipv4[0], self.server)
        self.verify(page, "a client is shut out")

    @func_test
    def decoys_are_not_blocked(self) -> None:
        """nmap -D: the same scan from the scanner and from five forged addresses.

        Steps:
            Scan 100 closed and three open ports with five decoys, the scanner fourth.

        Verify:
            The scanner is blocked as tcp_syn, no decoy is.
        """
        decoys = [f"198.51.100.{host}" for host in range(230, 235)]  # nobody's
        cover = ",".join([*decoys[:3], "ME", *decoys[3:]])
        ports = ("-p", f"{','.join(OPEN)},1000-1099")  # live services are never held
        fault = self.nmap("tcp_syn", FAST + len(OPEN), "-sS", "-D", cover, *ports)
        blocked = {event["source"]["ip"] for event in self.sut.events("source-blocked")}
        self.verify_all(fault)
        self.verify_equal(blocked & set(decoys), set(), "decoys blocked")

    @func_test
    def slow_scan_is_cut_off(self) -> None:
        """nmap --scan-delay 5s, which has run since the suite began.

        Steps:
            One port every five seconds.

        Verify:
            Blocked as tcp_syn within the bound.
        """
        name = "nmap -sS --scan-delay 5s"
        self.verify_all(self.judge(name, self.slow_source, "tcp_syn", FAST, 45.0))
