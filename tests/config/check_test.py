"""Runs `edgesentry check`: every fault of a file and of its patterns in one go.

usage: check_test.py EDGESENTRY    (prints TAP)
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

CHECK_SECONDS = 60.0
WIRE = '[[segment]]\nname = "lan"\noutside = "eth0"\ninside = "eth1"\n'
PATTERN = ("[[pattern]]\nid = 'one'\nkind = 'scanner'\nexpression = 'abc'\nprotocol = 'tcp'\n"
           "side = 'client'\ntool = 'nmap'\nseverity = 'low'\ndescription = 'd'\n"
           "matches = ['abc']\nspares = ['abd']\n")

Check = Callable[[str], tuple[int, str]]


def tells_all_faults_at_once(folder: Path, check: Check) -> None:
    """Values, rules between keys, and patterns: none waits for another to be mended."""
    (folder / "p.toml").write_text(PATTERN.replace("['abc']", "['xyz']"), encoding="utf-8")
    code, said = check('mode = "maybe"\n' + WIRE +
                       '[detect]\nfalse_positive = 2.0\nbenign_success = 0.2\n'
                       'scanner_success = 0.8\n[payload]\npatterns = "p.toml"\n'
                       '[networks]\ninside = ["192.0.2.0/24"]\n'
                       'services = ["198.51.100.1 tcp 80"]\n')
    assert code == 78, code
    for words in ("mode: ", "detect.false_positive: ", "detect.scanner_success: ",
                  '"198.51.100.1 tcp 80" lies in no network',
                  f'{folder}/p.toml:1: "one": payload 1 of matches is not found'):
        assert words in said, f"{words} is missing: {said}"


def names_a_pattern_file_that_is_missing(folder: Path, check: Check) -> None:
    """Beside other faults, and by its path."""
    code, said = check("nonsense = 1\n" + WIRE + '[payload]\npatterns = "none.toml"\n')
    assert code == 78 and "nonsense" in said and f"{folder}/none.toml: cannot be" in said, said


def warns_of_a_cache_that_cannot_be_kept(folder: Path, check: Check) -> None:
    """With the line and a way out."""
    (folder / "p.toml").write_text(PATTERN, encoding="utf-8")
    (folder / "file").write_text("", encoding="utf-8")
    payload = '[payload]\npatterns = "p.toml"\ncache = "{}"\n'
    code, said = check(WIRE + payload.format(folder / "file"))
    assert code == 78 and "edgesentry.toml:7:1: payload.cache: " in said, said
    code, said = check(WIRE + payload.format(folder))
    assert code == 0, said


CASES = [tells_all_faults_at_once, names_a_pattern_file_that_is_missing,
         warns_of_a_cache_that_cannot_be_kept]


def main(program: str) -> int:
    """Run all cases; TAP."""
    failed = 0
    print(f"1..{len(CASES)}")
    for number, case in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory(prefix="edgesentry-") as name:
            config = Path(name) / "edgesentry.toml"

            def check(text: str, config: Path = config) -> tuple[int, str]:
                config.write_text(text, encoding="utf-8")
                done = subprocess.run([program, "check", str(config)], capture_output=True,
                                      text=True, timeout=CHECK_SECONDS, check=False)
                return done.returncode, done.stdout

            try:
                case(Path(name), check)
                print(f"ok {number} - {case.__name__}")
            except (AssertionError, subprocess.SubprocessError) as wrong:
                failed += 1
                print(f"not ok {number} - {case.__name__}")
                for line in str(wrong).splitlines():
                    print(f"# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
