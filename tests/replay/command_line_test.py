#!/usr/bin/env python3
"""The edgesentry program as operators and scripts meet it: exit codes, sentences, streams, colours.

The daemon is a thread of this test on a socket of its own; nothing else is contacted.
"""

import contextlib
import gzip
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

PROGRAM = os.environ.get("EDGESENTRY_BIN", "build/app/edgesentry")
SECONDS_MAX = 60


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )


def null_scan(ports: int) -> bytes:
    """A capture of a NULL scan from 198.51.100.7, as pcap-savefile(5) describes it."""
    out = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    for port in range(1, ports + 1):
        tcp = struct.pack(">HHIIBBHHH", 40000, port, 1, 0, 0x50, 0, 1024, 0, 0)
        addresses = bytes([198, 51, 100, 7, 10, 0, 0, 1])
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 40, 1, 0, 64, 6, 0) + addresses
        frame = bytes(12) + b"\x08\x00" + ip + tcp
        out += struct.pack("<IIII", 1700000000, port * 1000, len(frame), len(frame)) + frame
    return out


class Scratch(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="edgesentry-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name: str, data: bytes) -> str:
        path = self.folder / name
        path.write_bytes(data)
        return str(path)


class Replay(Scratch):
    def test_prints_a_table_without_colour_where_nobody_looks(self) -> None:
        got = run("replay", self.write("a.pcap", null_scan(20)))
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertRegex(got.stdout, r"198\.51\.100\.7 +tcp_null +vertical +nmap +high")
        self.assertIn("1 blocked", got.stdout)
        self.assertNotIn("\x1b", got.stdout + got.stderr)
        self.assertEqual(got.stderr, "")

    def test_prints_one_line_per_scan_and_per_block_and_a_summary(self) -> None:
        got = run("replay", "--json", self.write("a.pcap.gz", gzip.compress(null_scan(20))))
        lines = [json.loads(line) for line in got.stdout.splitlines()]
        actions = [line["event"]["action"] for line in lines]
        self.assertEqual(actions, ["scan-detected", "source-blocked", "replay-summary"])
        self.assertEqual(lines[1]["source"]["ip"], "198.51.100.7")
        self.assertEqual(lines[2]["edgesentry"]["packets"], 20)

    def test_ends_with_0_when_nothing_was_found(self) -> None:
        got = run("replay", "--json", self.write("a.pcap", null_scan(1)))
        self.assertEqual(got.returncode, 0)
        self.assertEqual(len(got.stdout.splitlines()), 1)

    def test_replays_the_others_when_one_file_cannot_be_read(self) -> None:
        good = self.write("good.pcap", null_scan(20))
        got = run("replay", "--json", str(self.folder / "missing.pcap"), good)
        self.assertEqual(got.returncode, 1)
        self.assertIn("missing.pcap: No such file", got.stderr)
        self.assertIn("source-blocked", got.stdout)
        summary = json.loads(got.stdout.splitlines()[-1])["edgesentry"]
        self.assertEqual((summary["files_read"], summary["files_unread"]), (1, 1))

    def test_says_where_a_file_is_cut_off_and_keeps_what_was_read(self) -> None:
        got = run("replay", self.write("a.pcap", null_scan(20)[:-3]))
        self.assertEqual(got.returncode, 0)
        self.assertIn("record 20 is cut off", got.stderr)
        self.assertIn("19 packets", got.stdout)

    def test_takes_a_directory_and_names_what_it_skips(self) -> None:
        self.write("a.pcap", null_scan(5))
        self.write("notes.txt", b"hello")
        got = run("replay", str(self.folder))
        self.assertEqual(got.returncode, 0)
        self.assertIn("notes.txt is no capture", got.stderr)

    def test_says_that_a_directory_holds_no_captures(self) -> None:
        self.write("notes.txt", b"hello")
        for more in ([], ["--json"]):
            got = run("replay", *more, str(self.folder))
            self.assertEqual(got.returncode, 1)
            self.assertIn(f"no captures were found in {self.folder}; name a pcap", got.stderr)
            self.assertEqual("replay-summary" in got.stdout, bool(more), got.stdout)

    def test_says_with_each_line_which_file_it_is_from(self) -> None:
        paths = [self.write("a.pcap", null_scan(20)), self.write("b.pcap", null_scan(20))]
        lines = [json.loads(line) for line in run("replay", "--json",
                                                  str(self.folder)).stdout.splitlines()]
        self.assertEqual([line["log"]["file"]["path"] for line in lines[:-1]],
                         [paths[0]] * 3 + [paths[1]] * 3)
        self.assertEqual([row["path"] for row in lines[-1]["edgesentry"]["files"]], paths)

    def test_starts_each_file_with_fresh_state(self) -> None:
        path = self.write("a.pcap", null_scan(20))
        got = run("replay", "--json", path, path)
        self.assertEqual(got.stdout.count('"action":"source-blocked"'), 2)

    def test_never_blocks_what_is_allowed(self) -> None:
        got = run("replay", "--allow", "198.51.100.0/24", self.write("a.pcap", null_scan(20)))
        self.assertIn("allowed, reported only", got.stdout)
        self.assertIn("0 blocked", got.stdout)

    def test_ends_with_a_summary_even_if_there_is_nothing_to_read(self) -> None:
        self.write("junk.txt", b"no capture at all")
        for place in (str(self.folder), str(self.folder / "missing")):
            got = run("replay", "--json", place)
            self.assertEqual(got.returncode, 1)
            lines = got.stdout.splitlines()
            self.assertEqual(len(lines), 1, got.stderr)
            summary = json.loads(lines[-1])
            self.assertEqual(summary["event"]["action"], "replay-summary")
            self.assertEqual(summary["edgesentry"]["files_read"], 0)

    def test_names_every_fault_of_a_configuration(self) -> None:
        config = self.write("faulty.toml", b'mode = "attack"\n[detect]\nabnormal = -1\n')
        got = run("replay", "-c", config, self.write("a.pcap", null_scan(5)))
        self.assertEqual(got.returncode, 1)
        self.assertIn("faulty.toml:1", got.stderr)
        self.assertIn("faulty.toml:3", got.stderr)

    def test_keeps_control_characters_of_names_off_the_terminal(self) -> None:
        got = run("replay", str(self.folder / "a\x1b[31m.pcap"))
        self.assertNotIn("\x1b", got.stderr)


class Usage(unittest.TestCase):
    def test_ends_with_2_on_wrong_usage(self) -> None:
        no_workers = ["replay", "--workers", "0", "x"]
        for arguments in ([], ["conquer"], ["replay"], ["block"], no_workers):
            self.assertEqual(run(*arguments).returncode, 2, arguments)

    def test_names_an_unknown_command_and_the_nearest_one(self) -> None:
        for word, said in (("foo", "no command 'foo'"),
                           ("xyzzyx", "'xyzzyx'. There are check,"),
                           ("statsu", "did you mean 'status'?"),
                           ("\x1b[31m", "'?[31m'")):
            got = run(word, "--json")
            self.assertEqual(got.returncode, 2)
            self.assertIn(said, got.stderr)
            self.assertNotIn("\x1b", got.stderr)

    def test_helps_and_tells_its_version(self) -> None:
        got = run("--help")
        self.assertEqual(got.returncode, 0)
        self.assertIn("Examples:", got.stdout)
        self.assertRegex(run("--version").stdout, r"^edgesentry \d+\.\d+\.\d+\n$")

    def test_completes_every_command_that_help_lists(self) -> None:
        for shell in ("bash", "zsh", "fish"):
            script = run("completion", shell).stdout
            for command in ("replay", "check", "blocked", "reload", "--json", "--socket"):
                self.assertIn(command.lstrip("-"), script, shell)

    def test_writes_a_bash_completion_that_bash_understands(self) -> None:
        script = run("completion", "bash").stdout + (
            "\nCOMP_WORDS=(edgesentry replay --j); COMP_CWORD=2; _edgesentry; echo ${COMPREPLY[@]}"
            "\nCOMP_WORDS=(edgesentry unbl); COMP_CWORD=1; _edgesentry; echo ${COMPREPLY[@]}"
        )
        got = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        self.assertEqual(got.stdout.split(), ["--json", "unblock"])


class Daemon(Scratch):
    """What the program says to a daemon, and what it makes of the answers."""

    def setUp(self) -> None:
        super().setUp()
        self.path = str(self.folder / "control.sock")
        self.asked: list[dict] = []

    @contextlib.contextmanager
    def answering(self, *replies: bytes):
        """A daemon that gives one reply to each connection, then closes it."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen()
        listener.settimeout(SECONDS_MAX)

        def serve() -> None:
            for reply in replies:
                client, _ = listener.accept()
                with client, client.makefile("rb") as stream:
                    self.asked.append(json.loads(stream.readline()))
                    client.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            thread.join(SECONDS_MAX)
            listener.close()

    def ask(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return run(*arguments, "--socket", self.path, **environment)

    def test_fits_its_tables_into_a_terminal(self) -> None:
        now = "2025-11-23T06:54:30.239127Z"
        source = {"source": "198.51.100.207", "standing": "would_be_blocked", "offences": 3,
                  "since": now, "until": now, "last_seen": now, "seconds_left": 599,
                  "by": "detector", "technique": "tcp_maimon", "shape": "brute_force",
                  "severity": "critical", "probes": 123456, "ports": 65535, "targets": 65536}
        event = {"number": 1, "time": now, "action": "source-blocked", "stands_for": 3,
                 "source": "198.51.100.207", "text": "198.51.100.207 sent many probes; " * 9}
        blocked = {"ok": True, "enforcement": "packets of blocked sources are dropped",
                   "blocked": 1, "would_be_blocked": 0, "sources": [source]}
        for command, reply in (("blocked", blocked), ("top", {"ok": True, "sources": [source]}),
                               ("events", {"ok": True, "events": [event], "next": 2})):
            with self.subTest(command=command):
                with self.answering(json.dumps(reply).encode() + b"\n"):
                    got = self.ask(command, TZ="America/New_York")
                os.unlink(self.path)
                self.assertLessEqual(max(map(len, got.stdout.splitlines())), 100, got.stdout)
                self.assertIn("198.51.100.207", got.stdout)
                self.assertNotIn(".239127", got.stdout)
                with self.answering(json.dumps(reply).encode() + b"\n"):
                    self.assertIn(now, self.ask(command, "--json").stdout)
                os.unlink(self.path)

    def test_shows_times_by_the_clock_of_the_reader(self) -> None:
        with self.answering(b'{"ok":true,"since":"2025-11-23T06:54:30.239127Z"}\n'):
            got = self.ask("status", TZ="UTC-2")
        self.assertIn("2025-11-23 08:54:30\n", got.stdout)

    def test_says_what_to_do_when_no_daemon_runs(self) -> None:
        got = self.ask("status")
        self.assertEqual(got.returncode, 1)
        self.assertIn("edgesentryd is not running", got.stderr)
        self.assertIn("systemctl start", got.stderr)

    def test_says_so_when_the_socket_is_stale(self) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.close()
        self.assertIn("nobody listens", self.ask("status").stderr)

    @unittest.skipIf(os.geteuid() == 0 and not pathlib.Path("/usr/bin/setpriv").exists(),
                     "needs an unprivileged user")
    def test_says_so_when_the_socket_is_not_ours(self) -> None:
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(self.path)
        os.chmod(self.path, 0)
        os.chmod(self.folder, 0o755)
        command = [PROGRAM, "status", "--socket", self.path]
        if os.geteuid() == 0:
            command = ["/usr/bin/setpriv", "--reuid=65534", "--clear-groups", *command]
        got = subprocess.run(command, capture_output=True, text=True, check=False)
        if "failed to execute" in got.stderr:
            self.skipTest("the program lies where other users may not go")
        self.assertEqual(got.returncode, 1)
        self.assertIn("no permission", got.stderr)

    def test_asks_in_json_and_shows_the_refusal(self) -> None:
        with self.answering(b'{"ok":false,"error":"10.0.0.1 is never blocked"}\n'):
            got = self.ask("block", "10.0.0.1", "--for", "10m", "--reason", "a test")
        self.assertEqual(self.asked, [
            {"command": "block", "address": "10.0.0.1", "for": "10m", "reason": "a test"}])
        self.assertEqual(got.returncode, 1)
        self.assertIn("10.0.0.1 is never blocked", got.stderr)

    def test_shows_every_problem_of_a_refused_reload(self) -> None:
        reply = {"ok": False, "error": "e.toml: 2 problems, nothing was changed",
                 "problems": ["e.toml:1:8: mode: 7", "e.toml:2:1: wat\x1b[31m"]}
        with self.answering(json.dumps(reply).encode() + b"\n"):
            got = self.ask("reload")
        self.assertEqual(got.returncode, 1)
        self.assertEqual(got.stderr.splitlines(), [
            "edgesentry: e.toml: 2 problems, nothing was changed",
            "e.toml:1:8: mode: 7", "e.toml:2:1: wat?[31m"])

    def test_follows_the_pages_of_a_long_list(self) -> None:
        pages = [
            {"ok": True, "blocked": 2, "sources": [{"source": "192.0.2.1"}], "next": 7},
            {"ok": True, "blocked": 2, "sources": [{"source": "192.0.2.2"}]},
        ]
        with self.answering(*(json.dumps(page).encode() + b"\n" for page in pages)):
            got = self.ask("blocked")
        self.assertIn("192.0.2.1", got.stdout)
        self.assertIn("192.0.2.2", got.stdout)
        self.assertEqual(self.asked[1]["cursor"], 7)

    def test_prints_the_reply_as_it_came_for_machines(self) -> None:
        reply = b'{"b":1, "ok":true,"a":[1]}\n'
        with self.answering(reply):
            got = self.ask("status", "--json")
        self.assertEqual(got.stdout.encode(), reply)

    def test_keeps_control_characters_of_a_reply_off_the_terminal(self) -> None:
        with self.answering(b'{"ok":true,"mode":"\\u001b[31mred"}\n'):
            got = self.ask("status")
        self.assertNotIn("\x1b", got.stdout)
        self.assertIn("red", got.stdout)

    def test_survives_rubbish_for_an_answer(self) -> None:
        for rubbish in (b"\n", b"hello\n", b"[1,2]\n", b'{"ok":"yes"}\n', b"\xff\xfe\n", b"",
                        b'{"ok":true,"sources":[1,{"a":{}},[]],"x":null}\n', b"[" * 5000 + b"\n"):
            with self.subTest(rubbish=rubbish[:20]):
                with self.answering(rubbish):
                    got = self.ask("top", "--once")
                os.unlink(self.path)
                self.assertIn(got.returncode, (0, 1))
                self.assertGreaterEqual(got.returncode, 0, "killed by a signal")

    def test_gives_up_on_a_daemon_that_does_not_answer(self) -> None:
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(self.path)
        listener.listen()
        got = self.ask("status")
        self.assertEqual(got.returncode, 1)
        self.assertIn("does not answer", got.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1 if sys.stdout.isatty() else 2)
