"""Pictures of the figures, as SVG; without matplotlib there are none, and that is said."""

import pathlib
import sys


def canvas():
    """matplotlib.pyplot, or nothing where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        print("no picture: install python3-matplotlib", file=sys.stderr)
        return None
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "edgesentry"  # the same figures, the same file
    import matplotlib.pyplot as plt
    return plt


def save(figure, path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def draw_categories(categories: dict, path: pathlib.Path) -> None:
    """Scanners found and missed by category; beside them probes before the decision."""
    plt = canvas()
    if plt is None:
        return
    shown = {n: s for n, s in categories.items() if n != "all" and s.scanners + s.false_blocks}
    names = list(shown)[::-1]
    figure, (left, right) = plt.subplots(1, 2, sharey=True, figsize=(10, 0.32 * len(names) + 1.2))
    of = {n: max(shown[n].scanners, 1) for n in names}
    found = [100 * shown[n].found / of[n] for n in names]
    missed = [100 * (shown[n].scanners - shown[n].found) / of[n] for n in names]
    left.barh(names, found, color="#3a7d44", label="found")
    left.barh(names, missed, left=found, color="#c0392b", label="missed")
    for place, name in enumerate(names):
        summary = shown[name]
        besides = f", {summary.false_blocks} besides" if summary.false_blocks else ""
        left.text(2, place, f"{summary.found}/{summary.scanners}{besides}", va="center",
                  color="white", fontsize=8)
    left.set_xlabel("scanners found, %")
    right.barh(names, [shown[n].probes or 0 for n in names], color="#34618c")
    right.set_xlabel("probes before the decision, median")
    save(figure, path)


def draw_roc(points: list, path: pathlib.Path) -> None:
    """One line for each threshold that is swept."""
    plt = canvas()
    if plt is None:
        return
    figure, axes = plt.subplots(figsize=(7, 4.5))
    for key in dict.fromkeys(point.key for point in points):
        own = sorted((p.false_rate, p.detection_rate, p.value) for p in points if p.key == key)
        axes.plot([100 * x for x, _, _ in own], [100 * y for _, y, _ in own], marker="o", label=key)
    axes.set_xscale("symlog", linthresh=0.01)
    axes.set_xlim(left=0)
    axes.set_xlabel("innocent sources blocked, %")
    axes.set_ylabel("scans found, %")
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, path)
