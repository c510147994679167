#!/usr/bin/python3
"""Sweep the thresholds of [detect] over labelled captures: a ROC curve.

    perf/detection/sweep.py                       all manifests beside the project
    perf/detection/sweep.py --picture roc.svg MANIFEST.csv ...

Each point is one value of one key, the others at their defaults; "all" moves the three together.
Detection: scan captures of which every listed scanner is named by an alert (a capture counts once,
however many sources share a distributed scan). False: sources blocked in innocent captures, of all
sources there.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "replay"))

import captures  # noqa: E402
import judge  # noqa: E402
import pictures  # noqa: E402
import tables  # noqa: E402

# From the lowest that the configuration takes to far above the default.
VALUES = {
    # 1, 2, 3, 4, 5, 7, 10 and 15 failures in a row
    "false_positive": (0.3, 0.1, 0.02, 0.01, 1e-3, 1e-4, 1e-6, 1e-9),
    "vertical_ports": (2, 5, 15, 30, 64),
    "horizontal_targets": (2, 5, 15, 30, 64),
}
DEFAULTS = {"false_positive": 1e-3, "vertical_ports": 15, "horizontal_targets": 15}
TOGETHER = ((0.3, 2, 2), (0.1, 4, 4), (0.02, 8, 8), (1e-3, 15, 15), (1e-6, 30, 30),
            (1e-9, 64, 64))
HEAD = ("key", "value", "scans found", "of", "detection", "innocent blocked", "of", "false")
CONFIG = """\
[[segment]]
name = "uplink"
outside = "eth1"
inside = "eth2"
[detect]
"""


@dataclasses.dataclass(frozen=True)
class Point:
    key: str
    value: str
    found: int
    scans: int
    blocked: int
    innocent: int

    @property
    def detection_rate(self) -> float:
        return self.found / max(self.scans, 1)

    @property
    def false_rate(self) -> float:
        return self.blocked / max(self.innocent, 1)

    @property
    def row(self) -> tuple[str, ...]:
        return (self.key, self.value, str(self.found), str(self.scans),
                f"{100 * self.detection_rate:.1f} %", str(self.blocked), str(self.innocent),
                f"{100 * self.false_rate:.3f} %")


def settings() -> list[tuple[str, str, dict[str, int]]]:
    """Key, value as shown, and what to set."""
    single = [(key, str(value), {**DEFAULTS, key: value})
              for key, values in VALUES.items() for value in values]
    return single + [("all", "/".join(map(str, values)),
                      dict(zip(DEFAULTS, values, strict=True))) for values in TOGETHER]


def point(key: str, shown: str, results: list[judge.Judgement]) -> Point:
    scans = [r for r in results if r.expected == "scan"]
    innocent = [r for r in results if r.expected in captures.INNOCENT]
    return Point(key, shown, sum(r.found == r.scanners for r in scans), len(scans),
                 sum(len(r.besides) for r in innocent), sum(r.sources for r in innocent))


def sweep(listed: list[captures.Capture], jobs: int) -> list[Point]:
    points: list[Point] = []
    known: dict[str, list[judge.Judgement]] = {}
    with tempfile.TemporaryDirectory(prefix="edgesentry-sweep-") as folder:
        config = pathlib.Path(folder) / "sweep.toml"
        for key, shown, values in settings():
            text = CONFIG + "".join(f"{name} = {value}\n" for name, value in values.items())
            if text not in known:
                config.write_text(text, encoding="utf-8")
                results = judge.judge_all(listed, ["--config", str(config)], jobs)
                failed = [r for r in results if r.failure]
                if failed:
                    raise RuntimeError(f"{failed[0].name} with {values}: {failed[0].failure}")
                known[text] = results
            points.append(point(key, shown, known[text]))
            print("sweep:", *points[-1].row, file=sys.stderr)
    return points


def main(command_line: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", nargs="*", type=pathlib.Path, metavar="MANIFEST.csv")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", type=pathlib.Path, metavar="OUT")
    parser.add_argument("--picture", type=pathlib.Path, metavar="SVG")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    arguments = parser.parse_args(command_line)
    try:
        listed = judge.read_manifests(arguments.manifests)
    except captures.ManifestError as fault:
        print(f"sweep: {fault}", file=sys.stderr)
        return 2
    counted = [c for c in listed if c.expected == "scan" or c.expected in captures.INNOCENT]
    points = sweep(counted, arguments.jobs)
    if arguments.json:
        arguments.json.write_text(json.dumps([dataclasses.asdict(p) for p in points], indent=1)
                                  + "\n", encoding="utf-8")
    if arguments.picture:
        pictures.draw_roc(points, arguments.picture)
    make = tables.piped if arguments.markdown else tables.aligned
    print(make(HEAD, [p.row for p in points]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
