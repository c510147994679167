"""The system under test: the real edgesentryd, started, asked and stopped in its namespace."""

import ipaddress
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framework import control, metrics
from framework.config import build_directory
from framework.errors import LabError, VerifyError
from framework.metrics import RECEIVED, Metrics
from framework.namespace import run, stop_process
from framework.settings import Table, defaults, merged, to_toml
from framework.testbed import Testbed
from framework.waiting import wait_for

READY = "edgesentryd is active"
SANITIZER_REPORT = "runtime error:"  # of UBSan; ASan and TSan end with an exit code
SUPPRESSIONS = Path(__file__).resolve().parents[1] / "configurations" / "lsan.supp"
START_SECONDS = 40.0  # a sanitizer build on a busy machine
STOP_SECONDS = 30.0
Event = dict[str, Any]


class Appliance:
    """One run of edgesentryd; settings are laid over the defaults of framework/settings.py."""

    def __init__(
        self,
        testbed: Testbed,
        changes: Table | None = None,
        name: str = "sut",
        words: Sequence[str] = (),
    ) -> None:
        """Write its configuration; start() starts it, with more words on the command line."""
        os.environ.setdefault("LSAN_OPTIONS", f"suppressions={SUPPRESSIONS}:print_suppressions=0")
        build = build_directory(testbed.nodes.appliance)
        self.testbed = testbed
        self.words = list(words)
        self.namespace = testbed.appliance
        self.program = build / "app" / "edgesentryd"
        self.command_line = build / "app" / "edgesentry"
        self.work = testbed.work / name
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        self.settings = merged(defaults(testbed.nodes, self.work), changes or {})
        self.config = self.work / "edgesentry.toml"
        self.output = self.work / "output.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.write_config({})

    def write_config(self, changes: Table) -> None:
        """Lay changes over the settings and write the file; reload() makes them count."""
        self.settings = merged(self.settings, changes)
        self.config.write_text(to_toml(self.settings), encoding="utf-8")

    def arguments(self) -> list[str]:
        """Return the words that start the appliance."""
        if not self.program.exists():
            raise LabError(f"{self.program} is not built; ./dev build or set EDGESENTRY_BUILD")
        return [str(self.program), "--", "-c", str(self.config), *self.words]

    def start(self) -> "Appliance":
        """Start and wait for the ready line; LabError with the output if it does not come."""
        with self.output.open("wb") as output:
            self._process = self.namespace.start(*self.arguments(), stdout=output)
        try:
            wait_for("the ready line", self._is_ready_or_gone, START_SECONDS)
        except VerifyError as late:
            self.kill()
            raise LabError(f"edgesentryd: {late}\n{self.log()}") from late
        if not self.is_running:
            raise LabError(f"edgesentryd ended with {self._process.returncode}:\n{self.log()}")
        return self

    def _is_ready_or_gone(self) -> bool:
        return any(line.startswith(READY) for line in self.log().splitlines()) or (
            not self.is_running
        )

    @property
    def is_running(self) -> bool:
        """Tell whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended; less than 0: the signal. Nothing while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int:
        """The process id, for signals."""
        if self._process is None:
            raise LabError("edgesentryd was not started")
        return self._process.pid

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def run_to_end(self, seconds: float = 30.0) -> tuple[int, str]:
        """Start a run that must end by itself; return exit code and output."""
        with self.output.open("wb") as output:
            self._process = self.namespace.start(*self.arguments(), stdout=output)
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired as late:
            self.kill()
            raise VerifyError(f"edgesentryd runs on after {seconds:g} s:\n{self.log()}") from late
        return code, self.log()

    def log(self) -> str:
        """Return everything the process has said so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def metrics(self) -> Metrics:
        """Scrape /metrics."""
        return metrics.scrape(self.namespace)

    def ask(self, command: str, **arguments: Any) -> control.Answer:
        """Ask over the control socket."""
        return control.ask(self.control_socket, command, **arguments)

    def say_raw(self, data: bytes) -> bytes:
        """Send bytes over the control socket, whatever they mean; return the first line back."""
        client = control.ControlClient(self.control_socket)
        try:
            client.send_raw(data)
            return client.read_line()
        finally:
            client.close()

    @property
    def control_socket(self) -> Path:
        """Where the control socket is."""
        return Path(self.settings["control"]["socket"])

    def edgesentry(self, *words: str, check: bool = True) -> str:
        """Run the operator's command line against this appliance."""
        return run([str(self.command_line), *words, "--socket", str(self.control_socket)],
                   check=check)

    def events(self, action: str = "", source: str = "") -> list[Event]:
        """Return the JSON events so far, of one action and one source when given."""
        path = Path(self.settings["log"]["json_file"])
        if not path.exists():
            return []
        whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
        events = [json.loads(line) for line in whole.splitlines()]
        return [e for e in events if _matches(e, action, source)]

    def wait_event(self, action: str, source: str = "", deadline: float = 30.0) -> Event:
        """Wait for a JSON event and return the first."""
        what = f"event {action}" + (f" of {source}" if source else "")
        return wait_for(what, lambda: self.events(action, source), deadline)[0]

    def portsentry_log(self) -> list[str]:
        """Return the PortSentry lines so far."""
        path = Path(self.settings["log"]["portsentry_file"])
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def settled_metrics(self, deadline: float = 30.0) -> Metrics:
        """Wait until the account of packets adds up and return that scrape.

        Workers count on while a scrape reads them, so a scrape under traffic may be off by the
        packets of that moment; one that never adds up is a fault of the appliance.
        """
        last = self.metrics()

        def adds_up() -> bool:
            nonlocal last
            last = self.metrics()
            return last.balance == 0 and last.has(RECEIVED)

        try:
            wait_for("the account of packets to add up", adds_up, deadline)
        except VerifyError as never:
            raise VerifyError(f"{never}: {last.account()}") from never
        return last

    def stop(self) -> Metrics:
        """Check the account of packets, stop in order, check the exit code; return the account."""
        if not self.is_running:
            raise VerifyError(f"edgesentryd is gone before it was stopped:\n{self.log()}")
        try:
            account = self.settled_metrics()
        except (VerifyError, LabError):
            self.kill()
            raise
        assert self._process is not None
        code = stop_process(self._process, STOP_SECONDS)
        if code != 0 or SANITIZER_REPORT in self.log():
            raise VerifyError(f"edgesentryd stopped with {code}:\n{self.log()}")
        return account

    def wait_end(self, seconds: float = STOP_SECONDS) -> int:
        """Wait until it has ended by itself, or by a signal that was sent; return the exit code."""
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired as late:
            raise VerifyError(f"runs on after {seconds:g} s:\n{self.log()}") from late

    def kill(self) -> None:
        """Take the process away, whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _matches(event: Event, action: str, source: str) -> bool:
    if action and event["event"]["action"] != action:
        return False
    if not source or event.get("source", {}).get("ip") == source:
        return True
    prefix = event["edgesentry"].get("source_prefix", "")
    return bool(prefix) and ipaddress.ip_address(source) in ipaddress.ip_network(prefix)
