"""How far a scan gets: the probes that reached servers before the block, and a table of them."""

import ipaddress
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from framework.capture import Seen

ETHERNET = 14
IPV4, IPV6 = b"\x08\x00", b"\x86\xdd"
WITH_PORTS = (socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_SCTP)
ICMP_REQUESTS = (8, 13, 17)  # echo, timestamp, netmask: what a host sends in reply is no probe
ICMPV6_REQUESTS = (128,)
Probe = tuple[str, int, int]


@dataclass(frozen=True)
class Row:
    """What one scan got."""

    scan: str
    reached: int
    limit: int
    seconds: float
    technique: str
    tool: str


def probe(seen: Seen) -> Probe | None:
    """Return target, protocol and port of a probe.

    A retry, a later fragment and what a connection goes on with are the same probe or none.
    """
    kind, network = seen.frame[12:14], seen.frame[ETHERNET:]
    if kind == IPV4:
        protocol, target = network[9], socket.inet_ntoa(network[16:20])
        if struct.unpack_from("!H", network, 6)[0] & 0x1FFF:
            return None
        inner = network[(network[0] & 15) * 4 :]
    elif kind == IPV6:
        protocol, target = network[6], str(ipaddress.IPv6Address(network[24:40]))
        inner = network[40:]
    else:
        return None
    if protocol in WITH_PORTS:
        port = struct.unpack_from("!H", inner, 2)[0] if len(inner) >= 4 else 0
        return target, protocol, port
    if protocol == socket.IPPROTO_ICMP:
        return (target, protocol, inner[0]) if inner[:1] and inner[0] in ICMP_REQUESTS else None
    if protocol == socket.IPPROTO_ICMPV6 and kind == IPV6:
        return (target, protocol, inner[0]) if inner[:1] and inner[0] in ICMPV6_REQUESTS else None
    return target, protocol, 0


def probes(arrived: Iterable[Seen], servers: Iterable[str]) -> set[Probe]:
    """Return the distinct probes that reached an address a server has."""
    known = set(servers)
    found = {probe(seen) for seen in arrived}
    return {one for one in found if one is not None and one[0] in known}


def table(rows: Iterable[Row]) -> str:
    """Return the rows as an aligned Markdown table."""
    head = ("scan", "probes that reached a server", "at most", "ms", "technique", "tool")
    cells = [head, *((r.scan, str(r.reached), str(r.limit), f"{r.seconds * 1e3:.1f}", r.technique,
                      r.tool or "-") for r in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |"
        for row in (cells[0], rule, *cells[1:])
    )
