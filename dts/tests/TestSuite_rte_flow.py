"""Drop rules in the port itself: the real enforcer on net_tap, in a guest with a stock kernel."""

import json
from typing import Any, ClassVar

from framework.config import REPOSITORY, build_directory
from framework.guest import SHARE, Guest
from framework.test_suite import TestSuite, func_test

SCRIPT = REPOSITORY / "dts" / "guest" / "rte_flow.py"
SECONDS = 240.0  # it takes 40 s when nothing else runs
PER_SOURCE = 10
BLOCKED, OTHER = "198.51.100.7", "198.51.100.8"
BLOCKED_PREFIX = "2001:db8:bad::/64"
BLOCKED_V6, NEIGHBOUR_V6, OTHER_V6 = "2001:db8:bad::1", "2001:db8:bad::2:2", "2001:db8:900d::1"
ALL = (BLOCKED, OTHER, BLOCKED_V6, NEIGHBOUR_V6, OTHER_V6)


class TestRteFlow(TestSuite):
    """One run of dts/guest/rte_flow.py in a guest; the cases judge what it saw."""

    starts_appliance: ClassVar[bool] = False

    def set_up_suite(self) -> None:
        """Boot the guest and let it do everything."""
        build = build_directory(self.testbed.nodes.appliance)
        guest = Guest(build, self.testbed.work / "guest")
        guest.run(["/usr/bin/python3", str(SCRIPT), str(build), SHARE], SECONDS)
        facts = (guest.share / "facts.json").read_text(encoding="utf-8")
        self.facts: dict[str, Any] = json.loads(facts)

    def _verify_look(self, name: str, dropped: dict[str, int], passed: tuple[str, ...]) -> None:
        look = self.facts[name]
        self.verify_equal(look["dropped"], dropped, f"{name}: packets the kernel dropped, by rule")
        arrived = dict.fromkeys(passed, PER_SOURCE)
        self.verify_equal(look["arrived"], arrived, f"{name}: packets that arrived inside")
        received = PER_SOURCE * len(passed)
        self.verify_equal(look["received"], received, f"{name}: packets the appliance received")

    @func_test
    def lets_the_kernel_drop_exactly_the_blocked(self) -> None:
        """Blocks by the command line become rules, one of them for an IPv6 prefix.

        Steps:
            Send from five sources; block an IPv4 source and an IPv6 one; send again.

        Verify:
            All arrive at first; then the kernel has two rules and counts what the blocked sources,
            the neighbour in the /64 included, have sent; the others arrive, and the appliance has
            received nothing else.
        """
        self._verify_look("open", {}, ALL)
        self._verify_look(
            "blocked", {BLOCKED: PER_SOURCE, BLOCKED_PREFIX: 2 * PER_SOURCE}, (OTHER, OTHER_V6)
        )
        numbers = self.facts["blocked"]["metrics"]
        for name in ("wanted_sources", "sources", "rules_made_total"):
            self.verify_equal(numbers[f"enforcer_{name}"], 2, name)
        self.verify_equal(numbers["enforcer_in_force"], 1, "in force")
        self.verify_equal(numbers["enforcer_failures_total"], 0, "failures")

    @func_test
    def removes_the_rule_of_who_is_let_in_again(self) -> None:
        """Unblocking takes one rule away, and only that.

        Steps:
            Unblock the IPv4 source; send.

        Verify:
            It arrives again, and the rule of the IPv6 prefix drops on.
        """
        passed = (BLOCKED, OTHER, OTHER_V6)
        self._verify_look("unblocked", {BLOCKED_PREFIX: 2 * PER_SOURCE}, passed)

    @func_test
    def has_no_rule_while_bypassed(self) -> None:
        """The bypass takes all rules away at once.

        Steps:
            Bypass on; send.

        Verify:
            The kernel has no rule, and everybody arrives.
        """
        self._verify_look("bypassed", {}, ALL)

    @func_test
    def makes_the_rules_anew_after_sigkill(self) -> None:
        """Blocks of an earlier run have their rules again, and no other rule is there.

        Steps:
            Kill -9, start again; send.

        Verify:
            The rule of the IPv6 prefix is the only one, and it drops.
        """
        passed = (BLOCKED, OTHER, OTHER_V6)
        self._verify_look("restarted", {BLOCKED_PREFIX: 2 * PER_SOURCE}, passed)

    @func_test
    def leaves_no_rule_behind(self) -> None:
        """SIGTERM ends the appliance and its rules.

        Steps:
            Send SIGTERM while a rule is in force.

        Verify:
            It ends in order, and the interface, which is still there, has no filter.
        """
        self.verify_equal(self.facts["exit_code"], 0, f"exit code\n{self.facts['said']}")
        self.verify_equal(self.facts["stopped"], {}, "filters of the interface")
