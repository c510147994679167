"""Runs `edgesentry replay --json` over labelled captures and compares with their manifests.

Shared by captures_test.py, which asserts, and captures_table.py, which prints. A manifest is a CSV
file with the columns file, category, expected and scanners; the captures stand beside it.
"""

import csv
import dataclasses
import ipaddress
import json
import os
import pathlib
import subprocess

PROJECT = pathlib.Path(__file__).resolve().parents[2]
SECONDS_MAX = 300

# Captures whose sources are all innocent: nobody may be blocked.
INNOCENT = {"benign", "malformed", "backscatter", "flood"}
GUILTY = {"scan", "brute"}


def captures_folder() -> pathlib.Path | None:
    """The labelled captures, beside the project unless EDGESENTRY_CAPTURES says otherwise."""
    named = os.environ.get("EDGESENTRY_CAPTURES")
    for folder in [pathlib.Path(named)] if named else [PROJECT.parent / "shared" / "captures"]:
        if (folder / "MANIFEST.csv").is_file():
            return folder
    return None


def program() -> pathlib.Path:
    named = os.environ.get("EDGESENTRY_BIN")
    return pathlib.Path(named) if named else PROJECT / "build" / "app" / "edgesentry"


def source_of(text: str) -> str:
    """What counts as one source: an IPv4 address, or the /64 of an IPv6 one."""
    address = ipaddress.ip_address(text)
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


@dataclasses.dataclass
class Capture:
    path: pathlib.Path
    name: str
    category: str
    expected: str
    scanners: set[str]
    notes: str
    technique: str = ""
    tool: str = ""  # where the manifest has such a column


def read_manifest(folder: pathlib.Path, prefix: str = "") -> list[Capture]:
    with open(folder / "MANIFEST.csv", encoding="utf-8", newline="") as stream:
        return [
            Capture(
                path=folder / row["file"],
                name=prefix + row["file"],
                category=row["category"],
                expected=row["expected"],
                scanners={source_of(a) for a in row["scanners"].split(";") if a.strip()},
                notes=row["notes"],
                technique=row["technique"],
                tool=row.get("tool") or "",
            )
            for row in csv.DictReader(stream)
        ]


def all_captures(folder: pathlib.Path) -> list[Capture]:
    captures = read_manifest(folder)
    for inner in sorted(folder.iterdir()):
        if (inner / "MANIFEST.csv").is_file():
            captures += read_manifest(inner, inner.name + "/")
    return captures


@dataclasses.dataclass
class Outcome:
    exit_code: int
    lines: list[dict]
    stderr: str

    def events(self, action: str) -> list[dict]:
        return [line for line in self.lines if line["event"]["action"] == action]

    @property
    def blocked(self) -> set[str]:
        return {source_of(line["source"]["ip"]) for line in self.events("source-blocked")}


def replay(path: pathlib.Path, *options: str) -> Outcome:
    run = subprocess.run(
        [str(program()), "replay", "--json", *options, str(path)],
        capture_output=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    lines = [json.loads(line) for line in run.stdout.decode("utf-8").splitlines()]
    return Outcome(run.returncode, lines, run.stderr.decode("utf-8", "replace"))


def verdict(capture: Capture, outcome: Outcome) -> str:
    """ok, false (an innocent source is blocked), missed, or n/m of the listed scanners."""
    if capture.expected in GUILTY:
        found = capture.scanners & outcome.blocked
        if found == capture.scanners:
            return "ok"
        return f"{len(found)}/{len(capture.scanners)}" if found else "missed"
    if capture.expected in INNOCENT:
        return "false" if outcome.blocked - capture.scanners else "ok"
    return "-"
