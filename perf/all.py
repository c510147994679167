#!/usr/bin/env python3
"""Every measurement there is, with pictures, as one page: ./dev bench --all.

    perf/all.py [--quick] [--only NAME]... [--build BUILD]

Runs one command after the other (never two at once) and keeps everything of this run in
out/bench/runs/DATE-REVISION: what each command printed, Google Benchmark's JSON, pictures as SVG
and PNG, and index.md, which explains them. out/bench/latest points there. What this machine or user
lacks is left out with a word on the page. --quick is one short round of what takes a machine (whole
programs, namespaces), below a minute, in out/bench/quick; its figures mean nothing. The exit code
is 1 when something that could run here failed.
"""

import argparse
import datetime
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

import all_plots
import rig

RUNS = rig.ROOT / "out" / "bench" / "runs"
HERE = pathlib.Path(__file__).resolve().parent
PART_SECONDS_MAX = 3600


@dataclass(frozen=True)
class Part:
    """One command, and what it is for."""

    name: str
    title: str
    says: str
    command: list[str]
    quick: list[str] | None  # instead; None: left out of a quick run


def parts(build: pathlib.Path) -> list[Part]:
    """In the order of the page."""
    def program(name: str, *words: str) -> list[str]:
        return ["/usr/bin/python3", str(HERE / name), *words]

    at = ["--build", str(build)]
    return [
        Part("bench", "The hot units", "Each at working sets of the first-level cache, the "
             "last-level cache and memory; medians, and `spread` as range over median. `of_limit` "
             "compares with one random cache line changed, 32 in flight. `table_peers` has "
             "rte_hash and tbb::concurrent_hash_map do the table's job. The key=value lines are "
             "those of the goals.", program("bench.py", *at), None),
        Part("appliance", "The appliance beside testpmd", "The same capture, devices and core by "
             "turns: tap beside rxonly, inline beside io. The ratios are what counts.",
             program("appliance_vs_testpmd.py", *at, "--rounds", "5"),
             program("appliance_vs_testpmd.py", *at, "--rounds", "1", "--seconds", "0.3")),
        Part("memif", "Over shared memory", "testpmd generates, edgesentryd looks, a core each. "
             "The rate is the appliance's only where it is the slower of the two.",
             program("memif.py", *at), program("memif.py", *at, "--rounds", "1", "--seconds",
                                               "0.3")),
        Part("latency", "Latency", "From port to port by the kernel's clock, beside testpmd. "
             "Beyond a millisecond it is another program's turn on the core.",
             program("latency.py", *at, "--packets", "20000"),
             program("latency.py", *at, "--packets", "500", "--rounds", "1")),
        Part("tools", "A scan inside a flood", "Who finds nmap among invented sources, and what a "
             "packet costs each tool.", program("compare_tools.py", *at),
             program("compare_tools.py", *at, "--rounds", "1", "--seconds", "2", "--only",
                     "edgesentry", "--only", "nftables")),
        Part("enforcers", "Dropping in the kernel", "What it costs the host to drop a blocked "
             "source, by nftables and by XDP.",
             program("enforcers.py", *(str(build / each) for each in (
                 "tests/enforce/nft_driver", "app/edgesentry-nft", "app/edgesentry-xdp"))), None),
    ]


def machine(build: pathlib.Path) -> list[str]:
    """What the figures are of."""
    def first(path: str, pattern: str) -> str:
        found = re.search(pattern, pathlib.Path(path).read_text(encoding="utf-8"), re.MULTILINE)
        return found[1].strip() if found else "unknown"

    thp = first("/sys/kernel/mm/transparent_hugepage/enabled", r"\[(\w+)\]")
    return [f"- Processor: {first('/proc/cpuinfo', r'^model name.*: (.*)')}, "
            f"{os.cpu_count()} cores here",
            f"- Memory: {int(first('/proc/meminfo', r'^MemTotal: +([0-9]+)')) >> 20} GiB, "
            f"transparent hugepages: {thp}",
            f"- Kernel: {platform.release()}",
            f"- Revision: {revision()}, build {build.name}",
            f"- Load average at the start: {first('/proc/loadavg', '^([0-9. ]+) ')}"]


def revision() -> str:
    """Of this tree."""
    done = subprocess.run(["git", "-C", str(rig.ROOT), "describe", "--always", "--dirty"],
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


@dataclass(frozen=True)
class Done:
    """What became of a part."""

    part: Part
    command: list[str]
    code: int
    said: str

    @property
    def outcome(self) -> str:
        """For people."""
        return {0: "measured", rig.SKIPPED: "LEFT OUT HERE"}.get(self.code, "FAILED")


def run_part(part: Part, command: list[str], folder: pathlib.Path, *,
             is_silent: bool = False) -> Done:
    """Its output goes to a file, and a word about it to the screen."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=PART_SECONDS_MAX, check=False,
                              cwd=rig.ROOT)
        result = Done(part, command, done.returncode, done.stdout)
    except subprocess.TimeoutExpired:
        result = Done(part, command, 1, f"did not end within {PART_SECONDS_MAX} s")
    (folder / f"{part.name}.txt").write_text(result.said, encoding="utf-8")
    if not is_silent:
        print(f"{result.outcome}: {part.name}", flush=True)
    if result.code != 0 and not is_silent:
        print("  " + "\n  ".join(result.said.strip().splitlines()[-5:]), flush=True)
    return result


def page(done: list[Done], build: pathlib.Path, pictures: dict[str, list[pathlib.Path]],
         is_quick: bool) -> str:
    """Markdown."""
    lines = ["# Measurements", ""]
    if is_quick:
        lines += ["**A quick run: that everything works is all that it says.**", ""]
    lines += [*machine(build), "", "Absolute figures swing with whoever else uses the machine; "
              "ratios are of turns next to each other. perf/README.md explains what limits each.",
              ""]
    for each in done:
        words = " ".join(each.command).replace(str(rig.ROOT) + "/", "")
        lines += [f"## {each.part.title}", "", each.part.says, "", f"    {words}", ""]
        if each.code != 0:
            lines += [f"**{each.outcome}**", ""]
        lines += ["```", each.said.strip(), "```", ""]
        lines += [f"![{picture.stem}]({picture.name})" for picture in
                  pictures.get(each.part.name, [])] + [""]
    return "\n".join(lines)


def main() -> int:
    """Everything."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("--build", type=pathlib.Path, default=rig.ROOT / "build")
    args = parser.parse_args()
    build = args.build.absolute()
    folder = RUNS / f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{revision()}"
    if args.quick:
        folder = RUNS.parent / "quick"
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    done = []
    for part in parts(build):
        command = part.quick if args.quick else part.command
        if command is not None and (args.only is None or part.name in args.only):
            done.append(run_part(part, command, folder))
            if part.name == "bench":
                for file in (rig.ROOT / "out" / "bench").glob("*.*"):
                    shutil.copy(file, folder)
    pictures = all_plots.pictures({each.part.name: each.said for each in done if each.code == 0},
                                  folder)
    (folder / "index.md").write_text(page(done, build, pictures, args.quick), encoding="utf-8")
    if not args.quick:
        latest = RUNS.parent / "latest"
        latest.unlink(missing_ok=True)
        latest.symlink_to(folder.relative_to(RUNS.parent))
    print(f"page: {(folder / 'index.md').relative_to(rig.ROOT)}")
    return 1 if any(each.code not in (0, rig.SKIPPED) for each in done) else 0


if __name__ == "__main__":
    sys.exit(main())
