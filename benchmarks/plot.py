"""The plot of docs/performance.md: records a second of each contender, with the targets."""

from collections.abc import Sequence
from pathlib import Path

from measure import Measured
from targets import EVERYTHING

_OURS, _PEER = "#1f6f8b", "#b8c4cc"
_TARGET = 60_000


def plot(found: Sequence[Measured], file: Path) -> None:
    """Write horizontal bars as SVG."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    # Text stays text, and the same figures give the same file.
    plt.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "radiant", "font.size": 9}
    rows = sorted(found, key=lambda one: one.rate)
    figure, axes = plt.subplots(figsize=(8.5, 0.34 * len(rows) + 0.9), layout="constrained")
    colours = [_OURS if one.what == EVERYTHING else _PEER for one in rows]
    bars = axes.barh([f"{one.name}: {one.what}" for one in rows], [one.rate for one in rows], color=colours)
    axes.bar_label(bars, [f"{one.rate:,.0f}" for one in rows], padding=3)
    axes.axvline(_TARGET, color="#c0392b", linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.margins(x=0.2)
    axes.set_xlabel("records/s (log); dashed: target, 2 processes")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.savefig(file, metadata={"Date": None})
