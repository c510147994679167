"""Breaks a real edgesentryd in every way that docs/failure.md knows, and looks what it does.

usage: failures_test.py EDGESENTRYD    (prints TAP; cases that need root are skipped without)
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemon_place import Place, syn, wait_for, write_capture

Case = Callable[[Place], None]
SECONDS = 60.0  # for anything to come about on a busy machine
SOURCE = "198.51.100.66"
FAST = 'stalled_after = "500ms"\nrestart_after = "1s"\n'


def start(place: Place, outside: str, inside: str, failure: str) -> None:
    """With --faults."""
    config = place.write_config(outside, inside, f"[failure]\n{failure}")
    place.start(config, "--faults")


def fault(place: Place, action: str, name: str = "", **more: Any) -> dict[str, Any]:
    """Ask for a fault, or for its end."""
    return place.ask({"command": "fault", "action": action, "name": name, **more})


def is_active(place: Place, name: str) -> bool:
    """Whether the metric says so."""
    return place.metric("edgesentry_failure_active", f'condition="{name}"') == 1


def begins(place: Place, name: str) -> None:
    """Wait for the condition, and see that it was said and counted once."""
    wait_for(f"{name} to begin", lambda: is_active(place, name), SECONDS)
    assert place.metric("edgesentry_failures_total", f'condition="{name}"') == 1
    wait_for("its line", lambda: place.errors().count(f"failure {name}: ") == 1, SECONDS)


def ends(place: Place, name: str) -> None:
    """Wait for its end, said once; status tells of nothing any more."""
    wait_for(f"{name} to end", lambda: not is_active(place, name), SECONDS)
    assert place.metric("edgesentry_failures_total", f'condition="{name}"') == 1
    assert place.errors().count(f"failure {name} is over") == 1, place.errors()
    assert name not in [row["name"] for row in place.ask({"command": "status"})["failures"]]


def account(place: Place) -> list[int]:
    """Stop in order; received, forwarded, dropped by verdict and by fault, which add up."""
    found = re.search(r"received (\d+) = forwarded (\d+) \+ dropped by verdict (\d+) "
                      r"\+ dropped by fault (\d+)", place.stop())
    assert found, place.errors()
    numbers = [int(number) for number in found.groups()]
    assert numbers[0] == sum(numbers[1:]) > 0, numbers
    return numbers


def flows(place: Place) -> bool:
    """Whether packets were forwarded between two scrapes."""
    before = place.metric("edgesentry_packets_forwarded_total")
    return place.metric("edgesentry_packets_forwarded_total") > before


def is_silent(place: Place) -> bool:
    """Whether nothing was forwarded while packets were dropped."""
    forwarded = place.metric("edgesentry_packets_forwarded_total")
    dropped = place.metric("edgesentry_packets_dropped_total")
    wait_for("drops", lambda: place.metric("edgesentry_packets_dropped_total") > dropped, SECONDS)
    return place.metric("edgesentry_packets_forwarded_total") == forwarded


def is_up(place: Place, value: int) -> None:
    """Wait until edgesentry_up says so; it looks at the last two seconds."""
    wait_for(f"edgesentry_up {value}", lambda: place.metric("edgesentry_up") == value, SECONDS)


def looped(place: Place) -> str:
    """One source that knocks without end, as a device."""
    capture = place.folder / "in.pcap"
    write_capture(capture, [syn(SOURCE, port) for port in range(1, 60)])
    return f"net_pcap0,rx_pcap={capture},infinite_rx=1"


def silent(place: Place) -> str:
    """A device from which nothing comes."""
    capture = place.folder / "nothing.pcap"
    write_capture(capture, [])
    return f"net_pcap1,rx_pcap={capture},tx_pcap={place.folder}/out.pcap"


def takes_no_fault_unless_told_to(place: Place) -> None:
    """Without --faults the command is refused, in words."""
    place.start(place.write_config("net_null0", "net_null1"))
    reply = place.ask({"command": "fault", "action": "inject", "name": "disk_full"}, may_fail=True)
    assert not reply["ok"] and "--faults" in reply["error"], reply
    account(place)


def names_the_faults_that_it_takes(place: Place) -> None:
    """Not those that only the world outside brings about."""
    start(place, "net_null0", "net_null1", "")
    wrong = {"command": "fault", "action": "inject", "name": "filter_down"}
    names = place.ask(wrong, may_fail=True)["error"].split("these can: ")[1].split(", ")
    for action in ("inject", "clear"):
        for name in names[:-1]:  # net_null has no link to take down
            fault(place, action, name)
    place.stop()


def blocks_hold_while_control_stands_still(place: Place) -> None:
    """shed: who is blocked stays out; everything else goes on."""
    start(place, looped(place), "net_null0", FAST)
    place.ask({"command": "block", "address": SOURCE})
    fault(place, "inject", "control_stalled")
    begins(place, "control_stalled")
    is_up(place, 0)
    blocked = 'class="verdict",reason="blocked"'
    before = place.metric("edgesentry_packets_dropped_total", blocked)
    wait_for("more drops", lambda: place.metric("edgesentry_packets_dropped_total", blocked) >
             before, SECONDS)
    wait_for("packets", lambda: flows(place), SECONDS)
    fault(place, "clear", "control_stalled")
    ends(place, "control_stalled")
    is_up(place, 1)
    account(place)


def every_packet_passes_while_control_stands_still(place: Place) -> None:
    """open: what is blocked passes until control is back."""
    start(place, looped(place), silent(place), FAST + 'control_stalled = "open"\n')
    place.ask({"command": "block", "address": SOURCE})
    wait_for("silence", lambda: is_silent(place), SECONDS)
    fault(place, "inject", "control_stalled")
    begins(place, "control_stalled")
    wait_for("packets of a blocked source", lambda: flows(place), SECONDS)
    fault(place, "clear", "control_stalled")
    ends(place, "control_stalled")
    wait_for("silence", lambda: is_silent(place), SECONDS)
    account(place)


def nothing_passes_while_control_stands_still(place: Place) -> None:
    """closed: all is dropped, and counted as such."""
    start(place, "net_null0", "net_null1", FAST + 'control_stalled = "closed"\n')
    fault(place, "inject", "control_stalled")
    begins(place, "control_stalled")
    closed = 'reason="closed"'
    wait_for("drops", lambda: place.metric("edgesentry_packets_dropped_total", closed) > 0, SECONDS)
    wait_for("silence", lambda: is_silent(place), SECONDS)
    fault(place, "clear", "control_stalled")
    ends(place, "control_stalled")
    wait_for("packets", lambda: flows(place), SECONDS)
    assert account(place)[3] > 0


def ends_itself_when_a_worker_hangs(place: Place) -> None:
    """restart: the worker is named, blocks are kept, the exit code says failure."""
    start(place, "net_null0", "net_null1", FAST + 'worker_stalled = "restart"\n')
    place.ask({"command": "block", "address": "198.51.100.9"})
    fault(place, "inject", "worker_stalled", where=0)
    assert place.process is not None
    assert place.process.wait(SECONDS) == 1, place.errors()
    assert "worker 0 stands still" in place.errors(), place.errors()
    assert "worker 0 does not come back" in place.errors(), place.errors()
    place.start(place.folder / "edgesentry.toml")
    assert place.ask({"command": "blocked"})["blocked"] == 1
    account(place)


def lives_on_without_a_worker(place: Place) -> None:
    """ignore: said, counted, over; neither control nor a policy waits for the worker."""
    start(place, "net_null0", "net_null1", FAST + 'worker_stalled = "ignore"\n')
    fault(place, "inject", "worker_stalled", where=0)
    begins(place, "worker_stalled")
    is_up(place, 0)
    for state in ("on", "off", "on", "off"):
        place.ask({"command": "bypass", "state": state})
    place.ask({"command": "block", "address": "198.51.100.9"})
    fault(place, "clear", "worker_stalled")
    ends(place, "worker_stalled")
    wait_for("the block to arrive",
             lambda: place.metric("edgesentry_worker_blocked_sources") == 1, SECONDS)
    account(place)


def orders_wait_for_room(place: Place) -> None:
    """shed: none is lost while a worker takes none."""
    start(place, "net_null0", "net_null1", FAST + 'worker_stalled = "ignore"\n')
    place.stop()
    config = place.folder / "edgesentry.toml"
    text = config.read_text(encoding="utf-8").replace("[control]\n", "[control]\norder_ring = 64\n")
    config.write_text(text, encoding="utf-8")
    place.start(config, "--faults")
    fault(place, "inject", "worker_stalled")
    begins(place, "worker_stalled")
    for host in range(1, 201):
        place.ask({"command": "block", "address": f"198.51.100.{host}"})
    begins(place, "ring_full")
    fault(place, "clear", "worker_stalled")
    wait_for("all blocks",
             lambda: place.metric("edgesentry_worker_blocked_sources") == 200, SECONDS)
    ends(place, "ring_full")
    account(place)


def tells_when_the_table_is_full(place: Place) -> None:
    """The next block is refused in words; over when there is room again."""
    start(place, "net_null0", "net_null1", FAST)
    place.stop()
    config, room = place.folder / "edgesentry.toml", 64
    text = config.read_text(encoding="utf-8").replace("blocks = 256", f"blocks = {room}")
    config.write_text(text, encoding="utf-8")
    place.start(config, "--faults")
    for host in range(1, room + 1):
        place.ask({"command": "block", "address": f"198.51.100.{host}"})
    reply = place.ask({"command": "block", "address": "198.51.100.200"}, may_fail=True)
    assert not reply["ok"] and "table.blocks" in reply["error"], reply
    begins(place, "table_full")
    assert place.metric("edgesentry_blocks_active") == room
    place.ask({"command": "unblock", "address": "198.51.100.1"})
    ends(place, "table_full")
    account(place)


def goes_on_with_what_buffers_there_are(place: Place) -> None:
    """All free buffers are taken away: seen, packets go on, and it is over when they are back."""
    start(place, "net_null0", "net_null1", FAST)
    fault(place, "inject", "no_buffers")
    begins(place, "no_buffers")
    fault(place, "clear", "no_buffers")
    ends(place, "no_buffers")
    wait_for("packets", lambda: flows(place), SECONDS)
    account(place)


def keeps_blocks_in_memory_without_a_disk(place: Place) -> None:
    """shed: blocks are made, said to be not durable, and kept when the disk is back."""
    start(place, "net_null0", "net_null1", FAST)
    fault(place, "inject", "disk_full")
    reply = place.ask({"command": "block", "address": "198.51.100.9"})
    assert not reply.get("durable", False), reply
    begins_on_a_full_disk(place)
    assert place.ask({"command": "status"})["blocks"]["active"] == 1
    fault(place, "clear", "disk_full")
    ends_on_a_full_disk(place)
    account(place)
    place.start(place.folder / "edgesentry.toml")
    assert place.ask({"command": "blocked"})["blocked"] == 1
    account(place)


def begins_on_a_full_disk(place: Place) -> None:
    """As begins(), but standard error is a file too, and takes nothing."""
    wait_for("disk_full to begin", lambda: is_active(place, "disk_full"), SECONDS)
    assert place.metric("edgesentry_failures_total", 'condition="disk_full"') == 1


def ends_on_a_full_disk(place: Place) -> None:
    """The end is said again."""
    wait_for("disk_full to end", lambda: not is_active(place, "disk_full"), SECONDS)
    assert place.errors().count("failure disk_full is over") == 1, place.errors()


def blocks_last_as_long_when_the_clock_is_set(place: Place) -> None:
    """An hour forward and back: nothing ends, and a restart finds the same time left."""
    start(place, "net_null0", "net_null1", FAST)
    place.ask({"command": "block", "address": "198.51.100.9", "for": "10m"})
    for step in (7200, -7200):
        fault(place, "inject", "clock_step", where=step)
        wait_for("the step", lambda: is_active(place, "clock_step"), SECONDS)
        left = place.ask({"command": "blocked"})["sources"][0]["seconds_left"]
        assert 400 < left <= 600, left
        fault(place, "clear", "clock_step")
    wait_for("its end", lambda: not is_active(place, "clock_step"), SECONDS)
    account(place)
    place.start(place.folder / "edgesentry.toml")
    left = place.ask({"command": "blocked"})["sources"][0]["seconds_left"]
    assert 400 < left <= 600, left
    account(place)


def a_stop_does_not_wait_for_what_hangs(place: Place) -> None:
    """Control hangs: the limit ends the process, which names what is left."""
    start(place, "net_null0", "net_null1", FAST + 'stop_within = "10s"\n')
    fault(place, "inject", "control_stalled")
    begins(place, "control_stalled")
    assert place.process is not None
    place.process.send_signal(signal.SIGTERM)
    assert place.process.wait(SECONDS) == 1
    assert "left undone: the control thread" in place.errors(), place.errors()


def a_second_sigterm_ends_it_at_once(place: Place) -> None:
    """Long before the limit."""
    start(place, "net_null0", "net_null1", FAST + 'stop_within = "1h"\n')
    fault(place, "inject", "control_stalled")
    assert place.process is not None
    place.process.send_signal(signal.SIGTERM)
    process = place.process

    def has_ended() -> bool:
        process.send_signal(signal.SIGTERM)
        return process.poll() is not None

    wait_for("the end", has_ended, SECONDS)
    assert "asked a second time" in place.errors(), place.errors()


CASES: list[Case] = [
    takes_no_fault_unless_told_to, names_the_faults_that_it_takes,
    blocks_hold_while_control_stands_still, every_packet_passes_while_control_stands_still,
    nothing_passes_while_control_stands_still, ends_itself_when_a_worker_hangs,
    lives_on_without_a_worker, orders_wait_for_room, tells_when_the_table_is_full,
    goes_on_with_what_buffers_there_are, keeps_blocks_in_memory_without_a_disk,
    blocks_last_as_long_when_the_clock_is_set, a_stop_does_not_wait_for_what_hangs,
    a_second_sigterm_ends_it_at_once]


def main(all_cases: list[Case], program: str, wanted: str = "") -> int:
    """Run all cases, or those whose name contains `wanted`; TAP on standard output."""
    failed = 0
    cases = [case for case in all_cases if wanted in case.__name__]
    print(f"1..{len(cases)}")
    for number, case in enumerate(cases, 1):
        with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
            place = Place(program, Path(folder))
            try:
                case(place)
                print(f"ok {number} - {case.__name__}", flush=True)
            except (AssertionError, OSError, subprocess.SubprocessError) as fault_found:
                failed += 1
                errors = place.errors() if (place.folder / "err").exists() else ""
                words = f"{fault_found!r}\n{errors}".replace("\n", "\n# ")
                print(f"not ok {number} - {case.__name__}\n# {words}", flush=True)
            finally:
                place.clean_up()
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(CASES, *sys.argv[1:]))
