"""Metrics that count what happened, and a real Prometheus that scrapes them."""

import http.client
import json
import shutil
import socket
from typing import Any

from framework import tools
from framework.errors import VerifyError
from framework.namespace import stop_process
from framework.test_suite import TestSuite, func_test
from framework.traffic import port_scan
from framework.waiting import wait_for

PROMETHEUS_PORT = 9090
SCRAPE = """\
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: edgesentry
    static_configs: [{targets: ["127.0.0.1:9465"]}]
"""


class TestMetrics(TestSuite):
    """Alerts, blocks, drops and their labels."""

    @func_test
    def counts_a_scan(self) -> None:
        """One scan moves the counters that an operator watches.

        Steps:
            Scan 60 closed ports until blocked and past it.

        Verify:
            One alert of its shape and technique, one active block, dropped packets by verdict.
        """
        name, labels = "edgesentry_alerts_total", {"shape": "vertical", "technique": "tcp_syn"}
        before = self.sut.metrics()
        source = self.attacker.fresh_ipv4()
        self.sender.send(port_scan(source, self.server, range(1000, 1060)), 0.01)
        self.sut.wait_event("source-blocked", source)
        wait_for("all probes", lambda: self.sut.metrics().received >= before.received + 60)
        after = self.sut.settled_metrics()
        self.verify_equal(after.sum(name, **labels) - before.sum(name, **labels), 1, "alerts")
        blocks = "edgesentry_blocks_active"
        self.verify_equal(after.sum(blocks) - before.sum(blocks), 1, blocks)
        dropped = after.dropped_by_verdict - before.dropped_by_verdict
        self.verify(40 <= dropped < 60, f"{dropped} packets dropped by verdict")

    @func_test
    def never_labels_by_address(self) -> None:
        """An attacker cannot make the label sets grow.

        Steps:
            Scan from five addresses.

        Verify:
            The number of samples is the same before and after, and no address is in the text.
        """
        before = self.sut.metrics()
        sources = [self.attacker.fresh_ipv4() for _ in range(5)]
        for source in sources:
            self.sender.send(port_scan(source, self.server, range(1000, 1040)), 0.01)
            self.sut.wait_event("source-blocked", source)
        after = self.sut.metrics()
        self.verify_equal(len(after.samples), len(before.samples), "samples in /metrics")
        for source in sources:
            self.verify(source not in after.text, f"{source} is in /metrics")

    @func_test
    def is_scraped_by_prometheus(self) -> None:
        """A real Prometheus finds the appliance up and its counters growing.

        Steps:
            Run prometheus beside the appliance with a scrape interval of one second.

        Verify:
            Its target is up, and it knows edgesentry_packets_received_total.
        """
        tools.need("prometheus")
        home = self.testbed.work / "prometheus"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        (home / "prometheus.yml").write_text(SCRAPE, encoding="ascii")
        with (home / "log").open("wb") as log:
            process = self.testbed.appliance.start(
                "prometheus", f"--config.file={home}/prometheus.yml",
                f"--storage.tsdb.path={home}/data",
                f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}", stdout=log,
            )
        try:
            wait_for("up == 1 in Prometheus", lambda: self.value_of("up") == 1, 30)
            received = self.value_of("sum(edgesentry_packets_received_total)")
            self.verify(received is not None and received > 0, f"received is {received}")
        except VerifyError as error:
            raise VerifyError(f"{error}\n{(home / 'log').read_text()[-2000:]}") from error
        finally:
            stop_process(process)

    def value_of(self, query: str) -> float | None:
        """Ask Prometheus for an instant value; None while it has none."""
        connection = http.client.HTTPConnection("127.0.0.1", PROMETHEUS_PORT, timeout=5)
        try:
            with self.testbed.appliance.entered():
                connection.sock = socket.create_connection(("127.0.0.1", PROMETHEUS_PORT), 5)
            escaped = query.replace("(", "%28").replace(")", "%29")
            connection.request("GET", f"/api/v1/query?query={escaped}")
            response = connection.getresponse()
            if response.status != 200:  # 503 while it starts
                return None
            answer: dict[str, Any] = json.loads(response.read())
        except OSError:
            return None
        finally:
            connection.close()
        result = answer.get("data", {}).get("result", [])
        return float(result[0]["value"][1]) if result else None
