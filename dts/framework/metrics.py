"""/metrics of the appliance, scraped from within its namespace and asked for sums."""

import http.client
import re
import socket
from dataclasses import dataclass, field

from framework.errors import LabError
from framework.namespace import Namespace

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
RECEIVED = "edgesentry_packets_received_total"
FORWARDED = "edgesentry_packets_forwarded_total"
DROPPED = "edgesentry_packets_dropped_total"


@dataclass(frozen=True)
class Metrics:
    """One scrape."""

    text: str
    samples: list[tuple[str, dict[str, str], float]] = field(default_factory=list)

    def sum(self, name: str, **labels: str) -> float:
        """Add up the samples of a name that carry all the given labels; 0 when there are none."""
        return sum(
            value
            for sample, found, value in self.samples
            if sample == name and all(found.get(k) == v for k, v in labels.items())
        )

    def has(self, name: str) -> bool:
        """Tell whether a metric is there at all."""
        return any(sample == name for sample, _, _ in self.samples)

    def label_values(self, name: str, label: str) -> list[str]:
        """Return the distinct values of one label of a metric, sorted."""
        found = [labels for sample, labels, _ in self.samples if sample == name]
        return sorted({labels[label] for labels in found if label in labels})

    @property
    def received(self) -> int:
        """Packets received by all workers."""
        return int(self.sum(RECEIVED))

    @property
    def forwarded(self) -> int:
        """Packets forwarded by all workers."""
        return int(self.sum(FORWARDED))

    @property
    def dropped_by_verdict(self) -> int:
        """Packets dropped because of who sent them."""
        return int(self.sum(DROPPED, **{"class": "verdict"}))

    @property
    def dropped_by_fault(self) -> int:
        """Packets dropped because they could not go on."""
        return int(self.sum(DROPPED, **{"class": "fault"}))

    @property
    def balance(self) -> int:
        """Received less everything that became of it: 0, always."""
        return self.received - self.forwarded - self.dropped_by_verdict - self.dropped_by_fault

    def account(self) -> str:
        """Return the account of packets as one line."""
        return (
            f"received {self.received} = forwarded {self.forwarded} + dropped by verdict "
            f"{self.dropped_by_verdict} + dropped by fault {self.dropped_by_fault}"
            + (f" (off by {self.balance})" if self.balance else "")
        )


def parse(text: str) -> Metrics:
    """Read the Prometheus text format."""
    metrics = Metrics(text)
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        matched = SAMPLE.match(line)
        if matched is None:
            raise LabError(f"not a line of the Prometheus text format: {line!r}")
        labels = dict(LABEL.findall(matched[2] or ""))
        metrics.samples.append((matched[1], labels, float(matched[3])))
    return metrics


def scrape(namespace: Namespace, address: str = "127.0.0.1", port: int = 9465) -> Metrics:
    """Fetch /metrics; LabError when nobody answers."""
    connection = http.client.HTTPConnection(address, port, timeout=15)
    try:
        with namespace.entered():
            connection.sock = socket.create_connection((address, port), timeout=15)
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        body = answer.read().decode()
    except OSError as error:
        raise LabError(f"/metrics at {address}:{port} does not answer: {error}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise LabError(f"/metrics answered {answer.status}")
    return parse(body)
