"""What a run is made of: typed, frozen, with defaults; configurations/*.yaml overrides them."""

import dataclasses
import os
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from framework.errors import LabError

Model = TypeVar("Model")

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class HostNode:
    """A node with a network stack: how many addresses it has and where they start."""

    ipv4: str
    ipv4_count: int
    ipv6: str  # "{}" is replaced by the number of the address, in hexadecimal
    ipv6_count: int


@dataclass(frozen=True)
class ApplianceNode:
    """The node in the middle, and how the appliance reaches its two ports."""

    device: str = "net_af_packet"  # or net_af_xdp, which works with one queue on veth
    queues: int = 2
    memory_mb: int = 256
    build: str = ""  # empty: $EDGESENTRY_BUILD, else build/ of this repository


@dataclass(frozen=True)
class Nodes:
    """The lab: who stands where. Every attacker address is its own /64 in IPv6."""

    attacker: HostNode = HostNode("198.51.100.10", 180, "2001:db8:a:{}::10", 32)
    client: HostNode = HostNode("198.51.100.200", 4, "2001:db8:c:{}::10", 2)
    servers: HostNode = HostNode("203.0.113.10", 40, "2001:db8:5e::{}", 40)
    outside_ipv4: str = "198.51.100.0/24"
    outside_ipv6: tuple[str, ...] = ("2001:db8:a::/48", "2001:db8:c::/48")
    inside_ipv4: str = "203.0.113.0/24"
    inside_ipv6: str = "2001:db8:5e::/64"
    mtu: int = 1900  # a frame of net_af_packet holds 2048 bytes with its own header
    appliance: ApplianceNode = field(default_factory=ApplianceNode)


@dataclass(frozen=True)
class TestRun:
    """Which suites and cases run; empty means all. A case is written Suite.case or case."""

    suites: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()


def build_directory(node: ApplianceNode) -> Path:
    """Return where edgesentryd and edgesentry were built."""
    chosen = node.build or os.environ.get("EDGESENTRY_BUILD", "")
    return Path(chosen).resolve() if chosen else REPOSITORY / "build"


def load(model: type[Model], path: Path) -> Model:
    """Read a YAML file into a model; an unknown key or a wrong type is told with its place."""
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return typing.cast(Model, convert(model, content, str(path)))


def convert(wanted: Any, value: Any, place: str) -> Any:
    """Turn plain YAML data into what an annotation asks for."""
    if dataclasses.is_dataclass(wanted):
        if not isinstance(value, dict):
            raise LabError(f"{place}: must be a mapping, is {value!r}")
        hints = typing.get_type_hints(wanted)
        unknown = sorted(set(value) - set(hints))
        if unknown:
            raise LabError(f"{place}: unknown key {unknown[0]}; known are {', '.join(hints)}")
        fields = {key: convert(hints[key], value[key], f"{place}: {key}") for key in value}
        try:
            return typing.cast(Any, wanted)(**fields)
        except TypeError as missing:
            raise LabError(f"{place}: {missing}") from missing
    if typing.get_origin(wanted) is tuple:
        if not isinstance(value, list):
            raise LabError(f"{place}: must be a list, is {value!r}")
        return tuple(convert(typing.get_args(wanted)[0], item, place) for item in value)
    if not isinstance(value, wanted) or isinstance(value, bool) != (wanted is bool):
        raise LabError(f"{place}: must be {wanted.__name__}, is {value!r}")
    return value
