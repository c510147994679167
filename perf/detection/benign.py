"""Ordinary traffic from a seed: clients of many kinds, each with its share of failures.

A slice is some hours of traffic of new clients. Every client is innocent. The kinds:

visitor   outside client of one to three services inside; 2 % of its attempts fail
nat       the same behind one address: hundreds of flows, 2 % to hosts that are gone
browser   inside client of 20 to 60 web servers outside; 4 % are dead or refuse; retries
crawler   100 to 300 web servers, 8 % dead or refusing
monitor   20 services over and over; one refuses and one is silent for hours
mail      60 mail exchangers, 10 % fail, then the second one is tried
resolver  100 to 300 name servers over UDP, 5 % never answer, one retry
ntp       two to four time servers over UDP, one of them gone for every tenth client
p2p       40 to 100 peers on ports of their own, 40 % gone
outage    clients of one service that goes down: half refused, half silent
"""

import collections
import random

from traffic import (ACK, FIN, KERNEL_OPTIONS, PSH, RST, SECOND, SYN, Trace, dotted, pick, reverse,
                     tcp, udp)

HOURS = 6
SERVERS = [0xC6120000 + host for host in range(10, 60)]  # 198.18.0.0/24
GONE = [0xC6120000 + host for host in range(200, 206)]
SERVICES = (443, 443, 443, 80, 80, 25, 993, 22)
REQUEST, ANSWER = bytes(180), bytes(600)

# Shares of clients, cumulated.
KINDS = [("visitor", 0.58), ("nat", 0.61), ("browser", 0.74), ("crawler", 0.75), ("monitor", 0.76),
         ("mail", 0.78), ("resolver", 0.80), ("ntp", 0.90), ("p2p", 0.92), ("outage", 1.0)]


class Slice:
    """One trace, and who sent what in it."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)
        self.trace = Trace()
        self.kind_of: dict[str, str] = {}
        self.flows: collections.Counter = collections.Counter()

    def new_client(self, kind: str, inside: bool) -> int:
        network, size = (0xC6130000, 1 << 16) if inside else (0x64400000, 1 << 22)
        while True:
            address = network + self.rng.randrange(1, size - 1)
            if dotted(address) not in self.kind_of:
                self.kind_of[dotted(address)] = kind
                return address

    def host(self) -> int:
        """A host of the Internet."""
        return 0x2D000000 + self.rng.randrange(1 << 22)

    def moment(self) -> float:
        return self.rng.random() * HOURS * 3600 * SECOND


def answered(s: Slice, at: float, ends: tuple[int, int, int, int]) -> None:
    rtt = s.rng.uniform(2_000, 150_000)
    seq, ack = s.rng.getrandbits(32), s.rng.getrandbits(32)
    back, add = reverse(ends), s.trace.add
    end = at + 3 * rtt + s.rng.expovariate(1 / SECOND)
    add(at, tcp(ends, SYN, seq, options=KERNEL_OPTIONS))
    add(at + rtt, tcp(back, SYN | ACK, ack, seq + 1, options=KERNEL_OPTIONS))
    add(at + rtt + 20, tcp(ends, ACK, seq + 1, ack + 1))
    add(at + rtt + 90, tcp(ends, ACK | PSH, seq + 1, ack + 1, data=REQUEST))
    add(at + 2 * rtt, tcp(back, ACK | PSH, ack + 1, seq + 181, data=ANSWER))
    add(end, tcp(ends, FIN | ACK, seq + 181, ack + 601))
    add(end + rtt, tcp(back, FIN | ACK, ack + 601, seq + 182))
    add(end + rtt + 20, tcp(ends, ACK, seq + 182, ack + 602))


def refused(s: Slice, at: float, ends: tuple[int, int, int, int]) -> None:
    seq = s.rng.getrandbits(32)
    s.trace.add(at, tcp(ends, SYN, seq, options=KERNEL_OPTIONS))
    s.trace.add(at + 30_000, tcp(reverse(ends), RST | ACK, 0, seq + 1, window=0))


def silent(s: Slice, at: float, ends: tuple[int, int, int, int]) -> None:
    """As a kernel retries: after 1, 3 and 7 seconds."""
    syn = tcp(ends, SYN, s.rng.getrandbits(32), options=KERNEL_OPTIONS)
    for after in (0, 1, 3, 7):
        s.trace.add(at + after * SECOND, syn)


def connect(s: Slice, at: float, client: int, server: int, port: int, how=answered) -> None:
    s.flows[s.kind_of[dotted(client)]] += 1
    how(s, at, (client, s.rng.randrange(32768, 60999), server, port))


def failing(s: Slice):
    return refused if s.rng.random() < 0.4 else silent


def ask(s: Slice, at: float, client: int, server: int, port: int, lost: bool) -> None:
    """One question over UDP, asked again after five seconds when nobody answers."""
    s.flows[s.kind_of[dotted(client)]] += 1
    ends = (client, s.rng.randrange(1024, 65535) if port != 123 else 123, server, port)
    for after in (0, 5) if lost else (0,):
        s.trace.add(at + after * SECOND, udp(ends, bytes(48)))
    if not lost:
        s.trace.add(at + s.rng.uniform(2_000, 90_000), udp(reverse(ends), bytes(48)))


def visitor(s: Slice, flows: int = 0, kind: str = "visitor", bad: float = 0.02) -> None:
    client = s.new_client(kind, inside=False)
    services = [(s.rng.choice(SERVERS), s.rng.choice(SERVICES)) for _ in range(s.rng.randint(1, 3))]
    at = s.moment()
    for _ in range(flows or s.rng.randint(5, 50)):
        server, port = s.rng.choice(services)
        if s.rng.random() < bad:
            connect(s, at, client, s.rng.choice(GONE), port, silent)
        else:
            connect(s, at, client, server, port)
        at += s.rng.expovariate(1 / (20 * SECOND))


def nat(s: Slice) -> None:
    visitor(s, s.rng.randint(150, 500), "nat")


def web(s: Slice, kind: str, hosts: int, bad: float, pause: float) -> None:
    client, at = s.new_client(kind, inside=True), s.moment()
    for _ in range(hosts):
        server, port = s.host(), 443 if s.rng.random() < 0.85 else 80
        how = failing(s) if s.rng.random() < bad else answered
        for _ in range(s.rng.randint(1, 3)):
            connect(s, at, client, server, port, how)
            at += s.rng.expovariate(1 / (pause * SECOND))


def browser(s: Slice) -> None:
    web(s, "browser", s.rng.randint(20, 60), 0.04, 8)


def crawler(s: Slice) -> None:
    web(s, "crawler", s.rng.randint(100, 300), 0.08, 0.5)


def monitor(s: Slice) -> None:
    client = s.new_client("monitor", inside=False)
    services = [(s.rng.choice(SERVERS), s.rng.choice((443, 80, 22))) for _ in range(18)]
    rounds = [(server, port, answered) for server, port in services]
    rounds += [(s.rng.choice(SERVERS), 8443, refused), (s.rng.choice(GONE), 443, silent)]
    for turn in range(s.rng.randint(10, 40)):
        for number, (server, port, how) in enumerate(rounds):
            at = turn * 60 * SECOND + number * SECOND
            connect(s, at, client, server, port, how)


def mail(s: Slice) -> None:
    client, at = s.new_client("mail", inside=True), s.moment()
    for _ in range(60):
        down = s.rng.random() < 0.1
        connect(s, at, client, s.host(), 25, failing(s) if down else answered)
        if down:
            connect(s, at + 8 * SECOND, client, s.host(), 25)
        at += s.rng.expovariate(1 / (15 * SECOND))


def resolver(s: Slice) -> None:
    client, at = s.new_client("resolver", inside=True), s.moment()
    for _ in range(s.rng.randint(100, 300)):
        ask(s, at, client, s.host(), 53, s.rng.random() < 0.05)
        at += s.rng.expovariate(1 / SECOND)


def ntp(s: Slice) -> None:
    client = s.new_client("ntp", inside=s.rng.random() < 0.5)
    servers = [s.host() for _ in range(s.rng.randint(2, 4))]
    gone = servers[0] if s.rng.random() < 0.1 else None
    for turn in range(8):
        for server in servers:
            ask(s, turn * 1024 * SECOND + s.rng.random() * SECOND, client, server, 123,
                server == gone)


def p2p(s: Slice) -> None:
    client, at = s.new_client("p2p", inside=True), s.moment()
    for _ in range(s.rng.randint(40, 100)):
        how = failing(s) if s.rng.random() < 0.4 else answered
        connect(s, at, client, s.host(), s.rng.randrange(10000, 65535), how)
        at += s.rng.expovariate(1 / (4 * SECOND))


def outage(s: Slice) -> None:
    """One server is down for half an hour; who comes then tries three to eight times."""
    client, server = s.new_client("outage", inside=False), SERVERS[0]
    at = 2 * 3600 * SECOND + s.rng.random() * 1800 * SECOND
    connect(s, s.rng.random() * 3600 * SECOND, client, server, 443)
    how = failing(s)
    for _ in range(s.rng.randint(3, 8)):
        connect(s, at, client, server, 443, how)
        at += s.rng.uniform(2, 30) * SECOND


MAKERS = {"visitor": visitor, "nat": nat, "browser": browser, "crawler": crawler,
          "monitor": monitor, "mail": mail, "resolver": resolver, "ntp": ntp, "p2p": p2p,
          "outage": outage}


def fill(s: Slice, flows: int) -> None:
    """Clients come until there are so many flows."""
    while s.flows.total() < flows:
        MAKERS[pick(s.rng, KINDS)](s)
