"""Inside the guest: where the appliance puts workers, pages and tables on a machine of two nodes.

Usage: numa.py BUILD SHARE. Takes down what it sees in SHARE/facts.json; judging is left to
TestSuite_numa.py. A network card stands on node 1, for the doctor and the plan of the start; no
driver of this guest can open it, so that what runs has a virtual port, near to everything, where
nothing arrives: workers that spin would starve an emulated machine.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

WORK = Path("/run/edgesentry-test")
CONFIG = WORK / "edgesentry.toml"
CONTROL = WORK / "control.sock"
NODES = Path("/sys/devices/system/node")
PAGES = 140  # of 2 MiB on each node, of which 100 are asked for
SECONDS = 90.0  # software emulation on a busy machine


def write_config(device: str, workers: str, dpdk: str) -> None:
    """Write the configuration for one device."""
    CONFIG.write_text(
        f'mode = "observe"\nplacement = "tap"\n[[segment]]\nname = "lan"\noutside = "{device}"\n'
        f"[workers]\ncount = 2\nmbufs = 4096\n{workers}\n[table]\nsources = 65536\n"
        f"[dpdk]\nmemory_mb = 200\n{dpdk}\n[payload]\nenabled = false\n[log]\nsyslog = false\n"
        f'[state]\nfile = ""\n[metrics]\nlisten = ""\n[control]\nsocket = "{CONTROL}"\n',
        encoding="utf-8",
    )


def card() -> str:
    """Return the address of the network card on node 1."""
    for device in sorted(Path("/sys/bus/pci/devices").iterdir()):
        kind = (device / "class").read_text(encoding="utf-8").strip()
        if kind == "0x020000" and (device / "numa_node").read_text(encoding="utf-8").strip() == "1":
            return device.name
    raise SystemExit("there is no network card on node 1")


def said(program: Path, *words: str) -> str:
    """Run a program to its end and return all that it said."""
    done = subprocess.run(
        [str(program), *words], check=False, capture_output=True, text=True, timeout=SECONDS
    )
    return done.stdout + done.stderr


def checks(app: Path) -> dict[str, Any]:
    """Return what the doctor says, by area and check."""
    report = json.loads(said(app / "edgesentry", "doctor", "-c", str(CONFIG), "--json"))
    return {f"{row['area']}: {row['check']}": row for row in report["checks"]}


def look_at(process: int) -> dict[str, Any]:
    """Return CPUs of threads, pages of each node, and nodes that memory was asked for on."""
    threads: dict[str, str] = {}
    for task in Path(f"/proc/{process}/task").iterdir():
        name = (task / "comm").read_text(encoding="utf-8").strip()
        status = (task / "status").read_text(encoding="utf-8")
        allowed = re.search(r"^Cpus_allowed_list:\s*(\S+)", status, re.MULTILINE)
        threads[name] = allowed[1] if allowed else ""
    maps = Path(f"/proc/{process}/numa_maps").read_text(encoding="utf-8").splitlines()
    huge = {"N0": 0, "N1": 0}
    for line in maps:
        if " huge " in line:
            for node, count in re.findall(r"\b(N[01])=(\d+)", line):
                huge[node] += int(count)
    preferred = sorted({node for line in maps for node in re.findall(r" prefer:(\d+)", line)})
    return {"threads": threads, "huge": huge, "preferred": preferred}


def run_appliance(app: Path) -> dict[str, Any]:
    """Start it, look at it and end it."""
    output = WORK / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [str(app / "edgesentryd"), "-c", str(CONFIG)], stdout=out, stderr=out
        )
    end = time.monotonic() + SECONDS
    while b"is active" not in output.read_bytes():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"it did not start:\n{output.read_text(encoding='utf-8')}")
        time.sleep(0.2)
    seen = look_at(process.pid)
    seen["doctor"] = checks(app)
    process.terminate()
    seen["exit_code"] = process.wait(SECONDS)
    return seen


def main() -> None:
    """Look at the machine, then at the appliance with and without hugepages."""
    build, share = map(Path, sys.argv[1:])
    app = build / "app"
    WORK.mkdir(mode=0o700)
    for node in (0, 1):
        setting = NODES / f"node{node}" / "hugepages" / "hugepages-2048kB" / "nr_hugepages"
        setting.write_text(str(PAGES), encoding="utf-8")
    facts: dict[str, Any] = {}
    write_config(card(), "", "")
    facts["chosen"] = checks(app)
    write_config(card(), "cores = [0, 6]", 'hugepages = "off"')
    facts["named"] = checks(app)
    facts["start"] = said(app / "edgesentryd", "--check", "-c", str(CONFIG))
    write_config("net_null0,no-rx=1", "", 'hugepages = "required"')
    facts["with_hugepages"] = run_appliance(app)
    write_config("net_null0,no-rx=1", "cores = [0, 6]", 'hugepages = "off"')
    facts["without"] = run_appliance(app)
    (share / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


main()
