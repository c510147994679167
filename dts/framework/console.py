"""What the lab shows: steps, aligned tables and check lines; colours on a terminal only."""

import os
import sys
import time
from collections.abc import Sequence

RESET = "\033[0m"
COLOURS = {"bold": "\033[1m", "dim": "\033[2m", "red": "\033[31m", "green": "\033[32m",
           "yellow": "\033[33m", "cyan": "\033[36m"}


class Console:
    """Prints the story; times are seconds since it began."""

    def __init__(self) -> None:
        """Decide about colours once."""
        self._colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._begin = time.monotonic()
        self.failed = 0
        self.passed = 0

    def paint(self, text: str, *styles: str) -> str:
        """Colour a text, on a terminal."""
        if not self._colours or not styles:
            return text
        return "".join(COLOURS[style] for style in styles) + text + RESET

    def line(self, text: str = "") -> None:
        """Print as it is."""
        print(text, flush=True)

    def title(self, text: str) -> None:
        """Print a heading."""
        self.line()
        self.line(self.paint(text, "bold", "cyan"))

    def step(self, text: str) -> None:
        """Print what happens now, with the time."""
        stamp = f"{time.monotonic() - self._begin:6.1f} s"
        self.line(f"{self.paint(stamp, 'dim')}  {text}")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print aligned columns; numbers stand to the right."""
        cells = [[_cell(value) for value in row] for row in rows]
        widths = [max(len(row[i]) for row in [list(head), *cells]) for i in range(len(head))]
        numeric = [
            bool(rows) and all(isinstance(row[i], (int, float)) for row in rows)
            for i in range(len(head))
        ]

        def aligned(row: Sequence[str]) -> str:
            return "  ".join(
                text.rjust(width) if right else text.ljust(width)
                for text, width, right in zip(row, widths, numeric, strict=True)
            ).rstrip()

        self.line("  " + self.paint(aligned(head), "bold"))
        for row in cells:
            self.line("  " + aligned(row))

    def check(self, holds: bool, claim: str, detail: str = "") -> None:
        """Print one check line and count it."""
        mark = self.paint("ok  ", "green") if holds else self.paint("FAIL", "bold", "red")
        self.line(f"  {mark}  {claim}" + (f"  {self.paint(detail, 'dim')}" if detail else ""))
        if holds:
            self.passed += 1
        else:
            self.failed += 1


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    return str(value)
