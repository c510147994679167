"""Runs the real edgesentryd over virtual devices: start, ready line, metrics, signals, exit codes.

usage: daemon_test.py EDGESENTRYD    (prints TAP; no root, no hugepages, no interface needed)
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from daemon_place import (FILE_PREFIX, REFUSAL, SCANNER, Place, count_records, refusal, syn,
                          wait_for, write_capture)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tap import run_cases  # noqa: E402

Case = Callable[[Place], None]


def starts_shows_metrics_and_stops(place: Place) -> None:
    """Over net_null: packets flow, are counted, and add up at the end."""
    place.start(place.write_config("net_null0", "net_null1"))
    wait_for("traffic", lambda: place.metric("edgesentry_packets_forwarded_total") > 1000, 20)
    assert place.metric("edgesentry_up") == 1
    enforcers = place.ask({"command": "status"})["enforcers"]
    assert [row["name"] for row in enforcers] == ["workers", "rte_flow"], enforcers
    assert "not on lan outside (" in enforcers[1]["place"], enforcers
    assert place.errors().count("drop nothing") == 1, "one line, whatever the number of ports"
    machine = place.ask({"command": "status"})["machine"]
    assert len(machine["worker_cpus"]) == 1 and not machine["hugepages"], machine
    port = machine["ports"][0]
    assert port["name"] == "lan outside" and port["driver"] == "net_null", port
    assert port["spread"] == "single" and port["rx_queues"] == 1, port
    assert "ipv4" in port["rss_offered"] and "source_only" not in port["rss_offered"], port
    out = place.stop()
    account = re.search(r"received (\d+) = forwarded (\d+) \+ dropped by verdict (\d+) "
                        r"\+ dropped by fault (\d+)", out)
    assert account, out
    received, *ended = map(int, account.groups())
    assert received == sum(ended) > 1000, out
    assert not (place.folder / "control.sock").exists(), "the socket is left behind"


def blocks_a_scanner_of_a_capture(place: Place) -> None:
    """From a capture file to a capture file: what passes ends with the decision."""
    source, probes = "198.51.100.66", 400
    capture, left = place.folder / "in.pcap", place.folder / "out.pcap"
    write_capture(capture, [syn(source, port) for port in range(1, probes + 1)])
    nothing = place.folder / "nothing.pcap"
    write_capture(nothing, [])
    # A capture answers no challenge, so that nobody in it could prove where he is.
    place.start(place.write_config(f"net_pcap0,rx_pcap={capture}",
                                   f"net_pcap1,rx_pcap={nothing},tx_pcap={left}",
                                   '[verify]\nproof = "none"\n'))
    wait_for("the whole capture",
             lambda: place.metric("edgesentry_packets_received_total") == probes, 20)
    wait_for("the block", lambda: place.metric("edgesentry_blocks_added_total") == 1, 20)
    dropped = place.metric("edgesentry_packets_dropped_total", 'class="verdict"')
    place.stop(signal.SIGINT)
    passed = count_records(left, source)
    assert 0 < passed < 40 and passed + dropped == probes, f"{passed} passed, {dropped} dropped"
    lines = (place.folder / "events.json").read_text(encoding="utf-8").splitlines()
    actions = [json.loads(line)["event"]["action"] for line in lines]
    assert actions.count("source-blocked") == 1, actions
    assert actions[0] == "service-start" and actions[-1] == "service-stop", actions


def reloads_on_sighup(place: Place) -> None:
    """A good file is taken over, a bad one changes nothing and the appliance lives on."""
    config = place.write_config("net_null0", "net_null1")
    place.start(config)
    assert place.process is not None
    generation = "edgesentry_worker_policy_generation"
    before = place.metric(generation)
    place.write_config("net_null0", "net_null1", "[detect]\nvertical_ports = 30\n")
    place.process.send_signal(signal.SIGHUP)
    wait_for("the new policy", lambda: place.metric(generation) > before, 20)
    config.write_text("mode = 7", encoding="utf-8")
    place.process.send_signal(signal.SIGHUP)
    wait_for("the refusal",
             lambda: place.metric("edgesentry_config_last_reload_successful") == 0, 20)
    assert place.is_alive()
    place.stop()


def tells_dpdk_telemetry(place: Place) -> None:
    """The read-only commands are where DPDK's own tools ask; nothing else is."""
    place.start(place.write_config("net_null0", "net_null1"))
    place.ask({"command": "block", "address": "192.0.2.77", "reason": 'a "quoted" one'})
    paths = [Path("/var/run/dpdk"), Path(os.environ.get("XDG_RUNTIME_DIR", "/tmp"), "dpdk")]
    found = [path / FILE_PREFIX / "dpdk_telemetry.v2" for path in paths]
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(30)
        client.connect(str(next(path for path in found if path.exists())))
        json.loads(client.recv(1 << 16))

        def ask(words: str) -> object:
            client.send(f"/edgesentry/{words}".encode())
            return json.loads(client.recv(1 << 16))[f"/edgesentry/{words.partition(',')[0]}"]

        status = ask("status")
        assert isinstance(status, dict) and status["blocks/active"] == 1, status
        assert status["mode"] == "enforce" and status["workers"] == 1, status
        blocked = ask("blocked,5")
        assert isinstance(blocked, list) and blocked[0].startswith("192.0.2.77 blocked"), blocked
        assert "It is blocked" in str(ask("explain,192.0.2.77")), ask("explain,192.0.2.77")
        assert "will not do" in str(ask("explain,somebody")), ask("explain,somebody")
        # What is no command of theirs DPDK answers with null.
        client.send(b"/edgesentry/unblock,192.0.2.77")
        assert json.loads(client.recv(1 << 16)).get("/edgesentry/unblock") is None
    assert place.metric("edgesentry_blocks_active") == 1, "telemetry has changed something"
    place.stop()


def takes_lists_on_the_command_line(place: Place) -> None:
    """All of a list or none of it; filters, who is exempt, and what a reload would do."""
    config = place.write_config("net_null0", "net_null1")
    place.start(config)

    def say(*words: str, code: int = 0, lines: str = "") -> str:
        done = subprocess.run(
            [str(Path(place.program).with_name("edgesentry")), *words, "--socket",
             str(place.folder / "control.sock")],
            input=lines, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, f"{words}: {done.returncode} {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    said = say("block", "--file", "-", code=1, lines="198.51.100.1\nnonsense\n127.0.0.1\n")
    assert "input:2: 'nonsense'" in said, said
    said = say("block", "--file", "-", code=1, lines="198.51.100.1\n127.0.0.1\n")
    assert "input:2: 127.0.0.1 is never blocked" in said, said
    assert place.metric("edgesentry_blocks_active") == 0, "a part of a list was taken"
    many = [f"198.51.{i // 250}.{i % 250 + 1}" for i in range(120)]
    lines = "# mine\n\n" + " # why\n".join(many) + "\n2001:db8:5::1\n"
    assert "blocked 121" in say("block", "--file", "-", "--for", "1h", lines=lines)
    assert place.metric("edgesentry_blocks_active") == 121
    assert "2001:db8:5::" in say("blocked", "--family", "ipv6")
    assert "198.51" not in say("blocked", "--family", "ipv6")
    assert "special_address" in say("allowed")
    assert "ed 121" in say("unblock", "--file", "-", lines=lines)
    assert place.metric("edgesentry_blocks_active") == 0
    config.write_text(config.read_text(encoding="utf-8").replace('"enforce"', '"observe"'),
                      encoding="utf-8")
    assert "observe" in say("reload", "--dry-run")
    rows = {row["check"]: row for row in
            json.loads(say("doctor", "--json", "-c", str(config)))["checks"]}
    assert rows["lan outside RSS"]["status"] == "ok", rows
    assert rows["rte_flow"]["found"].startswith("not on lan outside ("), rows
    assert '"mode":"enforce"' in say("status", "--json"), "a dry run has changed something"
    place.stop()


def takes_new_patterns_while_packets_flow(place: Place) -> None:
    """A broken file changes nothing; a good one is in force without a restart or a lost packet."""
    patterns, capture = place.folder / "patterns.toml", place.folder / "in.pcap"
    write_capture(capture, [refusal(f"198.51.100.{n}") for n in range(1, 30)])
    patterns.write_text(SCANNER, encoding="utf-8")
    more = f'[payload]\npatterns = "{patterns}"\ncache = "{place.folder}/cache"\n'
    wires = ("net_null0", f"net_pcap0,rx_pcap={capture},infinite_rx=1")
    config = place.write_config(*wires, more)
    place.start(config)

    def found() -> float:
        return place.metric("edgesentry_payload_matches_total", 'kind="login_failed"')

    wait_for("traffic", lambda: place.metric("edgesentry_packets_forwarded_total") > 1000, 20)
    assert place.ask({"command": "status"})["payload"]["patterns"] == 1
    faults = {"holds no pattern": "", "expression": SCANNER + REFUSAL.replace("^530", "(530"),
              "is not found": SCANNER + REFUSAL.replace("'530 no'", "'531 no'")}
    for why, text in faults.items():
        patterns.write_text(text, encoding="utf-8")
        place.write_config(*wires, more + "[detect]\nvertical_ports = 30\n")
        reply = place.ask({"command": "reload"}, may_fail=True)
        said = " ".join(reply.get("problems", []))
        assert not reply["ok"] and str(patterns) in said and why in said, reply
        status = place.ask({"command": "status"})
        assert status["payload"]["patterns"] == 1 and status["config"]["generation"] == 1, status
    patterns.unlink()
    reply = place.ask({"command": "reload"}, may_fail=True)
    assert not reply["ok"] and "No such file" in str(reply["problems"]), reply
    assert found() == 0
    patterns.write_text(SCANNER + REFUSAL, encoding="utf-8")
    reply = place.ask({"command": "reload"})
    assert reply["patterns"] == {"file": str(patterns), "count": 2}, reply
    wait_for("the new pattern to match", lambda: found() > 0, 20)
    assert "patterns" not in place.ask({"command": "reload"}), "the same again"
    account = re.search(r"dropped by fault (\d+)", place.stop())
    assert account and int(account[1]) == 0, "packets were lost"


def says_when_patterns_cannot_be_kept(place: Place) -> None:
    """An unusable cache is said at the start and in the status; a reload sees it mended."""
    patterns, cache = place.folder / "patterns.toml", place.folder / "cache"
    patterns.write_text(SCANNER, encoding="utf-8")
    cache.write_text("a file where the directory has to be", encoding="utf-8")
    more = f'[payload]\npatterns = "{patterns}"\ncache = "{cache}"\n'
    place.start(place.write_config("net_null0", "net_null1", more))
    assert "payload.cache" in place.errors() and "is not a directory" in place.errors()
    row = place.ask({"command": "status"})["payload"]
    assert row["state"] == "degraded" and str(cache) in row["trouble"], row
    cache.unlink()
    place.ask({"command": "reload"})
    row = place.ask({"command": "status"})["payload"]
    assert row["state"] == "working" and "trouble" not in row, row
    assert (cache / "patterns.hsdb").exists()
    place.stop()


def tells_systemd_while_it_goes_round(place: Place) -> None:
    """As a unit with Type=notify and WatchdogSec=: ready, then alive until it is stopped."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with manager:
        manager.bind(str(place.folder / "notify.sock"))
        manager.settimeout(20)
        os.environ["NOTIFY_SOCKET"] = str(place.folder / "notify.sock")
        os.environ["WATCHDOG_USEC"] = "400000"
        try:
            place.start(place.write_config("net_null0", "net_null1"))
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
        first = manager.recv(4096).decode()
        assert first.startswith("READY=1\nSTATUS=") and "net_null0" in first, first
        for _ in range(3):
            assert manager.recv(4096) == b"WATCHDOG=1"
        place.stop()
        manager.setblocking(False)
        said = []
        with contextlib.suppress(BlockingIOError):
            while True:
                said.append(manager.recv(4096))
        assert said[-1] == b"STOPPING=1", said


def says_what_is_wrong(place: Place) -> None:
    """Usage, configuration and environment: each its exit code and its sentence."""
    code, out, _ = place.run("--help")
    assert code == 0 and "SIGHUP" in out
    code, out, _ = place.run("--version")
    assert code == 0 and out.startswith("edgesentryd ")
    assert place.run("--no-such-option")[0] == 2
    code, _, err = place.run("-c", str(place.folder / "missing.toml"))
    assert code == 78 and "missing.toml" in err, err
    bad = place.folder / "bad.toml"
    bad.write_text('mode = "attack"\nnonsense = 1\n', encoding="utf-8")
    code, _, err = place.run("-c", str(bad))
    assert code == 78 and "mode" in err and "nonsense" in err, err
    missing = str(place.write_config("nosuchif0", "net_null1"))
    for words in (["--check"], []):
        code, _, err = place.run(*words, "-c", missing)
        assert code == 1 and '"nosuchif0"' in err and "lo" in err, err
    unread = str(place.write_config("net_pcap0,rx_pcap=/no/such.pcap", "net_null1"))
    code, _, err = place.run("-c", unread)
    assert code == 1 and "lan outside" in err and "/no/such.pcap" in err, err
    good = str(place.write_config("net_null0", "net_null1"))
    code, out, _ = place.run("--check", "-c", good)
    assert code == 0 and "is right" in out
    code, _, err = place.run("--no-such-eal-option", "--", "-c", good)
    assert code == 1 and "no-such-eal-option" in err, err


def says_which_log_cannot_be_written(place: Place) -> None:
    """On standard error and in `status`, once; again when it can be written."""
    config = place.write_config("net_null0", "net_null1")
    logs = place.folder / "logs"
    logs.write_text("a file where the directory has to be", encoding="utf-8")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("/events.json", "/logs/events.json"), encoding="utf-8")
    place.start(config)
    place.ask({"command": "block", "address": "198.51.100.9"})
    wait_for("the complaint", lambda: "log file" in place.errors(), 20)
    row = place.ask({"command": "status"})["logs"][0]
    assert row["place"] == f"{logs}/events.json" and row["state"] == "degraded", row
    assert "create it by hand" in row["trouble"] and row["since"].endswith("Z"), row
    logs.unlink()
    wait_for("the recovery", lambda: "is written again" in place.errors(), 20)
    assert place.ask({"command": "status"})["logs"][0]["state"] == "working"
    assert place.errors().count("log file") == 1, place.errors()
    place.stop()


def takes_no_port_when_others_hold_its_doors(place: Place) -> None:
    """A taken metrics port or control socket ends the start before a device is opened."""
    left, nothing = place.folder / "left.pcap", place.folder / "nothing.pcap"
    write_capture(nothing, [])
    config = str(place.write_config("net_null0", f"net_pcap0,rx_pcap={nothing},tx_pcap={left}"))
    with socket.socket() as other:
        other.bind(("127.0.0.1", place.port))
        other.listen()
        code, _, err = place.run("-c", config)
    assert code == 1 and f"127.0.0.1:{place.port}" in err and "in use" in err, err
    assert not (place.folder / "control.sock").exists(), "the socket is left behind"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(place.folder / "control.sock"))
        other.listen()
        code, _, err = place.run("-c", config)
    assert code == 1 and "another instance answers" in err, err
    assert not left.exists(), "a device was opened for nothing"
    (place.folder / "control.sock").unlink()
    place.start(Path(config))
    assert left.exists(), "this file shows that a device is open"
    place.stop()


def needs_hugepages_only_when_told(place: Place) -> None:
    """With hugepages required and none free, the sentence holds the command."""
    config = place.write_config("net_null0", "net_null1")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('"off"', '"required"').replace("= 128", "= 65536"),
                      encoding="utf-8")
    code, _, err = place.run("-c", str(config))
    assert code == 1 and "vm.nr_hugepages=" in err, err


CASES: list[Case] = [starts_shows_metrics_and_stops, blocks_a_scanner_of_a_capture,
                     reloads_on_sighup, tells_dpdk_telemetry,
                     takes_lists_on_the_command_line, takes_new_patterns_while_packets_flow,
                     says_when_patterns_cannot_be_kept, tells_systemd_while_it_goes_round,
                     says_what_is_wrong,
                     says_which_log_cannot_be_written,
                     takes_no_port_when_others_hold_its_doors, needs_hugepages_only_when_told]


@contextlib.contextmanager
def new_place(program: str) -> Iterator[Place]:
    """In a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
        place = Place(os.path.abspath(program), Path(folder))
        try:
            yield place
        finally:
            place.clean_up()


def main(program: str, cases: list[Case]) -> int:
    """Run all cases; TAP."""
    return run_cases(cases, lambda: new_place(program))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], CASES))
