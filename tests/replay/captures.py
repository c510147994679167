"""Runs `edgesentry replay --json` over labelled captures and compares with their manifests.

Shared by the tests beside it, which assert, and by perf/detection, which prints. A manifest is a
CSV file with the columns file, category, expected, scanners and technique; the captures stand
beside it.
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
EXPECTED = INNOCENT | GUILTY | {"ambiguous"}
COLUMNS = ("file", "category", "expected", "scanners", "technique")


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


class ManifestError(Exception):
    """A manifest that cannot be used, with its place and what is wrong there."""


def read_row(row: dict, folder: pathlib.Path, prefix: str) -> Capture:
    missing = [name for name in COLUMNS if row.get(name) is None]
    if missing:
        raise ValueError(f"the column {missing[0]} is missing")
    if row["expected"] not in EXPECTED:
        known = ", ".join(sorted(EXPECTED))
        raise ValueError(f"expected is '{row['expected']}', not one of {known}")
    path = folder / row["file"]
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return Capture(
        path=path,
        name=prefix + row["file"],
        category=row["category"],
        expected=row["expected"],
        scanners={source_of(a.strip()) for a in row["scanners"].split(";") if a.strip()},
        notes=row.get("notes") or "",
        technique=row["technique"],
        tool=row.get("tool") or "",
    )


def read_manifest(manifest: pathlib.Path, prefix: str = "") -> list[Capture]:
    listed = []
    try:
        with open(manifest, encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            for row in reader:
                try:
                    listed.append(read_row(row, manifest.parent, prefix))
                except ValueError as fault:
                    raise ManifestError(f"{manifest} line {reader.line_num}: {fault}") from fault
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise ManifestError(f"{manifest}: {fault}") from fault
    if not listed:
        raise ManifestError(f"{manifest}: no capture is listed")
    return listed


def all_captures(folder: pathlib.Path) -> list[Capture]:
    listed = read_manifest(folder / "MANIFEST.csv")
    for inner in sorted(folder.iterdir()):
        if (inner / "MANIFEST.csv").is_file():
            listed += read_manifest(inner / "MANIFEST.csv", inner.name + "/")
    return listed


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
