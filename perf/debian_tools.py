"""Debian's packages for one program, without installing them: unpacked below out/tools, and laid
over the file system where only that program sees it (mount namespace, overlay)."""

import os
import subprocess
from pathlib import Path

from rig import ROOT, NotHere

TOOLS = ROOT / "out" / "tools"
PACKAGES = ("portsentry", "iptables", "libip4tc2", "libip6tc2", "libxtables12", "psad",
            "libunix-syslog-perl", "libnetaddr-ip-perl", "libdate-calc-perl",
            "libdate-calc-xs-perl", "libcarp-clan-perl", "libbit-vector-perl",
            "libiptables-parse-perl", "libiptables-chainmgr-perl")
# For sh: $1 is a folder of this run, $2 the unpacked packages, then the command.
OVERLAY = """set -e
folder=$1 packages=$2
shift 2
mkdir -p "$folder/layers"
mount -t tmpfs tmpfs "$folder/layers"
for each in etc var; do
  mkdir "$folder/layers/$each" "$folder/layers/$each.work"
  mount -t overlay overlay -o "lowerdir=$packages/$each:/$each,upperdir=$folder/layers/$each,\
workdir=$folder/layers/$each.work" "/$each"
done
mount -t overlay overlay -o "lowerdir=$packages/usr:/usr" /usr
exec "$@"
"""


def unpacked() -> Path:
    """The folder with all packages; fetched by apt once."""
    root = TOOLS / "root"
    if (root / "usr/sbin/psad").exists():
        return root
    TOOLS.mkdir(parents=True, exist_ok=True)
    fetched = subprocess.run(["apt-get", "download", "-qq", *PACKAGES], cwd=TOOLS,
                             capture_output=True, text=True, check=False)
    debs = sorted(TOOLS.glob("*.deb"))
    if fetched.returncode != 0 or not debs:
        raise NotHere(f"apt does not offer the packages: {fetched.stderr.strip()[-300:]}")
    for deb in debs:
        subprocess.run(["dpkg", "-x", str(deb), str(root)], check=True, timeout=60)
    command = root / "usr/sbin/iptables"  # else made by update-alternatives
    if not command.exists():
        command.symlink_to("xtables-nft-multi")
    return root


def command(words: list[str], folder: Path, namespace: str | None = None) -> list[str]:
    """What runs these words where the packages seem installed."""
    enter = (["ip", "netns", "exec", namespace] if namespace
             else ["unshare", "--mount", "--propagation", "private"])
    own = folder / f"layers{len(os.listdir(folder))}"
    own.mkdir()
    return [*enter, "sh", "-c", OVERLAY, "sh", str(own), str(unpacked()), *words]
