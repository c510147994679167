"""Guessing passwords: hydra against real servers, and users who only mistype."""

from typing import ClassVar

from framework import logins
from framework.logins import FTP_OK, FTP_REFUSED, PASSWORD, LoginServers
from framework.settings import Table
from framework.test_suite import TestSuite, func_test
from framework.waiting import wait_for

# In seconds; hydra, stopped earlier, must not try on when the first block ends.
GUESSING, FIRST, SECOND = 12, 15, 19
# sshd takes its time to refuse, so that a row is decided by how long it lasts.
GUESSING_SSH = 50


class TestBruteForce(TestSuite):
    """SSH, FTP and HTTP; short blocks."""

    settings: ClassVar[Table] = {"block": {"ladder": [f"{FIRST}s", f"{SECOND}s"]}}

    def set_up_suite(self) -> None:
        """Start the servers, then the appliance."""
        self.logins = LoginServers(self.testbed)
        super().set_up_suite()

    def clean_up(self) -> None:
        """Stop the servers, too."""
        super().clean_up()
        if hasattr(self, "logins"):
            self.logins.close()

    def hydra(self, source: str, url: str, seconds: int = GUESSING) -> None:
        """Guess from one address until the block is there, and a little longer."""
        words = self.testbed.work / "guesses.txt"
        logins.hydra(self.attacker, source, url, words, seconds)

    def verify_brute_force(self, source: str, port: int, offence: int = 1) -> dict[str, object]:
        """Wait for the nth block of a source and return its evidence."""
        wait_for(
            f"block number {offence} of {source}",
            lambda: len(self.sut.events("source-blocked", source)) >= offence,
        )
        event = self.sut.events("source-blocked", source)[offence - 1]
        evidence: dict[str, object] = event["edgesentry"]
        self.verify_equal(evidence["shape"], "brute_force", "shape")
        self.verify_equal(evidence["technique"], "tcp_connect", "technique")
        self.verify_equal(evidence["proven"], True, "proven")
        self.verify_equal(evidence["offence"], offence, "offence")
        self.verify_equal(event["destination"]["port"], port, "port")
        return evidence

    @func_test
    def blocks_hydra_on_ftp_for_a_time(self) -> None:
        """hydra against FTP is named and blocked, let in again, and blocked again.

        Steps:
            Run hydra, wait for the end of the block, log in, run hydra again.

        Verify:
            Both blocks are for brute force, the second longer; in between the password works.
        """
        source = self.attacker.fresh_ipv4()
        for offence, seconds in ((1, FIRST), (2, SECOND)):
            self.hydra(source, f"ftp://{self.server}:{logins.FTP_PORT}")
            evidence = self.verify_brute_force(source, logins.FTP_PORT, offence)
            self.verify_equal(evidence["block_seconds"], seconds, "block_seconds")
            self._wait_expired(source, offence)
            reply = logins.ftp_login(self.attacker, source, self.server, PASSWORD)
            self.verify_equal(reply, FTP_OK, "after the block")

    def _wait_expired(self, source: str, times: int) -> None:
        wait_for(
            "the end of the block",
            lambda: len(self.sut.events("block-expired", source)) >= times,
        )

    @func_test
    def blocks_hydra_on_ssh(self) -> None:
        """hydra against the real sshd is told by the shape of what it cannot read.

        Steps:
            Run hydra with a list of wrong passwords.

        Verify:
            The source is blocked for brute force at the SSH port.
        """
        source = self.attacker.fresh_ipv4()
        self.hydra(source, f"ssh://{self.server}:{logins.SSH_PORT}", GUESSING_SSH)
        self.verify_brute_force(source, logins.SSH_PORT)

    @func_test
    def names_hydra_where_it_names_itself(self) -> None:
        """hydra against a page says its name with each request.

        Steps:
            Run hydra against a page with basic authentication.

        Verify:
            The source is blocked for brute force, by hydra.
        """
        source = self.attacker.fresh_ipv4()
        self.hydra(source, f"http-get://{self.server}:{logins.HTTP_PORT}/")
        evidence = self.verify_brute_force(source, logins.HTTP_PORT)
        self.verify_equal(evidence.get("tool"), "hydra", "tool")

    @func_test
    def forgives_three_mistakes(self) -> None:
        """Who mistypes three times and then gets in is no guesser, day after day.

        Steps:
            Three times: three wrong passwords and the right one, over FTP and over SSH.

        Verify:
            Each login with the right password works, and nobody is blocked.
        """
        source = self.client.ipv4[1]
        for _ in range(3):
            for _ in range(3):
                reply = logins.ftp_login(self.client, source, self.server, "typo")
                self.verify_equal(reply, FTP_REFUSED, "a wrong password over FTP")
                taken = logins.ssh_login(self.client, source, self.server, "typo")
                self.verify(not taken, "a wrong password over SSH was taken")
            reply = logins.ftp_login(self.client, source, self.server, PASSWORD)
            self.verify_equal(reply, FTP_OK, "the right password over FTP")
            self.verify(
                logins.ssh_login(self.client, source, self.server, PASSWORD),
                "the right password over SSH was refused",
            )
        self.verify_equal(self.sut.events("source-blocked", source), [], "blocks")

    @func_test
    def counts_what_it_looked_at(self) -> None:
        """The metrics tell of payloads and of what was found in them.

        Steps:
            Scrape after the other cases.

        Verify:
            Bytes were scanned, refusals were found, and the budget was never used up.
        """
        metrics = self.sut.metrics()
        self.verify(metrics.sum("edgesentry_payload_scanned_bytes_total") > 0, "nothing scanned")
        failed = metrics.sum("edgesentry_payload_matches_total", kind="login_failed")
        self.verify(failed >= 12, f"{failed} refused logins were found")
        self.verify_equal(metrics.sum("edgesentry_payload_overruns_total"), 0, "overruns")
