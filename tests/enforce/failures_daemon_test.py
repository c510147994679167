"""Failures that need a kernel: links that go down, rules that have no room, an upgrade.

usage: failures_daemon_test.py EDGESENTRYD EDGESENTRY_NFT    (prints TAP; root)
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from nftables_daemon_test import START_SECONDS, STOP_SECONDS, Daemon
from nftables_test import ATTACKER, BYSTANDER, SERVER, Place, main, run, wait_for


def failures(daemon: Daemon) -> list[str]:
    """What is wrong now, as status has it."""
    return [row["name"] for row in daemon.ask("status")["failures"]]


def no_moment_without_the_drop_during_an_upgrade(place: Place) -> None:
    """Stop with keep, start: whoever is blocked gets nothing through at any moment."""
    keep = '[enforce]\nat_stop = "keep"\n'
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder, keep, state=f"{folder}/state.db")
        daemon.ask("block", address=ATTACKER)
        wait_for("silence", lambda: not place.reaches(ATTACKER), 3)
        pings = [subprocess.Popen(
            ["ip", "netns", "exec", place.outside, "ping", "-q", "-i", "0.01", "-I", source,
             SERVER], stdout=subprocess.PIPE, text=True) for source in (ATTACKER, BYSTANDER)]
        try:
            for _ in range(2):
                daemon.stop()
                assert ATTACKER in place.held(), "the rule is gone with the process"
                daemon = Daemon(place, folder, keep, state=f"{folder}/state.db")
                assert daemon.ask("blocked")["blocked"] == 1
        finally:
            for ping in pings:
                ping.send_signal(signal.SIGINT)
        received = []
        for ping in pings:
            found = re.search(r"(\d+) packets transmitted, (\d+) received",
                              ping.communicate(timeout=30)[0])
            assert found
            received.append(int(found[2]))
        assert received[0] == 0 < received[1], received
        daemon.stop()


def a_block_waits_for_room_in_the_kernel(place: Place) -> None:
    """open: it is a record until there is room; seen, and over when it is in force."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder, '[failure]\nrules_full = "open"\n', words=("--faults",))
        daemon.ask("block", address="192.0.2.77")
        wait_for("the first block", lambda: "192.0.2.77" in place.held(), 10)
        wait_for("the count", lambda: next(row for row in daemon.ask("status")["enforcers"]
                                           if row["name"] == "nftables")["sources"] == 1, 30)
        daemon.ask("fault", action="inject", name="rules_full")
        daemon.ask("block", address=ATTACKER)
        wait_for("rules_full", lambda: "rules_full" in failures(daemon), 20)
        assert place.reaches(ATTACKER) and ATTACKER not in place.held()
        daemon.ask("unblock", address="192.0.2.77")
        wait_for("its place", lambda: not place.reaches(ATTACKER), 20)
        daemon.ask("fault", action="clear", name="rules_full")
        wait_for("the end", lambda: "rules_full" not in failures(daemon), 60)
        assert daemon.read("err").count("failure rules_full: ") == 1, daemon.read("err")
        daemon.stop()


def a_stop_does_not_wait_for_nftables_that_hangs(place: Place) -> None:
    """edgesentry-nft is stopped with SIGSTOP: another one deletes the table, within the limits."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder)
        daemon.ask("block", address=ATTACKER)
        wait_for("silence", lambda: not place.reaches(ATTACKER), 3)
        pids = [int(pid) for pid in run("ip", "netns", "pids", place.server).split()]
        hanging = [pid for pid in pids if Path(f"/proc/{pid}/comm").read_text(
            encoding="utf-8").startswith("edgesentry-nft")]
        assert hanging
        try:
            for pid in hanging:
                os.kill(pid, signal.SIGSTOP)
            assert place.process
            place.process.send_signal(signal.SIGTERM)
            assert place.process.wait(STOP_SECONDS) == 0, daemon.read("err")
            assert "edgesentry" not in place.nft("list", "tables"), daemon.read("err")
        finally:
            for pid in hanging:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


class Bridge(Daemon):
    """An inline appliance in the server's namespace, between eth0 and the wire in0."""

    def __init__(self, place: Place, folder: str, link_down: str) -> None:
        self.place, self.folder = place, Path(folder)
        path = self.folder / "edgesentry.toml"
        path.write_text(
            '[[segment]]\nname = "wire"\noutside = "eth0"\ninside = "in0"\n'
            f'[dpdk]\nhugepages = "off"\nmemory_mb = 128\nfile_prefix = "esfail{os.getpid()}"\n'
            "[workers]\nmbufs = 4096\n[table]\nsources = 4096\nsuspects = 256\nblocks = 256\n"
            f'[networks]\ninside = ["10.0.0.0/8"]\n[payload]\nenabled = false\n'
            f'[log]\nsyslog = false\n[state]\nfile = ""\n[metrics]\nlisten = ""\n'
            f'[control]\nsocket = "{folder}/control.sock"\n'
            f'[failure]\nlink_down = "{link_down}"\n', encoding="utf-8")
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            place.process = subprocess.Popen(
                ["ip", "netns", "exec", place.server, place.driver, "-c", str(path)], stdout=out,
                stderr=err)
        wait_for("the ready line", lambda: "is active" in self.read("out") or
                 place.process.poll() is not None, START_SECONDS)
        assert place.process.poll() is None, self.read("err")


def is_wanted_up(place: Place, device: str) -> bool:
    """Whether an administrator has it up."""
    rows = json.loads(run("ip", "-n", place.server, "-j", "link", "show", device))
    return "UP" in rows[0]["flags"]


def a_link_that_goes_down_is_seen_and_passed_on(place: Place) -> None:
    """ignore: said, and over; propagate: the other port follows, and comes back."""
    run("ip", "-n", place.server, "link", "add", "in0", "type", "veth", "peer", "name", "in1")
    for device in ("in0", "in1"):
        run("ip", "-n", place.server, "link", "set", device, "up")
    for choice in ("ignore", "propagate"):
        with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
            daemon = Bridge(place, folder, choice)
            assert failures(daemon) == []
            run("ip", "-n", place.outside, "link", "set", "eth0", "down")
            wait_for("link_down", lambda: "link_down" in failures(daemon), 20)
            if choice == "propagate":
                wait_for("the other port", lambda: not is_wanted_up(place, "in0"), 20)
            else:
                assert is_wanted_up(place, "in0")
            run("ip", "-n", place.outside, "link", "set", "eth0", "up")
            wait_for("both", lambda: is_wanted_up(place, "in0"), 20)
            wait_for("the end", lambda: failures(daemon) == [], 20)
            assert daemon.read("err").count("failure link_down: ") == 1, daemon.read("err")
            # A stop while a link is held down leaves it up.
            run("ip", "-n", place.outside, "link", "set", "eth0", "down")
            wait_for("link_down", lambda: "link_down" in failures(daemon), 20)
            assert place.process
            place.process.send_signal(signal.SIGTERM)
            assert place.process.wait(STOP_SECONDS) == 0, daemon.read("err")
            assert is_wanted_up(place, "in0")
            run("ip", "-n", place.outside, "link", "set", "eth0", "up")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], [no_moment_without_the_drop_during_an_upgrade,
                                             a_block_waits_for_room_in_the_kernel,
                                             a_stop_does_not_wait_for_nftables_that_hangs,
                                             a_link_that_goes_down_is_seen_and_passed_on]))
