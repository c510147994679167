#!/usr/bin/env python3
"""Every labelled capture through `edgesentry replay --json`; speaks TAP.

No capture crashes it and each run ends with its summary. Two, four and eight workers decide the
same about the same sources at the same packets as one does. No source of a benign, malformed,
backscatter or flood capture is blocked, and the scanners of plain scans are found. What else is
found is a matter of tuning: perf/detection/judge.py shows it.
"""

import concurrent.futures
import os
import sys

import captures

# Scans that the first detectors are for; the other categories are shown by judge.py.
PLAIN = {
    "nmap_SS_sapone.pcapng", "nmap_ST_sapone.pcapng", "nmap_SF_sapone.pcapng",
    "nmap_SN_sapone.pcapng", "nmap_SX_sapone.pcapng", "nmap_SU_sapone.pcapng",
    "nmap_SM_sapone.pcapng", "nmap_SA_sapone.pcapng",
    "fin_dvolkov.pcap", "null_namanr.pcap", "xmas_dvolkov.pcap", "udp_dvolkov.pcap",
    "syn_vertical_dvolkov.pcap", "syn_vertical_chrissanders.pcapng", "udp_honeyknows.pcapng",
    "smb_worm_sweep_mercury.pcap", "zmap_port80_zyx.pcap", "masscan_tcp_vlan_esnet.pcap",
    "lab/nmap_sS.pcap", "lab/nmap_sT.pcap", "lab/nmap_sF.pcap", "lab/nmap_sN.pcap",
    "lab/nmap_sU.pcap", "lab/nmap_sA.pcap", "lab/masscan_tcp.pcap", "lab/zmap_new.pcap",
    "lab/zmap_old.pcap", "lab/hping_syn.pcap",
    "lab/v6_nmap_sS.pcap", "lab/v6_nmap_sT.pcap", "lab/v6_nmap_sF.pcap", "lab/v6_nmap_sU.pcap",
}  # fmt: skip

# One scan over many sources: each is named, and those with three probes or more are blocked.
DISTRIBUTED = {
    "lab/dist_254src_1port_connect.pcap": 0,
    "lab/dist_40src_3ports.pcap": 40,
    "lab/dist_60src_port23_sweep.pcap": 60,
}

NAMED = {  # what the technique must be called
    "lab/nmap_sS.pcap": "tcp_syn", "lab/nmap_sF.pcap": "tcp_fin", "lab/nmap_sN.pcap": "tcp_null",
    "lab/nmap_sU.pcap": "udp", "lab/nmap_sA.pcap": "tcp_ack", "xmas_dvolkov.pcap": "tcp_xmas",
    "null_namanr.pcap": "tcp_null", "fin_dvolkov.pcap": "tcp_fin",
}  # fmt: skip


def faults_of_run(outcome: captures.Outcome) -> list[str]:
    """What must hold for any capture, however broken."""
    faults = []
    if outcome.exit_code != 0:
        faults.append(f"exit code {outcome.exit_code}: {outcome.stderr.strip()[-400:]}")
    if not outcome.lines or outcome.lines[-1]["event"]["action"] != "replay-summary":
        return [*faults, "the last line is not the summary"]
    if len(outcome.events("replay-summary")) != 1:
        faults.append("more than one summary")
    blocks = [line["source"]["ip"] for line in outcome.events("source-blocked")]
    if len({captures.source_of(ip) for ip in blocks}) != len(blocks):
        faults.append("a source is blocked twice")
    summary = outcome.lines[-1]["edgesentry"]
    if summary["blocked_sources"] != len(blocks):
        faults.append(f"the summary counts {summary['blocked_sources']} of {len(blocks)} blocks")
    if sum(summary["parsed"].values()) != summary["packets"]:
        faults.append("parse outcomes do not add up to the packets")
    return faults


def faults_of(capture: captures.Capture, outcome: captures.Outcome) -> list[str]:
    faults = faults_of_run(outcome)
    if capture.expected in captures.INNOCENT:
        wrong = sorted(outcome.blocked - capture.scanners)
        if wrong:
            faults.append(f"innocent and blocked: {', '.join(wrong[:4])}")
    if capture.name in PLAIN:
        missed = sorted(capture.scanners - outcome.blocked)
        if missed:
            faults.append(f"not found: {', '.join(missed[:4])}")
    if capture.name in DISTRIBUTED:
        shared = {
            captures.source_of(line["source"]["ip"])
            for line in outcome.events("scan-detected")
            if line["edgesentry"]["shape"] == "distributed"
        }
        if shared != capture.scanners:
            faults.append(f"{len(shared & capture.scanners)} of the crowd named, "
                          f"{len(shared - capture.scanners)} others")  # fmt: skip
        if len(outcome.blocked & capture.scanners) != DISTRIBUTED[capture.name]:
            faults.append(f"{len(outcome.blocked)} blocked")
    wanted = NAMED.get(capture.name)
    names = {e["edgesentry"]["technique"] for e in outcome.events("source-blocked")}
    if wanted and wanted not in names:
        faults.append(f"called {', '.join(sorted(names)) or 'nothing'}, not {wanted}")
    return faults


def decisions(outcome: captures.Outcome) -> list[tuple]:
    """Who was decided on, why, and at which packet."""
    return sorted(
        (line["event"]["action"], line["source"]["ip"], line["@timestamp"],
         line["edgesentry"]["technique"], line["edgesentry"]["shape"])
        for action in ("scan-detected", "source-blocked") for line in outcome.events(action)
    )  # fmt: skip


def faults_of_capture(capture: captures.Capture) -> list[str]:
    alone = captures.replay(capture.path)
    faults = faults_of(capture, alone)
    for workers in ("2", "4", "8"):
        shared = captures.replay(capture.path, "--workers", workers)
        if decisions(shared) != decisions(alone):
            faults.append(f"{workers} workers decide differently from one")
    return faults


def main() -> int:
    folder = captures.captures_folder()
    if folder is None:
        print("1..0 # SKIP the captures are not there; EDGESENTRY_CAPTURES names their folder")
        return 0
    listed = captures.all_captures(folder)
    unknown = (PLAIN | NAMED.keys() | DISTRIBUTED.keys()) - {capture.name for capture in listed}
    print(f"1..{len(listed) + 1}")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for number, faults in enumerate(pool.map(faults_of_capture, listed), 1):
            failed += bool(faults)
            name = listed[number - 1].name
            print(f"{'not ok' if faults else 'ok'} {number} - {name}", flush=True)
            for fault in faults:
                print(f"# {fault}", flush=True)
    result = "not ok" if unknown else "ok"
    print(f"{result} {len(listed) + 1} - every plain scan is in the manifest")
    for name in sorted(unknown):
        print(f"# {name} is not")
    return 1 if failed or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
