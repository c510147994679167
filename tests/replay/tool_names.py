"""Which tool a manifest names for a capture, and which one `edgesentry replay` names."""

import re

import captures

# As the manifests call them: as we do.
TOOLS = {"nmap": "nmap", "masscan": "masscan", "zmap": "zmap", "hping3": "hping", "scapy": "scapy"}
# What of a technique leaves no mark: a kernel sends the packets.
CONNECT = re.compile(r"-sT\b|connect scan|connect\(\)")

UNNAMED = {
    "ip_protocol_scan_replies_only_sgr.pcapng": "the scanner's packets are not in the file",
    "lab/v6_ext_atomic_fragment.pcap": "made with Scapy, but with none of its defaults",
    "lab/v6_ext_fragmented.pcap": "made with Scapy, but with none of its defaults",
    "lab/v6_ext_hopbyhop.pcap": "made with Scapy, but with none of its defaults",
}

CONFIDENCE = {"none": 0, "low": 1, "medium": 2, "high": 3}


def expected_tools(capture: captures.Capture) -> set[str]:
    """The tools of the manifest; empty where it names none."""
    words = capture.tool.split("+") if capture.tool else re.findall(r"\w+", capture.technique)
    return {TOOLS[word.lower()] for word in words if word.lower() in TOOLS}


def why_unnamed(capture: captures.Capture) -> str:
    if CONNECT.search(capture.technique):
        return "a kernel's connect()"
    return UNNAMED.get(capture.name, "")


def names(outcome: captures.Outcome) -> dict[str, tuple[str, str]]:
    """The surest name of each source, with its confidence."""
    found: dict[str, tuple[str, str]] = {}
    for line in outcome.lines:
        if line["event"]["action"] not in ("scan-detected", "scan-grew", "port-touched"):
            continue
        own = line["edgesentry"]
        name = (own["tool"], own.get("tool_confidence", "none"))
        source = captures.source_of(line["source"]["ip"])
        if CONFIDENCE[name[1]] >= CONFIDENCE[found.get(source, ("none", "none"))[1]]:
            found[source] = name
    return found


def judged(capture: captures.Capture, found: dict[str, tuple[str, str]]) -> tuple[str, set]:
    """right, unnamed, wrong or not found; and the names of the listed scanners."""
    wanted = expected_tools(capture)
    given = {found[source] for source in capture.scanners if source in found}
    if not given:
        return "not found", given
    if any(tool not in wanted | {"none"} for tool, _ in given):
        return "wrong", given
    return ("unnamed" if ("none", "none") in given else "right"), given
