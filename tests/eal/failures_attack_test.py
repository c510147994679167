"""Faults without sense, faults that flap, and what a hanging worker costs, in a real edgesentryd.

usage: failures_attack_test.py EDGESENTRYD    (prints TAP)
"""

import re
import sys
from pathlib import Path
from typing import Any

from daemon_place import Place, wait_for
from failures_test import FAST, SECONDS, account, begins, ends, fault, flows, main, start


def resident_kb(place: Place) -> int:
    """Memory of the process."""
    assert place.process is not None
    text = Path(f"/proc/{place.process.pid}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+)", text)[0])


def refuses_faults_that_make_no_sense(place: Place) -> None:
    """Unknown names, places and members: words, and nothing is switched on."""
    start(place, "net_null0", "net_null1", FAST)
    wrong: list[dict[str, Any]] = [
        {"name": "earthquake"}, {"name": ""}, {"name": 7}, {"name": ["disk_full"]}, {},
        {"name": "worker_stalled", "where": 1}, {"name": "worker_stalled", "where": -1},
        {"name": "worker_stalled", "where": 2**63 - 1}, {"name": "link_down", "where": 2},
        {"name": "link_down", "where": -(2**63)}, {"name": "disk_full", "for": -1},
        {"name": "disk_full", "for": 2**62}]
    for members in wrong:
        reply = place.ask({"command": "fault", "action": "inject", **members}, may_fail=True)
        assert not reply["ok"] and reply["error"], (members, reply)
    for action in ("explode", 5, None, {}):
        assert not place.ask({"command": "fault", "action": action}, may_fail=True)["ok"], action
    assert not place.ask({"command": "fault", "action": "clear", "name": "disk_full"},
                         may_fail=True)["ok"]
    assert place.ask({"command": "fault", "action": "list"})["faults"] == []
    account(place)


def says_little_of_what_flaps(place: Place) -> None:
    """Each fault comes and goes 200 times, among reloads: few lines, and all is well after."""
    start(place, "net_null0", "net_null1", FAST + 'worker_stalled = "ignore"\n')
    names = ("table_full", "ring_full", "rules_full", "disk_full", "clock_step",
             "worker_stalled", "no_buffers")
    for turn in range(200):
        for name in names:
            fault(place, "inject", name)
        if turn % 20 == 0:
            place.ask({"command": "reload"})
        for name in names:
            fault(place, "clear", name)
    wait_for("all to end", lambda: place.metric("edgesentry_failure_active") == 0, SECONDS)
    lines = [line for line in place.errors().splitlines() if "failure " in line]
    assert 0 < len(lines) <= 40, lines
    wait_for("packets", lambda: flows(place), SECONDS)
    account(place)


def takes_little_memory_beside_a_worker_that_hangs(place: Place) -> None:
    """A thousand policies that the worker does not take over: 128 KiB each at most."""
    start(place, "net_null0", "net_null1", FAST + 'worker_stalled = "ignore"\n')
    fault(place, "inject", "worker_stalled")
    begins(place, "worker_stalled")
    for turn in range(1100):
        place.ask({"command": "bypass", "state": "off" if turn % 2 else "on"})
        if turn == 100:
            before = resident_kb(place)
    assert resident_kb(place) - before < 128 * 1000, (before, resident_kb(place))
    fault(place, "clear", "worker_stalled")
    ends(place, "worker_stalled")
    wait_for("packets", lambda: flows(place), SECONDS)
    account(place)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main([refuses_faults_that_make_no_sense, says_little_of_what_flaps,
                   takes_little_memory_beside_a_worker_that_hangs], *sys.argv[1:]))
