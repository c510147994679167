"""Finds the suites, runs their cases, and keeps the results."""

import dataclasses
import importlib.util
import inspect
import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from framework.config import TestRun
from framework.errors import LabError, SkipCase, VerifyError
from framework.servers import Servers
from framework.test_suite import MARK, TestSuite
from framework.testbed import Testbed

TESTS = Path(__file__).resolve().parents[1] / "tests"
ACCOUNTING = "accounting"
SuiteType = type[TestSuite]


@dataclasses.dataclass(frozen=True)
class CaseResult:
    """What became of one case."""

    name: str
    status: str  # passed, failed, skipped
    reason: str
    seconds: float


@dataclasses.dataclass(frozen=True)
class Suite:
    """One file of tests/, with the cases of this run in the order of the file."""

    name: str
    kind: SuiteType
    cases: tuple[str, ...]


def find_suites(wanted: TestRun) -> list[Suite]:
    """Return the suites and cases that a run asks for; a name that fits nothing is an error."""
    suites = [_load(path) for path in sorted(TESTS.glob("TestSuite_*.py"))]
    _check_names("suite", wanted.suites, [suite.name for suite in suites])
    known = [name for s in suites for case in s.cases for name in (case, f"{s.name}.{case}")]
    _check_names("case", wanted.cases, known)
    chosen = []
    for suite in suites:
        if wanted.suites and suite.name not in wanted.suites:
            continue
        cases = tuple(
            case
            for case in suite.cases
            if not wanted.cases or case in wanted.cases or f"{suite.name}.{case}" in wanted.cases
        )
        if cases:
            chosen.append(dataclasses.replace(suite, cases=cases))
    return chosen


def _check_names(what: str, wanted: tuple[str, ...], known: list[str]) -> None:
    for name in wanted:
        if name not in known:
            raise LabError(f"there is no {what} {name!r}; dts/main.py --list shows them")


def _load(path: Path) -> Suite:
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if specification is None or specification.loader is None:
        raise LabError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    kinds = [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, TestSuite) and kind.__module__ == module.__name__
    ]
    if len(kinds) != 1:
        raise LabError(f"{path} must hold one suite, holds {len(kinds)}")
    cases = tuple(name for name, method in vars(kinds[0]).items() if hasattr(method, MARK))
    return Suite(path.stem.removeprefix("TestSuite_"), kinds[0], cases)


class Runner:
    """Runs suites one after the other in one lab."""

    def __init__(self, announce: Callable[[CaseResult], None]) -> None:
        """Announce is called with each result as it comes."""
        self._announce = announce
        self.results: list[CaseResult] = []

    def skip(self, suites: list[Suite], reason: str) -> None:
        """Skip everything, visibly."""
        for suite in suites:
            for case in suite.cases:
                self._record(f"{suite.name}.{case}", "skipped", reason, 0.0)

    def run(self, suites: list[Suite], testbed: Testbed, servers: Servers) -> None:
        """Run everything."""
        for suite in suites:
            self._run_suite(suite, testbed, servers)

    def _run_suite(self, suite: Suite, testbed: Testbed, servers: Servers) -> None:
        instance = suite.kind(testbed, servers)
        try:
            reason = _attempt(instance.set_up_suite)
            if reason:
                for case in suite.cases:
                    status = "skipped" if isinstance(reason, SkipCase) else "failed"
                    self._record(f"{suite.name}.{case}", status, f"set up: {_text(reason)}", 0.0)
                return
            for case in suite.cases:
                self._run_case(f"{suite.name}.{case}", getattr(instance, case))
            self._run_case(f"{suite.name}.{ACCOUNTING}", instance.tear_down_suite)
        finally:
            instance.clean_up()

    def _run_case(self, name: str, case: Callable[[], None]) -> None:
        begin = time.monotonic()
        reason = _attempt(case)
        seconds = time.monotonic() - begin
        if reason is None:
            self._record(name, "passed", "", seconds)
        elif isinstance(reason, SkipCase):
            self._record(name, "skipped", _text(reason), seconds)
        else:
            self._record(name, "failed", _text(reason), seconds)

    def _record(self, name: str, status: str, reason: str, seconds: float) -> None:
        result = CaseResult(name, status, reason, round(seconds, 2))
        self.results.append(result)
        self._announce(result)

    def count(self, status: str) -> int:
        """Return how many cases ended with a status."""
        return sum(result.status == status for result in self.results)

    def summary(self) -> str:
        """Return the last line of a run."""
        passed, failed, skipped = (self.count(s) for s in ("passed", "failed", "skipped"))
        return f"{passed} passed, {failed} failed, {skipped} skipped"

    def save(self, path: Path) -> None:
        """Write the results as JSON."""
        content = {status: self.count(status) for status in ("passed", "failed", "skipped")}
        cases = [dataclasses.asdict(result) for result in self.results]
        path.write_text(json.dumps({**content, "cases": cases}, indent=1) + "\n", encoding="utf-8")


def _attempt(step: Callable[[], None]) -> Exception | None:
    try:
        step()
    except Exception as error:  # noqa: BLE001 - whatever a case raises is its result
        return error
    return None


def _text(error: Exception) -> str:
    if isinstance(error, (LabError, VerifyError, SkipCase)):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {error}"
