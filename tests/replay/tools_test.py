#!/usr/bin/env python3
"""The tool that `edgesentry replay` names in each labelled capture; speaks TAP.

Where a manifest names the tool, the listed scanners are named so, but for those that leave no
mark. In captures of ordinary traffic everybody is made a suspect by thresholds at their lowest, and
nobody may be taken for a scanner's tool with high confidence.

tools_test.py --table [--only WORD] prints the table of docs/detection.md instead.
"""

import argparse
import pathlib
import sys
import tempfile

import captures
from tool_names import expected_tools, judged, names, why_unnamed

# Scanners that visit ordinary traffic, seen by hand: not the capture's own clients.
VISITORS = {
    # One SYN from the Internet to a closed port: window 1024, no options, TTL 241, and the
    # identification is masscan's cookie.
    ("video_telegram_sgr.pcapng", "94.232.47.206"): "masscan",
}

# Everybody is a suspect at the first failure, of any port, and allowed, so that nobody is dropped.
STRICT = """
[[segment]]
name = "uplink"
outside = "eth1"
inside = "eth2"
[detect]
watched_tcp = "1-65535"
watched_udp = "1-65535"
scan_trigger = 1
abnormal = 1
false_positive = 0.3
vertical_ports = 2
horizontal_targets = 2
"""
STRICT_OPTIONS = ("--allow", "0.0.0.0/0", "--allow", "::/0")


def faults_of_scan(capture: captures.Capture) -> list[str]:
    result, given = judged(capture, names(captures.replay(capture.path)))
    if result == "wrong" or (result == "unnamed" and not why_unnamed(capture)):
        wanted = "+".join(sorted(expected_tools(capture)))
        return [f"named {sorted(given)}, not {wanted}"]
    return []


def faults_of_innocent(capture: captures.Capture, config: pathlib.Path) -> tuple[list[str], int]:
    """Faults, and how many suspects were looked at."""
    outcome = captures.replay(capture.path, "--config", str(config), *STRICT_OPTIONS)
    if outcome.exit_code != 0:
        return [outcome.stderr.strip()[-300:]], 0
    found = names(outcome)
    sure = {
        source: name
        for source, name in found.items()
        if name[1] == "high" and VISITORS.get((capture.name, source)) != name[0]
    }
    for source, name in sorted(found.items()):
        if name[1] == "medium":
            print(f"# {source} looks like {name[0]}")
    return [f"{source} is taken for {name[0]}" for source, name in sorted(sure.items())], len(found)


def print_table(listed: list[captures.Capture]) -> int:
    print("| file | tool | named | verdict |\n|---|---|---|---|")
    totals: dict[str, int] = {}
    for capture in listed:
        wanted = expected_tools(capture)
        if not capture.scanners or not wanted:
            continue
        result, given = judged(capture, names(captures.replay(capture.path)))
        totals[result] = totals.get(result, 0) + 1
        words = ", ".join(
            f"{tool} ({confidence})" if tool != "none" else tool
            for tool, confidence in sorted(given)
        )
        why = f": {why_unnamed(capture)}" if result == "unnamed" and why_unnamed(capture) else ""
        print(f"| {capture.name} | {'+'.join(sorted(wanted))} | {words or '-'} | {result}{why} |")
    print("\n" + ", ".join(f"{count} {word}" for word, count in sorted(totals.items())))
    return 0


def run(listed: list[captures.Capture]) -> int:
    scans = [c for c in listed if c.expected == "scan" and expected_tools(c)]
    innocent = [c for c in listed if c.expected == "benign"]
    print(f"1..{len(scans) + len(innocent) + 1}")
    number = failed = suspects = 0

    def tell(name: str, faults: list[str]) -> None:
        nonlocal number, failed
        number += 1
        failed += bool(faults)
        print(f"{'not ok' if faults else 'ok'} {number} - {name}", flush=True)
        for fault in faults:
            print(f"# {fault}", flush=True)

    for capture in scans:
        tell(f"{capture.name} is named", faults_of_scan(capture))
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "strict.toml"
        config.write_text(STRICT, encoding="utf-8")
        for capture in innocent:
            faults, looked_at = faults_of_innocent(capture, config)
            suspects += looked_at
            tell(f"{capture.name} is taken for no tool", faults)
    few = [] if suspects >= len(innocent) else [f"only {suspects} suspects: nothing was tested"]
    tell("ordinary traffic was made suspect", few)
    print(f"# {suspects} suspects in ordinary traffic")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    folder = captures.captures_folder()
    if folder is None:
        print("1..0 # SKIP the captures are not there; EDGESENTRY_CAPTURES names their folder")
        return 0
    listed = [c for c in captures.all_captures(folder) if arguments.only in c.name]
    return print_table(listed) if arguments.table else run(listed)


if __name__ == "__main__":
    sys.exit(main())
