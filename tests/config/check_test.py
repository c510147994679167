"""Runs `edgesentry check`: every fault of a file and of its patterns in one go.

usage: check_test.py EDGESENTRY    (prints TAP)
"""

import json
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

Check = Callable[..., tuple[int, str]]


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
    assert code == 0 and "edgesentry.toml:7:1: warning: payload.cache: " in said, said
    assert "right, with 1 warning" in said, said
    assert check(WIRE + payload.format(folder / "file"), "--strict")[0] == 78
    code, said = check(WIRE + payload.format(folder), "--strict")
    assert code == 0 and "no problems" in said, said


def lets_nothing_that_starts_keep_a_reload_away(folder: Path, check: Check) -> None:
    """`check && reload`: warnings end with 0, faults beside them with 78, each counted."""
    (folder / "allow").write_text("no address\n", encoding="utf-8")
    text = ('placement = "host"\nmode = "enforce"\n[[segment]]\nname = "lan"\noutside = "eth0"\n'
            f'[log]\njson_file = "{folder}/none/e.json"\nblock_command = "/no/such"\n'
            f'[allow]\nfile = "{folder}/allow"\n[networks]\ninside = ["192.0.2.0/24"]\n')
    code, said = check(text)
    assert code == 0 and "right, with 4 warnings" in said, said
    for key in ("allow:1", "log.json_file", "log.block_command", "verify.proof"):
        assert [line for line in said.splitlines() if "warning: " in line and key in line], said
    code, said = check("nonsense = 1\n" + text)
    assert code == 78 and "1 problem, 4 warnings" in said, said
    code, said = check(text, "--json")
    report = json.loads(said)
    assert code == 0 and report["usable"] and not report["ok"], report
    assert (report["faults"], report["warnings"]) == (0, 4), report
    assert not any(problem["fatal"] for problem in report["problems"]), report
    assert check(text, "--json", "--strict")[0] == 78


CASES = [lets_nothing_that_starts_keep_a_reload_away,
         tells_all_faults_at_once, names_a_pattern_file_that_is_missing,
         warns_of_a_cache_that_cannot_be_kept]


def main(program: str) -> int:
    """Run all cases; TAP."""
    failed = 0
    print(f"1..{len(CASES)}")
    for number, case in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory(prefix="edgesentry-") as name:
            config = Path(name) / "edgesentry.toml"

            def check(text: str, *words: str, config: Path = config) -> tuple[int, str]:
                config.write_text(text, encoding="utf-8")
                done = subprocess.run([program, "check", *words, str(config)],
                                      capture_output=True, text=True, timeout=CHECK_SECONDS,
                                      check=False)
                return done.returncode, done.stdout + done.stderr

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
