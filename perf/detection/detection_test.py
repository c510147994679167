#!/usr/bin/python3
"""The judge, its rules and the generated traffic; a small adversarial run with a fixed seed.

No figure of time is asserted. EDGESENTRY_BIN names the program.
"""

import contextlib
import csv
import io
import pathlib
import random
import struct
import sys
import tempfile
import types
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "perf" / "detection"), str(ROOT / "tests" / "replay")]

import adversarial  # noqa: E402
import benign  # noqa: E402
import captures  # noqa: E402
import judge  # noqa: E402
import misses  # noqa: E402
import scans  # noqa: E402
import sweep  # noqa: E402
import tables  # noqa: E402
import techniques  # noqa: E402
import traffic  # noqa: E402

SCANNER = "93.184.10.7"


def capture_of(**changes) -> captures.Capture:
    fields = {"path": pathlib.Path("a.pcap"), "name": "a.pcap", "category": "scan-x",
              "expected": "scan", "scanners": {SCANNER}, "notes": "", "technique": "SYN scan"}
    return captures.Capture(**{**fields, **changes})


def alert(action: str, address: str, technique: str = "tcp_syn", prefix: str = "") -> dict:
    return {
        "@timestamp": "2026-01-01T00:00:02.500000Z",
        "event": {"action": action, "start": "2026-01-01T00:00:01Z"},
        "source": {"ip": address},
        "edgesentry": {"technique": technique, "shape": "vertical", "probes": 5, "tool": "none",
                       "source_prefix": prefix or address},
    }


def outcome_of(*alerts: dict) -> captures.Outcome:
    end = {"event": {"action": "replay-summary"}, "edgesentry": {"sources": 9}}
    return captures.Outcome(0, [*alerts, end], "")


class Judging(unittest.TestCase):
    def test_counts_what_a_scanner_did_before_the_first_alert(self):
        result = judge.judge(capture_of(), outcome_of(alert("scan-detected", SCANNER),
                                                      alert("source-blocked", SCANNER)))
        self.assertEqual((result.found, result.blocked, result.verdict), (1, 1, "ok"))
        self.assertEqual((result.probes, result.seconds, result.besides), ([5], [1.5], []))

    def test_a_decoy_is_blocked_besides_and_a_scanner_without_an_alert_is_missed(self):
        result = judge.judge(capture_of(), outcome_of(alert("source-blocked", "192.0.2.1")))
        self.assertEqual((result.besides, result.verdict), (["192.0.2.1"], "missed"))
        self.assertEqual(result.faults, ["missed", "besides"])

    def test_an_alert_of_a_prefix_names_the_sources_inside_it_alone(self):
        event = alert("source-blocked", "93.184.10.0", prefix="93.184.10.0/24")
        self.assertTrue(judge.covers(event, SCANNER))
        self.assertFalse(judge.covers(event, "93.184.11.7"))
        self.assertFalse(judge.covers(event, "2001:db8::/64"))

    def test_a_wrong_technique_is_a_fault(self):
        result = judge.judge(capture_of(), outcome_of(alert("scan-detected", SCANNER, "udp")))
        self.assertEqual(result.faults, ["technique"])

    def test_blocks_in_ambiguous_captures_are_not_counted(self):
        capture = capture_of(expected="ambiguous", scanners=set())
        result = judge.judge(capture, outcome_of(alert("source-blocked", "192.0.2.1")))
        self.assertEqual((result.verdict, judge.summarise([result]).false_blocks), ("-", 0))

    def test_a_run_that_failed_is_never_ok(self):
        benign_one = capture_of(expected="benign", scanners=set())
        result = judge.judge(benign_one, captures.Outcome(1, [], "cannot read"))
        self.assertEqual(result.verdict, "failed")


class Techniques(unittest.TestCase):
    def test_texts_of_manifests(self):
        for text, wanted in (
            ("nmap TCP SYN (-sS), top 1000 ports", {"tcp_syn"}),
            ("nmap FIN scan of 200 ports", {"tcp_fin"}),
            ("nmap Window (-sW -F)", {"tcp_ack"}),
            ("masscan UDP 0-1000 at 100 pps", {"udp"}),
            ("nmap SCTP COOKIE-ECHO (-sZ)", {"sctp_cookie_echo"}),
            ("IPv6 SYN scan, every probe an atomic fragment", {"tcp_syn"}),
            ("nmap SYN scan of 50 ports in 8-byte fragments (-f)", {"tcp_syn", "fragment"}),
            ("SYN/ACKs of 8 victims", set()),
        ):
            with self.subTest(text):
                self.assertEqual(techniques.identifiers(text), wanted)

    def test_a_source_with_words_of_its_own_is_held_to_them(self):
        text = "one probe per second: .160 SYN, .161 UDP, .162 NULL (flag Y)"
        self.assertEqual(techniques.accepted(text, "192.0.2.161"), {"udp"})
        self.assertEqual(techniques.accepted(text, "192.0.2.9"), {"tcp_syn", "udp", "tcp_null"})

    def test_guessing_passwords_is_a_shape(self):
        brute = capture_of(expected="brute", technique="hydra SSH")
        self.assertTrue(techniques.is_right(brute, SCANNER, "tcp_connect", "brute_force"))
        self.assertFalse(techniques.is_right(brute, SCANNER, "tcp_connect", "vertical"))


class Gate(unittest.TestCase):
    """Tiny manifests of generated captures through the whole command."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        whole, self.scanner = scans.make(scans.SCENARIOS[0], "gate")
        whole.trace.write(self.folder / "scan.pcap")

    def manifest(self, *rows: dict) -> str:
        path = self.folder / "MANIFEST.csv"
        fields = ["file", "category", "expected", "scanners", "technique", "notes"]
        with open(path, "w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, fields, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return str(path)

    def run_judge(self, *arguments: str) -> tuple[int, str, str]:
        with contextlib.redirect_stdout(io.StringIO()) as out, \
                contextlib.redirect_stderr(io.StringIO()) as err:
            code = judge.main(list(arguments))
        return code, out.getvalue(), err.getvalue()

    def test_a_scanner_that_is_listed_passes(self):
        row = {"file": "scan.pcap", "category": "scan", "expected": "scan",
               "scanners": self.scanner, "technique": "SYN scan"}
        code, out, err = self.run_judge("--gate", self.manifest(row))
        self.assertEqual((code, err), (0, ""))
        self.assertIn("tcp_syn/vertical", out)

    def test_a_false_block_fails_the_gate_and_only_with_the_gate(self):
        row = {"file": "scan.pcap", "category": "web", "expected": "benign"}
        code, _, err = self.run_judge("--gate", self.manifest(row))
        self.assertEqual(code, 1)
        self.assertIn(self.scanner, err)
        self.assertEqual(self.run_judge(self.manifest(row))[0], 0)

    def test_errors_of_a_manifest_name_their_place(self):
        good = {"file": "scan.pcap", "category": "x", "expected": "scan"}
        for change, words in (({"file": "none.pcap"}, "none.pcap"), ({"expected": "good"}, "good"),
                              ({"scanners": "1.2.3"}, "1.2.3")):
            with self.subTest(words):
                code, _, err = self.run_judge(self.manifest(good, {**good, **change}))
                self.assertEqual(code, 2)
                self.assertIn("MANIFEST.csv line 3", err)
                self.assertIn(words, err)
        self.assertEqual(self.run_judge(str(self.folder / "nowhere.csv"))[0], 2)
        self.assertEqual(self.run_judge(self.manifest())[0], 2)

    def test_a_page_is_rewritten_between_its_marks_alone(self):
        page = self.folder / "page.md"
        page.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
        tables.update_page(page, "new")
        self.assertEqual(page.read_text(), f"before\n{tables.BEGIN}\nnew\n{tables.END}\nafter\n")
        page.write_text("no marks\n")
        self.assertRaises(SystemExit, tables.update_page, page, "new")


class Misses(unittest.TestCase):
    def test_reasons_are_of_known_faults_and_found_by_pattern(self):
        reasons = misses.read(ROOT / "perf" / "detection" / "misses.toml")
        self.assertLessEqual({r.fault for r in reasons},
                             {"missed", "besides", "technique", "tool", "false"})
        one = [misses.Miss("lab/*", "missed", "because")]
        self.assertEqual(misses.reason(one, "lab/x.pcap", "missed"), "because")
        self.assertEqual(misses.reason(one, "lab/x.pcap", "tool"), "")
        self.assertEqual(misses.reason(one, "x.pcap", "missed"), "")


class Sweep(unittest.TestCase):
    def test_a_point_counts_whole_scans_and_innocent_sources(self):
        part = types.SimpleNamespace(expected="scan", found=1, scanners=2, besides=["x"], sources=5)
        scan = types.SimpleNamespace(expected="scan", found=2, scanners=2, besides=[], sources=5)
        calm = types.SimpleNamespace(expected="benign", found=0, scanners=0, besides=["y"],
                                     sources=10)
        found = sweep.point("false_positive", "0.001", [part, scan, calm])
        self.assertEqual((found.detection_rate, found.false_rate), (0.5, 0.1))


class Traffic(unittest.TestCase):
    def test_ip_checksums_add_up(self):
        frame = traffic.tcp((0xFFFFFFFE, 1, 0xFFFFFFFD, 2), 2, 0xFFFFFFFF)
        total = sum(struct.unpack(">10H", frame[14:34]))
        self.assertEqual((total & 0xFFFF) + (total >> 16), 0xFFFF)

    def test_the_same_seed_makes_the_same_traffic(self):
        first, second, other = (scans.make(scans.SCENARIOS[0], seed)[0].trace.packets
                                for seed in ("a", "a", "b"))
        self.assertEqual(first, second)
        self.assertNotEqual(first, other)

    def test_every_kind_of_client_comes_and_is_known(self):
        whole = benign.Slice("kinds")
        for make in benign.MAKERS.values():
            make(whole)
        self.assertEqual(set(whole.flows), set(benign.MAKERS))
        self.assertEqual(set(whole.kind_of.values()), set(benign.MAKERS))

    def test_probes_of_a_scan_go_to_different_places(self):
        found = scans.places(scans.SCENARIOS[0], random.Random(1))
        self.assertEqual(len(set(found)), scans.SCENARIOS[0].probes)


class Adversarial(unittest.TestCase):
    def test_fast_scans_are_found_and_nobody_else_is_blocked(self):
        found, total = adversarial.run_all(seed=1, flows=20_000, repeats=1, jobs=2)
        self.assertGreaterEqual(total.flows.total(), 20_000)
        self.assertEqual(adversarial.faults(found, total), [])
        slow = [row for row in found if "per 600 s" in row.name]
        self.assertEqual([row.found for row in slow], [1, 1])

    def test_faults_are_told(self):
        missed = adversarial.ScanResult("x", fast=True, runs=2, found=1)
        total = adversarial.BenignResult()
        total.blocked["web"] = 1
        self.assertEqual(len(adversarial.faults([missed], total)), 2)


if __name__ == "__main__":
    unittest.main()
