"""Starts that cannot work end at once with a sentence that says what to do."""

import os
import re
import shutil
from typing import ClassVar

from framework.namespace import run
from framework.settings import Table
from framework.sut import READY, Appliance
from framework.test_suite import TestSuite, func_test

FAULTS = """\
mode = "enforced"
placement = 3
colour = "blue"
[[segment]]
name = "lab"
outside = "net_af_packet0,iface=outside,qpairs=2"
inside = "net_af_packet1,iface=inside,qpairs=2"
[workers]
count = 0
[table]
sources = "many"
[detect]
failures = -1
window = "soon"
[networks]
inside = ["300.1.2.3/24"]
[block]
ladder = ["10"]
[metrics]
listen = "everywhere"
"""
FAULTY_KEYS = (
    "mode", "placement", "colour", "workers.count", "table.sources", "detect.failures",
    "detect.window", "networks.inside", "block.ladder", "metrics.listen",
)


class TestBadStart(TestSuite):
    """Each case starts an appliance of its own and expects it to end."""

    starts_appliance: ClassVar[bool] = False

    def refuse(self, changes: Table, *words: str) -> str:
        """Start with some changes; verify that it ends with an error that names these words."""
        return self.verify_refusal(Appliance(self.testbed, changes, name="bad"), *words)

    def verify_refusal(self, sut: Appliance, *words: str) -> str:
        """Verify that a start ends with an exit code of its own and a message with these words."""
        code, said = sut.run_to_end()
        self.verify(code > 0, f"ended with {code} (below 0: by a signal):\n{said}")
        self.verify(READY not in said, f"it said it was active:\n{said}")
        for word in words:
            self.verify(word in said, f"the message does not say {word!r}:\n{said}")
        return said

    @func_test
    def names_a_missing_interface(self) -> None:
        """An interface that does not exist is named.

        Steps:
            Start with an outside device on a missing interface.

        Verify:
            It ends with an error that names the interface.
        """
        segment = {
            "name": "lab",
            "outside": "net_af_packet0,iface=nowhere7",
            "inside": "net_af_packet1,iface=inside",
        }
        self.refuse({"segment": [segment]}, "nowhere7")

    @func_test
    def tells_ten_faults_at_once(self) -> None:
        """A configuration with ten faults gets ten messages, each with its line.

        Steps:
            Start with a file that has ten faults; check the same file with the command line.

        Verify:
            Every faulty key is named on a line of its own, with the file and a line number.
        """
        sut = Appliance(self.testbed, name="bad")
        sut.config.write_text(FAULTS, encoding="utf-8")
        said = self.verify_refusal(sut, *FAULTY_KEYS)
        checked = run([str(sut.command_line), "check", str(sut.config)], check=False)
        for text in (said, checked):
            for key in FAULTY_KEYS:
                message = re.compile(rf"^{re.escape(str(sut.config))}:\d+:\d+: {key}: .+", re.M)
                self.verify_equal(len(message.findall(text)), 1, f"messages on {key} in:\n{text}")

    @func_test
    def names_a_missing_file(self) -> None:
        """A configuration that is not there is named.

        Steps:
            Start with a path that does not exist.

        Verify:
            It ends with an error that names the path.
        """
        sut = Appliance(self.testbed, name="bad")
        sut.config.unlink()
        self.verify_refusal(sut, str(sut.config))

    @func_test
    def says_how_to_get_hugepages(self) -> None:
        """Without enough hugepages, hugepages = "required" says what to do.

        Steps:
            Start with one TiB of hugepages required, which no machine of the lab has.

        Verify:
            It ends with an error about hugepages.
        """
        self.refuse({"dpdk": {"hugepages": "required", "memory_mb": 1 << 20}}, "hugepages")

    @func_test
    def says_that_it_needs_root(self) -> None:
        """A start without rights says which are missing.

        Steps:
            Start as nobody, with a configuration that nobody may read and write beside.

        Verify:
            It ends with an error that speaks of root or of a capability.
        """
        sut = Appliance(self.testbed, name="bad")
        program = sut.work / "edgesentryd"
        shutil.copy(sut.program, program)
        for path in (self.testbed.work, sut.work, program):
            path.chmod(0o755)
        shutil.chown(sut.work, 65534, 65534)
        words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
        words += [str(program), "--", "-c", str(sut.config)]
        os.sync()
        said = sut.namespace.run(*words, timeout=30, check=False)
        self.verify(READY not in said, f"it said it was active:\n{said}")
        self.verify("root" in said or "CAP_" in said, f"no word of root or a capability:\n{said}")

    @func_test
    def names_a_taken_port(self) -> None:
        """A metrics port that is in use is named.

        Steps:
            Start two appliances' worth of metrics on one port.

        Verify:
            The second ends with an error that names the address.
        """
        listener = self.testbed.appliance.start(
            "/usr/bin/python3", "-m", "http.server", "9465", "--bind", "127.0.0.1",
            stdout=os.open(os.devnull, os.O_WRONLY),
        )
        try:
            self.refuse({}, "127.0.0.1:9465")
        finally:
            listener.kill()
            listener.wait()
