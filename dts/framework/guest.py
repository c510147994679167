"""A QEMU guest: Debian's stock kernel in software emulation, for what this kernel may lack.

The guest sees the machine's own root file system, read only, and a /run of its own in memory; one
folder is shared for writing. It runs one command and is gone. dts/guest has what it boots.
"""

import shlex
import shutil
import subprocess
from pathlib import Path

from framework.config import REPOSITORY
from framework.errors import LabError, SkipCase

MAKE = REPOSITORY / "dts" / "guest" / "make.sh"
QEMU = "qemu-system-x86_64"
SHARE = "/run/share"  # the writable folder as the guest sees it
KERNEL = "console=ttyS0 quiet panic=-1 mitigations=off"
OPTIONS = (
    *("-nodefaults", "-no-reboot", "-display", "none", "-accel", "tcg,thread=multi", "-cpu", "max"),
)


class Guest:
    """What to boot and how large it is; run() boots it for one command."""

    def __init__(
        self,
        build: Path,
        work: Path,
        machine: tuple[str, ...] = ("-m", "1024", "-smp", "2"),
        kernel: str = "",
    ) -> None:
        """Make what it boots if need be; SkipCase where this machine cannot."""
        if shutil.which(QEMU) is None:
            raise SkipCase(f"{QEMU} is not installed; ./dev setup installs it")
        self._boot = build / "guest"
        made = subprocess.run(
            [str(MAKE), str(self._boot)], check=False, capture_output=True, text=True
        )
        if made.returncode != 0:
            raise LabError(f"{MAKE.name} failed: {made.stderr}")
        if not (self._boot / "initramfs").exists():
            raise SkipCase(made.stderr.strip() or "there is no kernel for a guest")
        self._machine = (*machine, "-append", f"{KERNEL} {kernel}")
        self.share = work / "share"
        self._console = work / "console.log"
        shutil.rmtree(self.share, ignore_errors=True)
        self.share.mkdir(parents=True)

    def run(self, command: list[str], seconds: float) -> str:
        """Boot, run a command, and return what it said; LabError if it failed or took longer."""
        words = shlex.join(command)
        (self.share / "command").write_text(f"exec {words}\n", encoding="utf-8")
        arguments = [
            QEMU, *OPTIONS, *self._machine,
            *("-kernel", str(self._boot / "vmlinuz"), "-initrd", str(self._boot / "initramfs")),
            *("-serial", f"file:{self._console}"),
            *("-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"),
            *("-device", "virtio-9p-pci,fsdev=host,mount_tag=host,bus=pci.0"),
            *("-fsdev", f"local,id=share,path={self.share},security_model=none"),
            *("-device", "virtio-9p-pci,fsdev=share,mount_tag=share,bus=pci.0"),
        ]
        try:
            ended = subprocess.run(
                arguments, check=False, capture_output=True, text=True, timeout=seconds
            )
        except subprocess.TimeoutExpired as late:
            raise LabError(f"the guest ran on after {seconds:g} s:\n{self._said()}") from late
        code = self.share / "exit_code"
        if not code.exists():
            raise LabError(f"the guest has not run {words}: {ended.stderr}\n{self._said()}")
        if code.read_text(encoding="utf-8").strip() != "0":
            raise LabError(f"in the guest {words} failed:\n{self._said()}")
        return self._said()

    def _said(self) -> str:
        """Return the command's words, or the console's where it had none."""
        for path in (self.share / "output", self._console):
            text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
            if text.strip():
                return text
        return "nothing was said"
