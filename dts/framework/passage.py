"""Which packets of a source passed the appliance, packet by packet, and whether any passed late.

The same packets are captured where the appliance receives them (its outside port) and where the
servers stand, and matched by their bytes. Whether one is late is told by order and by number, and
by no clock:

* A queue of the appliance is first in, first out, up to the worker that owns the source. So of the
  packets of one queue, none may pass that came in behind one that was dropped. Across queues the
  order means nothing: what another worker received early may be looked at late. Which queue a
  packet went to is seen by captures that share the device in the same way as the driver's sockets.
* The decision says how many probes had been seen. No more may have passed, except for the first
  ones of a source, which the appliance does not count (UNCOUNTED).

The order holds when no packet is lost on the way into a queue (512 frames for net_af_packet), and
when the sender stays on one core, which traffic.py and tools.py see to.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scapy.layers.inet import TCP

from framework.capture import Capture, Seen
from framework.closing import Closing
from framework.testbed import HOST_DEVICE, Testbed

# Tier 1 counts a source's probes only once two of them fall on different bits of its sketch of 16;
# probes whose refusal was seen are counted all the same. More than this many go uncounted in one of
# 16^4 scans.
UNCOUNTED = 4
SYN, ACK = 0x02, 0x10


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
    queue_of: dict[bytes, int]  # which queue of the appliance each packet's flow goes to

    @property
    def dropped(self) -> int:
        """How many did not reach a server."""
        return len(self.sent) - len(self.passed)

    def since(self, moment_ns: int) -> "Passage":
        """Return the part from a moment on."""
        return self._part(lambda packet: packet.time_ns >= moment_ns)

    def until(self, moment_ns: int) -> "Passage":
        """Return the part up to a moment, for example the end of the block."""
        return self._part(lambda packet: packet.time_ns <= moment_ns)

    def _part(self, wanted: Callable[[Seen], bool]) -> "Passage":
        sent, passed = ([p for p in part if wanted(p)] for part in (self.sent, self.passed))
        return dataclasses.replace(self, sent=sent, passed=passed)

    def queue(self, packet: Seen) -> int:
        """Return the queue that a packet went to."""
        return self.queue_of.get(packet.frame, 0)

    def late(self) -> list[Seen]:
        """Return what passed although an earlier packet of its queue was dropped."""
        passed = {id(packet) for packet in self.passed}
        dropping: set[int] = set()
        late = []
        for packet in self.sent:
            if id(packet) not in passed:
                dropping.add(self.queue(packet))
            elif self.queue(packet) in dropping:
                late.append(packet)
        return late

    def uncounted(self, decision: dict[str, Any]) -> int:
        """Return how many more SYN probes passed than were seen before the decision."""
        layers = [packet.packet() for packet in self.passed]
        probes = {
            (layer[1].dst, layer[TCP].dport)
            for layer in layers
            if TCP in layer and int(layer[TCP].flags) & (SYN | ACK) == SYN
        }
        return len(probes) - int(decision["edgesentry"]["probes"])


def late_text(passage: Passage, decision: dict[str, Any]) -> str:
    """Return what is to be said about late packets; nothing when there are none."""
    late = [passage.sent.index(packet) + 1 for packet in passage.late()]
    if late:
        numbers = ", ".join(map(str, late[:5]))
        return f"{len(late)} packets passed behind a dropped one of their queue: number {numbers}"
    uncounted = passage.uncounted(decision)
    if uncounted > UNCOUNTED:
        return f"{uncounted} more probes passed than the decision says were seen"
    return ""


def follow(source: str, outside: Capture, servers: Capture, queues: list[Capture]) -> Passage:
    """Match the packets of a source between the two captures.

    A packet sent twice with the same bytes is matched to the latest sending before its arrival,
    so that a late packet is never mistaken for an early one.
    """
    for capture in (servers, outside, *queues):
        capture.catch_up()
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
    queue_of = {p.frame: i for i, queue in enumerate(queues) for p in queue.received_from(source)}
    return Passage(source, sent, [sent[i] for i in sorted(passed)], strangers, queue_of)


class Crossing(Closing):
    """Captures on both sides of the appliance, for the length of a with block."""

    def __init__(self, testbed: Testbed, snap: int = 2048) -> None:
        """Start to listen."""
        self._outside = Capture(testbed.appliance, "outside", snap)
        self._servers = Capture(testbed.servers.namespace, HOST_DEVICE, snap)
        self._queues: list[Capture] = []
        for _ in range(testbed.nodes.appliance.queues):
            queue = Capture(testbed.appliance, "outside", snap)
            queue.join(self._queues[0] if self._queues else None)
            self._queues.append(queue)

    def close(self) -> None:
        """Stop listening; fails when a capture lost packets."""
        with ExitStack() as stack:
            for capture in (self._outside, self._servers, *self._queues):
                stack.callback(capture.close)

    def follow(self, source: str) -> Passage:
        """Return what became of one source's packets so far."""
        return follow(source, self._outside, self._servers, self._queues)

    def arrived(self, source: str) -> int:
        """Return how many packets of a source have reached the servers so far."""
        self._servers.catch_up()
        return len(self._servers.received_from(source))
