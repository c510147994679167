#!/usr/bin/env python3
"""Two revisions, benchmarked by turns: ratios with their spread.

    perf/compare.py BASE [--only pipeline] [--filter REGEX] [--rounds 5] [--fail-below 0.9]
                         [--appliance] [--head REV]

BASE (any name git knows) is built in a worktree of its own below out/compare with the options of
this build; what it is compared with is this tree as it stands, or --head. A round runs every
benchmark program of both twice, as base, this, this, base, and takes the better of two. A ratio
above 1 says that this tree needs fewer cycles. "itself" is how far apart the two runs of one and
the same program were: "faster" or "slower" is said only where each run of the one took less than
every run of the other, "same" otherwise. --appliance adds edgesentryd as a tap and inline (root,
hugepages), in packets for each second of CPU. The exit code is 0 unless --fail-below names a ratio
and something slower has a median below it. The worktrees are kept for the next time;
`git worktree remove` gets rid of them.
"""

import argparse
import configparser
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field

import appliance_vs_testpmd
import rig

OUT = rig.ROOT / "out" / "compare"
# Of each program what is worth a wait by default; one process runs them all, once a round.
DEFAULTS = {
    "pipeline": r"(syn64|mixed|blocked)/sources:(1024|1048576)/burst:64$",
    "source_table": r"(hit/sources|evict/entries):(512|1024|262144)$",
    "inspect": ".*",
    "parse": ".*",
    "ledger": ".*",
}
ROUNDS_MIN = 3  # below this, chance alone would often agree with itself


class CompareError(Exception):
    """Why nothing can be compared, in a sentence."""


def git(*words: str) -> str:
    """What git answers."""
    done = subprocess.run(["git", "-C", str(rig.ROOT), *words], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise CompareError(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def options_of(build: pathlib.Path) -> list[str]:
    """What somebody chose for this build, so that the other is built alike."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment]
    parser.read(build / "meson-private" / "cmd_line.txt")
    return [f"-D{key}={value}" for key, value in parser["options"].items()
            ] if parser.has_section("options") else []


def built(revision: str, options: list[str], targets: list[str]) -> pathlib.Path:
    """The build directory of a revision, with those of the targets that it has."""
    sha = git("rev-parse", "--verify", f"{revision}^{{commit}}")
    tree = OUT / sha[:12]
    if not tree.exists():
        git("worktree", "prune")
        git("worktree", "add", "--detach", str(tree), sha)
    build = tree / "build"
    log = OUT / f"{sha[:12]}.log"
    jobs = os.environ.get("JOBS", str(os.cpu_count() or 1))
    with log.open("w", encoding="utf-8") as file:
        if not (build / "build.ninja").exists():
            command = ["meson", "setup", str(build), str(tree), *options]
            if subprocess.run(command, stdout=file, stderr=file, check=False).returncode != 0:
                raise CompareError(f"{revision} cannot be configured: {log}")
        listed = subprocess.run(["ninja", "-C", str(build), "-t", "targets", "all"],
                                capture_output=True, text=True, check=True).stdout
        known = {line.split(":")[0] for line in listed.splitlines()}
        command = ["ninja", f"-j{jobs}", "-C", str(build), *[t for t in targets if t in known]]
        if subprocess.run(command, stdout=file, stderr=file, check=False).returncode != 0:
            raise CompareError(f"{revision} does not build: {log}")
    return build


def cost(run: dict[str, float]) -> float:
    """Cycles an item where the benchmark counts them, else time."""
    return run.get("cycles") or run["cpu_time"]


def run_bench(program: pathlib.Path, pattern: str, min_time: float) -> dict[str, float]:
    """The cost of each benchmark in one process."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [str(program), f"--benchmark_filter={pattern}", f"--benchmark_out={out.name}",
                   "--benchmark_out_format=json", f"--benchmark_min_time={min_time}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CompareError(f"{' '.join(command)}: {done.stderr.strip()[-400:]}")
        text = pathlib.Path(out.name).read_text(encoding="utf-8")
    if not text.strip():
        return {}  # no benchmark of that name
    return {run["name"]: cost(run) for run in json.loads(text)["benchmarks"]}


@dataclass
class Rounds:
    """What the rounds of one benchmark said."""

    base: list[float] = field(default_factory=list)
    head: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    itself: list[float] = field(default_factory=list)  # how far apart two runs of one program were

    def add(self, base: list[float], head: list[float]) -> None:
        """The costs of one round."""
        self.base += base
        self.head += head
        self.ratios.append(min(base) / min(head))
        self.itself += [max(costs) / min(costs) for costs in (base, head)]

    def verdict(self) -> str:
        """In one word."""
        if len(self.ratios) < ROUNDS_MIN:
            return "too few rounds"
        if max(self.head) < min(self.base):
            return "faster"
        return "slower" if max(self.base) < min(self.head) else "same"


@dataclass(frozen=True)
class Pair:
    """Both sides, and what was seen so far."""

    base: pathlib.Path
    head: pathlib.Path
    seen: dict[str, Rounds]

    def by_turns(self, measure: Callable[[pathlib.Path], dict[str, float]]) -> None:
        """One round: who goes first also goes last."""
        costs: dict[str, dict[str, list[float]]] = {"base": {}, "head": {}}
        for side in ("base", "head", "head", "base"):
            for name, value in measure(self.base if side == "base" else self.head).items():
                costs[side].setdefault(name, []).append(value)
        for name in costs["base"].keys() & costs["head"].keys():
            self.seen.setdefault(name, Rounds()).add(costs["base"][name], costs["head"][name])

    def both_have(self, program: pathlib.Path) -> bool:
        """Else there is nothing to compare, which is said."""
        missing = [side for side in (self.base, self.head) if not (side / program).exists()]
        for side in missing:
            print(f"{program.name} is left out: {side} has none", file=sys.stderr)
        return not missing


def appliance_costs(side: pathlib.Path, folder: pathlib.Path) -> dict[str, float]:
    """Microseconds of CPU a packet."""
    return {f"edgesentryd/{place.name}":
            1 / appliance_vs_testpmd.Run(side, folder, 2).appliance(place)
            for place in (appliance_vs_testpmd.TAP, appliance_vs_testpmd.INLINE)}


def print_table(seen: dict[str, Rounds]) -> None:
    """Median, range, noise, and what can be said."""
    width = max(len(name) for name in seen)
    print(f"{'benchmark':<{width}}  ratio  {'range':<14}  itself  verdict")
    for name, rounds in sorted(seen.items()):
        low, high = min(rounds.ratios), max(rounds.ratios)
        print(f"{name:<{width}}  {statistics.median(rounds.ratios):5.3f}  {low:.3f} to {high:.3f}"
              f"  {max(rounds.itself):6.3f}  {rounds.verdict()}")


def compare(args: argparse.Namespace) -> int:
    """Build, run, print."""
    patterns = {name: args.filter or DEFAULTS.get(name, ".*") for name in args.only or DEFAULTS}
    targets = [f"perf/{name}_bench" for name in patterns]
    targets += ["app/edgesentryd"] if args.appliance else []
    OUT.mkdir(parents=True, exist_ok=True)
    options = options_of(args.build)
    pair = Pair(built(args.base, options, targets),
                built(args.head, options, targets) if args.head else args.build, {})
    for name, pattern in patterns.items():
        program = pathlib.Path("perf") / f"{name}_bench"
        for _ in range(args.rounds if pair.both_have(program) else 0):
            pair.by_turns(lambda side, program=program, pattern=pattern:  # type: ignore[misc]
                          run_bench(side / program, pattern, args.min_time))
    if args.appliance:
        with tempfile.TemporaryDirectory(prefix="edgesentry-perf-") as name, \
                rig.hugepages(appliance_vs_testpmd.PAGES_NEEDED):
            folder = pathlib.Path(name)
            rig.write_capture(folder / "sources.pcap", 16384)
            for _ in range(args.rounds):
                pair.by_turns(lambda side: appliance_costs(side, folder))
    if not pair.seen:
        raise CompareError("the two have no benchmark in common that matches")
    print_table(pair.seen)
    slow = [name for name, rounds in pair.seen.items()
            if args.fail_below is not None and rounds.verdict() == "slower"
            and statistics.median(rounds.ratios) < args.fail_below]
    if slow:
        print(f"below {args.fail_below:g}: {', '.join(slow)}")
    return 1 if slow else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("base", metavar="BASE")
    parser.add_argument("--head", metavar="REV", help="instead of this tree as it stands")
    parser.add_argument("--only", action="append", metavar="NAME", help="pipeline, ledger, ...")
    parser.add_argument("--filter", metavar="REGEX", help="benchmarks within the programs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--min-time", type=float, default=0.1, help="seconds of a benchmark")
    parser.add_argument("--fail-below", type=float, metavar="RATIO")
    parser.add_argument("--appliance", action="store_true", help="edgesentryd as well")
    parser.add_argument("--build", type=pathlib.Path, default=rig.ROOT / "build")
    try:
        return compare(parser.parse_args())
    except (CompareError, rig.NotMeasured) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
