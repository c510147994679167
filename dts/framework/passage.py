"""Which packets of a source passed the appliance, packet by packet, and whether any passed late.

The same packets are captured where the appliance receives them (its outside port) and where the
servers stand, by one kernel with one clock, and matched by their bytes. A packet is late when it
came in after the decision and reached a server all the same.

A worker reads the clock after it has fetched a burst, and stamps the decision with that time: what
came in before it may have been looked at before the deciding packet, what came in after it cannot.
So the comparison needs no tolerance, whatever the number of queues, and however long a worker waits
for a core.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

from framework.capture import Capture, Seen
from framework.testbed import HOST_DEVICE, Testbed


def time_ns(event: dict[str, Any]) -> int:
    """Return the time of a JSON event, to the microsecond, in nanoseconds since 1970."""
    moment = datetime.fromisoformat(event["@timestamp"])
    return round(moment.timestamp() * 1_000_000) * 1000


@dataclass(frozen=True)
class Passage:
    """What became of one source's packets."""

    source: str
    sent: list[Seen]  # as received on the outside port
    passed: list[Seen]  # those of them that reached a server
    strangers: int  # arrived at a server without having been received outside: must be 0

    @property
    def dropped(self) -> int:
        """How many did not reach a server."""
        return len(self.sent) - len(self.passed)

    def since(self, moment_ns: int) -> "Passage":
        """Return the part from a moment on."""
        sent = [packet for packet in self.sent if packet.time_ns >= moment_ns]
        passed = [packet for packet in self.passed if packet.time_ns >= moment_ns]
        return Passage(self.source, sent, passed, self.strangers)

    def until(self, moment_ns: int) -> "Passage":
        """Return the part up to a moment, for example the end of the block."""
        sent = [packet for packet in self.sent if packet.time_ns <= moment_ns]
        passed = [packet for packet in self.passed if packet.time_ns <= moment_ns]
        return Passage(self.source, sent, passed, self.strangers)

    def late(self, decision: dict[str, Any]) -> list[Seen]:
        """Return what reached a server although it came in after the decision."""
        decided = time_ns(decision)
        return [packet for packet in self.passed if packet.time_ns > decided]


def late_text(passage: Passage, decision: dict[str, Any]) -> str:
    """Return what is to be said about late packets; nothing when there are none."""
    decided = time_ns(decision)
    late = [f"{(p.time_ns - decided) / 1e6:.3f} ms" for p in passage.late(decision)]
    return f"{len(late)} packets passed after the decision: {', '.join(late[:5])}" if late else ""


def follow(source: str, outside: Capture, servers: Capture) -> Passage:
    """Match the packets of a source between the two captures.

    A packet sent twice with the same bytes is matched to the latest sending before its arrival,
    so that a late packet is never mistaken for an early one.
    """
    servers.catch_up()
    outside.catch_up()
    arrivals = servers.received_from(source)
    sent = outside.received_from(source)
    sendings: dict[bytes, list[int]] = defaultdict(list)
    for index, packet in enumerate(sent):
        sendings[packet.frame].append(index)
    passed: set[int] = set()
    strangers = 0
    for arrival in arrivals:
        earlier = [i for i in sendings[arrival.frame] if sent[i].time_ns <= arrival.time_ns]
        unmatched = [i for i in earlier if i not in passed]
        if unmatched:
            passed.add(unmatched[-1])
        else:
            strangers += 1
    return Passage(source, sent, [sent[i] for i in sorted(passed)], strangers)


class Crossing:
    """Captures on both sides of the appliance, for the length of a with block."""

    def __init__(self, testbed: Testbed, snap: int = 2048) -> None:
        """Start to listen."""
        self._outside = Capture(testbed.appliance, "outside", snap)
        self._servers = Capture(testbed.servers.namespace, HOST_DEVICE, snap)

    def __enter__(self) -> "Crossing":
        """Nothing to do: it listens already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self.close()

    def close(self) -> None:
        """Stop listening; fails when a capture lost packets."""
        try:
            self._outside.close()
        finally:
            self._servers.close()

    def follow(self, source: str) -> Passage:
        """Return what became of one source's packets so far."""
        return follow(source, self._outside, self._servers)

    def arrived(self, source: str) -> int:
        """Return how many packets of a source have reached the servers so far."""
        self._servers.catch_up()
        return len(self._servers.received_from(source))
