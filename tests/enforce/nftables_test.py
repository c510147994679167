"""The nftables enforcer and the real edgesentry-nft against the kernel, in network namespaces.

usage: nftables_test.py NFT_DRIVER EDGESENTRY_NFT    (prints TAP; root)

The whole daemon on top of it: nftables_daemon_test.py, which runs its cases by the same main().
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tap import built, run_cases  # noqa: E402

FOREIGN = """
table inet filter {
  set friends { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 } }
  chain input { type filter hook input priority 0; policy accept; ip saddr @friends accept; };
}
table ip nat { chain post { type nat hook postrouting priority 100; }; }
"""
SERVER, ATTACKER, BYSTANDER = "10.77.0.1", "10.77.0.66", "10.77.0.5"
SERVER6, ATTACKER6, SAME_PREFIX6, BYSTANDER6 = ("fd77:0:0:1::1", "fd77:0:0:66::1",
                                                "fd77:0:0:66::abcd", "fd77:0:0:5::1")
MANY = 0x0B000000


def run(*argv: str, check: bool = True, pass_fds: tuple[int, ...] = ()) -> str:
    """A command's output; what went wrong is in the exception."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60,
                          pass_fds=pass_fds)
    assert done.returncode == 0 or not check, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout


def wait_for(what: str, holds: Callable[[], bool], seconds: float) -> float:
    """Poll until it holds; how long that took."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() < start + seconds, f"{what} did not come within {seconds:g} s"
        time.sleep(0.02)
    return time.monotonic() - start


class Place:
    """A server with our tables and a host with many addresses, on one wire."""

    prefix = "esnft"

    def __init__(self, driver: str, program: str) -> None:
        self.driver, self.program = driver, program
        self.server, self.outside = (f"{self.prefix}-{role}-{os.getpid()}"
                                     for role in ("srv", "out"))
        self.process: subprocess.Popen[str] | None = None

    def set_up(self) -> None:
        """Two namespaces, a wire, addresses, and tables of somebody else."""
        for name in (self.server, self.outside):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", "eth0", "netns", self.server, "type", "veth", "peer", "name",
            "eth0", "netns", self.outside)
        for name, addresses in (
                (self.server, (f"{SERVER}/24", f"{SERVER6}/48")),
                (self.outside, (f"{BYSTANDER}/24", f"{ATTACKER}/24", f"{BYSTANDER6}/48",
                                f"{ATTACKER6}/48", f"{SAME_PREFIX6}/48"))):
            for address in addresses:
                run("ip", "-n", name, "address", "add", address, "dev", "eth0", "nodad")
            run("ip", "-n", name, "link", "set", "eth0", "up")
        wait_for("the wire", lambda: self.reaches(BYSTANDER) and self.reaches(BYSTANDER6), 10)
        subprocess.run(["ip", "netns", "exec", self.server, "nft", "-f", "-"], input=FOREIGN,
                       text=True, check=True, timeout=60)

    def clean_up(self) -> None:
        """Leave nothing behind."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        for name in (self.server, self.outside):
            run("ip", "netns", "del", name, check=False)

    def launch(self, *tables: str, margin: int = 60) -> None:
        """The driver with these tables."""
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.server, self.driver, self.program, str(margin), "64",
             *tables], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, *tables: str, margin: int = 60) -> None:
        """The same, until its first replay is over."""
        self.launch(*tables, margin=margin)
        wait_for("the tables", lambda: self.health()["in_force"], 20)

    def tell(self, line: str) -> None:
        """One line to the driver."""
        assert self.process and self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, line: str) -> str:
        """One line to the driver, and its answer."""
        self.tell(line)
        assert self.process and self.process.stdout
        return self.process.stdout.readline().strip()

    def health(self) -> dict[str, Any]:
        """What the enforcer says of itself."""
        return json.loads(self.ask("health"))

    def settle(self, seconds: float = 30) -> None:
        """Until nothing waits."""
        def is_settled() -> bool:
            health = self.health()
            return health["pending"] == 0 and not health["reconciling"] and health["in_force"]
        wait_for("rest", is_settled, seconds)

    def nft(self, *arguments: str, check: bool = True) -> str:
        """The nft command among the server's tables."""
        return run("ip", "netns", "exec", self.server, "nft", *arguments, check=check)

    def reaches(self, source: str) -> bool:
        """Whether the server answers this source."""
        target = SERVER6 if ":" in source else SERVER
        return subprocess.run(
            ["ip", "netns", "exec", self.outside, "ping", "-c1", "-W1", "-I", source, target],
            check=False, capture_output=True, timeout=10).returncode == 0

    def foreign(self) -> str:
        """Everything in the kernel that is not ours."""
        objects = json.loads(self.nft("-j", "list", "ruleset"))["nftables"]
        return json.dumps([item for item in objects for kind, value in item.items()
                           if kind != "metainfo" and
                           "edgesentry" not in (value.get("table"), value.get("name"))])

    def held(self, family: str = "inet") -> set[str]:
        """The sources in our sets."""
        found = set()
        for name in ("blocked4", "blocked6"):
            text = self.nft("-j", "list", "set", family, "edgesentry", name, check=False)
            for item in json.loads(text)["nftables"] if text else []:
                for element in item.get("set", {}).get("elem", []):
                    found.add(element["elem"]["val"] if isinstance(element, dict) else element)
        return found


def drops_blocked_sources_only(place: Place, *tables: str) -> None:
    """The kernel drops exactly those that are blocked, an IPv6 prefix as a whole."""
    place.start(*tables)
    place.tell(f"block {ATTACKER} 600")
    place.tell(f"block {ATTACKER6} 600")
    place.settle()
    assert not place.reaches(ATTACKER) and not place.reaches(ATTACKER6)
    assert not place.reaches(SAME_PREFIX6), "its neighbour in the prefix"
    wait_for("the counters", lambda: place.health()["drops"] >= 3, 15)
    assert place.reaches(BYSTANDER) and place.reaches(BYSTANDER6)
    place.tell(f"lift {ATTACKER}")
    place.tell(f"lift {ATTACKER6}")
    place.settle()
    assert place.reaches(ATTACKER) and place.reaches(ATTACKER6)


def inet_hooks(place: Place) -> None:
    """Input and forward of table inet."""
    drops_blocked_sources_only(place, "inet")


def netdev_hook(place: Place) -> None:
    """Ingress of a device, in table netdev alone."""
    drops_blocked_sources_only(place, "none", "eth0")
    assert "table inet edgesentry" not in place.nft("list", "tables")


def both_tables_with_a_device_that_comes_later(place: Place) -> None:
    """A missing device costs its own chain only, which is made when it appears."""
    drops_blocked_sources_only(place, "inet", "eth0", "later0")
    assert "later0" not in place.nft("list", "ruleset")
    run("ip", "-n", place.server, "link", "add", "later0", "type", "veth")
    wait_for("its chain", lambda: "later0" in place.nft("list", "ruleset"), 2)


def time_limits_end_blocks(place: Place) -> None:
    """The ledger ends a block; when it is gone, the kernel does."""
    place.start("inet", margin=1)
    place.tell(f"block {ATTACKER} 1")
    place.settle()
    assert not place.reaches(ATTACKER)
    wait_for("the end of the block", lambda: place.reaches(ATTACKER), 5)
    place.tell(f"block {ATTACKER} 3")
    place.settle()
    assert place.process
    place.process.kill()
    place.process.wait()
    assert not place.reaches(ATTACKER), "the rules outlive the driver"
    wait_for("the end by the element's limit", lambda: place.reaches(ATTACKER), 8)


def renews_a_time_limit(place: Place) -> None:
    """A block that is made longer has a longer limit in the kernel."""
    place.start("inet")
    place.tell(f"block {ATTACKER} 100")
    place.settle()
    place.tell(f"block {ATTACKER} 5000")
    place.settle()
    text = place.nft("-j", "list", "set", "inet", "edgesentry", "blocked4")
    assert '"timeout": 5060' in text, text


def repairs_what_others_break(place: Place) -> None:
    """Whatever is done to our table, blocks are in force again; how soon is printed."""
    place.start("inet", "eth0")
    place.tell(f"block {ATTACKER} 600")
    place.tell(f"block {ATTACKER6} 600")
    place.tell(f"many {MANY} 3000 600")
    place.settle()
    right = place.held()
    assert len(right) == 3002
    table = "inet edgesentry"
    attacks = ["delete table " + table, "flush ruleset", f"flush chain {table} input",
               f"flush set {table} blocked4", f"add table {table} {{ flags dormant; }}",
               f"delete element {table} blocked4 {{ {ATTACKER} }}",
               f"add element {table} blocked4 {{ {BYSTANDER} }}",
               f"insert rule {table} input accept", "delete table netdev edgesentry",
              f"add set {table} nets4 {{ type ipv4_addr; flags interval; }}"]

    def is_repaired() -> bool:
        table = place.nft("list", "table", "inet", "edgesentry", check=False)  # it may be away
        return (place.held() == right == place.held("netdev") and table.count("drop") == 4 and
                "nets4" not in table and "dormant" not in place.nft("list", "tables") and
                "accept;" not in table.replace("policy accept;", "") and
                place.health()["in_force"])

    for attack in attacks:
        place.settle()
        place.nft(attack)
        took = wait_for(f"the repair after '{attack}'", is_repaired, 30)
        print(f"# the repair after '{attack}' took {took:.2f} s")
        assert not place.reaches(ATTACKER) and place.reaches(BYSTANDER), attack
    assert place.health()["repairs"] >= len(attacks), place.health()


def leaves_other_tables_alone(place: Place) -> None:
    """Byte for byte, through everything it does."""
    before = place.foreign()
    assert "friends" in before
    place.start("inet", "eth0")
    place.tell(f"many {MANY} 6000 600")
    place.settle()
    place.nft("delete", "table", "inet", "edgesentry")
    wait_for("the repair", lambda: len(place.held()) == 6000, 5)
    place.tell(f"clear {MANY} 3000")
    place.settle()
    assert place.foreign() == before
    assert place.ask("stop") == "stopped"
    assert place.foreign() == before
    assert "edgesentry" not in place.nft("list", "ruleset")


def survives_the_death_of_its_helper(place: Place) -> None:
    """SIGKILL, and what was blocked meanwhile stands too."""
    place.start("inet")
    place.tell(f"block {ATTACKER} 600")
    place.settle()
    for death in range(1, 4):
        pid = place.health()["pid"]
        os.kill(pid, signal.SIGKILL)
        place.tell(f"many {MANY} {death * 100} 600")
        wait_for("the next one", lambda: place.health()["pid"] not in (pid, -1), 10)
        place.settle()
        assert place.health()["restarts"] == death
        assert len(place.held()) == death * 100 + 1
        assert not place.reaches(ATTACKER)


def has_no_privilege_but_one(place: Place) -> None:
    """CAP_NET_ADMIN alone, no way to more, and an empty environment."""
    place.start("inet")
    pid = place.health()["pid"]
    status = dict(line.split(":\t", 1)
                  for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    for kind in ("CapEff", "CapPrm", "CapBnd"):
        assert int(status[kind], 16) == 1 << 12, f"{kind} {status[kind]}"
    assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert Path(f"/proc/{pid}/environ").read_bytes() == b""
    assert sorted(os.listdir(f"/proc/{pid}/fd"))[:4] == ["0", "1", "2", "3"]


def keeps_its_tables_when_told_to(place: Place) -> None:
    """For an upgrade: the rules bridge the gap, and the next run takes them over."""
    place.start("inet")
    place.tell(f"block {ATTACKER} 600")
    place.settle()
    assert place.ask("keep") == "stopped"
    assert not place.reaches(ATTACKER)
    place.start("inet")
    assert place.reaches(ATTACKER), "what the new ledger does not know is let go"


def holds_many(place: Place) -> None:
    """A hundred thousand blocks, and single ones beside them stay quick."""
    place.start("inet")
    place.tell(f"many {MANY} 100000 600")
    took = wait_for("all of them", lambda: place.health()["sent"] >= 100_000 and
                    place.health()["pending"] == 0, 60)
    print(f"# 100000 sources took {took:.1f} s")
    place.tell(f"block {ATTACKER} 600")
    took = wait_for("one more", lambda: place.health()["pending"] == 0, 5)
    assert not place.reaches(ATTACKER)
    print(f"# one more took {took:.2f} s")
    place.nft("flush", "ruleset")
    took = wait_for("the repair", lambda: place.health()["repairs"] > 0 and
                    not place.health()["reconciling"] and place.health()["pending"] == 0, 60)
    print(f"# its repair took {took:.1f} s")


CASES = [inet_hooks, netdev_hook, both_tables_with_a_device_that_comes_later,
         time_limits_end_blocks, renews_a_time_limit, repairs_what_others_break,
         leaves_other_tables_alone, survives_the_death_of_its_helper, has_no_privilege_but_one,
         keeps_its_tables_when_told_to, holds_many]


def main(driver: str, program: str, cases: list[Callable[[Place], None]]) -> int:
    """Run all cases; TAP."""
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root")
        return 0
    return run_cases(cases, lambda: built(Place(os.path.abspath(driver),
                                                os.path.abspath(program))))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], CASES))
