"""Tests of the suite runner itself: what it counts when programs pass, fail, skip, crash or hang.

Builds a tiny meson project of shell scripts that behave so, and runs it for real.
"""

import contextlib
import io
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import run_suites  # noqa: E402

# A script in GoogleTest's place gets --gtest_output=xml:FILE and writes what it is told to.
GTEST = """#!/bin/sh
file=${1#--gtest_output=xml:}
cat > "$file" <<'XML'
<testsuites tests="3"><testsuite name="Ledger" tests="3">
<testcase name="passes" status="run" classname="Ledger"/>
<testcase name="skips" status="run" classname="Ledger">
<skipped message="a_test.cc:2&#x0A;needs a NIC"><![CDATA[a_test.cc:2]]></skipped></testcase>
<testcase name="fails" status="run" classname="Ledger"><failure message="1 is not 2"/></testcase>
</testsuite></testsuites>
XML
exit %d
"""

PROJECT = """project('edgesentry', meson_version: '>=1.0.0')
sh = find_program('sh')
test('cases', find_program('./cases.sh'), protocol: 'gtest', suite: 'unit')
test('crash', find_program('./crash.sh'), protocol: 'gtest', suite: 'unit')
test('tap', sh, args: ['-c',
  'printf "1..3\\nok 1 - floors\\nnot ok 2 - lines\\nok 3 - docs # SKIP no program\\n"; exit 1'],
  protocol: 'tap', suite: 'tidy')
test('short', sh, args: ['-c', 'printf "1..3\\nok 1 - floors\\n"'], protocol: 'tap', suite: 'tidy')
test('root', sh, args: ['-c', 'echo needs root; exit 77'], suite: 'eal')
test('good', sh, args: ['-c', 'exit 0'], suite: 'eal')
test('bad', sh, args: ['-c', 'echo why; exit 3'], suite: 'eal')
test('hang', sh, args: ['-c', 'sleep 60'], suite: 'stress', timeout: 1)
"""


class RunSuites(unittest.TestCase):
    """One build, run once a suite."""

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        top = Path(cls.place.name)
        (top / "meson.build").write_text(PROJECT, encoding="utf-8")
        for name, code in (("cases.sh", 1), ("crash.sh", 134)):
            (top / name).write_text(GTEST % code, encoding="utf-8")
            (top / name).chmod(0o755)
        cls.build = top / "build"
        subprocess.run(["meson", "setup", cls.build, top], check=True, capture_output=True)

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def run_suite(self, suite):
        """The cases by name, and what was printed."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            cases = run_suites.run_meson_suite(self.build, suite)
        return {case.name: case for case in cases}, said.getvalue()

    def test_counts_every_case_of_a_googletest_program(self):
        cases, _ = self.run_suite("unit")
        self.assertEqual(cases["unit / cases: Ledger.passes"].status, "passed")
        self.assertEqual(cases["unit / cases: Ledger.fails"].status, "failed")
        self.assertEqual(cases["unit / cases: Ledger.skips"].status, "skipped")
        self.assertEqual(cases["unit / cases: Ledger.skips"].reason, "needs a NIC")

    def test_does_not_believe_the_report_of_a_program_that_crashed(self):
        cases, _ = self.run_suite("unit")
        self.assertEqual(cases["unit / crash"].status, "failed")
        self.assertNotIn("unit / crash: Ledger.passes", cases)

    def test_counts_every_line_of_a_tap_program(self):
        cases, _ = self.run_suite("tidy")
        by_status = sorted(case.status for name, case in cases.items() if "/ tap" in name)
        self.assertEqual(by_status, ["failed", "passed", "skipped"])

    def test_fails_a_tap_program_that_ends_before_its_plan(self):
        cases, _ = self.run_suite("tidy")
        self.assertEqual(cases["tidy / short"].status, "failed")

    def test_gives_the_reason_of_a_skipped_program(self):
        cases, _ = self.run_suite("eal")
        self.assertEqual(cases["eal / root"].status, "skipped")
        self.assertEqual(cases["eal / root"].reason, "needs root")
        self.assertEqual(cases["eal / good"].status, "passed")

    def test_prints_what_a_failed_program_said(self):
        cases, said = self.run_suite("eal")
        self.assertEqual(cases["eal / bad"].status, "failed")
        self.assertIn("  why\n", said)

    def test_fails_a_program_that_hangs(self):
        cases, _ = self.run_suite("stress")
        self.assertEqual(cases["stress / hang"].status, "failed")
        self.assertIn("timeout", cases["stress / hang"].reason)

    def test_says_when_a_suite_has_no_tests(self):
        cases, _ = self.run_suite("scenario")
        self.assertEqual(cases["scenario"].status, "skipped")

    def test_prints_counts_in_one_form(self):
        cases = [run_suites.Case("a", "passed"), run_suites.Case("b", "skipped", "why"),
                 run_suites.Case("c", "exploded")]
        self.assertEqual(run_suites.line_of(run_suites.counts(cases)),
                         "1 passed, 1 failed, 1 skipped")

    def test_drops_the_lines_of_what_went_well(self):
        output = "[ RUN      ] A.b\n[       OK ] A.b (0 ms)\n[ RUN      ] A.dies\nok 1 - fine\n"
        self.assertEqual(run_suites.without_successes(output), ["[ RUN      ] A.dies"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
