"""The lab: attacker, client, switch, appliance and servers as network namespaces on veth pairs.

    attacker --+
               +-- switch (bridge) -- outside [appliance] inside -- servers
    client ----+

The appliance is a bump in the wire: attacker, client and servers share one Ethernet, with their
own prefixes on link. Offloads are off, because a veth pair hands packets over without ever
computing the checksums that a forwarding appliance must pass on.
"""

import atexit
import ipaddress
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from framework.closing import Closing
from framework.config import HostNode, Nodes
from framework.errors import LabError
from framework.namespace import NETNS_DIRECTORY, Namespace
from framework.stamps import KernelStamps

PREFIX = "edgesentry"
WORK_PREFIX = "edgesentry-dts-"
ROLES = ("attacker", "client", "switch", "appliance", "servers")
OFFLOADS = ("tx", "gro", "gso", "tso", "rxvlan", "txvlan")
HOST_DEVICE = "eth0"


class Host:
    """A node with a network stack and many addresses, given out one by one."""

    def __init__(self, namespace: Namespace, node: HostNode) -> None:
        """Work out the addresses; the testbed configures them."""
        self.namespace = namespace
        first = ipaddress.IPv4Address(node.ipv4)
        self.ipv4 = [str(first + i) for i in range(node.ipv4_count)]
        self.ipv6 = [
            str(ipaddress.IPv6Address(node.ipv6.format(f"{i + 1:x}")))
            for i in range(node.ipv6_count)
        ]
        self.mac = ""
        self._fresh_ipv4 = iter(self.ipv4)
        self._fresh_ipv6 = iter(self.ipv6)

    @staticmethod
    def _next_of(addresses: Iterator[str]) -> str:
        for address in addresses:
            return address
        raise LabError("no unused address is left; raise the count in the nodes file")

    def fresh_ipv4(self) -> str:
        """Return an address no case has used yet, so that nothing is held against it."""
        return self._next_of(self._fresh_ipv4)

    def fresh_ipv6(self) -> str:
        """Return an address, on an attacker in a /64, that no case has used yet."""
        return self._next_of(self._fresh_ipv6)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        status = Path("/proc", str(pid), "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def remove_stale() -> None:
    """Remove what runs left whose process was killed before it could clean up."""
    for path in NETNS_DIRECTORY.glob(f"{PREFIX}-*-*"):
        owner, role = path.name.removeprefix(f"{PREFIX}-").split("-", 1)
        if role in ROLES and owner.isdigit() and not is_alive(int(owner)):
            stale = Namespace.existing(path.name)
            stale.end_processes()
            stale.remove()
    for path in Path(tempfile.gettempdir()).glob(f"{WORK_PREFIX}*-*"):
        owner = path.name.removeprefix(WORK_PREFIX).split("-", 1)[0]
        if owner.isdigit() and not is_alive(int(owner)):
            shutil.rmtree(path, ignore_errors=True)


class Testbed(Closing):
    """Builds the lab when entered, and takes all of it away when left, however that happens."""

    def __init__(self, nodes: Nodes | None = None) -> None:
        """Take the description; nothing is made yet."""
        self.nodes = nodes or Nodes()
        self.work = Path(tempfile.mkdtemp(prefix=f"{WORK_PREFIX}{os.getpid()}-"))
        self._namespaces: dict[str, Namespace] = {}
        self._stamps: KernelStamps | None = None

    def __enter__(self) -> "Testbed":
        """Build, and promise to clean up on exit, on SIGINT and on SIGTERM."""
        atexit.register(self.close)
        signal.signal(signal.SIGTERM, _end_orderly)
        try:
            remove_stale()
            self._stamps = KernelStamps()
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Remove the namespaces and the work directory; harmless when called again."""
        for namespace in self._namespaces.values():
            namespace.remove()
        self._namespaces.clear()
        if self._stamps is not None:
            self._stamps.close()
        shutil.rmtree(self.work, ignore_errors=True)

    @property
    def appliance(self) -> Namespace:
        """The namespace with the two ports `outside` and `inside`."""
        return self._namespaces["appliance"]

    def namespace(self, role: str) -> Namespace:
        """One of the nodes by its name."""
        return self._namespaces[role]

    def nail_down(self, host: "Host", port: str) -> None:
        """Let the switch send a host's frames to its port, whoever else writes its address."""
        words = ("fdb", "replace", host.mac, "dev", port, "master", "static", "sticky")
        self._namespaces["switch"].run("bridge", *words)

    def set_queues(self, queues: int) -> None:
        """Use this many queues of the veth pairs at the appliance, up to what they were made with.

        A driver with fewer queues than the device never sees what the kernel puts into the rest.
        """
        count = str(queues)
        for role, device in (
            *(("appliance", "outside"), ("appliance", "inside")),
            *(("switch", "uplink"), ("servers", HOST_DEVICE)),
        ):
            current = self._namespaces[role].run("ethtool", "-l", device).rpartition("Current")[2]
            if f"RX:\t\t{count}\n" not in current:
                self._namespaces[role].run("ethtool", "-L", device, "rx", count, "tx", count)

    def _build(self) -> None:
        for role in ROLES:
            self._namespaces[role] = Namespace(f"{PREFIX}-{os.getpid()}-{role}")
        for role in ("switch", "appliance"):
            self._namespaces[role].sysctl("ipv6.conf.all.disable_ipv6", "1")
            self._namespaces[role].sysctl("ipv6.conf.default.disable_ipv6", "1")
        for role in ("attacker", "client", "servers"):
            self._quiet_ipv6(self._namespaces[role])
        # curl --limit-rate empties its socket in one go and then pauses for as long as that was too
        # fast; a small receive buffer keeps the pauses below a second.
        self._namespaces["client"].sysctl("ipv4.tcp_rmem", "4096 32768 65536")
        self._wire("attacker", HOST_DEVICE, "switch", "attacker")
        self._wire("client", HOST_DEVICE, "switch", "client")
        self._wire("switch", "uplink", "appliance", "outside")
        self._wire("servers", HOST_DEVICE, "appliance", "inside")
        self._bridge()
        nodes = self.nodes
        self.attacker = self._host("attacker", nodes.attacker)
        self.client = self._host("client", nodes.client)
        self.servers = self._host("servers", nodes.servers)
        for outside in (self.attacker, self.client):
            self._route(outside.namespace, [nodes.inside_ipv4], [nodes.inside_ipv6])
        self._route(self.servers.namespace, [nodes.outside_ipv4], list(nodes.outside_ipv6))

    @staticmethod
    def _quiet_ipv6(namespace: Namespace) -> None:
        for key in ("accept_ra", "autoconf", "router_solicitations", "accept_dad"):
            namespace.sysctl(f"ipv6.conf.all.{key}", "0")
            namespace.sysctl(f"ipv6.conf.default.{key}", "0")

    def _wire(self, left: str, left_device: str, right: str, right_device: str) -> None:
        queues = str(self.nodes.appliance.queues)
        spread = ["numrxqueues", queues, "numtxqueues", queues]
        a, b = self._namespaces[left], self._namespaces[right]
        a.ip(
            *("link", "add", "name", left_device, "mtu", str(self.nodes.mtu), *spread),
            *("type", "veth", "peer", "name", right_device, "mtu", str(self.nodes.mtu)),
            *("netns", b.name, *spread),
        )
        off = [word for feature in OFFLOADS for word in (feature, "off")]
        for namespace, device in ((a, left_device), (b, right_device)):
            namespace.run("ethtool", "-K", device, *off)
            namespace.ip("link", "set", "dev", device, "up")

    def _bridge(self) -> None:
        switch = self._namespaces["switch"]
        switch.ip("link", "add", "name", "bridge", "mtu", str(self.nodes.mtu), "type", "bridge",
                  "mcast_snooping", "0")
        for port in ("attacker", "client", "uplink"):
            switch.ip("link", "set", "dev", port, "master", "bridge")
        switch.ip("link", "set", "dev", "bridge", "up")

    def _host(self, role: str, node: HostNode) -> Host:
        namespace = self._namespaces[role]
        host = Host(namespace, node)
        lines = [f"addr add {a}/32 dev {HOST_DEVICE}" for a in host.ipv4]
        lines += [f"addr add {a}/128 dev {HOST_DEVICE} nodad" for a in host.ipv6]
        namespace.ip_batch(lines)
        host.mac = namespace.mac(HOST_DEVICE)
        return host

    @staticmethod
    def _route(namespace: Namespace, ipv4: list[str], ipv6: list[str]) -> None:
        lines = [f"route add {network} dev {HOST_DEVICE}" for network in ipv4]
        lines += [f"route add {network} dev {HOST_DEVICE}" for network in ipv6]
        namespace.ip_batch(lines)


def _end_orderly(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
