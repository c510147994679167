"""What an address sent to places where nobody lives, and what came back: all of it the appliance's.

Counted where the address stands, in packets and in bytes of IP, as the appliance counts.
"""

import ipaddress
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from framework.capture import Seen
from framework.errors import VerifyError

ETHERNET = 14
IPV4, IPV6 = b"\x08\x00", b"\x86\xdd"


@dataclass
class Account:
    """One address: asked and answered."""

    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0

    @property
    def is_amplified(self) -> bool:
        """Tell whether more came back than went in."""
        return self.packets_out > self.packets_in or self.bytes_out > self.bytes_in


def ends(seen: Seen) -> tuple[str, str, int]:
    """Return source, target and IP bytes; empty and 0 when it is not IP."""
    kind, packet = seen.frame[12:14], seen.frame[ETHERNET:]
    if kind == IPV4:
        addresses = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        return *addresses, struct.unpack_from("!H", packet, 2)[0]
    if kind == IPV6:
        source, target = (str(ipaddress.IPv6Address(packet[at : at + 16])) for at in (8, 24))
        return source, target, 40 + struct.unpack_from("!H", packet, 4)[0]
    return "", "", 0


def account(packets: Iterable[Seen], dark: str) -> dict[str, Account]:
    """Add up, by address, what went to a dark network and what came from it.

    VerifyError as soon as an address is ahead, be it for a moment only.
    """
    network = ipaddress.ip_network(dark)
    accounts: dict[str, Account] = {}
    for seen in packets:
        source, target, size = ends(seen)
        if not source:
            continue
        if ipaddress.ip_address(target) in network:
            entry = accounts.setdefault(source, Account())
            entry.packets_in += 1
            entry.bytes_in += size
        elif ipaddress.ip_address(source) in network:
            entry = accounts.setdefault(target, Account())
            entry.packets_out += 1
            entry.bytes_out += size
            if entry.is_amplified:
                raise VerifyError(f"{target} got more than was sent under its name: {entry}")
    return accounts


def table(accounts: dict[str, Account]) -> str:
    """Return the accounts as lines."""
    lines = [f"{'address':<18}{'packets in':>12}{'out':>6}{'bytes in':>10}{'out':>7}{'ratio':>7}"]
    for address, entry in sorted(accounts.items()):
        ratio = entry.bytes_out / entry.bytes_in if entry.bytes_in else 0.0
        lines.append(
            f"{address:<18}{entry.packets_in:>12}{entry.packets_out:>6}"
            f"{entry.bytes_in:>10}{entry.bytes_out:>7}{ratio:>7.2f}"
        )
    return "\n".join(lines)
