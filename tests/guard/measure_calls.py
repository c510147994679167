"""Which system calls edgesentryd makes behind its filter, against lib/guard/call_list.h.

usage: measure_calls.py BUILD    (root; needs strace; takes about ten minutes)

Runs the daemon's own tests and suites of the lab with strace in front of edgesentryd, leaves out
what comes before the filter and what other processes do, and prints each call with how often it
was made. Exit code 1: a call was made that is not allowed.
"""

import collections
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
SUITES = ("smoke", "state", "reload", "bypass", "portsentry_log")
# Their arguments decide: lib/guard/calls.cc.
CONDITIONAL = {"clone", "clone3", "tgkill", "prctl", "prlimit64", "ioctl", "mmap", "mprotect",
               "pkey_mprotect", "socket", "socketpair", "bpf"}
LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)$")


def allowed() -> set[str]:
    """The names of kAllowed."""
    text = (TOP / "lib/guard/call_list.h").read_text(encoding="utf-8")
    return set(re.findall(r'"(\w+)"', text.partition("kAllowed")[2].partition("kDeadly")[0]))


class Trace:
    """One run of the daemon, as strace -f has written it."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self.others: set[str] = set()  # threads of processes that it has started
        self.flags: dict[str, str] = {}  # of a clone that has not come back
        self.filters = 0
        self.made: collections.Counter[str] = collections.Counter()
        self.refused: collections.Counter[str] = collections.Counter()

    def read(self, line: str) -> None:
        """One line; calls that are resumed were counted when they began."""
        found = LINE.match(line)
        if not found:
            return
        thread, name, rest = found.groups()
        is_resumed = f"<... {name} resumed>" in line
        if thread in self.others:
            return
        if name == "seccomp":
            self.flags[thread] = rest if not is_resumed else self.flags.get(thread, "")
            self.filters += "SET_MODE_FILTER" in self.flags[thread] and rest.endswith("= 0")
        elif self.filters >= 2 and not is_resumed:
            self.made[name] += 1
        if self.filters >= 2 and re.search(r"= -1 (EPERM|EACCES) ", rest):
            self.refused[f"{name}({rest}" if not is_resumed else f"{name} resumed {rest}"] += 1

    def note_child(self, line: str) -> None:
        """Whose thread a new one is; before read(), because it may run before clone() returns."""
        found = LINE.match(line)
        if not found or found.group(2) not in ("clone", "clone3", "fork", "vfork"):
            return
        thread, name, rest = found.groups()
        if f"<... {name} resumed>" not in line:
            self.flags[thread] = rest
        born = re.search(r"= (\d+)$", rest)
        if born and (thread in self.others or "CLONE_THREAD" not in self.flags.get(thread, "")):
            self.others.add(born.group(1))


def wrap(build: Path, folder: Path) -> Path:
    """A build folder whose edgesentryd is started under strace, with the same process id."""
    app = folder / "app"
    app.mkdir()
    for program in (build / "app").iterdir():
        if program.is_file() and program.name != "edgesentryd":
            (app / program.name).symlink_to(program)
    for other in build.iterdir():
        if other.name != "app":
            (folder / other.name).symlink_to(other)
    wrapper = app / "edgesentryd"
    wrapper.write_text("#!/bin/sh\nexec strace -D -f -qq -s 64 "
                       "-e 'trace=!clock_nanosleep' "
                       f"-o {folder}/trace.$$ {build}/app/edgesentryd \"$@\"\n", encoding="utf-8")
    wrapper.chmod(0o755)
    return app


def run_all(build: Path, folder: Path) -> None:
    """What exercises the daemon; a failure is said, and what was traced counts all the same."""
    app = wrap(build, folder)
    daemon = str(app / "edgesentryd")
    for words in (["tests/eal/daemon_test.py", daemon], ["tests/eal/privilege_test.py", daemon],
                  ["tests/api/api_test.py", daemon], ["tests/api/abuse_test.py", daemon, "200"],
                  ["tests/enforce/nftables_daemon_test.py", daemon, str(app / "edgesentry-nft")],
                  *(["dts/main.py", "--suite", suite] for suite in SUITES)):
        done = subprocess.run([PYTHON, *words], cwd=TOP, check=False, capture_output=True,
                              text=True, env={**os.environ, "EDGESENTRY_BUILD": str(folder)})
        print(f"{words[0]} {words[-1]}: ended with {done.returncode}", flush=True)
        if done.returncode != 0:
            print("\n".join(done.stdout.splitlines()[-30:]), flush=True)


def main() -> int:
    """Measure, print, compare."""
    made: collections.Counter[str] = collections.Counter()
    refused: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="edgesentry-calls-") as text:
        folder = Path(text)
        folder.chmod(0o755)
        run_all(Path(sys.argv[1]).resolve(), folder)
        for file in sorted(folder.glob("trace.*")):
            trace = Trace()
            for look in (trace.note_child, trace.note_child, trace.read):
                with file.open(encoding="utf-8", errors="replace") as lines:
                    for line in lines:
                        look(line.rstrip())
            made += trace.made
            refused += trace.refused
    for name, count in made.most_common():
        print(f"{count:9} {name}")
    print("refused:", *(f"  {count} {call}" for call, count in refused.most_common(40)), sep="\n")
    unused = sorted(allowed() - set(made))
    print("allowed and never made:", " ".join(unused))
    missing = sorted(set(made) - allowed() - CONDITIONAL)
    print("made and not allowed:", " ".join(missing) or "none")
    return 1 if missing else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main())
