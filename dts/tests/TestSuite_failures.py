"""Something stands still or has no link: what was chosen happens, is told, and ends."""

import signal
import time
from typing import ClassVar

from framework.faults import FAST, Failing
from framework.settings import Table
from framework.test_suite import func_test
from framework.testbed import HOST_DEVICE
from framework.traffic import FIRST_PORT, udp
from framework.waiting import wait_for

# More packets than the ring between two workers has room for; of so many sources that half of them
# are each worker's, whatever the key of their hash.
SOURCES, PACKETS = 64, 20_000


class TestFailures(Failing):
    """A thread that hangs, a wire that is cut."""

    settings: ClassVar[Table] = {"failure": FAST}
    _routes: ClassVar[dict[str, list[str]]] = {}  # of each node, while its links were up

    @func_test
    def blocks_hold_while_control_stands_still(self) -> None:
        """control_stalled = shed.

        Steps:
            Scan until blocked, hang the control thread, fetch pages, scan from elsewhere, let go,
            and go on with that scan.

        Verify:
            The blocked source stays out and the client is served; the new scan is reported when
            control is back, and blocked as it goes on; edgesentry_up is 0 meanwhile.
        """
        with self.running({}):
            source = self.blocked_scanner()
            self.fault("inject", "control_stalled")
            self.begins("control_stalled")
            self.up_is(0)
            self.verify(self.is_shut_out(source), "the blocked source gets a page")
            self.verify(self.is_served(), "the client gets no page")
            late = self.scan()
            self.fault("clear", "control_stalled")
            self.ends("control_stalled")
            self.up_is(1)
            self.verify(self.sut.events("scan-detected", late), "the new scan is not reported")
            self.scan_from(late, range(1100, 1160))
            self.sut.wait_event("source-blocked", late)

    @func_test
    def everybody_passes_while_control_stands_still(self) -> None:
        """control_stalled = open.

        Steps:
            Scan until blocked, hang the control thread, fetch from there, let go, fetch again.

        Verify:
            The blocked source gets a page while control hangs, and only then.
        """
        with self.running({"control_stalled": "open"}):
            source = self.blocked_scanner()
            self.verify(self.is_shut_out(source), "blocked, yet served")
            self.fault("inject", "control_stalled")
            self.begins("control_stalled")
            wait_for("a page", lambda: self.is_served(source), 30.0)
            self.fault("clear", "control_stalled")
            self.ends("control_stalled")
            wait_for("the block to hold", lambda: self.is_shut_out(source), 30.0)

    @func_test
    def nobody_passes_while_control_stands_still(self) -> None:
        """control_stalled = closed.

        Steps:
            Hang the control thread, fetch, let go, fetch again.

        Verify:
            No page meanwhile, and drops with reason="closed"; a page afterwards.
        """
        with self.running({"control_stalled": "closed"}):
            self.fault("inject", "control_stalled")
            self.begins("control_stalled")
            wait_for("silence", lambda: not self.is_served(seconds=2.0), 30.0)
            self.verify(self.dropped("closed") > 0, "nothing is dropped as closed")
            self.fault("clear", "control_stalled")
            self.ends("control_stalled")
            wait_for("a page", self.is_served, 30.0)

    @func_test
    def ends_itself_for_a_new_start(self) -> None:
        """control_stalled = restart, worker_stalled = restart.

        Steps:
            Scan until blocked; hang the control thread, or a worker; start again.

        Verify:
            Exit code 1 with a sentence that names what hangs; the next run has the block.
        """
        for name, says in (("control_stalled", "the control thread stands still"),
                           ("worker_stalled", "worker 1 does not come back")):
            failure = {name: "restart"}
            with self.running(failure):
                source = self.blocked_scanner()
                self.verify(self.sut.ask("block", address="198.51.100.9")["durable"], "durable")
                self.fault("inject", name, **({"where": 1} if name == "worker_stalled" else {}))
                self.verify_equal(self.sut.wait_end(), 1, f"exit code after {name}")
                self.verify(says in self.sut.log(), f"{says!r} is not in\n{self.sut.log()}")
            with self.running(failure, keeps_state=True):
                rows = [row["source"] for row in self.sut.ask("blocked")["sources"]]
                self.verify(source in rows, f"{source} is not among {rows}")
                self.verify(self.is_shut_out(source), "not blocked after the new start")

    @func_test
    def others_go_on_beside_a_worker_that_hangs(self) -> None:
        """worker_stalled = ignore, and open.

        Steps:
            Hang worker 0, send many flows from many addresses; let go.

        Verify:
            What worker 1 has no room for on the way to worker 0 is lost, with ignore, and goes on,
            with open; afterwards the client is served.
        """
        lost: dict[str, float] = {}
        for choice in ("ignore", "open"):
            with self.running({"worker_stalled": choice}):
                self.fault("inject", "worker_stalled", where=0)
                self.begins("worker_stalled")
                self.up_is(0)
                sources = self.attacker.ipv4[:SOURCES]
                self.sender.send(
                    udp(sources[i % SOURCES], self.server, FIRST_PORT + i // SOURCES)
                    for i in range(PACKETS)
                )
                self._until_all_is_read()
                lost[choice] = self.dropped("handover_full")
                self.fault("clear", "worker_stalled")
                self.ends("worker_stalled")
                self.up_is(1)
                wait_for("a page", self.is_served, 30.0)
        self.verify(lost["ignore"] > 0 == lost["open"], f"packets lost: {lost}")

    def _until_all_is_read(self) -> None:
        """Wait until the worker that still runs has counted what was sent."""

        def is_quiet() -> bool:
            before = self.sut.metrics().received
            time.sleep(0.5)
            return 0 < self.sut.metrics().received == before

        wait_for("an end of the packets", is_quiet)

    @func_test
    def says_that_a_wire_is_cut(self) -> None:
        """link_down = ignore, with the cable pulled at either end, and by the fault.

        Steps:
            Take the far end of a port down, and up again.

        Verify:
            edgesentry_up is 0 while it is down; the other port keeps its link; pages come again.
        """
        for role, device in (("switch", "uplink"), ("servers", HOST_DEVICE)):
            with self.running({}):
                self._set_link(role, device, "down")
                self.begins("link_down")
                self.up_is(0)
                self.verify_equal(self._carriers(), 1, "ports with a link")
                self._set_link(role, device, "up")
                self.ends("link_down")
                self.up_is(1)
                wait_for("a page", self.is_served, 30.0)
        with self.running({}):
            self.fault("inject", "link_down", where=1)
            self.begins("link_down")
            self.fault("clear", "link_down")
            self.ends("link_down")
            wait_for("a page", self.is_served, 30.0)

    @func_test
    def passes_a_cut_wire_on(self) -> None:
        """link_down = propagate, both ways, and a stop meanwhile.

        Steps:
            Take the far end of a port down, and up again; down once more, and stop the appliance.

        Verify:
            The other port loses its link too, and has it again; pages come. A stop gives it back.
        """
        for role, device, other in (("switch", "uplink", "inside"),
                                    ("servers", HOST_DEVICE, "outside")):
            with self.running({"link_down": "propagate"}):
                self._set_link(role, device, "down")
                self.begins("link_down")
                self._follows(other, False)
                self.up_is(0)
                self._set_link(role, device, "up")
                self._follows(other, True)
                self.ends("link_down")
                self.up_is(1)
                wait_for("a page", self.is_served, 30.0)
                self._set_link(role, device, "down")
                self._follows(other, False)
                self.sut.stop()
                self._set_link(role, device, "up")
                self.verify(self._is_up(other), f"{other} is left down by a stop")

    def _set_link(self, role: str, device: str, state: str) -> None:
        """The kernel forgets routes and IPv6 addresses with the link, for all suites to come."""
        namespace = self.testbed.namespace(role)
        namespace.sysctl(f"ipv6.conf.{device}.keep_addr_on_down", "1")
        if role not in self._routes:
            ipv6 = namespace.ip("-6", "route", "show").splitlines()
            asked_for = [route for route in ipv6 if "proto kernel" not in route]
            self._routes[role] = namespace.ip("route", "show").splitlines() + asked_for
        routes = self._routes[role]
        namespace.ip("link", "set", "dev", device, state)
        if state == "up":
            namespace.ip_batch([f"route replace {route}" for route in routes])

    def _follows(self, device: str, is_up: bool) -> None:
        wait_for(f"{device} to follow", lambda: self._is_up(device) == is_up, 30.0)

    def _is_up(self, device: str) -> bool:
        flags = self.testbed.appliance.ip("link", "show", "dev", device).split("<")[1].split(">")[0]
        return "UP" in flags.split(",")

    def _carriers(self) -> float:
        return self.sut.metrics().sum("edgesentry_nic_link_up")

    @func_test
    def a_second_sigterm_ends_it_at_once(self) -> None:
        """A stop under load whose control thread hangs.

        Steps:
            Hang the control thread, SIGTERM twice.

        Verify:
            It ends with 1 and says what is left undone.
        """
        with self.running({"stop_within": "1h"}):
            self.fault("inject", "control_stalled")
            self.begins("control_stalled")
            wait_for("the end", self._terminate, 30.0)
            self.verify("asked a second time" in self.sut.log(), self.sut.log())

    def _terminate(self) -> bool:
        if self.sut.is_running:
            self.sut.send_signal(signal.SIGTERM)
        return not self.sut.is_running
