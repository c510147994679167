"""A zombie for idle scans: a host that numbers all its packets from one counter, as old ones did.

It lives at one address that no kernel has, answers who asks for it (ARP), and resets every TCP
packet that is no RST, as RFC 9293 section 3.10.7.1 says for closed ports. Linux numbers RSTs with 0
or by destination, which tells an idle scan nothing.
"""

import socket
import subprocess
import sys
from pathlib import Path

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import ARP, Ether

from framework.closing import Closing
from framework.errors import LabError
from framework.namespace import stop_process
from framework.testbed import HOST_DEVICE, Host

ETH_P_ARP, ETH_P_IP = 0x0806, 0x0800
ARP_REQUEST, ARP_REPLY = 1, 2
ACK, RST = 0x10, 0x04
READY = b"ready\n"


class Zombie(Closing):
    """One, in the namespace of a host and with its Ethernet address; ended with close()."""

    def __init__(self, host: Host, address: str) -> None:
        """Start it and wait until it listens."""
        self.address = address
        self._process = host.namespace.start(
            *("env", f"PYTHONPATH={Path(__file__).resolve().parents[1]}", sys.executable),
            *("-m", "framework.zombie", host.mac, address),
            stdout=subprocess.PIPE,
            stderr=None,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if said != READY:
            self.close()
            raise LabError(f"the zombie {address} did not start: {said!r}")

    def close(self) -> None:
        """End it."""
        stop_process(self._process)
        if self._process.stdout is not None:
            self._process.stdout.close()


def answer(frame: Ether, mac: str, address: str, number: int) -> Ether | None:
    """Return what the zombie says to a frame, or nothing."""
    back = Ether(src=mac, dst=frame.src)
    if ARP in frame:
        asked = frame[ARP]
        if asked.op != ARP_REQUEST or asked.pdst != address:
            return None
        return back / ARP(
            op=ARP_REPLY, hwsrc=mac, psrc=address, hwdst=asked.hwsrc, pdst=asked.psrc
        )
    if TCP not in frame or frame[IP].dst != address or frame[TCP].flags & RST:
        return None
    came, segment = frame[IP], frame[TCP]
    is_numbered = bool(segment.flags & ACK)
    reset = TCP(
        sport=segment.dport,
        dport=segment.sport,
        seq=segment.ack if is_numbered else 0,
        ack=0 if is_numbered else (segment.seq + 1) & 0xFFFFFFFF,
        flags="R" if is_numbered else "RA",
        window=0,
    )
    return back / IP(src=address, dst=came.src, id=number, ttl=64) / reset


def live(mac: str, address: str) -> None:
    """Answer until ended."""
    kinds = {ETH_P_ARP.to_bytes(2, "big"), ETH_P_IP.to_bytes(2, "big")}
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    wire.bind((HOST_DEVICE, 3))
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    number = 1000
    while True:
        data, place = wire.recvfrom(2048)
        if place[2] == socket.PACKET_OUTGOING or data[12:14] not in kinds:
            continue
        said = answer(Ether(data), mac, address, number)
        if said is None:
            continue
        wire.send(bytes(said))
        number = (number + 1) & 0xFFFF


if __name__ == "__main__":
    live(*sys.argv[1:])
