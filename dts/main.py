"""Runs the test suites: /usr/bin/python3 dts/main.py [--suite NAME] [--case NAME] [--list]."""

import argparse
import os
import sys
from pathlib import Path

from framework.config import Nodes, TestRun, load
from framework.errors import LabError
from framework.runner import CaseResult, Runner, Suite, find_suites
from framework.servers import Servers
from framework.testbed import Testbed

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Drive the real edgesentryd with real packets, between network namespaces.",
        epilog="The programs are taken from build/, or from the directory in $EDGESENTRY_BUILD.",
    )
    parser.add_argument("--suite", action="append", default=[], help="run this suite only")
    parser.add_argument("--case", action="append", default=[], help="run this case only")
    parser.add_argument("--results", type=Path, help="write the results to this file, as JSON")
    parser.add_argument("--list", action="store_true", help="list suites and cases, run nothing")
    parser.add_argument("--nodes", type=Path, help="describe the lab (configurations/)")
    parser.add_argument("--test-run", type=Path, help="say what to run (configurations/)")
    return parser.parse_args()


def announce(result: CaseResult) -> None:
    """Print one line, and the reason where there is one."""
    print(f"{result.status:<8}{result.name:<60}{result.seconds:7.2f} s", flush=True)
    for line in result.reason.splitlines():
        print(f"        {line}", flush=True)


def list_suites(suites: list[Suite]) -> None:
    """Print every case with the first line of its docstring."""
    for suite in suites:
        for case in suite.cases:
            about = (getattr(suite.kind, case).__doc__ or "").strip().splitlines()
            print(f"{suite.name + '.' + case:<60}{about[0] if about else ''}")


def execute(suites: list[Suite], nodes: Nodes, runner: Runner) -> None:
    """Build the lab and run, or skip everything where no lab can be built."""
    if os.geteuid() != 0:
        runner.skip(suites, "needs root: the lab is made of network namespaces; try sudo")
        return
    with Testbed(nodes) as testbed:
        servers = Servers(testbed)
        try:
            runner.run(suites, testbed, servers)
        finally:
            servers.close()


def main() -> int:
    """Run; the exit code is 0 only when nothing failed."""
    asked = arguments()
    try:
        wanted = load(TestRun, asked.test_run) if asked.test_run else TestRun()
        nodes = load(Nodes, asked.nodes) if asked.nodes else Nodes()
        wanted = TestRun(wanted.suites + tuple(asked.suite), wanted.cases + tuple(asked.case))
        suites = find_suites(wanted)
    except (LabError, OSError) as error:
        print(f"dts: {error}", file=sys.stderr)
        return EXIT_USAGE
    if asked.list:
        list_suites(suites)
        return EXIT_OK
    runner = Runner(announce)
    try:
        execute(suites, nodes, runner)
    except LabError as error:
        announce(CaseResult("lab", "failed", str(error), 0.0))
        runner.results.append(CaseResult("lab", "failed", str(error), 0.0))
    finally:
        if asked.results:
            runner.save(asked.results)
        print(runner.summary(), flush=True)
    return EXIT_FAILED if runner.count("failed") else EXIT_OK


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
