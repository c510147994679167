"""nmap -sI, by a zombie among the protected servers and by one that stands outside.

The table printed at the end says how many packets had arrived before the block.
"""

import socket
import time

from framework import tools
from framework.capture import Capture
from framework.passage import time_ns
from framework.reach import Row, probes, table
from framework.test_suite import TestSuite, func_test
from framework.testbed import HOST_DEVICE, Host
from framework.zombie import Zombie

FAST = 5
SETTLE_SECONDS = 0.3
LOOK_SECONDS = 6.0  # longer than what waits for an answer (detect.answer_timeout)
OPEN = (22, 25, 80, 443)
PORTS = "22,25,80,443,1000-1019"
INSIDE = ("203.0.113.201",)
OUTSIDE = ("198.51.100.241", "198.51.100.242")


class TestIdleScan(TestSuite):
    """Every case has a scanner and a zombie of its own."""

    def set_up_suite(self) -> None:
        """Start the appliance, listen at the servers, and let it see that they answer."""
        super().set_up_suite()
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.capture = Capture(self.testbed.servers.namespace, HOST_DEVICE, 128)
        tools.fetches(self.client, self.client.ipv4[0], self.server)

    def tear_down_suite(self) -> None:
        """Print the table, then stop the appliance."""
        print(table(self.rows), *self.notes, sep="\n", flush=True)
        self.capture.close()
        super().tear_down_suite()

    def clean_up(self) -> None:
        """Leave nothing behind, whatever happened."""
        if hasattr(self, "capture"):
            self.capture.close()
        super().clean_up()

    def scan(self, name: str, host: Host, zombie: str) -> tuple[str, list[int]]:
        """Scan the server by a zombie at a host; return the scanner and the ports found open."""
        scanner = self.attacker.fresh_ipv4()
        with Zombie(host, zombie):
            report = tools.nmap_idle(self.attacker, scanner, zombie, self.server, PORTS)
            time.sleep(SETTLE_SECONDS)
        found = tools.open_ports(report)
        said = [line for line in report.splitlines() if "Idle" in line or "IP ID" in line]
        self.notes.append(f"{name}: nmap found {found or 'nothing'}; it says: {said}")
        self.capture.catch_up()
        return scanner, found

    def row(self, name: str, source: str, reached: int, action: str = "source-blocked") -> str:
        """Keep what became of a source; return the technique it is blocked or contained for."""
        event = self.sut.wait_event(action, source, 10.0)
        named: str = event["edgesentry"]["technique"]
        first = self.capture.received_from(source)[0].time_ns
        after = max(0.0, (time_ns(event) - first) / 1e9)
        self.rows.append(
            Row(name, reached, FAST, after, named, event["edgesentry"].get("tool", "none"))
        )
        return named

    def reached(self, source: str) -> int:
        """Return how many closed ports of servers an address has reached."""
        found = probes(self.capture.received_from(source), self.testbed.servers.ipv4)
        return len([port for _, _, port in found if port not in OPEN])

    @func_test
    def scanner_is_named_when_it_asks_a_protected_zombie(self) -> None:
        """The zombie is one of the protected hosts.

        Steps:
            Scan a server by it.

        Verify:
            The scanner's own address is blocked as idle by the fifth SYN-ACK, the zombie is not,
            and nmap learns of no port.
        """
        name, zombie = "nmap -sI, zombie inside", INSIDE[0]
        scanner, found = self.scan(name, self.testbed.servers, zombie)
        arrived = self.capture.received_from(scanner)
        asked = [p for p in arrived if p.frame[30:34] == socket.inet_aton(zombie)]
        self.verify_equal(self.row(name, scanner, len(asked)), "idle", "technique")
        self.verify(0 < len(asked) <= FAST, f"{len(asked)} packets asked the zombie")
        self.verify_equal(self.sut.events("source-blocked", zombie), [], "blocks of the zombie")
        self.verify_equal(found, [], "ports that nmap calls open")

    @func_test
    def live_zombie_is_taken_for_the_scanner(self) -> None:
        """The zombie is elsewhere: only its address shows.

        Steps:
            Scan a server by it, at default settings.

        Verify:
            The scan is named tcp_syn, and the zombie is contained within the bound and not blocked:
            a challenge goes back to the Ethernet address that its probe came from, here the
            forger's. Where one router stands before both, the zombie gets it, and resets it as any
            live host does: proof_of_source.an_answer_is_no_proof_against_forging_a_live_host.
        """
        name, zombie = "nmap -sI, zombie outside", OUTSIDE[0]
        self.scan(name, self.client, zombie)
        reached = self.reached(zombie)
        technique = self.row(name, zombie, reached, "scan-detected")
        self.verify_equal(technique, "tcp_syn", "technique")
        story = self.sut.ask("explain", address=zombie)
        what = " ".join(story["story"])
        self.verify("It is contained, and not blocked" in what, f"not contained: {what}")
        self.verify_equal(self.sut.events("source-blocked", zombie), [], "blocks of the zombie")
        self.verify(0 < reached <= FAST, f"{reached} closed ports were reached")

    @func_test
    def zombie_is_spared_when_a_handshake_is_wanted(self) -> None:
        """The same with verify.proof = "handshake": no zombie completes one.

        Steps:
            Scan a server by another zombie.

        Verify:
            It is not blocked, and no more closed ports are reached than otherwise.
        """
        name, zombie = "nmap -sI, zombie outside, proof = handshake", OUTSIDE[1]
        self.sut.write_config({"verify": {"proof": "handshake"}})
        answer = self.sut.ask("reload")
        self.verify(answer.get("ok"), f"the reload was refused: {answer}")
        scanner, _ = self.scan(name, self.client, zombie)
        time.sleep(LOOK_SECONDS)
        reached = self.reached(zombie)
        self.notes.append(f"{name}: {reached} closed ports reached, nobody blocked")
        blocked = {event["source"]["ip"] for event in self.sut.events("source-blocked")}
        self.verify_equal(blocked & {zombie, scanner}, set(), "addresses blocked")
        self.verify(0 < reached <= FAST, f"{reached} closed ports were reached")
