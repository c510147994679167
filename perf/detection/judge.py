#!/usr/bin/python3
"""Judge `edgesentry replay` over labelled captures.

    perf/detection/judge.py                         the captures beside the project, all manifests
    perf/detection/judge.py MANIFEST.csv ...        these manifests
    perf/detection/judge.py --update docs/detection.md     rewrite the table of that page

Found: the listed scanners that an alert names. Blocked besides: sources blocked that the manifest
does not list; decoys are among them. Technique, probes and seconds are those of a scanner's first
alert. Exit code 1 when a run fails, or with --gate when an innocent capture has a blocked source; 2
when a manifest is wrong.
"""

import argparse
import concurrent.futures
import dataclasses
import datetime
import ipaddress
import json
import os
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "replay"))

import captures  # noqa: E402
import misses  # noqa: E402
import tables  # noqa: E402
import techniques  # noqa: E402
import tool_names  # noqa: E402

ALERTS = ("scan-detected", "scan-grew", "source-blocked")


@dataclasses.dataclass
class Judgement:
    """What became of one capture."""

    name: str
    category: str
    expected: str
    scanners: int
    found: int = 0
    blocked: int = 0
    besides: list[str] = dataclasses.field(default_factory=list)  # blocked, but not listed
    named: list[str] = dataclasses.field(default_factory=list)  # technique/shape
    technique_right: int = 0
    technique_wrong: int = 0
    tool: str = ""  # right, unnamed, wrong, not found; empty: the manifest names none
    tool_why: str = ""  # what leaves no mark
    probes: list[int] = dataclasses.field(default_factory=list)
    seconds: list[float] = dataclasses.field(default_factory=list)
    sources: int = 0
    failure: str = ""  # of the run itself

    @property
    def verdict(self) -> str:
        if self.failure:
            return "failed"
        if self.expected in captures.INNOCENT:
            return "false" if self.besides else "ok"
        if self.expected not in captures.GUILTY:
            return "-"
        if self.found < self.scanners:
            return f"{self.found}/{self.scanners}" if self.found else "missed"
        return "ok"

    @property
    def faults(self) -> list[str]:
        """What asks for an explanation."""
        found = ["failed"] if self.failure else []
        if self.expected in captures.INNOCENT and self.besides:
            found.append("false")
        if self.expected in captures.GUILTY:
            found += ["missed"] if self.found < self.scanners else []
            found += ["besides"] if self.besides else []
            found += ["technique"] if self.technique_wrong else []
            found += ["tool"] if self.tool in ("wrong", "unnamed") else []
        return found


def covers(event: dict, source: str) -> bool:
    """Whether an alert names the source: its address, or a prefix that it is in."""
    if captures.source_of(event["source"]["ip"]) == source:
        return True
    prefix = event["edgesentry"].get("source_prefix", "")
    if "/" not in prefix:
        return False
    named, own = ipaddress.ip_network(prefix, strict=False), ipaddress.ip_network(source)
    return named.version == own.version and own.subnet_of(named)


def time_of(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def judge_scanner(result: Judgement, capture: captures.Capture, source: str, alerts: list) -> None:
    own = [event for event in alerts if covers(event, source)]
    if not own:
        return
    first = own[0]
    details = first["edgesentry"]
    result.found += 1
    result.blocked += any(event["event"]["action"] == "source-blocked" for event in own)
    result.named.append(f"{details['technique']}/{details['shape']}")
    right = techniques.is_right(capture, source, details["technique"], details["shape"])
    result.technique_right += right is True
    result.technique_wrong += right is False
    result.probes.append(details["probes"])
    took = time_of(first["@timestamp"]) - time_of(first["event"]["start"])
    result.seconds.append(took.total_seconds())


def judge(capture: captures.Capture, outcome: captures.Outcome) -> Judgement:
    result = Judgement(capture.name, capture.category, capture.expected, len(capture.scanners))
    if outcome.exit_code != 0 or not outcome.lines:
        result.failure = f"exit {outcome.exit_code}: {outcome.stderr.strip()[-200:]}"
        return result
    result.sources = outcome.lines[-1]["edgesentry"].get("sources", 0)
    alerts = [event for event in outcome.lines if event["event"]["action"] in ALERTS]
    for source in sorted(capture.scanners):
        judge_scanner(result, capture, source, alerts)
    result.besides = sorted(
        {
            captures.source_of(event["source"]["ip"])
            for event in outcome.events("source-blocked")
            if not any(covers(event, source) for source in capture.scanners)
        }
    )
    if capture.scanners and tool_names.expected_tools(capture):
        result.tool = tool_names.judged(capture, tool_names.names(outcome))[0]
        result.tool_why = tool_names.why_unnamed(capture)
    return result


def judge_all(listed: list[captures.Capture], options: list[str], jobs: int) -> list[Judgement]:
    """In the order of the list; several captures at a time, each in its own process."""
    def one(capture: captures.Capture) -> Judgement:
        return judge(capture, captures.replay(capture.path, *options))

    results = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for result in pool.map(one, listed):
            results.append(result)
            tables.progress(len(results), len(listed), result.name)
    tables.progress_end()
    return results


@dataclasses.dataclass
class Summary:
    """Figures of a category, or of all."""

    files: int
    scanners: int
    found: int
    false_blocks: int
    technique_right: int  # captures, so that 254 sources of one scan do not outweigh the rest
    technique_of: int
    tool_right: int
    tool_of: int
    probes: float | None  # medians
    seconds: float | None


def summarise(results: list[Judgement]) -> Summary:
    counted = [r for r in results if r.expected in captures.GUILTY]
    tools = [r for r in results if r.tool and r.tool != "not found"]
    probes = [n for r in counted for n in r.probes]
    seconds = [s for r in counted for s in r.seconds]
    return Summary(
        files=len(results),
        scanners=sum(r.scanners for r in counted),
        found=sum(r.found for r in counted),
        false_blocks=sum(len(r.besides) for r in results if r.expected != "ambiguous"),
        technique_right=sum(r.technique_right > 0 and not r.technique_wrong for r in counted),
        technique_of=sum(r.technique_right + r.technique_wrong > 0 for r in counted),
        tool_right=sum(r.tool == "right" for r in tools),
        tool_of=len(tools),
        probes=statistics.median(probes) if probes else None,
        seconds=statistics.median(seconds) if seconds else None,
    )


def by_category(results: list[Judgement]) -> dict[str, Summary]:
    names = dict.fromkeys(result.category for result in results)
    found = {name: summarise([r for r in results if r.category == name]) for name in names}
    return {**found, "all": summarise(results)}


def innocent_blocks(results: list[Judgement]) -> list[Judgement]:
    return [r for r in results if r.expected in captures.INNOCENT and r.besides]


def read_manifests(named: list[pathlib.Path]) -> list[captures.Capture]:
    if not named:
        folder = captures.captures_folder()
        if folder is None:
            raise captures.ManifestError(
                "no captures: name manifests, or set EDGESENTRY_CAPTURES to their folder"
            )
        return captures.all_captures(folder)
    top = named[0].resolve().parent
    listed = []
    for manifest in named:
        folder = manifest.resolve().parent
        prefix = f"{folder.relative_to(top)}/" if folder.is_relative_to(top) else f"{folder.name}/"
        listed += captures.read_manifest(manifest, "" if folder == top else prefix)
    return listed


def arguments_of(command_line: list[str] | None) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Anything else is handed to `edgesentry replay`.", allow_abbrev=False,
    )
    parser.add_argument("manifests", nargs="*", type=pathlib.Path, metavar="MANIFEST.csv")
    parser.add_argument("--only", default="", help="captures whose name or category has the word")
    parser.add_argument("--wrong", action="store_true", help="list only what asks for a reason")
    parser.add_argument("--json", type=pathlib.Path, metavar="OUT", help="write all as JSON")
    parser.add_argument("--markdown", action="store_true", help="print the tables of the docs")
    parser.add_argument("--update", type=pathlib.Path, metavar="PAGE", help="rewrite its tables")
    parser.add_argument("--picture", type=pathlib.Path, metavar="SVG", help="draw the categories")
    parser.add_argument("--gate", action="store_true", help="fail when an innocent is blocked")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    return parser.parse_known_args(command_line)


def deliver(results: list[Judgement], arguments: argparse.Namespace) -> None:
    categories = by_category(results)
    reasons = misses.read(pathlib.Path(__file__).with_name("misses.toml"))
    if arguments.json:
        whole = {
            "captures": [{**dataclasses.asdict(r), "verdict": r.verdict} for r in results],
            "categories": {name: dataclasses.asdict(s) for name, s in categories.items()},
        }
        arguments.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    if arguments.picture:
        import pictures
        pictures.draw_categories(categories, arguments.picture)
    if arguments.update:
        tables.update_page(arguments.update, tables.markdown(results, categories, reasons))
    elif arguments.markdown:
        print(tables.markdown(results, categories, reasons))
    else:
        print(tables.plain(results, categories, reasons, arguments.wrong))


def main(command_line: list[str] | None = None) -> int:
    arguments, options = arguments_of(command_line)
    try:
        listed = read_manifests(arguments.manifests)
    except captures.ManifestError as fault:
        print(f"judge: {fault}", file=sys.stderr)
        return 2
    wanted = [c for c in listed if arguments.only in f"{c.name} {c.category}"]
    if not wanted:
        print(f"judge: no capture or category has '{arguments.only}'", file=sys.stderr)
        return 2
    results = judge_all(wanted, options, arguments.jobs)
    deliver(results, arguments)
    failed = [result for result in results if result.failure]
    for result in failed:
        print(f"judge: {result.name}: {result.failure}", file=sys.stderr)
    if arguments.gate:
        for result in innocent_blocks(results):
            print(f"judge: {result.name} is innocent, and blocked were {result.besides[:3]}",
                  file=sys.stderr)
        if innocent_blocks(results):
            return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
