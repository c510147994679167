"""What it costs a host to drop blocked sources: by nothing, nftables at ingress, XDP.

usage: enforcers.py NFT_DRIVER EDGESENTRY_NFT EDGESENTRY_XDP [ROUNDS]    (root)

Three pairs of network namespaces, each a host and a sender on a veth. In one the host's own stack
takes every packet (UDP to a closed port, and no way back for an answer), in the others 100 000
sources are blocked in a netdev set or in the XDP maps by the real programs. One core sends the
same frames in the name of these sources to each of them by turns, and the kernel works them off in
the softirqs of that core. Printed: packets for each second of softirq time, and their ratio to the
host that blocks nothing, as median and range of the rounds.
"""

import ctypes
import os
import socket
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "enforce"))

from nftables_test import MANY, SERVER, Place, run, wait_for

BLOCKS = 100_000
WINDOW_SECONDS = 2.5
EACH_RUN = 20_000
FRAME, ETHERNET = 60, 14


def instruction(code: int, registers: int = 0, offset: int = 0, number: int = 0) -> bytes:
    """struct bpf_insn; `registers` is source << 4 | destination."""
    return struct.pack("<BBhI", code, registers, offset, number & 0xFFFFFFFF)


def header_words() -> int:
    """What the IPv4 header of every frame adds to its checksum, but for the source."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, FRAME - ETHERNET, 1, 0, 64, 17, 0)
    return sum(struct.unpack("!12H", head + socket.inet_aton(SERVER) + bytes(8)))


def generator(interface: int) -> bytes:
    """Writes a blocked source at random into the frame, and sends it out of the interface."""
    mov, imm, alu64 = 0xBF, 0xB7, {"add": 0x07, "and": 0x57, "shift": 0x77, "xor": 0xA7}
    fold = (instruction(mov, 0x01) + instruction(alu64["shift"], 1, 0, 16) +
            instruction(alu64["and"], 0, 0, 0xFFFF) + instruction(0x0F, 0x10))
    return b"".join((
        instruction(mov, 0x16),                                 # r6 = context
        instruction(0x85, 0, 0, 7),                             # r0 = get_prandom_u32()
        instruction(0x94, 0, 0, BLOCKS),                        # r0 %= BLOCKS
        instruction(alu64["add"], 0, 0, MANY),
        instruction(mov, 0x07),                                 # r7 = the source
        instruction(0x61, 0x62), instruction(0x61, 0x63, 4),    # r2, r3 = data, data_end
        instruction(mov, 0x24), instruction(alu64["add"], 4, 0, 34),
        instruction(0xBD, 0x34, 2),                             # if r4 <= r3 skip the exit
        instruction(imm, 0, 0, 1), instruction(0x95),
        instruction(mov, 0x75), instruction(0xDC, 5, 0, 32),
        instruction(0x63, 0x52, ETHERNET + 12),                 # source = r5, big endian
        instruction(mov, 0x70), instruction(alu64["shift"], 0, 0, 16),
        instruction(mov, 0x71), instruction(alu64["and"], 1, 0, 0xFFFF),
        instruction(0x0F, 0x10), instruction(alu64["add"], 0, 0, header_words()),
        fold, fold,
        instruction(alu64["xor"], 0, 0, 0xFFFF), instruction(0xDC, 0, 0, 16),
        instruction(0x6B, 0x02, ETHERNET + 10),                 # checksum = r0
        instruction(imm, 1, 0, interface), instruction(imm, 2, 0, 0),
        instruction(0x85, 0, 0, 23), instruction(0x95)))        # return redirect(r1, r2)


def bpf(command: int, attributes: bytes) -> int:
    """bpf(2)."""
    memory = ctypes.create_string_buffer(attributes, 128)
    done = int(ctypes.CDLL(None, use_errno=True).syscall(321, command, memory, 128))
    if done < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command}): {os.strerror(ctypes.get_errno())}")
    return done


def send(to_mac: str) -> None:
    """In the sender's namespace: frames for one window; prints packets, softirq and all ticks.

    The kernel makes them itself (BPF_F_TEST_XDP_LIVE_FRAMES) and hands them to the wire 64 at once,
    as a network card does: without a packet buffer, which is up to the receiver.
    """
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    mac = Path("/sys/class/net/eth0/address").read_text(encoding="ascii").strip()
    head = struct.pack("!BBHHHBBH", 0x45, 0, FRAME - ETHERNET, 1, 0, 64, 17, 0)
    data = (bytes.fromhex((to_mac + mac).replace(":", "")) + b"\x08\x00" + head + bytes(4) +
            socket.inet_aton(SERVER) + struct.pack("!HHHH", 40000, 9, FRAME - ETHERNET - 20, 0))
    frame = ctypes.create_string_buffer(data.ljust(FRAME, b"\0"), FRAME)
    code = generator(socket.if_nametoindex("eth0"))
    program = ctypes.create_string_buffer(code, len(code))
    words = ctypes.create_string_buffer(b"GPL")
    loaded = bpf(5, struct.pack("<IIQQ", 6, len(code) // 8, ctypes.addressof(program),
                                ctypes.addressof(words)))
    run_once = struct.pack("<IIIIQQIIIIQQIII", loaded, 0, FRAME, 0, ctypes.addressof(frame), 0,
                           EACH_RUN, 0, 0, 0, 0, 0, 2, 0, 64)
    sent, before, end = 0, ticks(core), time.monotonic() + WINDOW_SECONDS
    while time.monotonic() < end:
        bpf(10, run_once)
        sent += EACH_RUN
    after = ticks(core)
    print(sent, after[0] - before[0], after[1] - before[1])


def ticks(core: int) -> tuple[int, int]:
    """Of a core: in softirqs, and busy at all."""
    for line in Path("/proc/stat").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[0] == f"cpu{core}":
            user, nice, system, _, _, irq, softirq = map(int, words[1:8])
            return softirq, user + nice + system + irq + softirq
    raise AssertionError(f"no cpu{core} in /proc/stat")


class Host(Place):
    """One of the three."""

    def __init__(self, prefix: str, driver: str, program: str, *tables: str) -> None:
        """`tables` as the driver takes them; none: nobody drops."""
        self.prefix, self.tables = f"enfp-{prefix}", tables
        super().__init__(driver, program)
        self.mac = ""

    def prepare(self) -> None:
        """Namespaces, and all blocks in force."""
        self.set_up()
        self.nft("flush", "ruleset")
        for name in (self.server, self.outside):  # the wire takes whole batches then
            run("ip", "netns", "exec", name, "ethtool", "-K", "eth0", "gro", "on")
        self.mac = run("ip", "netns", "exec", self.server, "cat",
                       "/sys/class/net/eth0/address").strip()
        if not self.tables:
            return
        self.start(*self.tables)
        self.tell(f"many {MANY} {BLOCKS} 86400")
        wait_for("the blocks", lambda: self.health()["sent"] >= BLOCKS, 60)
        self.settle()

    def handled(self) -> int:
        """Packets dropped, or given to nobody by a stack that blocks nothing."""
        if not self.tables:
            text = run("ip", "netns", "exec", self.server, "cat", "/proc/net/snmp")
            udp = [line.split() for line in text.splitlines() if line.startswith("Udp:")]
            return int(udp[1][2])  # NoPorts
        if "xdp" not in self.tables:
            lines = self.nft("list", "table", "netdev", "edgesentry").splitlines()
            return sum(int(line.split("packets")[1].split()[0])
                       for line in lines if "@blocked" in line)
        time.sleep(0.6)  # the driver asks four times a second
        return int(self.health()["drops"])

    def measure(self) -> tuple[float, float]:
        """One window: packets for each second of softirq time, and of all of the core's time."""
        before = self.handled()
        told = run("ip", "netns", "exec", self.outside, sys.executable, __file__, "--send",
                   self.mac)
        sent, softirq, busy = map(int, told.split())
        assert softirq > 0, "this kernel counts no softirq time"
        handled = self.handled() - before
        assert 0.98 * sent <= handled <= sent, f"{sent} sent, {handled} handled"
        hertz = os.sysconf("SC_CLK_TCK")
        return handled * hertz / softirq, handled * hertz / busy


def spread(values: list[float]) -> str:
    """Median, and the range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def compare(hosts: dict[str, Host], rounds: int) -> None:
    """By turns; the table."""
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in hosts}
    for _ in range(rounds):
        for name, host in hosts.items():
            figures[name].append(host.measure())
    base = figures["nothing"]
    for name, each in figures.items():
        softirq = [mine[0] / other[0] for mine, other in zip(each, base, strict=True)]
        busy = [mine[1] / other[1] for mine, other in zip(each, base, strict=True)]
        print(f"{name}: {statistics.median(mine[0] for mine in each) / 1e6:.2f} M packets a second "
              f"of softirq time, ratio {spread(softirq)}; with the sender's time {spread(busy)}")


def main(driver: str, nft: str, xdp: str, rounds: int) -> int:
    """Set up, measure, clean up."""
    if os.geteuid() != 0:
        print("needs root")
        return 1
    driver, nft, xdp = (os.path.abspath(each) for each in (driver, nft, xdp))
    hosts = {"nothing": Host("none", driver, nft),
             "nftables": Host("nft", driver, nft, "none", "eth0"),
             "xdp": Host("xdp", driver, xdp, "xdp", "eth0", f"--elements={2 * BLOCKS}")}
    try:
        for name in list(hosts):
            try:
                hosts[name].prepare()
            except (AssertionError, subprocess.SubprocessError) as failure:
                if name != "xdp":
                    raise
                print(f"XDP CANNOT BE MEASURED HERE: the kernel attaches no program ({failure})")
                hosts.pop(name).clean_up()
        compare(hosts, rounds)
    finally:
        for host in hosts.values():
            host.clean_up()
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--send":
        send(sys.argv[2])
        sys.exit(0)
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], int((sys.argv + ["5"])[4])))
