#!/usr/bin/python3
"""Run generated scans and generated benign traffic through `edgesentry replay`.

    perf/detection/adversarial.py                        20,000 benign flows, each scan three times
    perf/detection/adversarial.py --flows 10000000       minutes to an hour; memory stays bounded
    perf/detection/adversarial.py --seed 7               other traffic; the same seed, the same one

Benign traffic comes in slices, each a capture of some hours with clients of its own, made, replayed
and removed one after another. With --gate the exit code is 1 when a benign source is blocked or a
fast scan is not found.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import statistics
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "replay"))

import benign  # noqa: E402
import captures  # noqa: E402
import judge  # noqa: E402
import scans  # noqa: E402
import tables  # noqa: E402

SLICE_FLOWS = 20_000
SCAN_HEAD = ("scan", "found", "technique", "probes", "seconds", "decoys blocked", "benign blocked")
BENIGN_HEAD = ("clients", "number", "flows", "blocked", "blocked per million flows")


@dataclasses.dataclass
class ScanResult:
    name: str
    fast: bool
    runs: int = 0
    found: int = 0
    right: int = 0
    probes: list[int] = dataclasses.field(default_factory=list)
    seconds: list[float] = dataclasses.field(default_factory=list)
    decoys: int = 0
    decoys_of: int = 0
    benign: int = 0


@dataclasses.dataclass
class BenignResult:
    clients: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    flows: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    blocked: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    examples: list[str] = dataclasses.field(default_factory=list)

    def add(self, other: "BenignResult") -> None:
        self.clients += other.clients
        self.flows += other.flows
        self.blocked += other.blocked
        self.examples = (self.examples + other.examples)[:20]


def replayed(whole: benign.Slice) -> captures.Outcome:
    with tempfile.TemporaryDirectory(prefix="edgesentry-adversarial-") as folder:
        path = pathlib.Path(folder) / "traffic.pcap"
        whole.trace.write(path)
        outcome = captures.replay(path)
    if outcome.exit_code != 0:
        raise RuntimeError(f"replay ended with {outcome.exit_code}: {outcome.stderr[-300:]}")
    return outcome


def run_scan(scenario: scans.Scenario, seed: str) -> ScanResult:
    whole, scanner = scans.make(scenario, seed)
    outcome = replayed(whole)
    result = ScanResult(scenario.name, scenario.fast, runs=1, decoys_of=scenario.decoys)
    own = [event for event in outcome.lines
           if event["event"]["action"] in judge.ALERTS and judge.covers(event, scanner)]
    if own:
        first = own[0]
        result.found = 1
        result.right = int(first["edgesentry"]["technique"] in scenario.techniques)
        result.probes.append(first["edgesentry"]["probes"])
        took = judge.time_of(first["@timestamp"]) - judge.time_of(first["event"]["start"])
        result.seconds.append(took.total_seconds())
    others = outcome.blocked - {scanner}
    result.benign = len(others & whole.kind_of.keys())
    result.decoys = len(others) - result.benign
    return result


def run_benign(seed: str, flows: int) -> BenignResult:
    whole = benign.Slice(seed)
    benign.fill(whole, flows)
    outcome = replayed(whole)
    kinds = {source: whole.kind_of.get(source, "servers") for source in outcome.blocked}
    return BenignResult(
        clients=collections.Counter(whole.kind_of.values()),
        flows=whole.flows,
        blocked=collections.Counter(kinds.values()),
        examples=[f"{kinds[e['source']['ip']]}: {e['event']['reason']} "
                  f"[{e['edgesentry']['reason']}]" for e in outcome.events("source-blocked")],
    )


def merged(results: list[ScanResult]) -> list[ScanResult]:
    """One row for each scenario."""
    rows: dict[str, ScanResult] = {}
    for one in results:
        row = rows.setdefault(one.name, ScanResult(one.name, one.fast))
        for field in ("runs", "found", "right", "decoys", "decoys_of", "benign"):
            setattr(row, field, getattr(row, field) + getattr(one, field))
        row.probes += one.probes
        row.seconds += one.seconds
    return list(rows.values())


def run_all(seed: int, flows: int, repeats: int,
            jobs: int) -> tuple[list[ScanResult], BenignResult]:
    total, found = BenignResult(), []
    sizes = [SLICE_FLOWS] * (flows // SLICE_FLOWS)
    sizes += [flows % SLICE_FLOWS] if flows % SLICE_FLOWS else []
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        runs = [(scenario, f"{seed}/{scenario.name}/{turn}")
                for scenario in scans.SCENARIOS for turn in range(repeats)]
        for result in pool.map(run_scan, *zip(*runs, strict=True)):
            found.append(result)
            tables.progress(len(found), len(runs), result.name)
        seeds = [f"{seed}/benign/{number}" for number in range(len(sizes))]
        # Some at a time: what is submitted and not yet fetched stays in memory.
        for begin in range(0, len(seeds), 64):
            part = slice(begin, begin + 64)
            for result in pool.map(run_benign, seeds[part], sizes[part]):
                total.add(result)
                tables.progress(total.flows.total(), flows, "benign flows")
    tables.progress_end()
    return merged(found), total


def scan_row(row: ScanResult) -> tuple[str, ...]:
    right = f"{row.right}/{row.found}" if row.found else "-"
    probes = tables.number(statistics.median(row.probes) if row.probes else None)
    seconds = tables.number(statistics.median(row.seconds) if row.seconds else None)
    decoys = tables.share(row.decoys, row.decoys_of)
    return (row.name, f"{row.found}/{row.runs}", right, probes, seconds, decoys, str(row.benign))


def benign_rows(total: BenignResult) -> list[tuple[str, ...]]:
    kinds = [*benign.MAKERS, *(["servers"] if total.blocked["servers"] else [])]
    rows = [(kind, total.clients[kind], total.flows[kind], total.blocked[kind]) for kind in kinds]
    rows.append(("all", *(sum(row[i] for row in rows) for i in (1, 2, 3))))
    return [(kind, str(clients), str(flows), str(blocked),
             f"{1e6 * blocked / flows:.3g}" if flows else "-")
            for kind, clients, flows, blocked in rows]


def report(found: list[ScanResult], total: BenignResult, make=tables.aligned) -> str:
    slow = [row for row in found if not row.fast and row.found == row.runs]
    parts = [make(SCAN_HEAD, [scan_row(row) for row in found]),
             make(BENIGN_HEAD, benign_rows(total)),
             "Slow scans found in every run: " + ("; ".join(r.name for r in slow) or "none") + "."]
    return "\n\n".join(parts)


def faults(found: list[ScanResult], total: BenignResult) -> list[str]:
    """What the gate does not let pass."""
    wrong = [f"{row.name}: found in {row.found} of {row.runs} runs"
             for row in found if row.fast and row.found < row.runs]
    wrong += [f"{row.name}: {row.benign} benign sources blocked" for row in found if row.benign]
    if total.blocked.total():
        wrong.append(f"{total.blocked.total()} benign sources blocked, for example "
                     + "; ".join(total.examples[:5]))
    return wrong


def main(command_line: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flows", type=int, default=20_000, help="benign flows")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each scan")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", type=pathlib.Path, metavar="OUT")
    parser.add_argument("--gate", action="store_true")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    arguments = parser.parse_args(command_line)
    if arguments.repeats < 1 or arguments.flows < 0 or arguments.jobs < 1:
        parser.error("--repeats and --jobs are at least 1, --flows at least 0")
    found, total = run_all(arguments.seed, arguments.flows, arguments.repeats, arguments.jobs)
    if arguments.json:
        # Not asdict(): of a Counter it makes one that counts its items.
        whole = {"scans": [vars(row) for row in found], "benign": vars(total)}
        arguments.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    print(report(found, total, tables.piped if arguments.markdown else tables.aligned))
    wrong = faults(found, total)
    for fault in wrong:
        print(f"adversarial: {fault}", file=sys.stderr)
    return 1 if wrong and arguments.gate else 0


if __name__ == "__main__":
    sys.exit(main())
