"""Generated scans: what a row of the adversarial table does, from a seed."""

import dataclasses
import random

import benign
import traffic
from traffic import ACK, FIN, PSH, RST, SECOND, SYN, URG, Trace

FLAGS = {"tcp_syn": SYN, "tcp_fin": FIN, "tcp_null": 0, "tcp_xmas": FIN | PSH | URG,
         "tcp_ack": ACK, "tcp_maimon": FIN | ACK}
SCANNER = 0x5DB80A00  # 93.184.10.0/24, one host for each seed
DECOYS = 0xB9000000


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    techniques: tuple[str, ...] = ("tcp_syn",)
    probes: int = 200
    interval: float = 0.01  # seconds
    sweep: bool = False  # one port of many targets
    loss: float = 0.0  # share of packets that are lost behind the observer
    twice: float = 0.0  # share of probes sent again
    late: float = 0.0  # seconds by which packets are delayed at random
    decoys: int = 0
    flows: int = 0  # benign flows around it
    fast: bool = True  # must be found


SLOW = [Scenario(f"one {shape} probe per {seconds} s", probes=60 if seconds < 600 else 40,
                 interval=seconds, sweep=shape == "sweep", fast=False)
        for seconds in (1, 10, 60, 600, 3600, 14400, 28800)
        for shape in ("vertical", "sweep")]
HIDDEN = [Scenario(f"one probe per {seconds} s in benign traffic", probes=60, interval=seconds,
                   flows=2000, fast=False) for seconds in (1, 10, 60)]
SCENARIOS = [
    *(Scenario(name, (name,)) for name in [*FLAGS, "tcp_connect", "udp"]),
    Scenario("icmp_echo sweep", ("icmp_echo",), sweep=True),
    Scenario("tcp_syn sweep", sweep=True),
    Scenario("udp sweep", ("udp",), sweep=True),
    Scenario("mixture of techniques", ("tcp_syn", "tcp_fin", "tcp_null", "tcp_xmas", "udp")),
    Scenario("every probe twice", twice=1.0),
    Scenario("30 % lost", loss=0.3),
    Scenario("reordered by up to 0.2 s", late=0.2),
    Scenario("lost, repeated, reordered, mixed", ("tcp_syn", "udp", "tcp_fin"), loss=0.2,
             twice=0.3, late=0.2),
    Scenario("hidden in benign traffic", flows=2000),
    Scenario("sweep hidden in benign traffic", sweep=True, flows=2000),
    Scenario("5 decoys", decoys=5),
    Scenario("20 decoys", decoys=20),
    *SLOW,
    *HIDDEN,
]


def probe(technique: str, ends: tuple[int, int, int, int], seq: int) -> bytes:
    if technique == "udp":
        return traffic.udp(ends, b"")
    if technique == "icmp_echo":
        return traffic.echo(ends[0], ends[2], reply=False, sequence=seq)
    if technique == "tcp_connect":
        return traffic.tcp(ends, SYN, seq, options=traffic.KERNEL_OPTIONS)
    return traffic.tcp(ends, FLAGS[technique], seq, window=1024)


def reply(rng: random.Random, technique: str, ends: tuple[int, int, int, int], frame: bytes,
          seq: int) -> bytes | None:
    """Most ports are closed, a quarter is filtered, a few are open."""
    chance = rng.random()
    if chance < 0.25:
        return None
    back = traffic.reverse(ends)
    if technique == "udp":
        return traffic.unreachable(ends[2], frame)
    if technique == "icmp_echo":
        return traffic.echo(ends[2], ends[0], reply=True, sequence=seq)
    if technique in ("tcp_syn", "tcp_connect") and chance > 0.97:
        return traffic.tcp(back, SYN | ACK, rng.getrandbits(32), seq + 1)
    if technique == "tcp_ack":
        return traffic.tcp(back, RST, seq)
    return traffic.tcp(back, RST | ACK, 0, seq + 1, window=0)


def places(scenario: Scenario, rng: random.Random) -> list[tuple[int, int]]:
    """(target, port), each once, in random order."""
    if scenario.sweep:
        port = rng.choice((22, 23, 445, 3389, 5900, 8080))
        hosts = rng.sample(range(0xC6140000, 0xC6150000), scenario.probes)
        return [(host, port) for host in hosts]
    target = 0xC6140000 + rng.randrange(1 << 16)
    return [(target, port) for port in rng.sample(range(1, 10000), scenario.probes)]


def scan(scenario: Scenario, rng: random.Random, trace: Trace, source: int, when: float) -> None:
    at = when * SECOND
    for number, (target, port) in enumerate(places(scenario, rng)):
        technique = scenario.techniques[number % len(scenario.techniques)]
        seq = rng.getrandbits(32)
        ends = (source, rng.randrange(32768, 60999), target, port)
        frame = probe(technique, ends, seq)
        for again in range(2 if rng.random() < scenario.twice else 1):
            sent = at + (again * 0.5 + rng.random() * scenario.late) * SECOND
            if rng.random() >= scenario.loss:
                trace.add(sent, frame)
                answer = reply(rng, technique, ends, frame, seq)
                if answer is not None and rng.random() >= scenario.loss:
                    trace.add(sent + 15_000 + rng.random() * scenario.late * SECOND, answer)
        at += scenario.interval * rng.uniform(0.8, 1.2) * SECOND


def make(scenario: Scenario, seed: str) -> tuple[benign.Slice, str]:
    """The whole trace, and the scanner's address."""
    whole = benign.Slice(seed)
    source = SCANNER + 1 + whole.rng.randrange(250)
    benign.fill(whole, scenario.flows)
    when = 3600.0 if scenario.flows else 0.0
    layout = whole.rng.getrandbits(64)
    for number in range(scenario.decoys + 1):
        # Everybody sends the same probes, a little later: nobody can tell from one packet.
        address = source if number == 0 else DECOYS + whole.rng.randrange(1 << 20)
        scan(scenario, random.Random(layout), whole.trace, address, when + number * 0.0002)
    return whole, traffic.dotted(source)
