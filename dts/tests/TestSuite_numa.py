"""Placement on a machine of two NUMA nodes with SMT and isolated CPUs, which a guest plays."""

import json
from typing import Any, ClassVar

from framework.config import REPOSITORY, build_directory
from framework.guest import SHARE, Guest
from framework.test_suite import TestSuite, func_test

SCRIPT = REPOSITORY / "dts" / "guest" / "numa.py"
SECONDS = 400.0  # it takes 50 s when nothing else runs
# Two sockets with two cores of two threads: 0-3 are node 0, 4-7 node 1, 4 and 5 one core. A network
# card stands behind a bridge of node 1.
MACHINE = (
    *("-m", "2048", "-smp", "8,sockets=2,cores=2,threads=2"),
    *("-cpu", "max,vendor=GenuineIntel"),
    *("-object", "memory-backend-ram,id=m0,size=1024M"),
    *("-object", "memory-backend-ram,id=m1,size=1024M"),
    *("-numa", "node,nodeid=0,cpus=0-3,memdev=m0"),
    *("-numa", "node,nodeid=1,cpus=4-7,memdev=m1"),
    *("-device", "pxb,id=far,bus_nr=128,numa_node=1,bus=pci.0"),
    *("-netdev", "user,id=none,restrict=on", "-device", "e1000,bus=far,addr=1,netdev=none"),
)
KERNEL = "isolcpus=managed_irq,domain,5-7 nohz_full=5-7"


class TestNuma(TestSuite):
    """One run of dts/guest/numa.py in a guest; the cases judge what it saw."""

    starts_appliance: ClassVar[bool] = False

    def set_up_suite(self) -> None:
        """Boot the guest and let it do everything."""
        build = build_directory(self.testbed.nodes.appliance)
        guest = Guest(build, self.testbed.work / "guest", machine=MACHINE, kernel=KERNEL)
        guest.run(["/usr/bin/python3", str(SCRIPT), str(build), SHARE], SECONDS)
        facts = (guest.share / "facts.json").read_text(encoding="utf-8")
        self.facts: dict[str, Any] = json.loads(facts)

    @func_test
    def chooses_isolated_cores_and_leaves_the_rest_alone(self) -> None:
        """Workers on whole isolated cores, everything else on neither these nor their siblings.

        Steps:
            Isolate 5 to 7, of which 6 and 7 are one core; start two workers.

        Verify:
            They run on 5 and 6, all other threads on 0 to 3; it ends as asked.
        """
        seen = self.facts["with_hugepages"]
        workers = {name: cpus for name, cpus in seen["threads"].items() if "worker" in name}
        self.verify_equal(workers, {"rte-worker-1": "5", "rte-worker-2": "6"}, "workers")
        others = {cpus for name, cpus in seen["threads"].items() if name not in workers}
        self.verify_equal(others, {"0-3"}, "all other threads")
        self.verify_equal(seen["exit_code"], 0, "exit code")

    @func_test
    def takes_memory_on_the_node_of_the_workers(self) -> None:
        """Hugepages, and tables in ordinary memory, lie where their worker is.

        Steps:
            Start with hugepages and workers on node 1; start without and a worker on each node.

        Verify:
            All hugepages that were asked for are of node 1, and main, which is on node 0, has taken
            no more than one there; then memory is preferred on node 0 and on node 1.
        """
        huge = self.facts["with_hugepages"]["huge"]
        self.verify_equal(huge["N1"], 100, "hugepages of node 1")
        self.verify(huge["N0"] <= 1, f"hugepages of node 0: {huge['N0']}")
        self.verify_equal(self.facts["without"]["preferred"], ["0", "1"], "nodes of the tables")

    @func_test
    def says_when_a_worker_is_far_from_its_port(self) -> None:
        """The start and the doctor name worker, CPU and nodes.

        Steps:
            Name CPUs 0 and 6 for the workers of a port on node 1; leave the choice to it.

        Verify:
            Both speak of worker 0 then, and of nobody when the CPUs were chosen.
        """
        words = "is on NUMA node 1, but worker 0 on CPU 0 of node 0"
        self.verify(words in self.facts["start"], f"the start says: {self.facts['start']}")
        named, chosen = self.facts["named"]["NUMA: lan"], self.facts["chosen"]["NUMA: lan"]
        self.verify(words in named["found"], f"the doctor says: {named}")
        self.verify_equal(named["status"], "warn", "a far worker")
        self.verify_equal(chosen["status"], "ok", "near workers")

    @func_test
    def examines_such_a_machine(self) -> None:
        """The doctor counts hugepages by node, and asks the running appliance.

        Steps:
            Run it before the start and while the appliance runs.

        Verify:
            Nothing is wanted on node 0, all on node 1; the card has no driver; then the CPUs are
            those of the running workers, and packets are handed over.
        """
        before, running = self.facts["chosen"], self.facts["with_hugepages"]["doctor"]
        for node, wanted in ((0, "0 MiB wanted"), (1, "200 MiB wanted")):
            found = before[f"memory: hugepages of node {node}"]["found"]
            self.verify(found.startswith(wanted), f"node {node}: {found}")
        self.verify_equal(before["device: lan"]["status"], "fail", "a card without a driver")
        self.verify_equal(before["cores: SMT siblings"]["status"], "ok", "siblings")
        found = running["cores: workers"]["found"]
        self.verify_equal(found, "2 running, on CPUs 5,6", "workers")
        found = running["NIC granted: lan RSS"]["found"]
        self.verify(found.startswith("hand-over"), f"RSS: {found}")
