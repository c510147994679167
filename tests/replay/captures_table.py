#!/usr/bin/env python3
"""Prints what `edgesentry replay` finds in each labelled capture: the table of docs/detection.md.

captures_table.py [--only WORD] [--wrong] [replay options]
  --only WORD   captures whose name or category contains the word
  --wrong       only rows that are not ok
Anything else is handed to `edgesentry replay`.
"""

import argparse
import collections
import sys

import captures

HEAD = """\
| file | category | expected | found | probes before decision | blocked besides | verdict |
|---|---|---|---|---:|---|---|"""
TOTALS_HEAD = """
| expected | files | ok | partly | missed | false | other |
|---|---:|---:|---:|---:|---:|---:|"""


def kinds(events: list[dict]) -> str:
    """The techniques and shapes with how often each was seen, most frequent first."""
    seen = collections.Counter(
        f'{e["edgesentry"]["technique"]}/{e["edgesentry"]["shape"]}' for e in events
    )
    shown = [f"{kind} x{n}" if n > 1 else kind for kind, n in seen.most_common(3)]
    return ", ".join(shown + (["..."] if len(seen) > 3 else [])) or "-"


def probes_before(events: list[dict], guilty: set[str]) -> str:
    counts = [
        e["edgesentry"]["probes"]
        for e in events
        if not guilty or captures.source_of(e["source"]["ip"]) in guilty
    ]
    if not counts:
        return "-"
    return str(min(counts)) if min(counts) == max(counts) else f"{min(counts)}-{max(counts)}"


def others(capture: captures.Capture, outcome: captures.Outcome) -> str:
    extra = outcome.blocked - capture.scanners
    if not extra:
        return "-"
    return ", ".join(sorted(extra)[:2]) + (f" +{len(extra) - 2}" if len(extra) > 2 else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--wrong", action="store_true")
    arguments, options = parser.parse_known_args()
    folder = captures.captures_folder()
    if folder is None:
        print("no captures: set EDGESENTRY_CAPTURES to their folder", file=sys.stderr)
        return 1
    totals: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    print(HEAD)
    for capture in captures.all_captures(folder):
        if arguments.only not in capture.name + " " + capture.category:
            continue
        outcome = captures.replay(capture.path, *options)
        result = captures.verdict(capture, outcome)
        if outcome.exit_code != 0:
            result = f"exit {outcome.exit_code}"
        totals[capture.expected][result if "/" not in result else "partly"] += 1
        if arguments.wrong and result in ("ok", "-"):
            continue
        found = outcome.events("source-blocked")
        print(
            f"| {capture.name} | {capture.category} | {capture.expected} | {kinds(found)} "
            f"| {probes_before(found, capture.scanners)} | {others(capture, outcome)} | {result} |",
            flush=True,
        )
    print(TOTALS_HEAD)
    for expected, counts in sorted(totals.items()):
        known = [counts.pop(word, 0) for word in ("ok", "partly", "missed", "false")]
        rest = sum(counts.values())
        cells = [expected, sum(known) + rest, *known, rest]
        print("| " + " | ".join(map(str, cells)) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
