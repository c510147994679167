"""Whether the workers notice a busy HTTP API: packets forwarded with and without 1000 clients.

usage: api_load.py EDGESENTRYD [PAIRS]

One daemon over net_null. Windows without and with load take turns; the ratio of each pair is
printed, and their median. The worker has the last core; the API, which starts on the first, and the
clients share the first. Where the machine has other work to do, that moves to the worker's core as
the load fills the first: the ratio by the worker's own time on its core leaves that out.
"""

import contextlib
import os
import resource
import selectors
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "api"))

from api_place import ApiPlace

CLIENTS = 1000
WINDOW_SECONDS = 2.0


class Load:
    """A thousand connections that ask, read, and ask again."""

    def __init__(self, port: int, token: str) -> None:
        """All connect at once."""
        self.request = (f"GET /v1/top HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                        "\r\n").encode()
        self.answers = 0
        self.is_over = False
        self.clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(CLIENTS)]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        """Until it is over."""
        with selectors.DefaultSelector() as selector:
            for client in self.clients:
                selector.register(client, selectors.EVENT_READ)
                client.sendall(self.request)
            while not self.is_over:
                for key, _ in selector.select(0.1):
                    client = key.fileobj
                    assert isinstance(client, socket.socket)
                    with contextlib.suppress(OSError):
                        if client.recv(65536):
                            self.answers += 1
                            client.sendall(self.request)
                            continue
                    selector.unregister(client)

    def stop(self) -> None:
        """Hang up."""
        self.is_over = True
        self.thread.join()
        for client in self.clients:
            client.close()


def worker_seconds(place: ApiPlace) -> float:
    """How long the worker has had its core."""
    assert place.process is not None
    for task in Path(f"/proc/{place.process.pid}/task").iterdir():
        if (task / "comm").read_text(encoding="utf-8").startswith("rte-worker"):
            return int((task / "schedstat").read_text(encoding="utf-8").split()[0]) / 1e9
    raise AssertionError("there is no worker")


def forwarded(place: ApiPlace) -> tuple[float, float]:
    """Of one window, over the control socket: per second, and per second on the core."""
    def look() -> tuple[int, float, float]:
        packets = int(place.ask({"command": "status"})["packets"]["forwarded"])
        return packets, time.monotonic(), worker_seconds(place)
    first, began, at_work = look()
    time.sleep(WINDOW_SECONDS)
    last, ended, worked = look()
    return (last - first) / (ended - began), (last - first) / (worked - at_work)


def main() -> int:
    """Pairs of windows."""
    program = sys.argv[1]
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    cores = sorted(os.sched_getaffinity(0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    ratios: list[float] = []
    own: list[float] = []
    with tempfile.TemporaryDirectory(prefix="edgesentry-load-") as folder:
        place = ApiPlace(program, Path(folder))
        try:
            place.cores = [cores[-1]]
            place.start_api("connections_max = 2048\nconnections_per_client = 2048\n"
                            "requests_per_second = 100000")
            os.sched_setaffinity(0, {cores[0]})
            time.sleep(1)
            for _ in range(pairs):
                quiet, quiet_own = forwarded(place)
                load = Load(place.api_port, place.token())
                time.sleep(0.5)
                before, began = load.answers, time.monotonic()
                busy, busy_own = forwarded(place)
                rate = (load.answers - before) / (time.monotonic() - began)
                load.stop()
                time.sleep(0.5)
                ratios.append(busy / quiet)
                own.append(busy_own / quiet_own)
                print(f"quiet {quiet / 1e6:.2f} Mpps, {rate:.0f} requests/s {busy / 1e6:.2f} Mpps,"
                      f" ratio {ratios[-1]:.3f}, by time on the core {own[-1]:.3f}", flush=True)
            place.stop()
        finally:
            place.clean_up()
    print(f"by time on the core: median ratio {statistics.median(own):.3f} "
          f"(from {min(own):.3f} to {max(own):.3f})")
    print(f"median ratio {statistics.median(ratios):.3f} "
          f"(from {min(ratios):.3f} to {max(ratios):.3f}, {pairs} pairs, {len(cores)} cores)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
