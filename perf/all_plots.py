"""Pictures of what the measurements print; SVG and PNG of each."""

import json
import pathlib
import re
import sys
from typing import Any

VALUE = re.compile(r"^(\w[\w.]*)=(\S+)(?: +range (\S+) to (\S+))?", re.MULTILINE)
LOG_FROM = 50  # times between least and greatest, from which an axis is logarithmic


def values_of(said: str) -> dict[str, tuple[float, float, float]]:
    """Median, least, greatest of each key=value line."""
    return {key: (float(value), float(low or value), float(high or value))
            for key, value, low, high in VALUE.findall(said)}


def bars(plt: Any, title: str, rows: dict[str, tuple[float, float, float]], label: str) -> Any:
    """Horizontal, with ranges."""
    figure, axes = plt.subplots(figsize=(7, 0.4 * len(rows) + 1.2))
    middle = [row[0] for row in rows.values()]
    spread = [[max(0.0, row[0] - row[1]) for row in rows.values()],
              [max(0.0, row[2] - row[0]) for row in rows.values()]]
    axes.barh(list(rows), middle, xerr=spread, capsize=3)
    axes.invert_yaxis()
    if min(middle) > 0 and max(middle) / min(middle) > LOG_FROM:
        axes.set_xscale("log")
    axes.set_xlabel(label)
    axes.set_title(title)
    axes.grid(axis="x", alpha=0.3)
    return figure


def ratios(plt: Any, said: str) -> Any:
    """The appliance over testpmd."""
    rows = {key.removesuffix("_ratio"): row for key, row in values_of(said).items()
            if key.endswith("_ratio")}
    return bars(plt, "appliance over testpmd", rows, "ratio of packets a second of CPU")


def memif(plt: Any, said: str) -> Any:
    """Rates over shared memory."""
    rows = {key: row for key, row in values_of(said).items() if "mpps" in key}
    return bars(plt, "over net_memif", rows, "million packets a second")


def latency(plt: Any, said: str) -> Any:
    """A line for each, over the percentiles."""
    lines: dict[str, list[tuple[str, float]]] = {}
    for key, row in values_of(said).items():
        found = re.fullmatch(r"latency_(\w+)_p([\d.]+)_us", key)
        if found:
            lines.setdefault(found[1], []).append((found[2], row[0]))
    figure, axes = plt.subplots(figsize=(7, 4))
    for name, points in lines.items():
        axes.plot([f"{wanted} %" for wanted, _ in points], [value for _, value in points], "o-",
                  label=name)
    axes.set_yscale("log")
    axes.set_ylabel("microseconds from port to port")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def tools(plt: Any, said: str) -> Any:
    """Packets a second of CPU; in the name, whether it found nmap."""
    rows = {}
    for name, rate, found in re.findall(r"^(\w+) +([\d.e+]+) .*% +(-|\d+ of \d+) ", said,
                                        re.MULTILINE):
        note = "" if found == "-" else f"\nfound nmap {found}"
        rows[name + note] = (float(rate) * 1e3,) * 3
    return bars(plt, "a scan inside a flood", rows, "packets a second of CPU")


def enforcers(plt: Any, said: str) -> Any:
    """Ratios to a host that blocks nothing."""
    rows = {name: (float(middle), float(low), float(high)) for name, middle, low, high in
            re.findall(r"^(\w+): .*?ratio ([\d.]+) \(([\d.]+) to ([\d.]+)\)", said, re.MULTILINE)}
    return bars(plt, "dropping in the kernel", rows, "packets a second of softirq time, ratio")


def table_peers(plt: Any, folder: pathlib.Path) -> Any:
    """Ours, rte_hash, tbb over the number of sources."""
    found = json.loads((folder / "figures.json").read_text(encoding="utf-8"))["figures"]
    lines: dict[str, list[tuple[int, float]]] = {}
    for name, row in found.get("table_peers", {}).items():
        kind, sources = name.split("/sources:")
        lines.setdefault(kind, []).append((int(sources), row["Mpps"]))
    figure, axes = plt.subplots(figsize=(7, 4))
    for kind, points in lines.items():
        axes.plot(*zip(*sorted(points), strict=True), "o-", label=kind)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("sources")
    axes.set_ylabel("million look-ups a second")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


MAKERS = {"appliance": ("appliance_over_testpmd", ratios), "memif": ("memif", memif),
          "latency": ("latency", latency), "tools": ("tools_in_a_flood", tools),
          "enforcers": ("enforcers", enforcers)}


def pictures(said: dict[str, str], folder: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    """By part; none without matplotlib, which is said."""
    try:
        import matplotlib  # type: ignore[import]
    except ImportError:
        print("no pictures: install python3-matplotlib", file=sys.stderr)
        return {}
    matplotlib.use("svg")
    import matplotlib.pyplot as plt  # type: ignore[import]

    made: dict[str, list[pathlib.Path]] = {}

    def save(part: str, name: str, figure: Any) -> None:
        path = folder / f"{name}.svg"
        figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
        figure.savefig(path.with_suffix(".png"), bbox_inches="tight", dpi=110)
        plt.close(figure)
        made.setdefault(part, []).append(path)

    if "bench" in said:
        made["bench"] = sorted(folder.glob("*.svg"))  # its own
        save("bench", "table_peers", table_peers(plt, folder))
    for part, (name, make) in MAKERS.items():
        if part in said:
            save(part, name, make(plt, said[part]))
    return made
