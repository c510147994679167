"""What an appliance lives through: each trouble is bounded, and ends before the next begins."""

import http.client
import os
import random
import signal
import socket
import time
from collections.abc import Callable

from framework import tools
from framework.config import build_directory
from framework.errors import LabError
from framework.processes import descendants
from framework.settings import Table
from framework.sut import Appliance
from framework.testbed import HOST_DEVICE, Testbed
from framework.traffic import Sender, port_scan, udp
from framework.waiting import wait_for

FLOOD_PACKETS, FLOOD_RATE = 60_000, 20_000
NFT = "edgesentry-nft"
API_PORT = 9466
LINK_DOWN_SECONDS = 1.0


class Troubles:
    """Makes trouble, and remembers what the appliance has promised meanwhile."""

    def __init__(self, testbed: Testbed, sut: Appliance, dice: random.Random) -> None:
        """Take the lab; nothing happens yet."""
        self._testbed, self._sut, self._dice = testbed, sut, dice
        self._sender = Sender(testbed.attacker, testbed.servers)
        self._server = testbed.servers.ipv4[0]
        self._turn = 0
        self.promised: set[str] = set()  # blocked by an operator, answered as durable
        self.all: dict[str, Callable[[], None]] = {
            "forged scan": self.forged_scan,
            "forged IPv6 scan": self.forged_ipv6_scan,
            "UDP sweep": self.udp_sweep,
            "nmap": self.nmap,
            "masscan": self.masscan,
            "flood": self.flood,
            "reload": self.reload,
            "wrong reload": self.wrong_reload,
            "flapping link": self.flapping_link,
            "killed edgesentry-nft": self.kill_nft,
            "flushed ruleset": self.flush_ruleset,
            "operator blocks": self.block_some,
            "operator unblocks": self.unblock_some,
            "allow and unallow": self.allow_and_unallow,
            "bypass": self.bypass,
            "rotated log": self.rotate_log,
            "garbage on the socket": self.garbage,
            "API clients": self.api_clients,
        }

    def close(self) -> None:
        """Give the socket back."""
        self._sender.close()

    def _invented(self) -> str:
        return f"198.18.{self._dice.randrange(256)}.{self._dice.randrange(1, 255)}"

    def _attacker(self) -> str:
        self._turn += 1
        return self._testbed.attacker.ipv4[self._turn % len(self._testbed.attacker.ipv4)]

    def forged_scan(self) -> None:
        """Scan in somebody else's name."""
        self._sender.send(port_scan(self._invented(), self._server, range(2000, 2060)), 0.002)

    def forged_ipv6_scan(self) -> None:
        """Scan in the name of somebody in another /64."""
        source = f"2001:db8:f:{self._dice.randrange(1, 65536):x}::1"
        server = self._testbed.servers.ipv6[0]
        self._sender.send(port_scan(source, server, range(2000, 2060)), 0.002)

    def udp_sweep(self) -> None:
        """Ask every server for one UDP port."""
        source = self._invented()
        self._sender.send([udp(source, server, 1900) for server in self._testbed.servers.ipv4])

    def nmap(self) -> None:
        """Scan with nmap from an address that is its own."""
        words = ("-sS", "-p", "1-200")
        tools.nmap(self._testbed.attacker, self._attacker(), [self._server], *words)

    def masscan(self) -> None:
        """Sweep with masscan."""
        scan = ("-p", "1-50", "203.0.113.16/29", "--rate", "500")
        mac = self._testbed.servers.mac
        tools.masscan(self._testbed.attacker, self._attacker(), mac, scan, seconds=4)

    def flood(self) -> None:
        """Invent a source for each of many packets."""
        build = build_directory(self._testbed.nodes.appliance)
        self._testbed.attacker.namespace.run(
            str(build / "app" / "scangen"), "--mode", "flood", "--to", self._server,
            *("--ports", "80", "--count", str(FLOOD_PACKETS), "--rate", str(FLOOD_RATE)),
            *("--seed", str(self._dice.randrange(1 << 30)), "--interface", HOST_DEVICE),
            *("--target-mac", self._testbed.servers.mac),
            timeout=60,
        )

    def reload(self) -> None:
        """Take other thresholds in."""
        changes: Table = {"detect": {"vertical_ports": self._dice.randrange(10, 30)}}
        self._sut.write_config(changes)
        answer = self._sut.ask("reload")
        self._expect(answer["ok"], f"a right configuration was refused: {answer}")

    def wrong_reload(self) -> None:
        """Offer a file that is no configuration."""
        text = self._sut.config.read_bytes()
        self._sut.config.write_bytes(self._dice.randbytes(2000))
        wrong = self._sut.ask("reload")
        self._sut.config.write_bytes(text)
        self._expect(not wrong["ok"], "garbage was taken for a configuration")
        right = self._sut.ask("reload")
        self._expect(right["ok"], f"the right configuration was refused: {right}")

    def flapping_link(self) -> None:
        """Take one link away, twice."""
        device = self._dice.choice(("outside", "inside"))
        for _ in range(2):
            self._testbed.appliance.ip("link", "set", "dev", device, "down")
            time.sleep(LINK_DOWN_SECONDS)
            self._testbed.appliance.ip("link", "set", "dev", device, "up")
            time.sleep(LINK_DOWN_SECONDS)

    def kill_nft(self) -> None:
        """End the process that programs the kernel."""
        before = descendants(self._sut.pid, NFT)
        self._expect(bool(before), "edgesentry-nft does not run")
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_for("a new edgesentry-nft",
                 lambda: set(descendants(self._sut.pid, NFT)) - set(before), 20)

    def flush_ruleset(self) -> None:
        """Do what another tool on the machine might."""
        self._testbed.appliance.run("nft", "flush", "ruleset")

    def block_some(self) -> None:
        """Block a few sources for longer than the soak goes on."""
        for _ in range(20):
            address = f"192.88.{self._dice.randrange(256)}.{self._dice.randrange(1, 255)}"
            answer = self._sut.ask("block", address=address, **{"for": "12h"})
            self._expect(answer["ok"] and answer.get("durable"), f"block: {answer}")
            self.promised.add(address)

    def unblock_some(self) -> None:
        """Let half of them in again, so that there is an end to their number."""
        for address in sorted(self.promised)[::2]:
            answer = self._sut.ask("unblock", address=address)
            self._expect(answer["ok"] and answer.get("durable"), f"unblock: {answer}")
            self.promised.discard(address)

    def allow_and_unallow(self) -> None:
        """Change the allow list, there and back."""
        for command in ("allow", "unallow"):
            answer = self._sut.ask(command, address="100.64.0.0/24")
            self._expect(answer["ok"], f"{command}: {answer}")

    def bypass(self) -> None:
        """Let everything pass for a moment."""
        for state in ("on", "off"):
            self._expect(self._sut.ask("bypass", state=state)["ok"], f"bypass {state}")
            time.sleep(0.2)

    def rotate_log(self) -> None:
        """Move the log away, as logrotate does."""
        path = self._sut.work / "events.json"
        if path.exists():
            path.rename(path.with_suffix(".old"))

    def garbage(self) -> None:
        """Send what is no request."""
        for _ in range(20):
            self._sut.say_raw(self._dice.randbytes(self._dice.randrange(1, 4000)) + b"\n")

    def api_clients(self) -> None:
        """Ask right, ask wrong, say nothing at all, and leave a stream behind."""
        token = (self._sut.work / "api.token").read_text(encoding="ascii").strip()
        for _ in range(30):
            status, _ = self._api("/v1/blocks?limit=100", token)
            self._expect(status == 200, f"the API answers {status}")
        self._expect(self._api("/v1/status", "0" * 64)[0] in (401, 429), "a wrong token is taken")
        with self._testbed.appliance.entered():
            silent = [socket.create_connection(("127.0.0.1", API_PORT)) for _ in range(20)]
            stream = socket.create_connection(("127.0.0.1", API_PORT))
        stream.sendall(f"GET /v1/events/stream HTTP/1.1\r\nHost: x\r\n"
                       f"Authorization: Bearer {token}\r\n\r\n".encode())
        silent[0].sendall(self._dice.randbytes(2000))
        for one in (*silent, stream):
            one.close()

    def _api(self, path: str, token: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", API_PORT, timeout=30)
        try:
            with self._testbed.appliance.entered():
                connection.connect()
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as fault:
            raise LabError(f"the API: {fault!r}") from fault
        finally:
            connection.close()

    @staticmethod
    def _expect(holds: object, fault: str) -> None:
        if not holds:
            raise AssertionError(fault)
