"""Keeps the kernel stamping packets as they arrive, for as long as a lab stands.

The kernel stamps arrivals only while some socket asks for it, and begins a while after the first
has asked: its work queue does the switching, which takes milliseconds on a busy machine. A packet
that arrives before is stamped when somebody reads it, and then seems to have come in much later
than it did. So one socket asks all the time, and nothing is captured before stamping is seen.
"""

import socket
import struct
import time

from framework.waiting import wait_for

SO_TIMESTAMPNS = 35


class KernelStamps:
    """Holds arrival stamps on, in every namespace, until it is closed."""

    def __init__(self) -> None:
        """Ask for stamps and wait until they are taken on arrival."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.settimeout(5.0)
        self._socket.bind(("127.0.0.1", 0))
        wait_for("the kernel to stamp packets on arrival", self._stamps_on_arrival)

    def _stamps_on_arrival(self) -> bool:
        self._socket.sendto(b"stamp", self._socket.getsockname())  # delivered before it returns
        read_from = time.time_ns()
        _, ancillary, _, _ = self._socket.recvmsg(16, 64)
        return any(
            stamp_ns(data) < read_from
            for level, kind, data in ancillary
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS
        )

    def close(self) -> None:
        """Stop asking."""
        self._socket.close()


def stamp_ns(data: bytes) -> int:
    """Return a struct timespec in nanoseconds."""
    seconds, nanoseconds = struct.unpack("=qq", data)
    return int(seconds * 1_000_000_000 + nanoseconds)
