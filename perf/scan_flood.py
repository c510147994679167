"""A flood of SYNs in the name of millions, made in the kernel; with a real scan within it.

usage: scan_flood.py TO_MAC SECONDS    (in the sender's namespace; prints packets, softirq and all
ticks of its core)

The kernel's BPF test run with live frames hands them to eth0 64 at once. Each has a source at
random out of 16 million and a port at random out of 1024. Their TCP checksum is wrong, so that no
stack answers them: the cost measured is that of looking, and not of a million resets.
"""

import ctypes
import os
import socket
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from enforcers import ETHERNET, FRAME, bpf, instruction, ticks
from nftables_test import SERVER

SOURCES = 1 << 24
FIRST = 0x14000000  # 20.0.0.0
EACH_RUN = 10_000


def ip_header() -> bytes:
    """Up to the checksum, which the kernel writes with the source."""
    return struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0, 64, 6, 0)


def generator(interface: int) -> bytes:
    """A source and a port into the frame, and out of the interface with it."""
    mov, add, shift, both = 0xBF, 0x07, 0x77, 0x57
    words = sum(struct.unpack("!12H", ip_header() + socket.inet_aton(SERVER) + bytes(8)))
    fold = (instruction(mov, 0x01) + instruction(shift, 1, 0, 16) +
            instruction(both, 0, 0, 0xFFFF) + instruction(0x0F, 0x10))
    return b"".join((
        instruction(mov, 0x16),                                 # r6 = context
        instruction(0x85, 0, 0, 7), instruction(mov, 0x08),     # r8 = get_prandom_u32()
        instruction(both, 8, 0, 1023), instruction(add, 8, 0, 1),
        instruction(0xDC, 8, 0, 16),                            # big endian
        instruction(0x85, 0, 0, 7),
        instruction(both, 0, 0, SOURCES - 1), instruction(add, 0, 0, FIRST),
        instruction(mov, 0x07),                                 # r7 = the source
        instruction(0x61, 0x62), instruction(0x61, 0x63, 4),    # r2, r3 = data, data_end
        instruction(mov, 0x24), instruction(add, 4, 0, 54),
        instruction(0xBD, 0x34, 2),                             # if r4 <= r3 skip the exit
        instruction(0xB7, 0, 0, 1), instruction(0x95),
        instruction(0x6B, 0x82, ETHERNET + 22),                 # port = r8
        instruction(mov, 0x75), instruction(0xDC, 5, 0, 32),
        instruction(0x63, 0x52, ETHERNET + 12),                 # source = r5
        instruction(mov, 0x70), instruction(shift, 0, 0, 16),
        instruction(mov, 0x71), instruction(both, 1, 0, 0xFFFF),
        instruction(0x0F, 0x10), instruction(add, 0, 0, words),
        fold, fold,
        instruction(0xA7, 0, 0, 0xFFFF), instruction(0xDC, 0, 0, 16),
        instruction(0x6B, 0x02, ETHERNET + 10),                 # checksum = r0
        instruction(0xB7, 1, 0, interface), instruction(0xB7, 2, 0, 0),
        instruction(0x85, 0, 0, 23), instruction(0x95)))        # return redirect(r1, r2)


def send(to_mac: str, seconds: float) -> None:
    """Until the time is over."""
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    mac = Path("/sys/class/net/eth0/address").read_text(encoding="ascii").strip()
    data = (bytes.fromhex((to_mac + mac).replace(":", "")) + b"\x08\x00" + ip_header() +
            bytes(4) + socket.inet_aton(SERVER) +
            struct.pack("!HHIIBBHHH", 40000, 9, 1, 0, 0x50, 2, 1024, 0xBAD, 0))
    frame = ctypes.create_string_buffer(data.ljust(FRAME, b"\0"), FRAME)
    code = generator(socket.if_nametoindex("eth0"))
    program = ctypes.create_string_buffer(code, len(code))
    words = ctypes.create_string_buffer(b"GPL")
    loaded = bpf(5, struct.pack("<IIQQ", 6, len(code) // 8, ctypes.addressof(program),
                                ctypes.addressof(words)))
    run_once = struct.pack("<IIIIQQIIIIQQIII", loaded, 0, FRAME, 0, ctypes.addressof(frame), 0,
                           EACH_RUN, 0, 0, 0, 0, 0, 2, 0, 64)
    sent, before, end = 0, ticks(core), time.monotonic() + seconds
    while time.monotonic() < end:
        bpf(10, run_once)
        sent += EACH_RUN
    after = ticks(core)
    print(sent, after[0] - before[0], after[1] - before[1])


if __name__ == "__main__":
    send(sys.argv[1], float(sys.argv[2]))
