"""A host that protects itself: edgesentryd watches its interface, and its kernel drops.

usage: nftables_daemon_test.py EDGESENTRYD EDGESENTRY_NFT    (prints TAP; root)
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from nftables_test import ATTACKER, BYSTANDER, SERVER, Place, main, run, wait_for

START_SECONDS, STOP_SECONDS = 60, 30
ENOUGH = 20  # it takes three; other work on the machine the rest. Without it, it took thirty
# From one source to this many closed ports.
SCAN = """
import socket, sys
for port in range(1, 100):
    with socket.socket() as probe:
        probe.settimeout(0.02)
        probe.bind((sys.argv[1], 0))
        probe.connect_ex((sys.argv[2], port))
"""


class Daemon:
    """edgesentryd in the server's namespace; Place's first program is this one here."""

    def __init__(self, place: Place, folder: str, more: str = "", *, state: str = "",
                 words: tuple[str, ...] = (), active: str = "the kernel drops") -> None:
        self.place, self.folder = place, Path(folder)
        path = self.folder / "edgesentry.toml"
        path.write_text(
            'mode = "enforce"\nplacement = "host"\n'
            '[[segment]]\nname = "wire"\noutside = "eth0"\n'
            '[dpdk]\nhugepages = "off"\nmemory_mb = 128\n'
            f'file_prefix = "esnft{os.getpid()}"\n'
            "[workers]\nmbufs = 4096\n[table]\nsources = 4096\nsuspects = 256\nblocks = 256\n"
            f'[networks]\ninside = ["{SERVER}"]\n[payload]\ncache = ""\n[state]\nfile = "{state}"\n'
            f'[log]\nsyslog = false\njson_file = "{folder}/events.json"\n'
            f'[metrics]\nlisten = ""\n[control]\nsocket = "{folder}/control.sock"\n{more}',
            encoding="utf-8")
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            place.process = subprocess.Popen(
                ["ip", "netns", "exec", place.server, place.driver, "-c", str(path), *words],
                stdout=out, stderr=err)
        wait_for("the ready line", lambda: "is active" in self.read("out") or
                 place.process.poll() is not None, START_SECONDS)
        assert place.process.poll() is None, self.read("err")
        wait_for("nftables", lambda: active in str(self.ask("status")), ENOUGH)

    def read(self, name: str) -> str:
        """A file of this run."""
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def ask(self, command: str, **members: Any) -> dict[str, Any]:
        """A request over the control socket."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(self.folder / "control.sock"))
            with client.makefile("rw", encoding="utf-8") as lines:
                lines.write(json.dumps({"command": command, **members}) + "\n")
                lines.flush()
                reply: dict[str, Any] = json.loads(lines.readline())
        assert reply["ok"], reply
        return reply

    def child(self, name: str) -> int:
        """The process of this program below the daemon's."""
        lines = run("ps", "-eo", "pid=,ppid=,args=").splitlines()
        rows = [(int(pid), int(parent), args) for pid, parent, args in
                (line.split(None, 2) for line in lines)]
        assert self.place.process
        ours = {self.place.process.pid}
        for _ in range(4):  # ip, the daemon, its two starters
            ours |= {pid for pid, parent, _ in rows if parent in ours}
        found = [pid for pid, _, args in rows
                 if pid in ours and args.split()[0].endswith(name)]
        assert len(found) == 1, found
        return found[0]

    def kill(self) -> None:
        """SIGKILL: it can remove nothing."""
        assert self.place.process
        self.place.process.kill()
        self.place.process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """SIGTERM, and a clean end."""
        assert self.place.process
        self.place.process.send_signal(signal.SIGTERM)
        code = self.place.process.wait(STOP_SECONDS)
        assert code == 0, f"ended with {code}: {self.read('err')}"


def failures(daemon: Daemon) -> list[str]:
    """What is wrong now, as `status` says."""
    return [each["name"] for each in daemon.ask("status")["failures"]]


def a_scanner_is_shut_out_by_the_kernel(place: Place) -> None:
    """Scan, block, silence; others are served; bypass and SIGTERM leave no rule behind."""
    before = place.foreign()
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder)
        assert place.reaches(ATTACKER)
        run("ip", "netns", "exec", place.outside, sys.executable, "-c", SCAN, ATTACKER, SERVER)
        wait_for("the block", lambda: "source-blocked" in daemon.read("events.json"), 10)
        wait_for("silence", lambda: not place.reaches(ATTACKER), 3)
        assert place.reaches(BYSTANDER)
        blocked = next(line for line in daemon.read("events.json").splitlines()
                       if "source-blocked" in line)
        assert json.loads(blocked)["source"]["ip"] == ATTACKER, blocked
        place.nft("delete", "table", "inet", "edgesentry")
        wait_for("the repair", lambda: ATTACKER in place.held(), 1)
        daemon.ask("bypass", state="on")
        wait_for("the bypass", lambda: place.reaches(ATTACKER), 3)
        daemon.ask("bypass", state="off")
        wait_for("its end", lambda: not place.reaches(ATTACKER), 3)
        daemon.ask("unblock", address=ATTACKER)
        wait_for("the lift", lambda: place.reaches(ATTACKER), 3)
        daemon.stop()
    assert "edgesentry" not in place.nft("list", "ruleset")
    assert place.foreign() == before


def blocks_outlive_it_when_told_to(place: Place) -> None:
    """For an upgrade."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder, '[enforce]\nat_stop = "keep"\n')
        daemon.ask("block", address=ATTACKER)
        wait_for("silence", lambda: not place.reaches(ATTACKER), 3)
        daemon.stop()
        assert not place.reaches(ATTACKER)


def nobody_waits_long_for_one_that_hangs(place: Place) -> None:
    """Stopped by a signal, as if it hung: lifts, the bypass and SIGTERM take a new one."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder, '[enforce]\nxdp = "off"\n')
        daemon.ask("block", address=ATTACKER)
        wait_for("the block", lambda: ATTACKER in place.held(), 3)
        hung = daemon.child("edgesentry-nft")
        os.kill(hung, signal.SIGSTOP)
        daemon.ask("unblock", address=ATTACKER)
        wait_for("the lift", lambda: ATTACKER not in place.held(), ENOUGH)
        assert not Path(f"/proc/{hung}").exists(), "a second one works on the same table"
        daemon.ask("block", address=ATTACKER)
        wait_for("the block", lambda: ATTACKER in place.held(), ENOUGH)
        os.kill(daemon.child("edgesentry-nft"), signal.SIGSTOP)
        daemon.ask("bypass", state="on")
        assert "has not confirmed" in daemon.ask("status")["enforcement"]
        wait_for("the bypass", lambda: place.reaches(ATTACKER), ENOUGH)
        wait_for("its word", lambda: "every packet passes" in daemon.ask("status")["enforcement"],
                 ENOUGH)
        daemon.ask("bypass", state="off")
        wait_for("its end", lambda: ATTACKER in place.held(), ENOUGH)
        os.kill(daemon.child("edgesentry-nft"), signal.SIGSTOP)
        daemon.stop()
    assert "edgesentry" not in place.nft("list", "tables")


def a_time_limit_that_others_shorten_is_mended(place: Place) -> None:
    """Long before it is over: this one would let the source in after half of its block."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder, '[enforce]\nxdp = "off"\n')
        daemon.ask("block", address=ATTACKER, **{"for": "10m"})
        wait_for("the block", lambda: ATTACKER in place.held(), 3)
        elements = "element inet edgesentry blocked4"
        subprocess.run(["ip", "netns", "exec", place.server, "nft", "-f", "-"], text=True,
                       check=True, timeout=60,
                       input=f"delete {elements} {{ {ATTACKER} }}\n"
                             f"add {elements} {{ {ATTACKER} timeout 5m }}\n")
        took = wait_for("the repair", lambda: "timeout 5m" not in place.nft(
            "list", "set", "inet", "edgesentry", "blocked4") and ATTACKER in place.held(), ENOUGH)
        print(f"# it took {took:.1f} s")
        assert "not for as long" in daemon.read("events.json")
        daemon.stop()


def a_host_that_drops_nothing_says_so(place: Place) -> None:
    """A table that another program owns: one sentence names it and what to do, until it is gone."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder, '[enforce]\nxdp = "off"\n')
        daemon.ask("block", address=ATTACKER)
        wait_for("the block", lambda: ATTACKER in place.held(), 3)
        with subprocess.Popen(["ip", "netns", "exec", place.server, "nft", "-i"], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as owner:
            assert owner.stdin
            owner.stdin.write("delete table inet edgesentry; "
                              "add table inet edgesentry { flags owner; }\n")
            owner.stdin.flush()
            wait_for("the failure", lambda: failures(daemon) == ["filter_down"], ENOUGH)
            (row,) = (each for each in daemon.ask("status")["enforcers"]
                      if each["name"] == "nftables")
            assert "table inet edgesentry belongs to another program" in row["trouble"], row
            owner.stdin.close()
            owner.wait(10)
        wait_for("the block again", lambda: ATTACKER in place.held(), 60)
        wait_for("the end of it", lambda: not failures(daemon), ENOUGH)
        daemon.stop()
        said = [line for line in daemon.read("err").splitlines() if "filter_down" in line]
        assert len(said) == 2, said
        assert "flags owner" in said[0] and "end that program" in said[0], said
        assert "is over" in said[1], said


def a_foreign_owner_of_another_table_is_no_trouble(place: Place) -> None:
    """libnftables 1.0.6 lists its flags as rubbish."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        with subprocess.Popen(["ip", "netns", "exec", place.server, "nft", "-i"], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as owner:
            assert owner.stdin
            owner.stdin.write("add table inet elsewhere { flags owner; }\n")
            owner.stdin.flush()
            wait_for("its table", lambda: "elsewhere" in place.nft("list", "tables"), 10)
            daemon = Daemon(place, folder, '[enforce]\nxdp = "off"\n')
            daemon.ask("block", address=ATTACKER)
            wait_for("silence", lambda: not place.reaches(ATTACKER), ENOUGH)
            daemon.stop()
            assert "elsewhere" in place.nft("list", "tables")
            owner.stdin.close()
            owner.wait(10)


BOTH = '[enforce]\nxdp = "off"\nnftables = "both"\nnftables_devices = ["eth0"]\n'
NO_DROP = "no packet is dropped here"


def what_no_hook_wants_any_more_is_removed(place: Place) -> None:
    """both, SIGKILL, inet alone: who is let in gets in; the same with nftables off."""
    before = place.foreign()
    for hooks, active in (('"inet"', "the kernel drops"), ('"off"', NO_DROP)):
        with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
            state = f"{folder}/state.db"
            daemon = Daemon(place, folder, BOTH, state=state)
            daemon.ask("block", address=ATTACKER)
            wait_for("the block", lambda: ATTACKER in place.held("netdev"), ENOUGH)
            wait_for("silence", lambda: not place.reaches(ATTACKER), 3)
            daemon.kill()
            assert not place.reaches(ATTACKER)
            daemon = Daemon(place, folder, f'[enforce]\nxdp = "off"\nnftables = {hooks}\n',
                            state=state, active=active)
            assert "netdev edgesentry" not in place.nft("list", "tables")
            told = "table netdev edgesentry, which an earlier run left"
            assert told in daemon.read("err"), daemon.read("err")
            wait_for("the event", lambda: told in daemon.read("events.json"), ENOUGH)
            daemon.ask("unblock", address=ATTACKER)
            wait_for("the lift", lambda: place.reaches(ATTACKER), ENOUGH)
            daemon.stop()
            assert "by hand" not in daemon.read("err")
        assert "edgesentry" not in place.nft("list", "tables")
        assert place.foreign() == before


def a_table_that_somebody_else_made_is_left_and_named(place: Place) -> None:
    """Of our name, with other rules in it: status says that it may drop, and how to end that."""
    place.nft("add", "table", "inet", "edgesentry", "{ chain own { type filter hook input priority "
              f"0; ip saddr {ATTACKER} drop; }}; }}")
    before = place.nft("-a", "list", "table", "inet", "edgesentry")
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder, '[enforce]\nxdp = "off"\nnftables = "off"\n', active=NO_DROP)
        by_hand = "until: nft delete table inet edgesentry"
        assert by_hand in daemon.ask("status")["enforcement"]
        assert by_hand in daemon.ask("bypass", state="on")["text"]
        assert by_hand in daemon.ask("status")["enforcement"]
        assert by_hand in daemon.read("err")
        daemon.stop()
    assert place.nft("-a", "list", "table", "inet", "edgesentry") == before


def a_table_that_a_running_one_keeps_is_not_removed(place: Place) -> None:
    """A second EdgeSentry on the same machine: it tells, and touches nothing."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder, BOTH)
        first = [place.nft("-a", "list", "table", family, "edgesentry")
                 for family in ("inet", "netdev")]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            run("ip", "netns", "exec", place.server, place.program, f"--fd={theirs.fileno()}",
                "--sweep", pass_fds=(theirs.fileno(),))
            said = [ours.recv(4096).decode() for _ in range(3)]
        assert [line[0] for line in said] == ["o", "o", "e"], said
        assert [place.nft("-a", "list", "table", family, "edgesentry")
                for family in ("inet", "netdev")] == first
        daemon.stop()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], [a_scanner_is_shut_out_by_the_kernel,
                                             blocks_outlive_it_when_told_to,
                                             nobody_waits_long_for_one_that_hangs,
                                             a_time_limit_that_others_shorten_is_mended,
                                             a_host_that_drops_nothing_says_so,
                                             a_foreign_owner_of_another_table_is_no_trouble,
                                             what_no_hook_wants_any_more_is_removed,
                                             a_table_that_somebody_else_made_is_left_and_named,
                                             a_table_that_a_running_one_keeps_is_not_removed]))
