"""What perf/ measures with can still measure: a quick run of everything that takes a machine, and
the judgement of two revisions.

usage: measure_test.py BUILD    (prints TAP; parts that this machine or user cannot run are skipped)
"""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PERF = Path(__file__).resolve().parents[2] / "perf"
sys.path.insert(0, str(PERF))

import all as everything  # noqa: E402
import all_plots  # noqa: E402
import rig  # noqa: E402
from compare import Rounds  # noqa: E402


def rounds(*costs: tuple[list[int], list[int]]) -> Rounds:
    """Of (base, head) costs."""
    made = Rounds()
    for base, head in costs:
        made.add([float(cost) for cost in base], [float(cost) for cost in head])
    return made


def says_slower_when_every_run_is() -> None:
    """A fifth more cycles, with two percent of noise."""
    assert rounds(*[([100, 102], [120, 122])] * 3).verdict() == "slower"
    assert rounds(*[([120, 122], [100, 102])] * 3).verdict() == "faster"


def says_same_when_one_program_swings_more_than_the_two_differ() -> None:
    """The same binary takes 56 or 85 cycles by the pages that it gets."""
    assert rounds(([56, 57], [85, 86]), ([57, 85], [85, 84]),
                  ([56, 56], [84, 85])).verdict() == "same"


def says_same_when_the_rounds_disagree() -> None:
    """Two of three are slower."""
    assert rounds(([100, 100], [120, 120]), ([100, 100], [120, 120]),
                  ([100, 100], [99, 99])).verdict() == "same"


def says_nothing_after_two_rounds() -> None:
    """However clear they are."""
    assert rounds(*[([100, 100], [200, 200])] * 2).verdict() == "too few rounds"


def reads_medians_and_ranges_back() -> None:
    """As the programs print them."""
    values = all_plots.values_of("x: y\nio_mpps=44.5  range 40 to 49.1\nlost=0\n")
    assert values == {"io_mpps": (44.5, 40, 49.1), "lost": (0, 0, 0)}, values


def gives_back_the_hugepages_that_it_took() -> None:
    """Whatever was there before, and even when the measurement breaks."""
    before = rig.HUGEPAGES.read_text(encoding="ascii")
    with contextlib.suppress(ValueError, rig.NotHere), rig.hugepages(rig.free_pages() + 8):
        raise ValueError("broken")
    assert rig.HUGEPAGES.read_text(encoding="ascii") == before


CASES: list[Callable[[], None]] = [
    says_slower_when_every_run_is,
    says_same_when_one_program_swings_more_than_the_two_differ,
    says_same_when_the_rounds_disagree,
    says_nothing_after_two_rounds,
    reads_medians_and_ranges_back,
    gives_back_the_hugepages_that_it_took,
]


def main(build: Path) -> int:
    """Judgement first, then each part of the quick run as a case, then its pictures."""
    quick = [part for part in everything.parts(build) if part.quick is not None]
    print(f"1..{len(CASES) + len(quick) + 1}")
    failed, said = 0, {}
    for number, case in enumerate(CASES, 1):
        try:
            case()
            print(f"ok {number} - {case.__name__}")
        except AssertionError as wrong:
            failed += 1
            print(f"not ok {number} - {case.__name__}\n# {wrong}")
    with tempfile.TemporaryDirectory(prefix="edgesentry-perf-") as name:
        for number, part in enumerate(quick, len(CASES) + 1):
            done = everything.run_part(part, part.quick or [], Path(name), is_silent=True)
            last = (done.said.strip().splitlines() or ["said nothing"])[-1]
            if done.code == rig.SKIPPED:
                print(f"ok {number} - quick {part.name} # SKIP {last}")
            elif done.code == 0:
                said[part.name] = done.said
                print(f"ok {number} - quick {part.name}")
            else:
                failed += 1
                print(f"not ok {number} - quick {part.name}")
                print("\n".join(f"# {line}" for line in done.said.splitlines()))
            sys.stdout.flush()
        number = len(CASES) + len(quick) + 1
        made = all_plots.pictures(said, Path(name))
        blank = [part for part in said if part in all_plots.MAKERS and part not in made]
        if not made:
            print(f"ok {number} - pictures # SKIP nothing was measured, or no python3-matplotlib")
        else:
            failed += bool(blank)
            print(f"{'not ok' if blank else 'ok'} {number} - pictures of what was measured")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        sys.exit(main(Path(sys.argv[1])))
    except subprocess.SubprocessError as failure:
        sys.exit(f"a command could not be run: {failure}")
