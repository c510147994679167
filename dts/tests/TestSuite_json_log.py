"""ECS JSON lines: every line an object, every field where ECS puts it."""

import json
from pathlib import Path
from typing import ClassVar

from framework.settings import Table
from framework.test_suite import TestSuite, func_test
from framework.traffic import port_scan

SECONDS = 3


class TestJsonLog(TestSuite):
    """The life of a block as events."""

    settings: ClassVar[Table] = {"block": {"ladder": [f"{SECONDS}s"]}}

    @func_test
    def tells_the_life_of_a_block(self) -> None:
        """Detected, blocked, expired, in this order and with the evidence.

        Steps:
            Scan 40 closed ports and wait for the end of the block.

        Verify:
            scan-detected, source-blocked and block-expired stand in order; the block carries
            source, destination, ports, targets, technique, shape and severity.
        """
        source = self.attacker.fresh_ipv4()
        self.sender.send(port_scan(source, self.server, range(1000, 1040)), 0.02)
        block = self.sut.wait_event("source-blocked", source)
        self.sut.wait_event("block-expired", source, SECONDS + 30)
        actions = [event["event"]["action"] for event in self.sut.events("", source)]
        wanted = ["scan-detected", "source-blocked", "block-expired"]
        self.verify_equal([a for a in actions if a in wanted], wanted, "order of events")
        self.verify_equal(block["source"]["ip"], source, "source.ip")
        self.verify_equal(block["destination"]["ip"], self.server, "destination.ip")
        self.verify(1000 <= block["destination"]["port"] < 1040, "destination.port")
        evidence = block["edgesentry"]
        self.verify_equal(evidence["technique"], "tcp_syn", "edgesentry.technique")
        self.verify_equal(evidence["shape"], "vertical", "edgesentry.shape")
        self.verify_equal(evidence["targets"], [self.server], "edgesentry.targets")
        self.verify(set(evidence["ports"]) <= set(range(1000, 1040)), "edgesentry.ports")
        self.verify_equal(evidence["block_seconds"], SECONDS, "edgesentry.block_seconds")
        self.verify_equal(block["network"]["transport"], "tcp", "network.transport")

    @func_test
    def writes_nothing_but_objects(self) -> None:
        """Each line is one JSON object with a time stamp and an action.

        Steps:
            Read the whole file.

        Verify:
            Every line parses, and has @timestamp, ecs.version and event.action.
        """
        text = Path(self.sut.settings["log"]["json_file"]).read_text(encoding="utf-8")
        self.verify(text.endswith("\n"), "the last line has no end")
        for line in text.splitlines():
            event = json.loads(line)
            self.verify("@timestamp" in event and "version" in event["ecs"], f"fields of {line}")
            self.verify(event["event"]["action"], f"no event.action in {line}")
