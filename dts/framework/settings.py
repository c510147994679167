"""edgesentry.toml for the appliance under test."""

import copy
import os
from pathlib import Path
from typing import Any

from framework.config import Nodes

Table = dict[str, Any]


def device(nodes: Nodes, index: int, interface: str) -> str:
    """Return the DPDK device of one port of the appliance."""
    node = nodes.appliance
    if node.device == "net_af_xdp":
        return f"net_af_xdp{index},iface={interface}"
    return f"{node.device}{index},iface={interface},qpairs={node.queues}"


def defaults(nodes: Nodes, work: Path) -> Table:
    """Return the configuration every suite starts from: enforce, short blocks, all outputs."""
    return {
        "mode": "enforce",
        "placement": "inline",
        "segment": [
            {
                "name": "lab",
                "outside": device(nodes, 0, "outside"),
                "inside": device(nodes, 1, "inside"),
            }
        ],
        "dpdk": {
            "hugepages": "off",
            "memory_mb": nodes.appliance.memory_mb,
            "file_prefix": f"edgesentry-{os.getpid()}",
        },
        "workers": {"count": nodes.appliance.queues, "idle": "adaptive", "mbufs": 12288},
        "table": {"sources": 1 << 16, "suspects": 1 << 10, "blocks": 1 << 12},
        "networks": {"inside": [nodes.inside_ipv4, nodes.inside_ipv6]},
        "block": {"ladder": ["300s"]},
        "log": {
            "portsentry_file": str(work / "portsentry.log"),
            "json_file": str(work / "events.json"),
            "syslog": False,
        },
        "state": {"file": str(work / "state.db")},
        "metrics": {"listen": "127.0.0.1:9465"},
        "control": {"socket": str(work / "control.sock")},
    }


def merged(base: Table, changes: Table) -> Table:
    """Return base with the changes laid over it, table by table."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def to_toml(settings: Table) -> str:
    """Write the configuration as TOML."""
    plain = [f"{k} = {_value(v)}" for k, v in settings.items() if not _is_section(v)]
    lines = [*plain, ""]
    for key, value in settings.items():
        if isinstance(value, dict):
            lines += [f"[{key}]", *(f"{k} = {_value(v)}" for k, v in value.items()), ""]
        elif _is_section(value):
            for item in value:
                lines += [f"[[{key}]]", *(f"{k} = {_value(v)}" for k, v in item.items()), ""]
    return "\n".join(lines)


def _is_section(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    )


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
