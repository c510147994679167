"""Tables of the judge: aligned for a terminal, Markdown for the docs; and progress."""

import collections
import pathlib
import sys

import misses

BEGIN = "<!-- judge: begin -->"
END = "<!-- judge: end -->"
HEAD = ("file", "category", "expected", "found", "named", "technique", "tool", "probes", "seconds",
        "blocked besides", "verdict")
SUMMARY_HEAD = ("category", "files", "scanners", "found", "missed", "false blocks",
                "technique right", "tool right", "probes", "seconds")


def progress(done: int, of: int, name: str) -> None:
    """One line that is rewritten; only for a person who watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{done}/{of} {name}", end="", file=sys.stderr, flush=True)


def progress_end() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def span(values: list, digits: int = 0) -> str:
    if not values:
        return "-"
    low, high = (f"{value:.{digits}f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def named(result) -> str:
    """Techniques and shapes with how often each was seen, most frequent first."""
    seen = collections.Counter(result.named).most_common()
    shown = [f"{kind} x{n}" if n > 1 else kind for kind, n in seen[:3]]
    return ", ".join(shown + (["..."] if len(seen) > 3 else [])) or "-"


def besides(result) -> str:
    extra = result.besides
    if not extra:
        return "-"
    return ", ".join(extra[:2]) + (f" +{len(extra) - 2}" if len(extra) > 2 else "")


def technique(result) -> str:
    of = result.technique_right + result.technique_wrong
    if not of:
        return "-"
    if of == 1:
        return "right" if result.technique_right else "wrong"
    return f"{result.technique_right}/{of}"


def row(result) -> tuple[str, ...]:
    found = f"{result.found}/{result.scanners}" if result.scanners else "-"
    return (result.name, result.category, result.expected, found, named(result),
            technique(result), result.tool or "-", span(result.probes),
            span(result.seconds, 1), besides(result), result.verdict)


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def share(part: int, of: int) -> str:
    return f"{part}/{of}" if of else "-"


def summary_row(name: str, s) -> tuple[str, ...]:
    return (name, str(s.files), str(s.scanners), str(s.found), str(s.scanners - s.found),
            str(s.false_blocks), share(s.technique_right, s.technique_of),
            share(s.tool_right, s.tool_of), number(s.probes), number(s.seconds))


def aligned(head: tuple, rows: list[tuple]) -> str:
    widths = [max(len(line[i]) for line in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
             for line in [head, tuple("-" * w for w in widths), *rows]]
    return "\n".join(lines)


def piped(head: tuple, rows: list[tuple]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def why(result, fault: str, reasons: list[misses.Miss]) -> str:
    known = misses.reason(reasons, result.name, fault)
    if not known and fault == "tool" and result.tool == "unnamed":
        known = result.tool_why
    return known or "not explained yet"


def explained(results: list, reasons: list[misses.Miss]) -> list[tuple[str, str, str]]:
    return [(result.name, fault, why(result, fault, reasons))
            for result in results for fault in result.faults]


def plain(results: list, categories: dict, reasons: list[misses.Miss], only_wrong: bool) -> str:
    shown = [row(r) for r in results if r.faults or not only_wrong]
    parts = [aligned(HEAD, shown),
             aligned(SUMMARY_HEAD, [summary_row(n, s) for n, s in categories.items()])]
    known = explained(results, reasons)
    if known:
        parts.append(aligned(("file", "fault", "why"), known))
    return "\n\n".join(parts)


def markdown(results: list, categories: dict, reasons: list[misses.Miss]) -> str:
    grouped: dict[tuple[str, str], list[str]] = {}
    for name, fault, reason in explained(results, reasons):
        grouped.setdefault((fault, reason), []).append(name)
    why_rows = [(fault, ", ".join(f"`{name}`" for name in names), reason)
                for (fault, reason), names in grouped.items()]
    parts = [piped(SUMMARY_HEAD, [summary_row(n, s) for n, s in categories.items()])]
    if why_rows:
        parts.append(piped(("fault", "captures", "why"), why_rows))
    parts.append(piped(HEAD, [row(r) for r in results]))
    return "\n\n".join(parts)


def update_page(page: pathlib.Path, text: str) -> None:
    whole = page.read_text(encoding="utf-8")
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"judge: {page} has no lines '{BEGIN}' and '{END}' to write between")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
