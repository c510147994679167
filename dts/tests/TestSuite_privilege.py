"""The appliance as another user, with next to no rights left, does all of its work."""

import json
import os
import signal
from pathlib import Path
from typing import Any

from framework.namespace import run
from framework.processes import descendants
from framework.settings import Table
from framework.test_suite import TestSuite, func_test
from framework.traffic import port_scan
from framework.waiting import wait_for

USER, NUMBER = "nobody", 65534
CAP_NET_ADMIN = 1 << 12
COMMAND = """#!/bin/sh
{ id -u; grep -E '^(CapEff|NoNewPrivs):' /proc/self/status; } > %s/"$1"
"""
REFUSED = "type=1326"  # of the kernel's log: seccomp
Facts = dict[str, str]


def facts_of(task: Path) -> Facts:
    """Return what the kernel says of a thread."""
    rows = (task / "status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (row.partition(":") for row in rows)}


class TestPrivilege(TestSuite):
    """Inline on kernel interfaces, with nftables and a command beside it."""

    def set_up_suite(self) -> None:
        """Put what it writes into a folder called edgesentry, which it is given at the start."""
        work = self.sut.work
        for folder in (self.testbed.work, work):
            folder.chmod(0o755)
        self.ours, self.ran = work / "edgesentry", work / "ran"
        self.ran.mkdir()
        self.ran.chmod(0o777)
        command = work / "command"
        command.write_text(COMMAND % self.ran, encoding="utf-8")
        command.chmod(0o755)
        changes: Table = {
            "privilege": {"user": USER},
            "enforce": {"nftables": "inet"},
            "log": {
                "portsentry_file": str(self.ours / "portsentry.log"),
                "json_file": str(self.ours / "events.json"),
                "block_command": f"{command} $TARGET$",
            },
            "state": {"file": str(self.ours / "state.db")},
            "control": {"socket": str(self.ours / "control.sock")},
            "payload": {"cache": ""},
        }
        self.sut.write_config(changes)
        self.pids: list[int] = []
        self.start()

    def start(self) -> None:
        """Start, and remember who it is."""
        self.sut.start()
        self.pids.append(self.sut.pid)

    def rules(self) -> str:
        """Return our nftables table."""
        return run(self.sut.namespace.command(["nft", "list", "table", "inet", "edgesentry"]),
                   check=False)

    def scan(self) -> str:
        """Scan until blocked; return who did."""
        source = self.attacker.fresh_ipv4()
        self.sender.send(port_scan(source, self.server, range(1000, 1060)), 0.01)
        self.sut.wait_event("source-blocked", source)
        return source

    @func_test
    def has_given_up_on_every_thread(self) -> None:
        """User, groups, capabilities, the way back, and system calls.

        Steps:
            Read /proc/PID/task/*/status of the daemon.

        Verify:
            Every thread is nobody, has CAP_NET_ADMIN and nothing else, cannot get more, and is
            behind the filter; `status` says the same.
        """
        tasks = list(Path(f"/proc/{self.sut.pid}/task").iterdir())
        self.verify(len(tasks) > 5, f"{len(tasks)} threads")
        for seen in map(facts_of, tasks):
            name = seen["Name"]
            users = set(seen["Uid"].split()) | set(seen["Gid"].split())
            self.verify_equal(users, {str(NUMBER)}, f"user and group of {name}")
            self.verify("0" not in seen["Groups"].split(), f"{name} is in root's group")
            for row in ("CapEff", "CapPrm", "CapBnd"):
                self.verify_equal(int(seen[row], 16), CAP_NET_ADMIN, f"{row} of {name}")
            for row in ("CapAmb", "CapInh"):
                self.verify_equal(int(seen[row], 16), 0, f"{row} of {name}")
            self.verify_equal(seen["NoNewPrivs"], "1", f"NoNewPrivs of {name}")
            self.verify_equal(seen["Seccomp"], "2", f"Seccomp of {name}")
        told = self.sut.ask("status")["privilege"]
        self.verify_equal(told["user"], f"{USER} ({NUMBER})", "user")
        self.verify_equal(told["capabilities"], "CAP_NET_ADMIN", "capabilities")
        self.verify_equal(told["seccomp"], "refuse", "seccomp")

    @func_test
    def blocks_tells_and_runs_the_command(self) -> None:
        """A scan has all of its consequences.

        Steps:
            Scan until blocked.

        Verify:
            The kernel has the source in its set, the history has the event, and the command ran
            as nobody with no capability.
        """
        source = self.scan()
        wait_for("the rule", lambda: source in self.rules(), 10.0)
        wait_for("its history", lambda: self._is_in_history(source), 10.0)
        out = self.ran / source
        wait_for("the command", lambda: out.exists() and "NoNewPrivs" in out.read_text(), 10.0)
        user, capabilities, locked = out.read_text(encoding="utf-8").splitlines()
        self.verify_equal(user, str(NUMBER), "user of the command")
        self.verify_equal(int(capabilities.split()[1], 16), 0, "capabilities of the command")
        self.verify_equal(locked.split()[1], "1", "NoNewPrivs of the command")

    @func_test
    def writes_on_into_a_new_log_and_reloads(self) -> None:
        """What is opened again later is opened by the user who may.

        Steps:
            Move both logs away, scan, reload with a shorter block, scan again.

        Verify:
            New logs come, with the events; the reload is in force.
        """
        for name in ("events.json", "portsentry.log"):
            (self.ours / name).rename(self.ours / f"{name}.1")
        source = self.scan()
        wait_for("the line", lambda: any(source in x for x in self.sut.portsentry_log()), 10.0)
        self.verify_equal((self.ours / "events.json").stat().st_uid, NUMBER, "owner of the log")
        self.sut.write_config({"block": {"ladder": ["7s"]}})
        self.verify(self.sut.ask("reload")["ok"], "reload")
        evidence = self.sut.wait_event("source-blocked", self.scan())["edgesentry"]
        self.verify_equal(evidence["block_seconds"], 7, "block_seconds after the reload")
        self.sut.write_config({"block": {"ladder": ["300s"]}})
        self.verify(self.sut.ask("reload")["ok"], "reload")

    @func_test
    def has_its_firewall_process_back(self) -> None:
        """The daemon can start nothing, and edgesentry-nft is back all the same.

        Steps:
            Kill edgesentry-nft; kill the process that starts it; kill edgesentry-nft again.
            Block somebody each time.

        Verify:
            Without its starter edgesentry-nft works on; another one comes each time that it was
            killed, and the kernel has the new block and the old ones.
        """
        first = self._firewall()
        os.kill(first, signal.SIGKILL)
        wait_for("another one", lambda: self._firewall() not in (0, first), 15.0)
        self._shut_out("198.51.100.1")
        second = self._firewall()
        os.kill(_parent(second), signal.SIGKILL)
        self._shut_out("198.51.100.2")
        self.verify(_is_alive(second), "edgesentry-nft went with its starter")
        os.kill(second, signal.SIGKILL)
        wait_for("a third one", lambda: self._firewall() not in (0, second), 15.0)
        self._shut_out("198.51.100.3")
        for source in ("198.51.100.1", "198.51.100.2"):
            self.verify(source in self.rules(), f"{source} is no longer shut out")

    def _shut_out(self, source: str) -> None:
        self.verify(self.sut.ask("block", address=source)["ok"], "block")
        wait_for("the rule", lambda: source in self.rules(), 15.0)

    def _firewall(self) -> int:
        found = descendants(self.sut.pid, "edgesentry-nft")
        return found[0] if found else 0

    @func_test
    def has_the_same_blocks_after_sigkill(self) -> None:
        """The state file was made by the user, and is read by the next start.

        Steps:
            kill -9, start again.

        Verify:
            The blocks are the same, and the kernel has them.
        """
        before = self._blocked()
        self.verify("198.51.100.1" in before, f"blocks: {before}")
        self.sut.kill()
        self.start()
        self.verify_equal(self._blocked(), before, "blocks after the restart")
        wait_for("the rules", lambda: "198.51.100.1" in self.rules(), 10.0)

    @func_test
    def leaves_nothing_behind(self) -> None:
        """What takes rights at the end is still done at the end.

        Steps:
            Stop in order, look, start again.

        Verify:
            Exit code 0; the interfaces are not promiscuous, the table and the socket are gone, and
            so are all processes.
        """
        started = [pid for name in ("edgesentry-run", "edgesentry-nft")
                   for pid in descendants(self.sut.pid, name)]
        self.verify(len(started) >= 5, f"processes: {started}")
        self.sut.stop()
        for port in ("outside", "inside"):
            words = self.sut.namespace.command(["ip", "-j", "-d", "link", "show", "dev", port])
            self.verify_equal(json.loads(run(words))[0]["promiscuity"], 0, f"promiscuity of {port}")
        self.verify("set " not in self.rules(), f"rules are left: {self.rules()}")
        self.verify(not self.sut.control_socket.exists(), "the control socket is left")
        wait_for("the end of all", lambda: not any(map(_is_alive, started)), 10.0)
        self.start()

    @func_test
    def has_made_no_call_that_is_refused(self) -> None:
        """The kernel's log names refused system calls.

        Steps:
            Read it after all of the above.

        Verify:
            None is of a daemon of this suite.
        """
        lines = [line for line in run(["dmesg"], check=False).splitlines() if REFUSED in line]
        ours = [line for line in lines if any(f" pid={pid} " in line for pid in self.pids)]
        self.verify_equal(ours, [], "refused calls")

    def _is_in_history(self, source: str) -> bool:
        return bool(self.sut.ask("history", address=source)["events"])

    def _blocked(self) -> dict[str, Any]:
        return {row["source"]: row["until"] for row in self.sut.ask("blocked")["sources"]}


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
