"""What the pages name is there: metrics of docs/metrics.md, files that links lead to (TAP)."""

import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
METRIC = re.compile(r"\bedgesentry_[a-z0-9_]*[a-z0-9](?=[`{ )\]]|$)", re.MULTILINE)
BPF = {"edgesentry_drop", "edgesentry_v4", "edgesentry_v6"}  # names of XDP, no metrics
ENDINGS = ("_bucket", "_sum", "_count")  # of histograms
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def unknown_metrics(text: str, known: set[str]) -> list[str]:
    """Names that no metric has."""
    return sorted({name for name in METRIC.findall(text)
                   if name not in known | BPF and not (name.endswith(ENDINGS) and
                                                 name.rsplit("_", 1)[0] in known)})


def dead_links(text: str, folder: Path) -> list[str]:
    """Relative links that lead to nothing."""
    return sorted({link for link in LINK.findall(text) if not (folder / link).exists()})


def main() -> int:
    """All pages; samples first, so that a rule that finds nothing is seen."""
    known = set(re.findall(r"^\| `(edgesentry_[a-z0-9_]+)`",
                           (TOP / "docs/metrics.md").read_text(encoding="utf-8"), re.MULTILINE))
    pages = sorted([*TOP.glob("*.md"), *TOP.glob("docs/**/*.md"), *TOP.glob("perf/*.md")])
    results = {
        "a wrong metric is found": unknown_metrics("`edgesentry_nothing_total`", known) == [
            "edgesentry_nothing_total"] and not unknown_metrics("`edgesentry_up`", known),
        "a dead link is found": dead_links("[a](no/such.md) [b](README.md)", TOP) == ["no/such.md"],
    }
    for page in pages:
        text = page.read_text(encoding="utf-8")
        faults = unknown_metrics(text, known) + dead_links(text, page.parent)
        results[f"{page.relative_to(TOP)} names what is there" +
                "".join(f"\n# {fault}" for fault in faults)] = not faults
    print(f"1..{len(results)}")
    for number, (name, holds) in enumerate(results.items(), 1):
        print(f"{'ok' if holds else 'not ok'} {number} - {name}")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
