"""Lends the tests a few hugepages and gives the machine back as it was.

Nothing depends on them: without root, hugetlbfs or free memory the tests run on plain memory. Two
runs at once would each restore what the other set, so only the one that holds the lock reserves.
"""

import contextlib
import fcntl
import subprocess
from collections.abc import Iterator
from pathlib import Path

PAGES = 160  # of 2 MiB; tests/eal asks for 256 MiB
SETTING = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
MOUNT = Path("/dev/hugepages")
LOCK = Path("/run/lock/edgesentry-hugepages.lock")


def _is_mounted() -> bool:
    mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    return any(line.split()[2] == "hugetlbfs" for line in mounts)


def _try_mount() -> bool:
    """True when this call mounted hugetlbfs, so that it is this program that unmounts it."""
    if _is_mounted():
        return False
    MOUNT.mkdir(exist_ok=True)
    command = ["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "nodev", str(MOUNT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        print(f"hugepages: not mounted, tests do without: {result.stderr.strip()}")
    return result.returncode == 0


@contextlib.contextmanager
def reserved_hugepages() -> Iterator[None]:
    """Reserve while the body runs; whatever cannot be had is said and done without."""
    with contextlib.ExitStack() as undo:
        try:
            lock = undo.enter_context(LOCK.open("w", encoding="utf-8"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            before = int(SETTING.read_text(encoding="utf-8"))
            if before < PAGES:
                undo.callback(SETTING.write_text, str(before), encoding="utf-8")
                SETTING.write_text(str(PAGES), encoding="utf-8")
            if _try_mount():
                undo.callback(subprocess.run, ["umount", str(MOUNT)], check=False)
            now = int(SETTING.read_text(encoding="utf-8"))
            print(f"hugepages: {now} of 2 MiB for the tests, {before} before and after")
        except (OSError, ValueError) as error:
            print(f"hugepages: none reserved, tests do without: {error}")
        yield
