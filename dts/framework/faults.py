"""What the suites of failures share: a fault, its begin and its end as everybody can see them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from framework.control import Answer
from framework.errors import LabError, VerifyError
from framework.settings import Table
from framework.test_suite import TestSuite
from framework.tools import fetches
from framework.traffic import port_scan
from framework.waiting import wait_for

FAST: Table = {"stalled_after": "500ms", "restart_after": "1s"}
SECONDS = 60.0  # for anything to come about on a busy machine


class Failing(TestSuite):
    """Each case starts the appliance with its own [failure], and stops it, or sees it end."""

    starts_appliance: ClassVar[bool] = False
    words: ClassVar[tuple[str, ...]] = ("--faults",)

    @contextmanager
    def running(
        self, failure: Table, more: Table | None = None, *, keeps_state: bool = False
    ) -> Iterator[None]:
        """Start with these choices; afterwards the account of packets must add up."""
        before = self.sut.settings
        if not keeps_state:
            for file in self.sut.work.glob("state*.db*"):
                file.unlink()
        self.sut.write_config({"failure": {**FAST, **failure}, **(more or {})})
        try:
            self.sut.start()
            yield
            if self.sut.is_running:
                self.sut.stop()
        except LabError as silent:
            if self.sut.is_running:
                raise
            raise VerifyError(
                f"ended with {self.sut.wait_end()} ({silent}):\n{self.sut.log()}") from silent
        finally:
            self.sut.kill()
            self.sut.settings = before

    def fault(self, action: str, name: str, **more: Any) -> Answer:
        """Inject a fault or clear it."""
        answer = self.sut.ask("fault", action=action, name=name, **more)
        self.verify(answer["ok"], f"fault {action} {name}: {answer}")
        return answer

    def begins(self, name: str, says: bool = True) -> None:
        """Wait for the condition; it is counted and, where there is room for words, said once."""
        wait_for(f"{name} to begin", lambda: self.metric(name) == 1, SECONDS)
        self.verify_equal(self.metric(name, "failures_total"), 1, f"{name} counted")
        if says:
            wait_for(f"the line of {name}", lambda: self.lines(f"failure {name}: "), SECONDS)

    def ends(self, name: str) -> None:
        """Wait for its end, and see that it has begun and ended once in all places."""
        wait_for(f"{name} to end", lambda: self.metric(name) == 0, SECONDS)
        self.verify_equal(self.metric(name, "failures_total"), 1, f"{name} counted")
        wait_for(f"the end of {name}", lambda: self.lines(f"failure {name} is over"), SECONDS)
        for words in (f"failure {name}: ", f"failure {name} is over"):
            self.verify_equal(self.lines(words), 1, f"lines with {words!r}")
        left = [row["name"] for row in self.sut.ask("status")["failures"]]
        self.verify(name not in left, f"status still has {left}")

    def metric(self, name: str, kind: str = "failure_active") -> float:
        """Return a metric of one condition."""
        return self.sut.metrics().sum(f"edgesentry_{kind}", condition=name)

    def lines(self, words: str) -> int:
        """Count the lines that it has said with these words."""
        return self.sut.log().count(words)

    def up_is(self, value: int) -> None:
        """Wait until edgesentry_up says so; it looks two seconds back."""
        wait_for(f"edgesentry_up {value}",
                 lambda: self.sut.metrics().sum("edgesentry_up") == value, SECONDS)

    def dropped(self, reason: str) -> float:
        """Count the packets dropped for a reason."""
        return self.sut.metrics().sum("edgesentry_packets_dropped_total", reason=reason)

    def scan(self, ports: int = 60) -> str:
        """Scan from an address that nothing is held against; return it."""
        source = self.attacker.fresh_ipv4()
        self.scan_from(source, range(1000, 1000 + ports))
        return source

    def scan_from(self, source: str, ports: range) -> None:
        """Scan these ports of the server."""
        self.sender.send(port_scan(source, self.server, ports), 0.01)

    def blocked_scanner(self) -> str:
        """Scan until blocked."""
        source = self.scan()
        self.sut.wait_event("source-blocked", source)
        return source

    def is_served(self, source: str = "", seconds: float = 10.0) -> bool:
        """Tell whether the innocent client, or an address of the attacker, gets a page."""
        if source:
            return fetches(self.attacker, source, self.server, seconds)
        return fetches(self.client, self.client.ipv4[0], self.server, seconds)

    def is_shut_out(self, source: str) -> bool:
        """Tell whether the attacker gets nothing from there."""
        return not self.is_served(source, 2.0)
