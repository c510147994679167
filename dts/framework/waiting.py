"""Waiting for a condition instead of sleeping for a guess.

Deadlines are generous: they cost time only when something is wrong, and a machine may be slow.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from framework.errors import VerifyError

T = TypeVar("T")

POLL_SECONDS = 0.05


def wait_for(what: str, condition: Callable[[], T], deadline: float = 30.0) -> T:
    """Return the first true value of condition; VerifyError when the deadline (seconds) passes."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise VerifyError(f"waited {deadline:g} s in vain for: {what}")
        time.sleep(POLL_SECONDS)


def stays(what: str, condition: Callable[[], bool], seconds: float) -> None:
    """Verify that condition holds for the whole time, looking all the while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not condition():
            raise VerifyError(f"did not stay so for {seconds:g} s: {what}")
        time.sleep(POLL_SECONDS)
