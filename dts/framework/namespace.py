"""One network namespace: made, entered, used to run programs, and removed again.

Entering is per thread (setns of the calling thread), and a socket keeps the namespace it was made
in, so a test opens its sockets inside and uses them from outside.
"""

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from framework.errors import LabError

CLONE_NEWNET = 0x40000000
NETNS_DIRECTORY = Path("/run/netns")
libc = ctypes.CDLL(None, use_errno=True)

Output = IO[bytes] | int


def run(argv: Sequence[str], timeout: float = 30.0, check: bool = True) -> str:
    """Run a program to its end and return what it said on both outputs."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as missing:
        raise LabError(f"{argv[0]} is not installed: {missing}") from missing
    except subprocess.TimeoutExpired as late:
        raise LabError(f"{' '.join(argv)} took longer than {timeout:g} s") from late
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def set_namespace(descriptor: int) -> None:
    """Move the calling thread into the namespace of an open file descriptor."""
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise LabError(f"setns failed: {os.strerror(ctypes.get_errno())}")


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep the calling thread, and what it starts meanwhile, on one core.

    What a thread sends is delivered by the core it runs on; a sender that moves may overtake itself
    on the way to a capture, and not on the way to the appliance.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Namespace:
    """A network namespace with loopback up; remove() may be called more than once."""

    def __init__(self, name: str) -> None:
        """Create it."""
        self.name = name
        run(["ip", "netns", "add", name])
        self.ip("link", "set", "dev", "lo", "up")

    @classmethod
    def existing(cls, name: str) -> "Namespace":
        """Take hold of one that is there already."""
        namespace = cls.__new__(cls)
        namespace.name = name
        return namespace

    @property
    def path(self) -> Path:
        """Where iproute2 keeps its handle."""
        return NETNS_DIRECTORY / self.name

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Put the calling thread inside for the length of a with block."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        try:
            set_namespace(there)
            try:
                yield
            finally:
                set_namespace(home)
        finally:
            os.close(there)
            os.close(home)

    def ip(self, *words: str) -> str:
        """Run ip(8) inside."""
        return run(["ip", "-n", self.name, *words])

    def ip_batch(self, lines: Sequence[str]) -> None:
        """Run many ip(8) commands inside with one process."""
        try:
            subprocess.run(
                ["ip", "-n", self.name, "-batch", "-"],
                input="\n".join(lines) + "\n",
                check=True,
                text=True,
                capture_output=True,
                timeout=30,
            )
        except subprocess.CalledProcessError as failed:
            raise LabError(f"ip -batch in {self.name}: {failed.stderr.strip()}") from failed

    def sysctl(self, key: str, value: str) -> None:
        """Set net.<key>, for example ipv6.conf.all.accept_ra, inside."""
        with self.entered():
            Path("/proc/sys/net", *key.split(".")).write_text(value, encoding="ascii")

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the words that run argv inside; the process id stays the program's own."""
        return ["ip", "netns", "exec", self.name, *argv]

    def run(self, *argv: str, timeout: float = 30.0, check: bool = True) -> str:
        """Run a program inside to its end."""
        return run(self.command(argv), timeout=timeout, check=check)

    def start(
        self, *argv: str, stdout: Output, stderr: Output | None = subprocess.STDOUT
    ) -> "subprocess.Popen[bytes]":
        """Start a program inside; the caller stops it."""
        return subprocess.Popen(
            self.command(argv), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )

    def mac(self, device: str) -> str:
        """Return the Ethernet address of a device inside."""
        return self.ip("-br", "link", "show", "dev", device).split()[2]

    def counter(self, device: str, name: str) -> int:
        """Return a counter of /sys/class/net/<device>/statistics as seen inside."""
        return int(self.run("cat", f"/sys/class/net/{device}/statistics/{name}").strip())

    def end_processes(self) -> None:
        """Kill what still runs inside."""
        for pid in run(["ip", "netns", "pids", self.name]).split():
            os.kill(int(pid), signal.SIGKILL)

    def remove(self) -> None:
        """Take it away, with every device in it."""
        if self.path.exists():
            run(["ip", "netns", "del", self.name])


def stop_process(process: "subprocess.Popen[bytes]", seconds: float = 5.0) -> int:
    """Ask a process to end, insist after a while, and return its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
