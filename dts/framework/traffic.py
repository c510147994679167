"""Packets made by Scapy and sent as they are, from any address, into the lab's Ethernet."""

import socket
import time
from collections.abc import Iterable, Sequence

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet

from framework.errors import LabError
from framework.namespace import on_one_core
from framework.testbed import HOST_DEVICE, Host

MAX_PACKETS = 200_000  # of one send: every load in the lab is bounded
FIRST_PORT = 40_000  # of clients; below are services, among them those that reflectors abuse


class Sender:
    """Sends frames from one host to another through the appliance."""

    def __init__(self, source: Host, target: Host) -> None:
        """Open a raw socket in the source's namespace."""
        self._ethernet = Ether(src=source.mac, dst=target.mac)
        with source.namespace.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self._socket.bind((HOST_DEVICE, 0))

    def send(self, packets: Iterable[Packet], pause: float = 0.0) -> int:
        """Send IP packets in order, with a pause (seconds) after each; return how many."""
        frames = [bytes(self._ethernet / packet) for packet in packets]
        return self.send_frames(frames, pause)

    def send_tagged(self, packets: Iterable[Packet], tags: Sequence[int]) -> int:
        """Send IP packets behind one VLAN tag or, outermost first, several."""
        head = self._ethernet
        for tag in tags:
            head = head / Dot1Q(vlan=tag)
        return self.send_frames([bytes(head / packet) for packet in packets])

    def send_frames(self, frames: Sequence[bytes], pause: float = 0.0) -> int:
        """Send whole frames."""
        if len(frames) > MAX_PACKETS:
            raise LabError(f"{len(frames)} packets in one send; the bound is {MAX_PACKETS}")
        with on_one_core():
            for frame in frames:
                self._socket.send(frame)
                if pause:
                    time.sleep(pause)
        return len(frames)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def network(source: str, target: str, **fields: int) -> Packet:
    """Return the IPv4 or IPv6 header, as the addresses ask for."""
    kind = IPv6 if ":" in target else IP
    return kind(src=source, dst=target, **fields)


def tcp(source: str, target: str, port: int, flags: str = "S", source_port: int = 0) -> Packet:
    """Return one TCP packet; every port has its own source port unless one is given."""
    from_port = source_port or 20000 + port % 40000
    return network(source, target) / TCP(
        sport=from_port, dport=port, flags=flags, seq=1000 + port, window=1024
    )


def udp(source: str, target: str, port: int, payload: bytes = b"probe") -> Packet:
    """Return one UDP packet."""
    return network(source, target) / UDP(sport=FIRST_PORT + port % 20000, dport=port) / payload


def port_scan(source: str, target: str, ports: Iterable[int], flags: str = "S") -> list[Packet]:
    """Return one TCP probe per port of one target."""
    return [tcp(source, target, port, flags) for port in ports]


def sweep(source: str, targets: Iterable[str], port: int, flags: str = "S") -> list[Packet]:
    """Return one TCP probe of one port per target."""
    return [
        tcp(source, target, port, flags, source_port=30000 + index)
        for index, target in enumerate(targets)
    ]
