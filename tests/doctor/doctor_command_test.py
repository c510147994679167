#!/usr/bin/env python3
"""`edgesentry doctor` as operators and scripts meet it: table, JSON, exit codes.

The daemon is a thread of this test on a socket of its own.
"""

import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import unittest

PROGRAM = os.environ.get("EDGESENTRY_BIN", "build/app/edgesentry")
SECONDS_MAX = 60
FLAGS = "constant_tsc nonstop_tsc avx avx2 bmi1 bmi2 f16c fma movbe abm"
MACHINE = {
    "sys/devices/system/cpu/online": "0-3\n",
    "sys/devices/system/cpu/isolated": "1\n",
    "sys/devices/system/cpu/nohz_full": "1\n",
    "sys/devices/system/node/node0/cpulist": "0-3\n",
    "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "1024\n",
    "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "1024\n",
    "proc/cpuinfo": f"flags : {FLAGS}\n",
    "proc/meminfo": "MemAvailable: 8000000 kB\n",
    "proc/self/status": "CapEff: 000001ffffffffff\n",
    "etc/passwd": "edgesentry:x:900:900::/:/usr/sbin/nologin\n",
}
CONFIG = """[[segment]]
name = "lan"
outside = "net_null0"
inside = "net_null1"
"""


class Doctor(unittest.TestCase):
    """Each case has a folder with a machine, a configuration and a socket."""

    def setUp(self) -> None:
        """Lay the machine out."""
        folder = tempfile.TemporaryDirectory(prefix="edgesentry-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.root = self.folder / "root"
        for path, text in MACHINE.items():
            self.put(path, text)
        self.config = self.folder / "edgesentry.toml"
        self.write_config("")

    def put(self, path: str, text: str) -> None:
        """Write one file of the machine."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def write_config(self, more: str) -> None:
        """Write the configuration; `more` follows the last table."""
        where = f'[control]\nsocket = "{self.folder}/control.sock"\n'
        self.config.write_text(CONFIG + where + more, encoding="utf-8")

    def run_doctor(self, *words: str) -> subprocess.CompletedProcess:
        """Run it on this configuration."""
        return subprocess.run([PROGRAM, "doctor", "-c", str(self.config), *words], check=False,
                              capture_output=True, text=True, timeout=SECONDS_MAX,
                              stdin=subprocess.DEVNULL)

    def checks_of(self, done: subprocess.CompletedProcess) -> dict[str, dict]:
        """The checks of a JSON report by area and name."""
        report = json.loads(done.stdout)
        return {f"{row['area']}: {row['check']}": row for row in report["checks"]}

    def serve(self, reply: bytes) -> None:
        """Answer one request on the control socket."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.folder / "control.sock"))
        listener.listen(1)
        listener.settimeout(SECONDS_MAX)

        def answer() -> None:
            with listener, listener.accept()[0] as client:
                client.recv(65536)
                client.sendall(reply)

        thread = threading.Thread(target=answer)
        thread.start()
        self.addCleanup(thread.join)

    def test_tells_a_fit_machine_from_an_unfit_one_by_its_exit_code(self) -> None:
        """Warnings end with 0, failures with 1."""
        good = self.run_doctor("--root", str(self.root), "--json")
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        report = json.loads(good.stdout)
        self.assertTrue(report["ok"])
        self.assertEqual(report["summary"]["warn"] + report["summary"]["fail"], 0, report)
        self.write_config("[workers]\ncount = 9\n")
        bad = self.run_doctor("--root", str(self.root), "--json")
        self.assertEqual(bad.returncode, 1)
        row = self.checks_of(bad)["cores: workers"]
        self.assertEqual(row["status"], "fail")
        self.assertIn("count = 9", row["found"])
        self.write_config('[workers]\ncount = 4\nidle = "poll"\n')
        tight = self.run_doctor("--root", str(self.root), "--json")
        self.assertEqual(tight.returncode, 0)
        self.assertEqual(self.checks_of(tight)["cores: control thread"]["status"], "warn")

    def test_prints_a_table_with_the_command_that_helps(self) -> None:
        """Aligned, no colours in a pipe, one line for a command."""
        self.put("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "10\n")
        self.put("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "10\n")
        done = self.run_doctor("--root", str(self.root))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("\x1b", done.stdout)
        lines = done.stdout.splitlines()
        self.assertIn("-> sysctl -w vm.nr_hugepages=256", [line.strip() for line in lines])
        row = next(line for line in lines if "memory: hugepages" in line)
        self.assertTrue(row.startswith("warn "), row)
        self.assertRegex(lines[-1], r"^\d+ checks: \d+ ok, \d+ unknown, 1 to improve, 0 to mend$")
        columns = {line.index(word) for line in lines for word in ("512 MiB wanted", "net_null0 is")
                   if word in line}
        self.assertEqual(len(columns), 1, "the column of what was found")

    def test_goes_on_with_a_configuration_that_cannot_be_read(self) -> None:
        """What is refused is said, and the machine is looked at all the same."""
        for data in (b"mode = 7 [[[", b"\0\xff" * 4000, b""):
            self.config.write_bytes(data)
            done = self.run_doctor("--root", str(self.root), "--json")
            self.assertEqual(done.returncode, 1, done.stderr)
            rows = self.checks_of(done)
            self.assertEqual(rows["configuration: file"]["status"], "fail")
            self.assertEqual(rows["CPU: instructions"]["status"], "ok")

    def test_says_what_the_nic_granted_when_the_appliance_answers(self) -> None:
        """From the status of a running appliance."""
        port = {"name": "lan outside", "driver": "net_ice", "spread": "by_source", "rx_queues": 1,
                "tx_queues": 1, "rss": ["ipv4", "source_only"], "rss_offered": [],
                "rx_checksum": ["ipv4"]}
        status = {"ok": True, "version": "9", "mode": "enforce", "failures": [],
                  "machine": {"worker_cpus": [3], "hugepages": True, "ports": [port]},
                  "enforcers": [{"name": "rte_flow", "place": "on lan outside"}]}
        self.serve(json.dumps(status).encode() + b"\n")
        rows = self.checks_of(self.run_doctor("--json"))
        self.assertIn("source_only", rows["NIC granted: lan outside RSS"]["found"])
        self.assertEqual(rows["NIC granted: rte_flow"]["found"], "on lan outside")
        self.assertIn("3", rows["cores: workers"]["found"])

    def test_calls_an_appliance_that_does_not_run_unknown(self) -> None:
        """It says so, and the rest goes on."""
        done = self.run_doctor("--json")
        rows = self.checks_of(done)
        self.assertEqual(rows["appliance: edgesentryd"]["status"], "unknown")
        self.assertIn("does not exist", rows["appliance: edgesentryd"]["found"])
        self.assertNotIn("NIC granted: rte_flow", rows)

    def test_lets_nothing_steer_the_terminal(self) -> None:
        """Neither a daemon's words nor those of a file."""
        hostile = {"ok": True, "version": "\x1b[2J\x07", "mode": "x" * 100000, "machine": []}
        self.serve(json.dumps(hostile).encode() + b"\n")
        self.put("etc/passwd", "\x1b[31m")
        done = self.run_doctor()
        self.assertIn(done.returncode, (0, 1))
        self.assertNotIn("\x1b", done.stdout)
        self.assertLess(len(done.stdout), 100000)

    def test_refuses_wrong_usage(self) -> None:
        """As every command does."""
        self.assertEqual(self.run_doctor("--nonsense").returncode, 2)


if __name__ == "__main__":
    unittest.main()
