"""Generated pages are what the programs print now; skips (77) where a program prints none yet.

usage: docs_test.py PAGE PROGRAM ARGUMENT...
"""

import difflib
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SKIPPED = 77
SHOWN_MAX = 40  # lines of difference


def skip(reason: str) -> int:
    """Meson counts 77 as skipped, and the runner shows the last line."""
    print(reason)
    return SKIPPED


def main(page: str, command: list[str]) -> int:
    """Compare."""
    path = TOP / page
    program = Path(command[0])
    if not program.exists():
        return skip(f"{program.name} is not built here, so {page} cannot be compared")
    printed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    asked = " ".join([program.name, *command[1:]])
    if printed.returncode != 0 and not path.exists():
        return skip(f"'{asked}' is not a command of this build, and there is no {page}")
    if printed.returncode != 0:
        print(f"'{asked}' failed, so {page} cannot be kept fresh:\n{printed.stderr}")
        return 1
    written = path.read_text(encoding="utf-8") if path.exists() else ""
    if written == printed.stdout:
        return 0
    print(f"{page} is stale; run ./dev docs and commit it")
    difference = difflib.unified_diff(written.splitlines(), printed.stdout.splitlines(),
                                      page, asked, lineterm="")
    for line, _ in zip(difference, range(SHOWN_MAX), strict=False):
        print(line)
    return 1


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
