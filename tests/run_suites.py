"""Runs the test suites and counts every single case; used by ./dev test, san and tsan.

Programs run under `meson test`. What is counted is what stands in its JUnit file: each GoogleTest
case, each TAP line, and a program that reports neither as one. The dts suite runs afterwards. The
last line is exactly "N passed, N failed, N skipped"; the exit code is 0 only when nothing failed
and something passed.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hugepages import reserved_hugepages

TOP = Path(__file__).resolve().parents[1]
MESON_SUITES = ["unit", "scenario", "tidy", "fuzz", "eal", "stress"]
DTS = "dts"
# Far above what they take: only a hang meets them.
SUITE_SECONDS_MAX = 1200
DTS_SECONDS_MAX = 1500
# Exit codes of a program that ran to its end: TAP scripts may leave 0, GoogleTest leaves 1.
ENDED = (0, 1)


@dataclass(frozen=True)
class Case:
    """What became of one test case."""

    name: str
    status: str  # passed, failed, skipped
    reason: str = ""


def run_bounded(command: list[str], seconds: int, line_seen: Callable[[str], None]) -> str:
    """Run to the end, hand each line on; returns why it had to be stopped, or nothing."""
    process = subprocess.Popen(
        command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", start_new_session=True,
    )
    stopped = ""
    # Asked first, then forced; at last left alone, where a daemon of its own keeps the pipe open.
    steps = iter([(signal.SIGTERM, 30), (signal.SIGKILL, 5)])

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopped
        stopped = f"did not end within {seconds} s"
        force, patience = next(steps, (None, 0))
        if force is None:
            raise TimeoutError(stopped)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, force)
        signal.alarm(patience)

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        for line in process.stdout:
            line_seen(line.rstrip("\n"))
        process.wait()
    except TimeoutError as error:
        return str(error)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    finally:
        signal.alarm(0)
        process.stdout.close()
    return stopped


def first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def case_of(name: str, element: ElementTree.Element) -> Case:
    """One JUnit testcase as a Case."""
    skipped = element.find("skipped")
    if skipped is not None:
        said = skipped.get("message") or element.findtext("system-out") or skipped.text or ""
        # GoogleTest puts file:line first, then the reason.
        lines = [line for line in said.splitlines() if line.strip()]
        return Case(name, "skipped", lines[-1].strip() if lines else "gave no reason")
    if element.find("failure") is not None or element.find("error") is not None:
        return Case(name, "failed", "see its output")
    return Case(name, "passed")


def cases_by_program(junit: Path) -> dict[str, list[tuple[str, ElementTree.Element]]]:
    """JUnit cases under the name meson gives their program ("edgesentry:unit / base")."""
    found: dict[str, list] = {}
    if not junit.exists():
        return found
    for suite in ElementTree.parse(junit).getroot().iter("testsuite"):
        # "PROJECT" (exit code), "PROJECT.PROGRAM" (TAP), "PROJECT.PROGRAM.GROUP" (GoogleTest).
        project, _, rest = suite.get("name", "").partition(".")
        for element in suite.iter("testcase"):
            name = element.get("name", "")
            if not rest:
                found.setdefault(name, []).append(("", element))
                continue
            program, _, group = rest.partition(".")
            found.setdefault(program, []).append((f"{group}.{name}" if group else name, element))
    return found


def cases_of_program(suite: str, run: dict, elements: list) -> list[Case]:
    """All cases of one program: its own report where it can be believed."""
    # meson leaves its "project:suite / " out where a run has one suite only.
    name = f"{suite} / {run['name'].rpartition(' / ')[2]}"
    result, code = run["result"], run["returncode"]
    output = run.get("stdout", "") + run.get("stderr", "")
    if result == "SKIP":
        lines = [line for line in output.splitlines() if line.strip()]
        return [Case(name, "skipped", lines[-1].strip() if lines else "gave no reason")]
    says_what_failed = any(case_of("", element).status == "failed" for _, element in elements)
    if result != "OK" and not (code in ENDED and says_what_failed):
        # What a program that crashed or hung has reported is stale or half.
        return [Case(name, "failed", f"{result.lower()}, exit code {code}")]
    cases = [case_of(f"{name}: {inner}" if inner else name, e) for inner, e in elements]
    return cases or [Case(name, "passed")]


def without_successes(output: str) -> list[str]:
    """What a program said, less GoogleTest's pairs of RUN and OK and the good lines of TAP."""
    kept: list[str] = []
    for line in output.splitlines():
        if line.startswith("[       OK ]") and kept and kept[-1].startswith("[ RUN      ]"):
            kept.pop()
        elif line and not re.match(r"\[----------\]|ok \d", line):
            kept.append(line)
    return kept


def print_failure(run: dict) -> None:
    """Everything a failed program said."""
    print(f"---- {run['name']}: {run['result']}, exit code {run['returncode']}")
    print(f"     {' '.join(run['command'])}")
    for line in without_successes(run.get("stdout", "") + run.get("stderr", "")):
        print(f"  {line}")


def show_progress(line: str) -> None:
    """Of meson's own output, the line each program ends with."""
    if re.match(r"\s*\d+/\d+ ", line):
        print(line, flush=True)


def run_meson_suite(build: Path, suite: str) -> list[Case]:
    """Run one suite under meson and return its cases."""
    logs = build / "meson-logs"
    for stale in [logs / "testlog.json", logs / "testlog.junit.xml", *build.glob("*.xml")]:
        stale.unlink(missing_ok=True)
    said: list[str] = []

    def seen(line: str) -> None:
        said.append(line)
        show_progress(line)

    command = ["meson", "test", "-C", str(build), "--no-rebuild", "--suite", suite]
    stopped = run_bounded(command, SUITE_SECONDS_MAX, seen)
    if stopped:
        return [Case(suite, "failed", stopped)]
    if any("No suitable tests" in line or "No tests defined" in line for line in said):
        return [Case(suite, "skipped", "this build has no such tests")]
    log = logs / "testlog.json"
    if not log.exists():
        print("\n".join(said))
        return [Case(suite, "failed", "meson test could not run; its words are above")]

    runs = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    reports = cases_by_program(logs / "testlog.junit.xml")
    cases: list[Case] = []
    for run in runs:
        own = cases_of_program(suite, run, reports.get(run["name"], []))
        cases += own
        if any(case.status == "failed" for case in own):
            print_failure(run)
    return cases


def run_dts(build: Path) -> list[Case]:
    """Run the suites that drive the real programs."""
    main = TOP / "dts" / "main.py"
    if not main.exists():
        return [Case(DTS, "skipped", "there is no dts/main.py in this tree")]
    results = build / "dts-results.json"
    results.unlink(missing_ok=True)
    command = ["/usr/bin/python3", str(main), "--results", str(results)]
    stopped = run_bounded(command, DTS_SECONDS_MAX, lambda line: print(line, flush=True))
    if not results.exists():
        reason = stopped or "dts/main.py ended without writing its results"
        return [Case(DTS, "failed", reason)]
    found = json.loads(results.read_text(encoding="utf-8"))
    cases = [
        Case(f"{DTS} / {case['name']}", case["status"], first_line(case.get("reason", "")))
        for case in found["cases"]
    ]
    if stopped:
        cases.append(Case(DTS, "failed", stopped))
    return cases or [Case(DTS, "skipped", "there are no dts suites in this tree")]


def counts(cases: list[Case]) -> tuple[int, int, int]:
    """How many passed, failed, were skipped; an unknown status counts as failed."""
    passed = sum(case.status == "passed" for case in cases)
    skipped = sum(case.status == "skipped" for case in cases)
    return passed, len(cases) - passed - skipped, skipped


def line_of(numbers: tuple[int, int, int]) -> str:
    """The one form in which counts are printed."""
    return "{} passed, {} failed, {} skipped".format(*numbers)


def run_all(build: Path, suites: list[str]) -> list[Case]:
    """Run suite after suite, each with its own line of counts."""
    cases: list[Case] = []
    for suite in suites:
        print(f"== {suite}", flush=True)
        # dts has cases for a machine without hugepages, so only eal is lent some.
        with reserved_hugepages() if suite == "eal" else contextlib.nullcontext():
            own = run_dts(build) if suite == DTS else run_meson_suite(build, suite)
        print(f"   {suite}: {line_of(counts(own))}", flush=True)
        cases += own
    return cases


def print_summary(cases: list[Case]) -> None:
    """Who was skipped and why, who failed, and the counts as the last line."""
    for case in sorted(cases, key=lambda case: case.status, reverse=True):  # failed ones last
        if case.status != "passed":
            print(f"{case.status}: {case.name}: {case.reason}")
    print(line_of(counts(cases)), flush=True)


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path("build"), help="the build directory")
    parser.add_argument("--suites", nargs="+", default=[*MESON_SUITES, DTS],
                        choices=[*MESON_SUITES, DTS], help="only these suites")
    asked = parser.parse_args()
    build = (TOP / asked.build).resolve()
    os.environ["EDGESENTRY_BUILD"] = str(build)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    cases = run_all(build, asked.suites)
    print_summary(cases)
    passed, failed, _ = counts(cases)
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
