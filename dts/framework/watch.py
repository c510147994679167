"""The lab kept up: what an operator would watch, until Ctrl-C."""

import time

from framework.console import Console
from framework.errors import LabError
from framework.metrics import Metrics
from framework.story import Story
from framework.sut import Event

SECONDS = 3.0

HOW_TO = """\
  Attack by hand, in another terminal:

    ip netns exec {attacker} nmap -sS -n -Pn -S {source} -e eth0 {victim}
    ip netns exec {attacker} nmap -sX -n -Pn -S {other} -e eth0 {victim}
    ip netns exec {client} curl http://{victim}/

  Ask the appliance:

    {program} status --socket {socket}
    {program} blocked --socket {socket}
    ip netns exec {appliance} curl -s http://127.0.0.1:9465/metrics

  Ctrl-C takes everything away.
"""


def watch(story: Story) -> int:
    """Print numbers every few seconds and each event as it comes."""
    testbed, console = story.testbed, story.console
    console.line(
        HOW_TO.format(
            attacker=testbed.attacker.namespace.name,
            client=testbed.client.namespace.name,
            appliance=testbed.appliance.name,
            source=testbed.attacker.fresh_ipv4(),
            other=testbed.attacker.fresh_ipv4(),
            victim=story.victims[0],
            program=story.sut.command_line,
            socket=story.sut.control_socket,
        )
    )
    said = 0
    last = story.sut.metrics()
    try:
        while story.sut.is_running:
            time.sleep(SECONDS)
            events = story.sut.events()
            for event in events[said:]:
                say(console, event)
            said = len(events)
            now = story.sut.metrics()
            show(console, last, now)
            last = now
    except KeyboardInterrupt:
        console.line()
        console.line(f"  {story.sut.stop().account()}")
        return 0
    raise LabError(f"edgesentryd has ended:\n{story.sut.log()}")


def say(console: Console, event: Event) -> None:
    """Print one event."""
    action = event["event"]["action"]
    style = "yellow" if action == "source-blocked" else "dim"
    console.step(f"{console.paint(f'{action:<16}', style)}  {event['event']['reason']}")


def show(console: Console, last: Metrics, now: Metrics) -> None:
    """Print one line of numbers."""
    received = (now.received - last.received) / SECONDS
    dropped = (now.dropped_by_verdict - last.dropped_by_verdict) / SECONDS
    console.step(
        f"received {received:8.0f}/s   dropped {dropped:8.0f}/s   "
        f"blocked {int(now.sum('edgesentry_blocks_active')):4d}   "
        f"alerts {int(now.sum('edgesentry_alerts_total')):5d}"
    )
