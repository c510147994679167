#!/usr/bin/env python3
"""Run the benchmarks of build/perf and print what they say.

    perf/bench.py                every benchmark, a table of medians each
    perf/bench.py --quick        one short repetition of everything
    perf/bench.py --headline     only what the goals name, one key=value a line
    perf/bench.py --update-docs  also copy the plots to perf/plots

Raw results and plots go to out/bench. Ratios compare figures of one process, taken in turns, so
that a busy machine spoils them less than it spoils the absolute ones.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "out" / "bench"
PLOTS = ROOT / "perf" / "plots"

BURST = 64  # packets; the appliance takes as many at once (nic::kBurst)
BENCHES = ("limit", "parse", "source_table", "pipeline", "inspect", "ring", "snapshot", "scrape",
           "ledger", "restore", "table_peers", "control", "scaling", "needle")
HEADLINE_FILTERS = {
    "limit": "^limit/MiB:256$",
    "pipeline": r"pipeline/(syn64|syn64_half_full|mixed|blocked)"
                rf"/sources:(1024|1048576|16777216|67108864)/burst:{BURST}$",
    "restore": "blocks:1000000$",
    "control": "drain_alerts/blocks:262144|record_blocks/blocks:1000000/kept:1",
    "scaling": ".",
    "needle": "flood:(0|10000000)/",
}
HIDDEN = {"name", "run_name", "run_type", "repetitions", "repetition_index", "threads",
          "iterations",
          "real_time", "cpu_time", "time_unit", "family_index", "per_family_instance_index",
          "items_per_second", "label", "checksum", "aggregate_name", "aggregate_unit"}


class BenchError(Exception):
    pass


def run_bench(build, name, args):
    """Returns the repetitions by benchmark name: {name: [run, ...]}."""
    program = build / "perf" / f"{name}_bench"
    if not program.exists():
        raise BenchError(f"{program} is missing: build with ./dev build")
    target = OUT / f"{name}.json"
    command = [str(program), f"--benchmark_out={target}", "--benchmark_out_format=json",
               "--benchmark_enable_random_interleaving=true",
               f"--benchmark_repetitions={1 if args.quick else args.repetitions}",
               f"--benchmark_min_time={0.02 if args.quick else args.min_time}"]
    if args.headline and name in HEADLINE_FILTERS:
        command.append(f"--benchmark_filter={HEADLINE_FILTERS[name]}")
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    runs = {}
    for run in json.loads(target.read_text())["benchmarks"]:
        if run.get("run_type") == "iteration":
            runs.setdefault(run["run_name"], []).append(run)
    return runs


def median(runs, key):
    return statistics.median(run[key] for run in runs if key in run)


def figures_of(runs):
    """Medians of every counter, and how far apart the repetitions were (range over median)."""
    figures = {}
    for name, repeated in runs.items():
        keys = [key for key in repeated[0] if key not in HIDDEN]
        row = {key: median(repeated, key) for key in keys}
        cycles = [run["cycles"] for run in repeated]
        row["spread"] = (max(cycles) - min(cycles)) / statistics.median(cycles)
        figures[name] = row
    return figures


def check_sums(runs):
    """Runs of a pure unit do the same work whenever they do it as often."""
    for name, repeated in runs.items():
        if not all("checksum" in run for run in repeated):
            raise BenchError(f"{name} prints no checksum: nobody can tell what it did")


def print_table(title, figures):
    first = ["Mpps", "cycles", "spread", "of_limit"]
    keys = [k for k in first if any(k in row for row in figures.values())]
    keys += sorted({k for row in figures.values() for k in row} - set(first))
    width = max(len(name) for name in figures)
    print(f"\n{title:<{width}}" + "".join(f"{key:>14}" for key in keys))
    for name, row in figures.items():
        cells = "".join(f"{row[key]:>14.4g}" if key in row else f"{'':>14}" for key in keys)
        print(f"{name:<{width}}{cells}")


def headline_of(figures):
    """The keys that the goals name, from what was measured."""
    pipeline = figures.get("pipeline", {})

    def of(shape, sources, key):
        row = pipeline.get(f"pipeline/{shape}/sources:{sources}/burst:{BURST}")
        return None if row is None else row[key]

    limit = figures.get("limit", {}).get("limit/MiB:256")
    unblocked, blocked = (of(shape, 1 << 20, "cycles") for shape in ("syn64_half_full", "blocked"))

    def figure(bench, name, key):
        return figures.get(bench, {}).get(name, {}).get(key)

    def per_second(name):
        millions = figure("control", name, "Mpps")
        return millions and millions * 1e6

    values = {
        "pipeline_1k_mpps": of("syn64", 1 << 10, "Mpps"),
        "pipeline_1k_cycles": of("syn64", 1 << 10, "cycles"),
        "pipeline_mixed_1k_mpps": of("mixed", 1 << 10, "Mpps"),
        "limit_mlines": limit and limit["Mpps"],
        "pipeline_16m_mpps": of("syn64", 1 << 24, "Mpps"),
        "pipeline_16m_ratio": of("syn64", 1 << 24, "of_limit"),
        "pipeline_64m_ratio": of("syn64", 1 << 26, "of_limit"),
        "pipeline_16m_half_full_ratio": of("syn64_half_full", 1 << 24, "of_limit"),
        "pipeline_blocked_1m_ratio": unblocked and blocked and unblocked / blocked,
        "tier1_bytes_per_source": 16.0,
        "restore_1m_s": figure("restore", "restore/blocks:1000000", "seconds"),
        "scaling_2_ratio": figure("scaling", "two_over_one/sources:1024", "ratio"),
        "scaling_2_ratio_1m": figure("scaling", "two_over_one/sources:1048576", "ratio"),
        "control_alerts_per_s": per_second("drain_alerts/blocks:262144"),
        "control_blocks_per_s": per_second("record_blocks/blocks:1000000/kept:1"),
        "needle_probes_alone": figure("needle", "needle/flood:0/iterations:1", "probes"),
        "needle_probes_flood": figure("needle", "needle/flood:10000000/iterations:1", "probes"),
    }
    return {key: value for key, value in values.items() if value is not None}


def plot(figures):
    """Pictures of the figures; without matplotlib there are none, and that is said."""
    try:
        import matplotlib
    except ImportError:
        print("no plots: install python3-matplotlib", file=sys.stderr)
        return []
    matplotlib.use("svg")
    import matplotlib.pyplot as plt
    plt.rcParams["svg.hashsalt"] = "edgesentry"
    made = []
    pipeline = figures.get("pipeline", {})
    shapes = {}
    for name, row in pipeline.items():
        _, shape, sources, burst = name.split("/")
        if burst == f"burst:{BURST}":
            shapes.setdefault(shape, []).append((int(sources.split(":")[1]), row))
    for key, label in (("Mpps", "million packets a second, one core"),
                       ("of_limit", "share of the machine's random-line limit")):
        fig, axes = plt.subplots(figsize=(7, 4))
        for shape, points in sorted(shapes.items()):
            points.sort(key=lambda point: point[0])
            axes.plot([x for x, _ in points], [row[key] for _, row in points], "o-", label=shape)
        axes.set_xscale("log", base=2)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("distinct sources")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        axes.legend()
        made.append(save(plt, fig, f"pipeline_{key.lower()}"))
    cycles = {name: row["cycles"] for bench in ("parse", "source_table", "inspect")
              for name, row in figures.get(bench, {}).items()}
    if cycles:
        fig, axes = plt.subplots(figsize=(7, 0.32 * len(cycles) + 1))
        axes.barh(list(cycles), list(cycles.values()))
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xlabel("TSC cycles per packet")
        axes.grid(axis="x", alpha=0.3)
        made.append(save(plt, fig, "cycles_per_unit"))
    return made


def save(plt, fig, name):
    path = OUT / f"{name}.svg"
    fig.savefig(path, bbox_inches="tight", metadata={"Date": None})
    fig.savefig(path.with_suffix(".png"), bbox_inches="tight", dpi=110)
    plt.close(fig)
    return path


def appliance(args):
    """The whole appliance beside testpmd; needs root, and is left out with a word otherwise."""
    sys.path.insert(0, str(ROOT / "perf"))
    import appliance_vs_testpmd
    import rig
    try:
        return appliance_vs_testpmd.headline(appliance_vs_testpmd.measure(
            args.build, seconds=1 if args.quick else 3, rounds=1 if args.quick else 5))
    except rig.NotMeasured as reason:
        print(f"appliance_vs_rxonly, inline_vs_io not measured: {reason}", file=sys.stderr)
        return {}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--headline", action="store_true", help="print key=value lines only")
    parser.add_argument("--quick", action="store_true", help="one short repetition of each")
    parser.add_argument("--update-docs", action="store_true", help="copy the plots to perf/plots")
    parser.add_argument("--only", action="append", choices=BENCHES, help="this benchmark only")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--min-time", type=float, default=0.2, help="seconds of a repetition")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    return parser.parse_args()


def main():
    args = arguments()
    OUT.mkdir(parents=True, exist_ok=True)
    names = args.only or (tuple(HEADLINE_FILTERS) if args.headline else BENCHES)
    figures = {}
    for name in names:
        runs = run_bench(args.build, name, args)
        check_sums(runs)
        figures[name] = figures_of(runs)
        if not args.headline:
            print_table(name, figures[name])
            sys.stdout.flush()
    values = headline_of(figures)
    if not args.only:
        values.update(appliance(args))
    if not args.headline:
        print()
    for key, value in values.items():
        print(f"{key}={value:.4g}")
    report = {"figures": figures, "headline": values}
    (OUT / "figures.json").write_text(json.dumps(report, indent=1))
    for path in [] if args.headline else plot(figures):
        if args.update_docs:
            PLOTS.mkdir(exist_ok=True)
            shutil.copy(path, PLOTS / path.name)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
