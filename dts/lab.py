"""The live lab: real scanners against servers behind the real appliance.

    /usr/bin/python3 dts/lab.py --once   tell the whole story, check it, end; exit 0 if all held
    /usr/bin/python3 dts/lab.py          stay up until Ctrl-C, to attack by hand
"""

import argparse
import os
import sys

from framework.console import Console
from framework.errors import LabError, SkipCase, VerifyError
from framework.metrics import Metrics
from framework.passage import late_text, time_ns
from framework.story import (
    BLOCK_SECONDS,
    DOWNLOAD_SECONDS,
    STALL_SECONDS_MAX,
    Attack,
    Story,
)
from framework.testbed import Testbed
from framework.watch import watch

MIB = 1 << 20
EXCERPT = (
    "edgesentry_packets_received_total",
    "edgesentry_packets_forwarded_total",
    "edgesentry_packets_dropped_total",
    "edgesentry_packets_handed_over_total",
    "edgesentry_sources_tracked",
    "edgesentry_alerts_total",
    "edgesentry_blocks_",
)
PICTURE = """\
  {attacker:<16} attacker --+                outside +-----------+ inside
  {masscan:<16} attacker --+-- switch --------------| appliance |---------- servers
  {client:<16} client   --+                        +-----------+           {servers}"""


def show_topology(story: Story) -> None:
    """Draw the lab."""
    testbed = story.testbed
    story.console.title("The lab: network namespaces on veth pairs, the appliance in the wire")
    story.console.line(
        PICTURE.format(
            attacker=story.nmap.source,
            masscan=story.masscan.source,
            client=testbed.client.ipv4[0],
            servers=testbed.nodes.inside_ipv4,
        )
    )


def attack(story: Story, scanner: Attack) -> None:
    """Let one scanner loose and tell what the appliance makes of it."""
    console = story.console
    console.step(f"{scanner.tool} starts from {scanner.source}:")
    console.line(f"            {console.paint(' '.join(scanner.words), 'dim')}")
    story.launch(scanner)
    if not story.wait_decision(scanner):
        return
    said = scanner.decision["event"]["reason"]
    console.step(f"{console.paint('source-blocked', 'bold', 'yellow')}: {said}")


def tell(story: Story) -> None:
    """Run the story up to the moment when both blocks have expired."""
    console = story.console
    console.title("The story")
    console.step(f"appliance is up, mode enforce, blocks last {BLOCK_SECONDS} s")
    story.begin_counting()
    story.begin_download()
    assert story.servers is not None
    console.step(f"client begins a download of {DOWNLOAD_SECONDS} MiB at 1 MiB/s")
    before = story.fetches(story.nmap.source)
    console.step(f"attacker {story.nmap.source} opens a web page, as anybody may: {_got(before)}")
    attack(story, story.nmap)
    during = story.fetches(story.nmap.source, seconds=2)
    console.step(f"{story.nmap.source} asks for the web page again: {_got(during)}")
    attack(story, story.masscan)
    for scanner in story.attacks:
        story.end_attack(scanner)
    console.step(f"scanners are done; the download stands at {_mib(story)} MiB")
    show_detections(story)
    console.title("While they were blocked")
    check_attacks(story)
    console.check(before and not during, "the blocked attacker reached a server before, not during")
    console.title("The block ends")
    check_expiry(story)


def show_detections(story: Story) -> None:
    """Print what the appliance said about each scanner."""
    console = story.console
    rows = []
    for scanner in story.attacks:
        if not scanner.decision or scanner.passage is None:
            continue
        evidence = scanner.decision["edgesentry"]
        began = scanner.passage.sent[0].time_ns if scanner.passage.sent else scanner.began_ns
        rows.append(
            (
                scanner.source,
                scanner.tool,
                f"{evidence['shape']} {evidence['technique']}",
                evidence["severity"],
                evidence["reason"],
                evidence["port_count"],
                evidence["target_count"],
                evidence["probes"],
                (time_ns(scanner.decision) - began) / 1e6,
            )
        )
    console.title("What the appliance saw (from its JSON log)")
    console.table(
        ("source", "tool", "scan", "severity", "because of", "ports", "targets", "probes",
         "ms to block"),
        rows,
    )


def check_attacks(story: Story) -> None:
    """Count packets on both sides of the appliance and check that none passed late."""
    console, rows = story.console, []
    for scanner in story.attacks:
        named = story.sut.events("scan-detected", scanner.source) or scanner.decision
        console.check(bool(named), f"{scanner.tool}'s scan was detected and named")
        console.check(bool(scanner.decision), f"{scanner.source} was blocked")
        if not scanner.decision:
            continue
        passage = story.during_block(scanner)
        late, said = len(passage.late()), late_text(passage, scanner.decision)
        rows.append((scanner.source, len(passage.sent), len(passage.passed), passage.dropped, late))
        console.check(
            not said and passage.dropped > 0 and passage.strangers == 0,
            f"zero packets of {scanner.source} reached a server after the deciding packet",
            said or f"{late} of {len(passage.sent)}",
        )
    console.table(("source", "came in", "reached a server", "dropped", "after the decision"), rows)


def check_expiry(story: Story) -> None:
    """Wait for the end of the first block and let its source connect again."""
    console, source = story.console, story.nmap.source
    try:
        story.sut.wait_event("block-expired", source, BLOCK_SECONDS + 30.0)
    except VerifyError as never:
        console.check(False, "the block expires", str(never))
        return
    console.step(f"the block of {source} has expired")
    console.check(True, "the block expires")
    console.check(story.fetches(source), "its source can connect again")


def check_download(story: Story) -> None:
    """Wait for the innocent transfer and check that nothing happened to it."""
    console = story.console
    assert story.download is not None and story.progress is not None
    console.title("The innocent client")
    spanned = story.download.is_running
    wrong = story.download.finish(DOWNLOAD_SECONDS + 30.0)
    story.progress.stop()
    passage = story.follow(story.testbed.client.ipv4[0])
    console.check(spanned, "the download was under way all the time")
    console.check(not wrong, "the download is complete and its checksum right", wrong)
    console.check(
        story.progress.longest_stall < STALL_SECONDS_MAX,
        "it never stood still",
        f"longest pause {story.progress.longest_stall:.1f} s",
    )
    console.check(
        passage.dropped == 0,
        "every packet of the client reached its server",
        f"{len(passage.passed)} of {len(passage.sent)}",
    )


def show_metrics(story: Story, metrics: Metrics) -> None:
    """Print an excerpt and check the account of packets."""
    console = story.console
    console.title("Metrics (http://127.0.0.1:9465/metrics in the appliance's namespace)")
    rows = [
        (name, ", ".join(f"{key}={label}" for key, label in labels.items()), int(value))
        for name, labels, value in metrics.samples
        if value and name.startswith(EXCERPT)
    ]
    console.table(("metric", "labels", "value"), rows)
    console.check(metrics.balance == 0, "the account of packets adds up", metrics.account())


def once(story: Story) -> int:
    """Tell the story, check it, and return the exit code."""
    tell(story)
    check_download(story)
    metrics = story.sut.settled_metrics()
    show_metrics(story, metrics)
    story.sut.stop()
    console = story.console
    console.line()
    verdict = f"{console.passed} checks held, {console.failed} failed"
    console.line(console.paint(verdict, "bold", "red" if console.failed else "green"))
    return 1 if console.failed else 0


def _got(page: bool) -> str:
    return "it gets it" if page else "no answer"


def _mib(story: Story) -> str:
    return f"{story.download.bytes_so_far / MIB:.1f}" if story.download else "0"


def main() -> int:
    """Build the lab and run; a lab that cannot be built says why."""
    parser = argparse.ArgumentParser(description="Real scanners against the real appliance.")
    parser.add_argument("--once", action="store_true", help="tell the whole story and end")
    asked = parser.parse_args()
    if os.geteuid() != 0:
        print("lab: needs root, because it is made of network namespaces; try sudo",
              file=sys.stderr)
        return 2
    console = Console()
    try:
        with Testbed() as testbed:
            story = Story(testbed, console)
            try:
                show_topology(story)
                story.start()
                return once(story) if asked.once else watch(story)
            finally:
                story.close()
    except (LabError, VerifyError, SkipCase) as error:
        console.line(f"lab: {error}")
        return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
