"""Proof of source: who is where his packets say, and what becomes of who is not.

Nobody lives in DARK; a route leads there past the servers' Ethernet address. The table printed at
the end says what went there and what the appliance sent back, for each address.
"""

import socket
import time
from typing import ClassVar

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from framework import tools
from framework.amplify import account, table
from framework.capture import Capture, Seen
from framework.reach import probes
from framework.servers import HTTP_PORT
from framework.settings import Table
from framework.test_suite import TestSuite, func_test
from framework.testbed import HOST_DEVICE
from framework.traffic import port_scan
from framework.waiting import wait_for

DARK = "203.0.113.192/26"
DARK_HOST = "203.0.113.200"
DECEPTION = 2323
BANNER = "Not for you."
LONG_BANNER = "This connection and your address have been recorded. Go away."
NEW_PORT = 9443
NOBODY = "198.51.100.250"  # in the attacker's network, but no host has it
REPLIES = "edgesentry_challenge_replies_total"
TRIALS = "edgesentry_contained_trials_total"
HELD_SECONDS = 6.0
SYN, ACK = 0x02, 0x10


class TestProofOfSource(TestSuite):
    """Challenges, deception ports, and forged addresses."""

    settings: ClassVar[Table] = {
        "networks": {"dark": [DARK]},
        "verify": {"deception_tcp": str(DECEPTION), "banner": BANNER},
    }

    def set_up_suite(self) -> None:
        """Start the appliance; lead the dark network past it."""
        super().set_up_suite()
        self.captures = [
            Capture(host.namespace, HOST_DEVICE, 256) for host in (self.client, self.attacker)
        ]
        self.inside = Capture(self.testbed.servers.namespace, HOST_DEVICE, 256)
        for host in (self.client, self.attacker):
            host.namespace.ip("route", "add", DARK, "via", self.server, "dev", HOST_DEVICE)
        self.testbed.nail_down(self.client, "client")
        # A service is known once it has answered somebody.
        page = tools.fetches(self.client, self.client.ipv4[0], self.server)
        self.verify(page, "there is no page to begin with")

    def tear_down_suite(self) -> None:
        """Print who got what, check that nobody got more than he sent, stop the appliance."""
        seen: list[Seen] = []
        for capture in self.captures:
            capture.catch_up()
            seen += capture.packets()
        accounts = account(sorted(seen, key=lambda packet: packet.time_ns), DARK)
        print(table(accounts), flush=True)
        super().tear_down_suite()

    def clean_up(self) -> None:
        """Leave nothing behind, whatever happened."""
        for capture in (*getattr(self, "captures", ()), getattr(self, "inside", None)):
            if capture is not None:
                capture.close()
        for host in (self.client, self.attacker):
            host.namespace.run("ip", "route", "del", DARK, check=False)
        super().clean_up()

    def reload(self, **verify: object) -> None:
        """Change keys of [verify] while the appliance runs."""
        self.sut.write_config({"verify": verify})
        answer = self.sut.ask("reload")
        self.verify(answer.get("ok"), f"the reload was refused: {answer}")

    def connect(
        self, source: str, port: int = DECEPTION, target: str = DARK_HOST
    ) -> socket.socket:
        """Connect with a kernel's own TCP."""
        with self.client.namespace.entered():
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.settimeout(20.0)
        made.bind((source, 0))
        made.connect((target, port))
        return made

    def read_all(self, made: socket.socket) -> str:
        """Read until the other side has ended, then close."""
        text = b""
        with made:
            while part := made.recv(4096):
                text += part
        return text.decode()

    def syns_and_answers(self, port: int) -> tuple[int, int]:
        """Count the client's SYNs to DARK_HOST from a port, and the SYN-ACKs it got for them."""
        self.captures[0].catch_up()
        flags = [
            int(packet[TCP].flags) & (SYN | ACK)
            for packet in (seen.packet() for seen in self.captures[0].packets())
            if TCP in packet
            and DARK_HOST in (packet[IP].src, packet[IP].dst)
            and port in (packet[TCP].sport, packet[TCP].dport)
        ]
        return flags.count(SYN), flags.count(SYN | ACK)

    def blocked(self, source: str) -> bool:
        """Tell whether a source has been blocked."""
        return bool(self.sut.events("source-blocked", source))

    def replies(self, kind: str) -> float:
        """Return how many replies of a kind were made."""
        return self.sut.metrics().sum(REPLIES, kind=kind)

    def scan_as(self, source: str, port: int, mac: str = "") -> None:
        """Send a forged SYN scan of 60 closed ports of a server and 60 dark ones, twice.

        Replies go to the Ethernet address that the frames came from, as they do to a router.
        """
        head = Ether(src=mac or self.attacker.mac, dst=self.testbed.servers.mac)
        for first in (port, port):
            probes_of = port_scan(source, self.server, range(first, first + 60))
            probes_of += port_scan(source, DARK_HOST, range(first, first + 60))
            self.sender.send_frames([bytes(head / probe) for probe in probes_of], 0.005)
            time.sleep(0.3)

    def reached(self, source: str) -> int:
        """Return how many probes of a source reached a server."""
        self.inside.catch_up()
        return len(probes(self.inside.received_from(source), self.testbed.servers.ipv4))

    @func_test
    def a_deception_port_says_its_banner(self) -> None:
        """A kernel's connect() to an address where nobody lives.

        Steps:
            Connect to a deception port and read.

        Verify:
            The first SYN pays for the banner, so none is left without an answer; then the end.
            Nothing of it reached the servers.
        """
        source = self.client.ipv4[0]
        made = self.connect(source)
        port = made.getsockname()[1]
        self.verify_equal(self.read_all(made), BANNER, "banner")
        syns, answers = self.syns_and_answers(port)
        self.verify(syns >= 1, "the capture has missed the SYN")
        self.verify_equal(answers, syns, "SYN-ACKs")
        self.inside.catch_up()
        passed = [p for p in self.inside.received_from(source) if p.packet()[IP].dst == DARK_HOST]
        self.verify_equal(len(passed), 0, "packets that passed")

    @func_test
    def a_long_banner_is_paid_for_first(self) -> None:
        """A banner longer than the first SYN pays for.

        Steps:
            Give a banner of 61 bytes and connect.

        Verify:
            The client's kernel gets in with a later SYN, reads all of it, and the end.
        """
        self.reload(banner=LONG_BANNER)
        made = self.connect(self.client.ipv4[0])
        port = made.getsockname()[1]
        self.verify_equal(self.read_all(made), LONG_BANNER, "banner")
        syns, answers = self.syns_and_answers(port)
        print(f"a banner of {len(LONG_BANNER)} bytes: {syns} SYNs, {answers} answered", flush=True)
        self.verify(0 < answers < syns, f"{answers} of {syns} SYNs were answered")
        self.reload(banner=BANNER)

    @func_test
    def a_tarpit_holds_its_client(self) -> None:
        """A window of zero, for as long as the client asks for more.

        Steps:
            Connect to the tarpit, write, and wait.

        Verify:
            Nothing of it is ever acknowledged or answered with data, and the client's probes of
            the window are answered.
        """
        self.reload(tarpit=True, banner="")
        with self.connect(self.client.ipv4[2]) as made:
            port = made.getsockname()[1]
            made.sendall(b"x" * 1000)
            before = self.replies("hold")
            time.sleep(HELD_SECONDS)
            made.setblocking(False)
            try:
                got = made.recv(1)
            except BlockingIOError:
                got = None
            self.verify_equal(got, None, "what the client got")
            state = self.client.namespace.run("ss", "-Htno", "sport", "=", f":{port}")
            words = state.split()
            print(f"held: {state.strip()}", flush=True)
            self.verify(words and words[0] == "ESTAB", f"the client has let go: {state}")
            self.verify_equal(words[2], "1000", "bytes that wait at the client")
            held = self.replies("hold") - before
            self.verify(held >= 2, f"{held:g} probes of the window were answered")
        self.reload(tarpit=False, banner=BANNER)

    @func_test
    def a_scanner_of_dark_ports_proves_itself(self) -> None:
        """nmap -sS, whose kernel resets what it did not ask for.

        Steps:
            Scan 100 dark ports.

        Verify:
            Blocked as tcp_syn, and the event says that it answered.
        """
        source = self.attacker.fresh_ipv4()
        options = ("-sS", "-p", "1000-1099", "--disable-arp-ping", "--host-timeout", "10s")
        tools.nmap(self.attacker, source, [DARK_HOST], *options)
        event = self.sut.wait_event("source-blocked", source, 10.0)
        self.verify_equal(event["edgesentry"]["technique"], "tcp_syn", "technique")
        print(f"nmap -sS of dark ports: {event['edgesentry']}", flush=True)
        self.verify_equal(self.reached(source), 0, "probes that reached servers")

    @func_test
    def nobody_is_not_blocked(self) -> None:
        """A scan under an address that no host has.

        Steps:
            Send a SYN scan from it, twice.

        Verify:
            It is not blocked, was challenged in vain, and after the decision no probe passes.
        """
        before = self.replies("challenge")
        self.scan_as(NOBODY, 3000)
        first = self.reached(NOBODY)
        self.scan_as(NOBODY, 4000)
        self.verify(not self.blocked(NOBODY), "an address of nobody was blocked")
        challenged = self.replies("challenge") - before
        self.verify(challenged > 0, "nobody was challenged")
        print(f"nobody: {first} probes passed, then {self.reached(NOBODY) - first}; "
              f"{challenged:g} challenges", flush=True)
        self.verify_equal(self.reached(NOBODY), first, "probes that passed in the second scan")

    @func_test
    def a_contained_host_reaches_a_service_that_nobody_used(self) -> None:
        """A scan under the address of a host that does not get the replies, as behind a firewall.

        Steps:
            Scan in its name; let it try a closed port, and a service that nobody has used yet.

        Verify:
            It gets to the service with a later SYN, and is not blocked for resetting what it got.
        """
        innocent = self.client.ipv4[3]
        self.scan_as(innocent, 7000)
        before = self.sut.metrics().sum(TRIALS)
        with self.testbed.servers.namespace.entered():
            service = socket.create_server((self.server, NEW_PORT))
        with service:
            began = time.monotonic()
            self.connect(innocent, NEW_PORT, self.server).close()
            took = time.monotonic() - began
        trials = self.sut.metrics().sum(TRIALS) - before
        print(f"a new service was reached after {took:.2f} s, {trials:g} trials", flush=True)
        self.verify(trials >= 1, "it was not contained")
        self.verify(not self.blocked(innocent), "it was blocked")

    @func_test
    def an_innocent_host_is_not_blocked_for_a_scan_in_its_name(self) -> None:
        """A scan under the address of a live host, where only a handshake counts.

        Steps:
            Ask for handshakes as proof; scan in the name of a client that is awake; let the client
            connect to a live service.

        Verify:
            It is not blocked, and its SYN gets one SYN-ACK, the server's.
        """
        self.reload(proof="handshake")
        innocent = self.client.ipv4[3]
        self.scan_as(innocent, 5000, self.client.mac)
        self.verify(not self.blocked(innocent), "an innocent host was blocked")
        self.captures[0].catch_up()
        begin = len(self.captures[0].packets())
        self.connect(innocent, HTTP_PORT, self.server).close()
        self.captures[0].catch_up()
        flags = [
            (p.outgoing, int(p.packet()[TCP].flags) & (SYN | ACK))
            for p in self.captures[0].packets()[begin:]
            if TCP in p.packet() and HTTP_PORT in (p.packet()[TCP].sport, p.packet()[TCP].dport)
        ]
        self.verify_equal(flags.count((True, SYN)), 1, "SYNs")
        self.verify_equal(flags.count((False, SYN | ACK)), 1, "SYN-ACKs")
        self.connect(innocent, HTTP_PORT, self.server).close()
        self.verify(not self.blocked(innocent), "it was blocked for visiting a server")
        self.reload(proof="automatic")

    @func_test
    def an_answer_is_no_proof_against_forging_a_live_host(self) -> None:
        """What the default proof does not show, for the record.

        Steps:
            Scan in the name of an address of the client, which resets what it did not ask for.

        Verify:
            It is blocked: somebody lives there, though not the one who scans. docs/detection.md
            says so.
        """
        victim = self.client.ipv4[1]
        self.verify(not self.blocked(victim), "the victim was blocked before the scan")
        self.scan_as(victim, 6000, self.client.mac)
        wait_for("the block", lambda: self.blocked(victim), 10.0)

    @func_test
    def live_services_are_never_answered_for(self) -> None:
        """Clients of live services, some of whom also touched a deception port.

        Steps:
            Fetch the page from each address of the client.

        Verify:
            Each gets it, and at most one SYN-ACK for each SYN.
        """
        self.captures[0].catch_up()
        begin = len(self.captures[0].packets())
        for source in self.client.ipv4:
            if not self.blocked(source):
                self.verify(tools.fetches(self.client, source, self.server), f"{source}: no page")
        self.captures[0].catch_up()
        asked, answered = set(), []
        for seen in self.captures[0].packets()[begin:]:
            packet = seen.packet()
            if TCP not in packet:
                continue
            flags = int(packet[TCP].flags) & (SYN | ACK)
            if seen.outgoing and flags == SYN:
                asked.add((packet[IP].src, packet[TCP].sport))
            elif not seen.outgoing and flags == SYN | ACK:
                answered.append((packet[IP].dst, packet[TCP].dport))
        self.verify(asked, "nobody asked")
        self.verify_equal(sorted(answered), sorted(asked), "SYN-ACKs")
