"""Who is on the allow list is seen and reported, and never blocked."""

from framework.sut import Appliance
from framework.test_suite import TestSuite, func_test
from framework.tools import fetches
from framework.traffic import port_scan
from framework.waiting import wait_for

PORTS = range(1000, 1060)
PACE = 0.02


class TestAllowList(TestSuite):
    """Networks in the configuration, addresses in a file, and the file re-read."""

    def set_up_suite(self) -> None:
        """Start with one allowed address in the configuration and one in a file."""
        self.by_config, self.by_file = self.attacker.fresh_ipv4(), self.attacker.fresh_ipv4()
        self.by_config_ipv6 = self.attacker.fresh_ipv6()
        self.file = self.testbed.work / "edgesentry.ignore"
        self.file.write_text(f"# friends\n{self.by_file}/32\n", encoding="ascii")
        allow = {"file": str(self.file), "networks": [self.by_config, f"{self.by_config_ipv6}/64"]}
        self.sut = Appliance(self.testbed, {"allow": allow})
        super().set_up_suite()

    def scan(self, source: str) -> None:
        """Scan closed ports from a source."""
        server = self.server_ipv6 if ":" in source else self.server
        self.sender.send(port_scan(source, server, PORTS), PACE)

    def verify_reported_only(self, source: str) -> None:
        """Verify that a source's scan was reported as ignored and the source left alone."""
        event = self.sut.wait_event("scan-detected", source)
        self.verify(event["edgesentry"]["ignored"], "the event does not say that it was ignored")
        self.verify_equal(self.sut.events("source-blocked", source), [], "blocks")
        server = self.server_ipv6 if ":" in source else self.server
        self.verify(fetches(self.attacker, source, server), "the allowed source is shut out")

    @func_test
    def leaves_networks_of_the_configuration_alone(self) -> None:
        """An allowed scanner goes on, over IPv4 and IPv6.

        Steps:
            Scan from addresses named in allow.networks.

        Verify:
            Detected and reported as ignored, not blocked, still served.
        """
        for source in (self.by_config, self.by_config_ipv6):
            self.scan(source)
            self.verify_reported_only(source)

    @func_test
    def leaves_addresses_of_the_file_alone(self) -> None:
        """An address in the ignore file is allowed as well.

        Steps:
            Scan from the address in allow.file.

        Verify:
            Detected and reported as ignored, not blocked, still served.
        """
        self.scan(self.by_file)
        self.verify_reported_only(self.by_file)

    @func_test
    def takes_a_changed_file_on_reload(self) -> None:
        """A new line in the file counts after a reload, and ends a block that stands.

        Steps:
            Scan from an address that is not allowed, then add it to the file and reload.

        Verify:
            It is blocked before and served after.
        """
        source = self.attacker.fresh_ipv4()
        self.scan(source)
        self.sut.wait_event("source-blocked", source)
        with self.file.open("a", encoding="ascii") as file:
            file.write(f"{source}\n")
        answer = self.sut.ask("reload")
        self.verify(answer.get("ok"), f"reload: {answer}")
        wait_for("the page", lambda: fetches(self.attacker, source, self.server, 1))
