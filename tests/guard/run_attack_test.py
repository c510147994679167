"""edgesentry-run in the hands of a daemon that was taken over: its socket says anything.

usage: run_attack_test.py EDGESENTRY_RUN    (prints TAP; root)
"""

import array
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

USER = 64321  # a number without an entry, so that nobody else's processes are counted
FIRST = 3
PROCESSES_MAX = 256  # of app/edgesentry-run
ASK, SAY = 0x31515345, 0x31525345
SUCCEEDED = 2
FRAMES = 20_000


class Run:
    """One edgesentry-run, and our end of its socket."""

    def __init__(self, program: str, folder: Path, words: list[str], script: str) -> None:
        """Start it as edgesentryd does, with a script that becomes what it starts."""
        folder.chmod(0o755)
        self.out = folder / "out"
        self.out.mkdir()
        self.out.chmod(0o777)
        target = folder / "target"
        target.write_text(script.replace("OUT", str(self.out)), encoding="utf-8")
        target.chmod(0o755)
        self.end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.end.settimeout(20)
        moved = os.dup2(theirs.fileno(), 100)
        self.process = subprocess.Popen(
            [program, *words, f"--user={USER}", f"--group={USER}", "--", str(target), "$TARGET$",
             "$PORT$"], pass_fds=(FIRST, moved), env={}, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.dup2(moved, FIRST))  # noqa: PLW1509
        os.close(moved)
        theirs.close()

    def ask(self, address: str, length: int, number: int = 1) -> int:
        """A right request; the last news of it."""
        mapped = bytes(10) + b"\xff\xff" + socket.inet_aton(address)
        self.end.send(struct.pack("=IQ16sBBH", ASK, number, mapped, length, 0, 7))
        while True:
            mark, name, news, _, _ = struct.unpack_from("=IQBBH", self.end.recv(4096))
            assert mark == SAY, mark
            if name == number and news >= SUCCEEDED:
                return int(news)

    def worker(self) -> int:
        """The process that works; the other one watches over it."""
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found: list[str] = []

        def is_there() -> bool:
            found[:] = text.read_text(encoding="utf-8").split()
            return bool(found)

        wait_for("a worker", is_there)
        return int(found[0])

    def close(self) -> None:
        """It ends by itself when its socket is closed."""
        self.end.close()
        self.process.wait(20)


def wait_for(what: str, holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Poll until it holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.02)


def theirs() -> list[int]:
    """All processes of the user."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.stat().st_uid == USER or \
                    f"\nUid:\t{USER}\t" in (entry / "status").read_text(encoding="utf-8"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def descriptors(pid: int) -> int:
    """How many files a process holds."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def starts_nothing_for_frames_that_are_not_canonical(program: str, folder: Path) -> None:
    """Random bytes, right frames with one byte changed, files attached, all sizes."""
    run = Run(program, folder, ["--commands"], '#!/bin/sh\necho "$@" >> OUT/all\n')
    dice = random.Random(7)
    worker = run.worker()
    assert run.ask("198.51.100.9", 32) == SUCCEEDED
    held = descriptors(worker)
    right = struct.pack("=IQ16sBBH", ASK, 5, bytes(10) + b"\xff\xff" + bytes(4), 32, 0, 7)
    files = array.array("i", [0] * 8)
    for _ in range(FRAMES):
        kind = dice.randrange(4)
        if kind == 0:
            frame = dice.randbytes(dice.randrange(1, 200))
        elif kind == 1:
            frame = dice.randbytes(32)
        elif kind == 2:  # 0.0.0.0 is refused, and a byte of the mark or of what must be zero wrong
            spoiled = bytearray(right)
            spoiled[dice.choice([0, 1, 2, 3, 29])] ^= dice.randrange(1, 256)
            frame = bytes(spoiled)
        else:
            frame = right + dice.randbytes(dice.randrange(0, 100))
        more = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)] if dice.random() < 0.01 else []
        run.end.sendmsg([frame], more)
    assert run.ask("198.51.100.10", 32, 6) == SUCCEEDED
    assert run.ask("203.0.113.0", 24, 7) == SUCCEEDED
    lines = (run.out / "all").read_text(encoding="utf-8").splitlines()
    assert lines == ["198.51.100.9 7", "198.51.100.10 7", "203.0.113.0/24 7"], lines
    assert run.worker() == worker and descriptors(worker) == held, (held, descriptors(worker))
    run.close()


def bounds_a_command_that_forks_without_end(program: str, folder: Path) -> None:
    """256 processes, 256 files, no core, ten seconds; others of the machine do not notice."""
    run = Run(program, folder, ["--commands", "--deadline-ms=4000"],
              "#!/bin/sh\nulimit -n > OUT/files\nulimit -c > OUT/core\n"
              "bomb() { bomb | bomb & }\nbomb\nsleep 30\n")
    end = run.ask("198.51.100.9", 32)
    assert end != SUCCEEDED, end
    assert len(theirs()) <= PROCESSES_MAX, len(theirs())
    assert (run.out / "files").read_text(encoding="utf-8") == f"{PROCESSES_MAX}\n"
    assert (run.out / "core").read_text(encoding="utf-8") == "0\n"
    wait_for("the end of its process group", lambda: len(theirs()) <= 2)
    run.close()


def is_back_when_one_was_killed_and_gone_with_both(program: str, folder: Path) -> None:
    """The daemon's end tells: a greeting from the next one, or the end of all."""
    run = Run(program, folder, ["--commands"], "#!/bin/sh\nexit 0\n")
    first = run.worker()
    assert run.ask("198.51.100.9", 32) == SUCCEEDED
    os.kill(first, signal.SIGKILL)
    wait_for("the next one", lambda: run.worker() != first)
    assert run.ask("198.51.100.9", 32) == SUCCEEDED
    second = run.worker()
    run.process.kill()
    run.process.wait(20)
    os.kill(second, signal.SIGKILL)
    while run.end.recv(4096):  # what it said before
        pass
    run.end.close()


def launches_its_one_program_whatever_is_said(program: str, folder: Path) -> None:
    """Bytes that mean nothing, and files that come with them: nothing is started or kept."""
    run = Run(program, folder, [], "#!/bin/sh\necho $$ >> OUT/all\nexec sleep 60\n")
    worker = run.worker()
    dice = random.Random(7)
    wait_for("the launcher", lambda: descriptors(worker) > 0)
    held = descriptors(worker)
    for count in range(1, 2000):
        files = array.array("i", [0] * (count % 4))
        frame = bytes([dice.choice([b for b in range(256) if b not in b"sk"])])
        run.end.sendmsg([frame if count % 2 else b"s" + frame],
                        [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)] if files else [])
    assert not (run.out / "all").exists()
    for _ in range(3):
        run.end.send(b"s")
        said, control, _, _ = run.end.recvmsg(256, socket.CMSG_SPACE(4))
        assert said == b"s" and len(control) == 1, said
        os.close(array.array("i", control[0][2])[0])
    wait_for("the program", (run.out / "all").exists)
    run.end.send(b"k")
    wait_for("the end of all three", lambda: len(theirs()) == 2)
    started = (run.out / "all").read_text(encoding="utf-8").split()
    assert len(started) <= 3, started
    assert descriptors(worker) == held, (held, descriptors(worker))
    run.close()


def main(program: str) -> int:
    """Run the cases."""
    cases = [starts_nothing_for_frames_that_are_not_canonical,
             bounds_a_command_that_forks_without_end,
             is_back_when_one_was_killed_and_gone_with_both,
             launches_its_one_program_whatever_is_said]
    print(f"1..{len(cases)}")
    failed = 0
    for number, case in enumerate(cases, 1):
        with tempfile.TemporaryDirectory(prefix="edgesentry-") as folder:
            try:
                case(program, Path(folder))
                print(f"ok {number} - {case.__name__}", flush=True)
            except (AssertionError, OSError, subprocess.TimeoutExpired) as fault:
                failed += 1
                print(f"not ok {number} - {case.__name__}\n# {fault!r}", flush=True)
            for pid in theirs():
                os.kill(pid, signal.SIGKILL)
    return min(failed, 1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root, to become somebody else")
        sys.exit(0)
    sys.exit(main(sys.argv[1]))
