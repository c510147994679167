"""Checks the tree against docs/STYLE.md and each rule against samples that must trip it (TAP)."""

import sys
import tempfile
from pathlib import Path

from rules import all_rules
from samples import LIB_MESON, SAMPLES, Sample
from source import Source, functions_of, read_tree

TOP = Path(__file__).resolve().parents[2]


class Tap:
    """Test Anything Protocol, which meson counts line by line."""

    def __init__(self) -> None:
        """Start at one."""
        self.count = 0
        self.failed = 0

    def report(self, name: str, faults: list[str]) -> None:
        """One result; its faults follow as comments."""
        self.count += 1
        self.failed += bool(faults)
        print(f"{'not ok' if faults else 'ok'} {self.count} - {name}")
        for fault in faults:
            print(f"# {fault}")


def sample_source(sample: Sample) -> Source:
    """A sample as if it stood in the tree; ctags wants it on disk."""
    with tempfile.TemporaryDirectory() as place:
        name = Path(sample.path).name
        (Path(place) / name).write_text(sample.text, encoding="utf-8")
        functions = functions_of(Path(place), [name]).get(name, ())
    return Source(sample.path, sample.text, functions)


def check_rules(tap: Tap) -> None:
    """Each rule finds what it must and leaves its near misses alone."""
    beside = [Source("lib/meson.build", LIB_MESON),
              Source("lib/wire/meson.build", "sources = files('parse.cc')\n")]
    rules = all_rules(beside)
    for name, rule in rules.items():
        faults = []
        for sample in SAMPLES[name]:
            found = list(rule(sample_source(sample)))
            if sample.trips != bool(found):
                verb = "must trip it" if sample.trips else f"must not trip it: {found}"
                faults.append(f"{sample.path}: {sample.text[:60]!r} {verb}")
        if not {True, False} <= {sample.trips for sample in SAMPLES[name]}:
            faults.append("needs a sample that trips it and one that does not")
        tap.report(f"rule works: {name}", faults)


def check_tree(tap: Tap) -> None:
    """No file of the tree trips a rule."""
    sources = read_tree(TOP)
    for name, rule in all_rules(sources).items():
        tap.report(name, [f"{source.path}:{line}: {sentence}"
                          for source in sources for line, sentence in rule(source)])
    tap.report("the tree was found", [] if len(sources) > 50 else [f"only {len(sources)} files"])


def main() -> int:
    """Run both."""
    tap = Tap()
    check_rules(tap)
    check_tree(tap)
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
