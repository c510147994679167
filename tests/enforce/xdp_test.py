"""The XDP enforcer and the real edgesentry-xdp against the kernel, in network namespaces.

usage: xdp_test.py NFT_DRIVER EDGESENTRY_XDP    (prints TAP; root)

The whole daemon on top of it: xdp_daemon_test.py.
"""

import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

from nftables_test import (ATTACKER, ATTACKER6, BYSTANDER, BYSTANDER6, MANY, SAME_PREFIX6, Place,
                           built, run, run_cases, wait_for)

CAP_NET_ADMIN, CAP_BPF = 12, 39
ENOUGH = 60  # seconds; nothing here takes more than a few
# ip(8) loads an object file: two instructions (r0 = XDP_PASS; exit) in a section of an ELF file.
FOREIGN = struct.pack("<BBhi", 0xB7, 0, 0, 2) + struct.pack("<BBhi", 0x95, 0, 0, 0)


def object_file(path: Path) -> None:
    """The smallest ELF file for the BPF machine that ip takes: a section `prog`, one symbol."""
    names = b"\0prog\0license\0.symtab\0.strtab\0pass\0"  # of sections and of the symbol
    symbols = bytes(24) + struct.pack("<IBBHQQ", names.index(b"pass"), 0x12, 0, 1, 0, len(FOREIGN))
    parts = [FOREIGN, b"GPL\0", symbols, names]
    kinds = [(b"prog", 1, 6, 0, 0), (b"license", 1, 3, 0, 0), (b".symtab", 2, 0, 4, 24),
             (b".strtab", 3, 0, 0, 0)]  # type, flags, table of names, size of an entry
    body, sections = b"", bytes(64)
    for part, (name, kind, flags, link, entry) in zip(parts, kinds, strict=True):
        sections += struct.pack("<IIQQQQIIQQ", names.index(name), kind, flags, 0, 64 + len(body),
                                len(part), link, 1 if entry else 0, 8, entry)
        body += part + bytes(-len(part) % 8)
    head = (b"\x7fELF\x02\x01\x01" + bytes(9) +
            struct.pack("<HHIQQQIHHHHHH", 1, 247, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64, 5, 4))
    path.write_bytes(head + body + sections)


class XdpPlace(Place):
    """The same two hosts, XDP at the server's end of the wire."""

    prefix = "xdp4"

    def attached(self, device: str = "eth0") -> tuple[str, int]:
        """How a program is attached ("xdp": native, "xdpgeneric", "": none), and its number."""
        text = run("ip", "-n", self.server, "-details", "-json", "link", "show", device)
        xdp = json.loads(text)[0].get("xdp")
        if not xdp:
            return "", 0
        return {1: "native", 2: "generic"}.get(xdp["mode"], "other"), int(xdp["prog"]["id"])

    def detach(self, *kinds: str) -> None:
        """Somebody takes the program away."""
        for kind in kinds or ("xdp",):
            run("ip", "-n", self.server, "link", "set", "dev", "eth0", kind, "off")

    def attach_foreign(self, device: str = "eth0") -> None:
        """Somebody else's program."""
        path = Path(f"/dev/shm/xdp4-foreign-{os.getpid()}.o")
        object_file(path)
        try:
            run("ip", "-n", self.server, "link", "set", "dev", device, "xdp", "obj", str(path),
                "sec", "prog")
        finally:
            path.unlink()

    def kill_program(self) -> int:
        """SIGKILL for edgesentry-xdp; its number."""
        pid = int(self.health()["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def program_runs(self) -> bool:
        """Whether the driver has a program that answers."""
        return bool(self.health()["in_force"])


def drops_blocked_sources_only(place: XdpPlace) -> None:
    """Exactly those that are blocked, an IPv6 prefix as a whole; and counts them."""
    place.start("xdp", "eth0")
    assert place.attached()[0] == "native"
    place.tell(f"block {ATTACKER} 600")
    place.tell(f"block {ATTACKER6} 600")
    place.settle()
    before = place.health()["drops"]
    assert not place.reaches(ATTACKER) and not place.reaches(ATTACKER6)
    assert not place.reaches(SAME_PREFIX6), "its neighbour in the prefix"
    assert place.reaches(BYSTANDER) and place.reaches(BYSTANDER6)
    wait_for("the counters", lambda: place.health()["drops"] >= before + 3, ENOUGH)
    assert place.health()["place"] == "native on eth0"
    place.tell(f"lift {ATTACKER}")
    place.tell(f"lift {ATTACKER6}")
    place.settle()
    assert place.reaches(ATTACKER) and place.reaches(ATTACKER6)


def passes_everything_while_bypassed(place: XdpPlace) -> None:
    """On and off, with a block made meanwhile."""
    place.start("xdp", "eth0")
    place.tell(f"block {ATTACKER} 600")
    place.settle()
    assert not place.reaches(ATTACKER)
    place.tell("bypass on")
    wait_for("the bypass", lambda: place.reaches(ATTACKER), ENOUGH)
    place.tell(f"block {BYSTANDER} 600")
    assert place.reaches(BYSTANDER)
    place.tell("bypass off")
    wait_for("its end", lambda: not place.reaches(ATTACKER), ENOUGH)
    wait_for("the other", lambda: not place.reaches(BYSTANDER), ENOUGH)


def time_limits_end_blocks(place: XdpPlace) -> None:
    """With everything killed the program stands, and lets in whose time is over."""
    place.start("xdp", "eth0", margin=1)
    place.tell(f"block {ATTACKER} 4")
    place.tell(f"block {ATTACKER6} 600")
    place.settle()
    place.kill_program()
    assert place.process
    place.process.kill()
    place.process.wait()
    assert not place.reaches(ATTACKER) and not place.reaches(ATTACKER6)
    wait_for("the end by the element's limit", lambda: place.reaches(ATTACKER), ENOUGH)
    assert not place.reaches(ATTACKER6)


def leaves_no_gap_when_it_is_killed(place: XdpPlace) -> None:
    """A flood of a blocked source goes on through three deaths: none of it arrives."""
    place.start("xdp", "eth0")
    place.tell(f"many {MANY} 2000 600")
    place.tell(f"block {ATTACKER} 600")
    place.settle()
    flood = subprocess.Popen(
        ["ip", "netns", "exec", place.outside, "ping", "-i", "0.002", "-q", "-I", ATTACKER,
         "10.77.0.1"], stdout=subprocess.PIPE, text=True)
    try:
        for death in range(1, 4):
            program = place.attached()[1]
            pid = place.kill_program()
            wait_for("the next one", lambda: place.health()["pid"] not in (pid, -1), ENOUGH)
            place.settle()
            assert place.health()["restarts"] == death
            wait_for("its program", lambda: place.attached()[1] != program, ENOUGH)
    finally:
        flood.send_signal(signal.SIGINT)
        told = flood.communicate(timeout=ENOUGH)[0]
    counts = re.search(r"(\d+) packets transmitted, (\d+) received", told)
    assert counts and int(counts[1]) > 100 and int(counts[2]) == 0, told
    assert place.reaches(BYSTANDER)


def takes_over_what_an_earlier_run_left(place: XdpPlace) -> None:
    """Told to keep: the program stays, and the next run lets go what it does not know."""
    place.start("xdp", "eth0")
    place.tell(f"block {ATTACKER} 600")
    place.settle()
    assert place.ask("keep") == "stopped"
    assert place.attached()[0] == "native" and not place.reaches(ATTACKER)
    for room in ("--elements=4096", "--elements=8192"):  # maps of another size, too
        place.start("xdp", "eth0", room)
        assert place.reaches(ATTACKER), "what the new ledger does not know is let go"
        place.tell(f"block {ATTACKER} 600")
        place.settle()
        assert not place.reaches(ATTACKER)
        assert place.ask("keep") == "stopped"
    place.start("xdp", "eth0")
    assert place.ask("stop") == "stopped"
    assert place.attached() == ("", 0) and place.reaches(ATTACKER)


def repairs_what_others_detach(place: XdpPlace) -> None:
    """Within a second or so, and says so in its numbers."""
    place.start("xdp", "eth0")
    place.tell(f"block {ATTACKER} 600")
    place.settle()
    for attempt in range(1, 4):
        place.detach()
        took = wait_for("the repair", lambda: place.attached()[0] == "native", ENOUGH)
        print(f"# attached again after {took:.2f} s")
        wait_for("its count", lambda: place.health()["repairs"] >= attempt, ENOUGH)
        place.settle()
        assert not place.reaches(ATTACKER) and place.reaches(BYSTANDER)


def leaves_the_program_of_another_alone(place: XdpPlace) -> None:
    """Whether it was there before or comes in between: ours steps back, and returns after it."""
    place.attach_foreign()
    foreign = place.attached()
    assert foreign[1] != 0
    place.launch("xdp", "eth0")
    wait_for("a refusal", lambda: place.health()["failures"] >= 1, ENOUGH)
    assert not place.health()["in_force"] and place.attached() == foreign
    place.tell(f"block {ATTACKER} 600")
    assert place.reaches(ATTACKER)
    place.detach()
    wait_for("ours", place.program_runs, ENOUGH)
    place.settle()
    assert not place.reaches(ATTACKER)
    place.detach()
    try:
        place.attach_foreign()
    except AssertionError:
        place.detach()  # ours was quicker
        place.attach_foreign()
    foreign = place.attached()
    wait_for("a refusal", lambda: not place.health()["in_force"], ENOUGH)
    time.sleep(1)
    assert place.attached() == foreign and not place.health()["in_force"]
    assert place.ask("stop") == "stopped"
    assert place.attached() == foreign


def uses_the_generic_way_only_when_it_may(place: XdpPlace) -> None:
    """Where the driver takes no program: frames too long for it, here."""
    for name in (place.server, place.outside):
        run("ip", "-n", name, "link", "set", "eth0", "mtu", "9000")
    place.launch("xdp", "eth0", "--native-only")
    wait_for("a refusal", lambda: place.health()["failures"] >= 1, ENOUGH)
    assert place.attached() == ("", 0)
    assert place.process
    place.process.kill()
    place.process.wait()
    place.start("xdp", "eth0")
    place.tell(f"block {ATTACKER} 600")
    place.settle()
    wait_for("its place", lambda: place.health()["place"] == "generic on eth0", ENOUGH)
    assert place.attached()[0] == "generic"
    assert not place.reaches(ATTACKER) and place.reaches(BYSTANDER)


def waits_for_a_device(place: XdpPlace) -> None:
    """One that is missing costs nothing but itself."""
    place.start("xdp", "eth0", "later0")
    wait_for("its place", lambda: "waiting for later0" in place.health()["place"], ENOUGH)
    run("ip", "-n", place.server, "link", "add", "later0", "type", "veth")
    wait_for("its program", lambda: place.attached("later0")[0] == "native", ENOUGH)
    assert place.attached("later0")[1] == place.attached("eth0")[1]
    run("ip", "-n", place.server, "link", "del", "later0")
    wait_for("its end", lambda: "waiting for later0" in place.health()["place"], ENOUGH)


def says_when_it_is_full(place: XdpPlace) -> None:
    """A counted refusal; the rest waits for room, and has it when blocks end."""
    place.start("xdp", "eth0", "--elements=100")
    place.tell(f"many {MANY} 150 600")
    wait_for("a refusal", lambda: place.health()["failures"] >= 1, ENOUGH)
    wait_for("those that wait", lambda: place.health()["waiting"] == 50, ENOUGH)
    place.settle()
    assert place.health()["programmed"] == 100
    place.tell(f"clear {MANY} 100")
    place.tell(f"block {ATTACKER} 600")
    place.settle()
    wait_for("the count", lambda: place.health()["programmed"] == 51, ENOUGH)
    assert place.health()["waiting"] == 0 and not place.reaches(ATTACKER)


def has_two_privileges(place: XdpPlace) -> None:
    """CAP_NET_ADMIN and CAP_BPF, no way to more, and an empty environment."""
    place.start("xdp", "eth0")
    pid = place.health()["pid"]
    status = dict(line.split(":\t", 1)
                  for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    for kind in ("CapEff", "CapPrm", "CapBnd"):
        assert int(status[kind], 16) == 1 << CAP_NET_ADMIN | 1 << CAP_BPF, f"{kind} {status[kind]}"
    assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert Path(f"/proc/{pid}/environ").read_bytes() == b""


def follows_a_model_through_random_changes(place: XdpPlace) -> None:
    """Two thousand changes of a hundred sources, and each of some is asked for by a packet."""
    choose = random.Random(11)
    sources = [f"10.77.0.{last}" for last in range(100, 200)]
    for source in sources[:12]:
        run("ip", "-n", place.outside, "address", "add", f"{source}/24", "dev", "eth0")
    place.start("xdp", "eth0")
    blocked: set[str] = set()
    for step in range(2000):
        source = choose.choice(sources)
        if choose.random() < 0.5:
            place.tell(f"block {source} 600")
            blocked.add(source)
        else:
            place.tell(f"lift {source}")
            blocked.discard(source)
        if step == 1000:
            place.kill_program()
    place.settle(ENOUGH)
    wait_for("the count", lambda: place.health()["programmed"] == len(blocked), ENOUGH)
    for source in sources[:12]:
        assert place.reaches(source) == (source not in blocked), source


def holds_many(place: XdpPlace) -> None:
    """A hundred thousand blocks, and single ones beside them stay quick."""
    place.start("xdp", "eth0", "--elements=200000")
    place.tell(f"many {MANY} 100000 600")
    took = wait_for("all of them", lambda: place.health()["sent"] >= 100_000 and
                    place.health()["pending"] == 0, ENOUGH)
    print(f"# 100000 sources took {took:.1f} s")
    place.tell(f"block {ATTACKER} 600")
    took = wait_for("one more", lambda: place.health()["pending"] == 0, ENOUGH)
    print(f"# one more took {took:.2f} s")
    assert not place.reaches(ATTACKER)


CASES = [drops_blocked_sources_only, passes_everything_while_bypassed, time_limits_end_blocks,
         leaves_no_gap_when_it_is_killed, takes_over_what_an_earlier_run_left,
         repairs_what_others_detach, leaves_the_program_of_another_alone,
         uses_the_generic_way_only_when_it_may, waits_for_a_device, says_when_it_is_full,
         has_two_privileges, follows_a_model_through_random_changes, holds_many]


def main(driver: str, program: str) -> int:
    """Run all cases; TAP."""
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root")
        return 0
    return run_cases(CASES, lambda: built(XdpPlace(os.path.abspath(driver),
                                                   os.path.abspath(program))))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
