"""Runs the cases of a test program one by one and prints TAP.

The path to this folder is for the caller to add: tests are run from anywhere.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar


class Place(Protocol):
    """Where a case plays: built before it, and left clean whatever happened."""

    def set_up(self) -> None:
        """Build it."""

    def clean_up(self) -> None:
        """Leave nothing behind."""


P = TypeVar("P", bound=Place)
T = TypeVar("T")


@contextmanager
def built(place: P) -> Iterator[P]:
    """A place for the length of a case."""
    try:
        place.set_up()
        yield place
    finally:
        place.clean_up()


def run_cases(cases: list[Callable[[T], None]],
              new_place: Callable[[], AbstractContextManager[T]]) -> int:
    """Each case in a place of its own; the exit code."""
    failed = 0
    print(f"1..{len(cases)}")
    for number, case in enumerate(cases, 1):
        try:
            with new_place() as place:
                case(place)
            print(f"ok {number} - {case.__name__}")
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as wrong:
            failed += 1
            print(f"not ok {number} - {case.__name__}")
            for line in (str(wrong) or repr(wrong)).splitlines():
                print(f"# {line}")
        sys.stdout.flush()
    return 1 if failed else 0
