#!/usr/bin/env python3
"""A real Prometheus scrapes our metrics, and promtool finds nothing to say about them.

Steps: start the example that serves metrics on a free port of loopback; pipe what it serves
through `promtool check metrics`; start `prometheus` with a configuration and storage of its own;
ask its HTTP API until it has scraped.
Verify: promtool is silent; edgesentry_up is 1, and counters, sums and histograms have their values.
Exit code 77 (skipped) where Prometheus is not installed.
"""

import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

SKIPPED = 77
DEADLINE_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def check_with_promtool(text: str) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or done.stdout or done.stderr:
        raise AssertionError("promtool: " + done.stdout + done.stderr)


class Prometheus:
    """Started on entry, ended by its own process id on exit."""

    def __init__(self, directory: pathlib.Path, target_port: int) -> None:
        self.port = free_port()
        config = directory / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            "  - job_name: edgesentry\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{target_port}']}}]\n"
        )
        self.log_path = directory / "prometheus.log"
        self.command = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def __enter__(self) -> "Prometheus":
        self.log = self.log_path.open("w")
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def query(self, expression: str) -> list[float]:
        query = urllib.parse.urlencode({"query": expression})
        answer = json.loads(fetch(f"http://127.0.0.1:{self.port}/api/v1/query?{query}"))
        return [float(sample["value"][1]) for sample in answer["data"]["result"]]

    def wait_for(self, expression: str, expected: list[float]) -> None:
        """Until the condition holds; fails at the deadline with what was seen last."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        seen: object = "nothing"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError("prometheus ended:\n" + self.log_path.read_text())
            try:
                seen = self.query(expression)
            except (urllib.error.URLError, ConnectionError, TimeoutError) as fault:
                seen = fault  # it is still starting
            if seen == expected:
                return
            time.sleep(0.2)  # between two looks at the condition
        raise AssertionError(f"{expression}: expected {expected}, saw {seen}")


def main() -> int:
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        print("skipped: prometheus and promtool are not installed (apt install prometheus)")
        return SKIPPED
    example = subprocess.Popen(
        [sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert example.stdin is not None and example.stdout is not None
    try:
        port = int(example.stdout.readline())
        check_with_promtool(fetch(f"http://127.0.0.1:{port}/metrics"))
        with tempfile.TemporaryDirectory() as directory:
            with Prometheus(pathlib.Path(directory), port) as prometheus:
                prometheus.wait_for("edgesentry_up", [1.0])
                prometheus.wait_for('edgesentry_packets_received_total{worker="0"}', [1000.0])
                prometheus.wait_for("sum(edgesentry_packets_dropped_total)", [100.0])
                prometheus.wait_for("edgesentry_detection_latency_seconds_count", [2.0])
    finally:
        example.stdin.close()
        example.wait(timeout=20)
    print("passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
