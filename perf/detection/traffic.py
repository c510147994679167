"""Packets and captures for generated traffic: Ethernet, IPv4, classic pcap with microseconds.

Addresses are integers, times are microseconds. IP checksums are right; those of TCP and UDP are
left zero, as a network card's offload leaves them.
"""

import bisect
import pathlib
import struct

SYN, ACK, RST, FIN, PSH, URG = 2, 16, 4, 1, 8, 32
SECOND = 1_000_000

ETHERNET = bytes.fromhex("020000000001020000000002") + b"\x08\x00"
IP = struct.Struct(">BBHHHBBHII")
TCP = struct.Struct(">HHIIBBHHH")
UDP = struct.Struct(">HHHH")
RECORD = struct.Struct("<IIII")
FILE_HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
# What Linux sends with a SYN: MSS 1460, SACK, timestamps, NOP, window scale 7.
KERNEL_OPTIONS = bytes.fromhex("020405b40402080a0000100100000000") + b"\x01\x03\x03\x07"
START = 1_700_000_000 * SECOND


def ip(protocol: int, source: int, target: int, body: bytes, ident: int = 0) -> bytes:
    length = 20 + len(body)
    total = (0x4500 + length + ident + 0x4000 + (57 << 8) + protocol
             + (source >> 16) + (source & 0xFFFF) + (target >> 16) + (target & 0xFFFF))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return ETHERNET + IP.pack(0x45, 0, length, ident, 0x4000, 57, protocol, checksum,
                              source, target) + body


def tcp(ends: tuple[int, int, int, int], flags: int, seq: int, ack: int = 0, *,
        options: bytes = b"", data: bytes = b"", window: int = 64240) -> bytes:
    """ends: source, its port, target, its port."""
    source, sport, target, port = ends
    offset = (5 + len(options) // 4) << 4
    body = TCP.pack(sport, port, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, offset, flags, window, 0, 0)
    return ip(6, source, target, body + options + data, seq & 0xFFFF)


def udp(ends: tuple[int, int, int, int], data: bytes) -> bytes:
    source, sport, target, port = ends
    return ip(17, source, target, UDP.pack(sport, port, 8 + len(data), 0) + data, sport)


def echo(source: int, target: int, reply: bool, sequence: int) -> bytes:
    head = struct.pack(">BBHHH", 0 if reply else 8, 0, 0, source & 0xFFFF, sequence & 0xFFFF)
    return ip(1, source, target, head + bytes(56))


def unreachable(host: int, frame: bytes, code: int = 3) -> bytes:
    """What `host` answers to `frame`: ICMP destination unreachable with the start of it."""
    source = struct.unpack_from(">I", frame, 26)[0]
    return ip(1, host, source, struct.pack(">BBHI", 3, code, 0, 0) + frame[14:42])


def reverse(ends: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    return ends[2], ends[3], ends[0], ends[1]


def dotted(address: int) -> str:
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


class Trace:
    """Packets with their times, in any order until they are written."""

    def __init__(self) -> None:
        self.packets: list[tuple[int, bytes]] = []

    def add(self, time: float, frame: bytes) -> None:
        self.packets.append((int(time), frame))

    def write(self, path: pathlib.Path) -> None:
        self.packets.sort(key=lambda packet: packet[0])
        with open(path, "wb", buffering=1 << 20) as stream:
            stream.write(FILE_HEAD)
            for time, frame in self.packets:
                seconds, rest = divmod(START + time, SECOND)
                stream.write(RECORD.pack(seconds, rest, len(frame), len(frame)) + frame)


def pick(rng, shares: list[tuple[str, float]]) -> str:
    """A name, as often as its share says; shares are cumulated and end with 1."""
    return shares[bisect.bisect(shares, rng.random(), key=lambda entry: entry[1])][0]
