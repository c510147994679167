"""Counting packets where they pass: an AF_PACKET socket in a namespace, read by a thread.

Listening starts when the object is made, not some time later, and the kernel's own drop counter
tells whether every packet was seen. Time stamps are the kernel's, in nanoseconds since 1970, of the
one clock that all namespaces share; framework/stamps.py sees to it that they tell the arrival.
"""

import ipaddress
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scapy.layers.l2 import Ether
from scapy.packet import Packet

from framework.closing import Closing
from framework.errors import LabError
from framework.namespace import Namespace
from framework.stamps import SO_TIMESTAMPNS, stamp_ns

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_STATISTICS = 6
PACKET_AUXDATA = 8
PACKET_FANOUT = 18
FANOUT_LIKE_DRIVER = 0x8000 << 16  # by hash, fragments put together: as net_af_packet spreads
FANOUT_UNIQUE_ID = 0x2000 << 16
SO_RCVBUFFORCE = 33
TP_STATUS_VLAN_VALID = 1 << 4
BUFFER_BYTES = 64 << 20
SNAP_BYTES = 65536
AUXDATA = struct.Struct("=IIIHHHH")  # struct tpacket_auxdata


@dataclass(frozen=True)
class Seen:
    """One packet: when, in which direction of the device, and its bytes with any VLAN tag."""

    time_ns: int
    outgoing: bool
    frame: bytes

    @property
    def source(self) -> str:
        """The IP source address, past at most one VLAN tag; empty when it is not IP."""
        start, kind = 14, self.frame[12:14]
        if kind == b"\x81\x00":
            start, kind = 18, self.frame[16:18]
        if kind == b"\x08\x00":
            return socket.inet_ntoa(self.frame[start + 12 : start + 16])
        if kind == b"\x86\xdd":
            return str(ipaddress.IPv6Address(self.frame[start + 8 : start + 24]))
        return ""

    def packet(self) -> Packet:
        """Return it as Scapy sees it."""
        return Ether(self.frame)


class Capture(Closing):
    """All packets of one device, from the moment it is made until it is closed."""

    def __init__(self, namespace: Namespace, device: str, snap: int = SNAP_BYTES) -> None:
        """Start to listen; of each packet the first snap bytes are kept."""
        self._snap = snap
        self._packets: list[Seen] = []
        self._closing = threading.Event()
        self.lost = 0
        self._arrived = 0
        with namespace.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self._socket.settimeout(0.1)
        with namespace.entered():
            self._socket.bind((device, ETH_P_ALL))
        self._thread = threading.Thread(target=self._listen, name=f"capture {device}", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                frame, ancillary, _, address = self._socket.recvmsg(self._snap, 256)
            except TimeoutError:
                if self._closing.is_set():
                    return
                continue
            self._packets.append(_seen(frame, ancillary, address))

    def catch_up(self, seconds: float = 10.0) -> None:
        """Wait until everything that has passed so far has been read."""
        self._count()
        target, end = self._arrived - self.lost, time.monotonic() + seconds
        while len(self._packets) < target:
            if time.monotonic() > end:
                raise LabError(f"a capture is {target - len(self._packets)} packets behind")
            time.sleep(0.01)

    def _count(self) -> None:
        counts = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)  # since the last time
        arrived, lost = struct.unpack("=II", counts)
        self._arrived += arrived
        self.lost += lost

    def packets(self, wanted: Callable[[Seen], bool] | None = None) -> list[Seen]:
        """Return what was seen so far, or the part of it that is wanted."""
        snapshot = self._packets[:]
        return [p for p in snapshot if wanted(p)] if wanted else snapshot

    def received_from(self, source: str) -> list[Seen]:
        """Return the packets that came in on the device from one IP source."""
        return self.packets(lambda p: not p.outgoing and p.source == source)

    def join(self, first: "Capture | None") -> None:
        """Share the device with another capture: from now on each sees its part of the flows."""
        how = FANOUT_LIKE_DRIVER
        if first is None:
            how |= FANOUT_UNIQUE_ID
        else:
            how |= first._socket.getsockopt(SOL_PACKET, PACKET_FANOUT) & 0xFFFF
        self._socket.setsockopt(SOL_PACKET, PACKET_FANOUT, struct.pack("=I", how))

    def close(self) -> None:
        """Stop, after everything that waits in the socket was read; fails when any was lost."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._thread.join()
        self._count()
        self._socket.close()
        if self.lost:
            raise LabError(f"a capture lost {self.lost} packets; its counts cannot be trusted")


def _seen(frame: bytes, ancillary: list[tuple[int, int, bytes]], address: Any) -> Seen:
    time_ns = 0
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            time_ns = stamp_ns(data)
        elif level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, *_, tag, protocol = AUXDATA.unpack(data)
            if status & TP_STATUS_VLAN_VALID:
                frame = frame[:12] + struct.pack("!HH", protocol or 0x8100, tag) + frame[12:]
    outgoing = address[2] == socket.PACKET_OUTGOING
    return Seen(time_ns, outgoing, frame)
