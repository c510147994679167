"""What a process costs, and who descends from it; read from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Of one process, now."""

    resident_kib: int
    descriptors: int
    threads: int


def cost_of(pid: int) -> Cost:
    """Read what a process holds; OSError when it is gone."""
    status = dict(
        line.split(":", 1)
        for line in Path("/proc", str(pid), "status").read_text(encoding="utf-8").splitlines()
        if ":" in line
    )
    return Cost(
        resident_kib=int(status["VmRSS"].split()[0]),
        descriptors=len(os.listdir(f"/proc/{pid}/fd")),
        threads=int(status["Threads"]),
    )


def descendants(pid: int, name: str) -> list[int]:
    """Return the processes of a name (up to 15 characters) below a process, at any depth."""
    parents: dict[int, tuple[int, str]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        command = text[text.index("(") + 1 : text.rindex(")")]
        parents[int(entry.name)] = (int(text.rpartition(")")[2].split()[1]), command)

    def is_below(one: int) -> bool:
        for _ in range(len(parents)):
            if one not in parents:
                return False
            one = parents[one][0]
            if one == pid:
                return True
        return False

    return sorted(one for one, (_, found) in parents.items() if found == name and is_below(one))
