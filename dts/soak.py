"""The soak: an hour of scans, floods, reloads, flapping links and killed processes, and a verdict.

    /usr/bin/python3 dts/soak.py --minutes 60   ends by itself; exit 0 if nothing grew and all held
"""

import argparse
import os
import sys

from framework.console import Console
from framework.errors import LabError, VerifyError
from framework.soak import Soak
from framework.testbed import Testbed


def main() -> int:
    """Build the lab, trouble it for the time asked, print the verdict."""
    parser = argparse.ArgumentParser(description="Everything at once, for a long time.")
    parser.add_argument("--minutes", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same troubles")
    parser.add_argument("--csv", help="write a row for each round into this file")
    parser.add_argument("--picture", help="draw memory and packets into this SVG file")
    asked = parser.parse_args()
    if os.geteuid() != 0:
        print("soak: needs root, because the lab is made of network namespaces; try sudo",
              file=sys.stderr)
        return 2
    console = Console()
    try:
        with Testbed() as testbed:
            soak = Soak(testbed, console, asked.seed)
            try:
                soak.run(asked.minutes * 60)
                soak.keep(asked.csv, asked.picture)
                soak.judge()
            finally:
                soak.close()
    except (LabError, VerifyError) as error:
        console.line(f"soak: {error}")
        return 1
    console.line(f"{console.passed} checks held, {console.failed} failed")
    return 1 if console.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
