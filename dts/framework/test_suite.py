"""What a suite is: a class with @func_test methods around one appliance.

Each method's docstring says what it is about, then **Steps** and **Verify**. The appliance is
started before the first case and stopped after the last; stopping checks the account of packets,
and shows up in the results as a case of its own, `accounting`.
"""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from framework.errors import VerifyError
from framework.servers import Servers
from framework.settings import Table
from framework.sut import Appliance
from framework.testbed import Testbed
from framework.traffic import Sender

Method = TypeVar("Method", bound=Callable[..., None])
MARK = "is_func_test"


def func_test(method: Method) -> Method:
    """Mark a method as a test case."""
    setattr(method, MARK, True)
    return method


class TestSuite:
    """Base of all suites; `settings` are laid over the framework's defaults."""

    settings: ClassVar[Table] = {}
    starts_appliance: ClassVar[bool] = True
    words: ClassVar[tuple[str, ...]] = ()  # more on the appliance's command line

    def __init__(self, testbed: Testbed, servers: Servers) -> None:
        """Take the lab; set_up_suite() starts the appliance."""
        self.testbed = testbed
        self.servers = servers
        self.attacker = testbed.attacker
        self.client = testbed.client
        self.server = testbed.servers.ipv4[0]
        self.server_ipv6 = testbed.servers.ipv6[0]
        self.sut = Appliance(testbed, self.settings, words=self.words)
        self.sender = Sender(testbed.attacker, testbed.servers)

    def set_up_suite(self) -> None:
        """Start the appliance; a suite that needs more extends this."""
        if self.starts_appliance:
            self.sut.start()

    def tear_down_suite(self) -> None:
        """Stop the appliance, which checks the account of packets."""
        if self.starts_appliance:
            self.sut.stop()

    def clean_up(self) -> None:
        """Leave nothing behind, whatever happened."""
        self.sut.kill()
        self.sender.close()

    def verify(self, condition: Any, message: str) -> None:
        """Fail the case with a message unless the condition holds."""
        if not condition:
            raise VerifyError(message)

    def verify_equal(self, got: Any, wanted: Any, message: str) -> None:
        """Fail the case unless two values are equal, and say both."""
        if got != wanted:
            raise VerifyError(f"{message}: got {got!r}, wanted {wanted!r}")
