"""A host that protects itself by XDP and nftables: edgesentryd starts both, and each is counted.

usage: xdp_daemon_test.py EDGESENTRYD EDGESENTRY_XDP    (prints TAP; root)
"""

import json
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from nftables_daemon_test import BOTH, NO_DROP, Daemon
from nftables_test import ATTACKER, BYSTANDER, built, run, run_cases, wait_for
from xdp_test import ENOUGH, XdpPlace

SOON = 20  # it takes three; other work on the machine the rest. Without it, it took thirty


def filters(daemon: Daemon) -> dict[str, dict[str, Any]]:
    """What `status` says of the kernel's filters, by name."""
    return {row["name"]: row for row in daemon.ask("status")["enforcers"]}


def is_in_force(daemon: Daemon, name: str) -> bool:
    """Whether it says so of one."""
    return bool(filters(daemon).get(name, {}).get("in_force"))


def a_host_has_both_unasked(place: XdpPlace) -> None:
    """XDP drops first and counts; nothing of it is left after SIGTERM."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder)
        wait_for("XDP", lambda: is_in_force(daemon, "xdp"), ENOUGH)
        assert place.attached()[0] == "native"
        if daemon.ask("status")["privilege"]["seccomp"] == "refuse":  # sanitizers have none
            for name in ("edgesentry-nft", "edgesentry-xdp"):
                assert "Seccomp:\t2" in Path(f"/proc/{daemon.child(name)}/status").read_text(
                    encoding="utf-8"), name
        wait_for("both", lambda: "nftables, xdp" in daemon.ask("status")["enforcement"], ENOUGH)
        daemon.ask("block", address=ATTACKER)
        wait_for("silence", lambda: not place.reaches(ATTACKER), ENOUGH)
        wait_for("its count", lambda: filters(daemon)["xdp"]["packets"] > 0, ENOUGH)
        assert place.reaches(BYSTANDER)
        wait_for("its place", lambda: filters(daemon)["xdp"].get("place") == "native on eth0",
                 ENOUGH)
        place.nft("delete", "table", "inet", "edgesentry")
        assert not place.reaches(ATTACKER), "the other one holds"
        place.detach()
        wait_for("the repair", lambda: place.attached()[0] == "native", ENOUGH)
        daemon.ask("bypass", state="on")
        wait_for("the bypass", lambda: place.reaches(ATTACKER), ENOUGH)
        daemon.ask("bypass", state="off")
        wait_for("its end", lambda: not place.reaches(ATTACKER), ENOUGH)
        daemon.stop()
    assert place.attached() == ("", 0)


def nftables_drops_where_xdp_cannot(place: XdpPlace) -> None:
    """Another's program stays, one sentence says so, and blocks are in force all the same."""
    place.attach_foreign()
    foreign = place.attached()
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder)
        wait_for("the sentence", lambda: "nftables drops alone" in daemon.read("events.json"),
                 ENOUGH)
        assert not is_in_force(daemon, "xdp") and is_in_force(daemon, "nftables")
        daemon.ask("block", address=ATTACKER)
        wait_for("silence", lambda: not place.reaches(ATTACKER), ENOUGH)
        assert place.attached() == foreign
        lines = [json.loads(line) for line in daemon.read("events.json").splitlines()]
        assert sum("not ours" in str(line) for line in lines) == 1
        daemon.stop()
    assert place.attached() == foreign


def it_outlives_the_daemon_when_told_to(place: XdpPlace) -> None:
    """For an upgrade: the next run takes it over; "off" starts none."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder, '[enforce]\nat_stop = "keep"\nxdp = "on"\n')
        wait_for("XDP", lambda: is_in_force(daemon, "xdp"), ENOUGH)
        daemon.ask("block", address=ATTACKER)
        wait_for("silence", lambda: not place.reaches(ATTACKER), ENOUGH)
        daemon.stop()
        kept = place.attached()
        assert kept[0] == "native" and not place.reaches(ATTACKER)
        daemon = Daemon(place, folder)
        wait_for("XDP", lambda: is_in_force(daemon, "xdp"), ENOUGH)
        wait_for("the end of what is not known any more", lambda: place.reaches(ATTACKER), ENOUGH)
        daemon.stop()
        assert place.attached() == ("", 0)
        daemon = Daemon(place, folder, '[enforce]\nxdp = "off"\n')
        assert "xdp" not in filters(daemon) and place.attached() == ("", 0)
        daemon.stop()


def nobody_waits_long_for_one_that_hangs(place: XdpPlace) -> None:
    """A new one takes the maps over and lets in who is to be; SIGTERM detaches by another."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder)
        wait_for("XDP", lambda: is_in_force(daemon, "xdp"), ENOUGH)
        daemon.ask("block", address=ATTACKER)
        wait_for("silence", lambda: not place.reaches(ATTACKER), ENOUGH)
        os.kill(daemon.child("edgesentry-xdp"), signal.SIGSTOP)
        daemon.ask("unblock", address=ATTACKER)
        wait_for("the lift", lambda: place.reaches(ATTACKER), SOON)
        daemon.ask("block", address=ATTACKER)
        wait_for("both", lambda: "nftables, xdp" in daemon.ask("status")["enforcement"], ENOUGH)
        wait_for("silence", lambda: not place.reaches(ATTACKER), ENOUGH)
        os.kill(daemon.child("edgesentry-xdp"), signal.SIGSTOP)
        daemon.ask("bypass", state="on")
        assert "ip link set dev eth0 xdp off" in daemon.ask("status")["enforcement"]
        wait_for("the bypass", lambda: place.reaches(ATTACKER), SOON)
        daemon.ask("bypass", state="off")
        wait_for("both", lambda: "nftables, xdp" in daemon.ask("status")["enforcement"], ENOUGH)
        os.kill(daemon.child("edgesentry-xdp"), signal.SIGSTOP)
        daemon.stop()
    assert place.attached() == ("", 0)


def what_nothing_wants_any_more_is_detached(place: XdpPlace) -> None:
    """XDP and both tables, SIGKILL, then less: who is let in gets in. Others' programs stay."""
    run("ip", "-n", place.server, "link", "add", "other0", "type", "veth")
    place.attach_foreign("other0")
    foreign = place.attached("other0")
    tables = place.foreign()
    for hooks, active in (('"inet"', "the kernel drops"), ('"off"', NO_DROP)):
        with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
            state = f"{folder}/state.db"
            daemon = Daemon(place, folder, BOTH.replace('"off"', '"on"'), state=state)
            wait_for("XDP", lambda: is_in_force(daemon, "xdp"), ENOUGH)
            daemon.ask("block", address=ATTACKER)
            wait_for("silence", lambda: not place.reaches(ATTACKER), ENOUGH)
            daemon.kill()
            assert place.attached()[0] == "native"
            daemon = Daemon(place, folder, f'[enforce]\nxdp = "off"\nnftables = {hooks}\n',
                            state=state, active=active)
            assert place.attached() == ("", 0)
            assert "netdev edgesentry" not in place.nft("list", "tables")
            assert "on eth0, which an earlier run left" in daemon.read("err"), daemon.read("err")
            daemon.ask("bypass", state="on")
            wait_for("the bypass", lambda: place.reaches(ATTACKER), ENOUGH)
            daemon.ask("bypass", state="off")
            daemon.ask("unblock", address=ATTACKER)
            wait_for("the lift", lambda: place.reaches(ATTACKER), ENOUGH)
            daemon.stop()
        assert "edgesentry" not in place.nft("list", "tables")
        assert place.attached("other0") == foreign and place.foreign() == tables


def what_a_running_one_keeps_stays_attached(place: XdpPlace) -> None:
    """A second EdgeSentry on the same machine tells, and touches nothing."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        daemon = Daemon(place, folder)
        wait_for("XDP", lambda: is_in_force(daemon, "xdp"), ENOUGH)
        before = place.attached()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            run("ip", "netns", "exec", place.server, place.program, f"--fd={theirs.fileno()}",
                "--sweep", pass_fds=(theirs.fileno(),))
            said = [ours.recv(4096).decode() for _ in range(2)]
        assert [line[0] for line in said] == ["o", "e"], said
        assert place.attached() == before
        daemon.stop()


def main(daemon: str, program: str) -> int:
    """Run all cases; TAP."""
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root")
        return 0
    cases = [a_host_has_both_unasked, nftables_drops_where_xdp_cannot,
             it_outlives_the_daemon_when_told_to, nobody_waits_long_for_one_that_hangs,
             what_nothing_wants_any_more_is_detached, what_a_running_one_keeps_stays_attached]
    return run_cases(cases, lambda: built(XdpPlace(os.path.abspath(daemon),
                                                   os.path.abspath(program))))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
