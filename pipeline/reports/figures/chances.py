"""What a learned chance is worth: reliability with its band, and value beside that of the rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.reports.figures import probability
from pipeline.reports.figures.probability import Curve
from pipeline.reports.figures.style import TODAY
from pipeline.reports.language import Tongue
from pipeline.reports.merits import Group, plain
from pipeline.verify.bootstrap import FEW

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reliability(figure: Figure, tongue: Tongue, group: Group) -> None:
    """Share that came over chance by tenths, with the interval of that share, and counts below."""
    bins = [each for each in group.shape["reliability"]["bins"] if each["n"]]
    counts = [int(each["n"]) for each in bins]
    across, up = ([plain(each[name]) for each in bins] for name in ("forecast", "observed"))
    # A gap in the line keeps a tenth of three cases from looking like a trend.
    firm = [share if count >= FEW else float("nan") for share, count in zip(up, counts, strict=True)]
    curve = Curve(label="", across=across, up=firm)
    probability.reliability(figure, tongue, curve, counts, plain(group.shape.get("base_rate")))
    few = [(place, share) for place, share, count in zip(across, up, counts, strict=True) if count < FEW]
    for place, share in few:
        figure.axes[0].plot(place, share, "o", color=TODAY, markerfacecolor="white", clip_on=False)
    bounds = [[plain(each[name]) for name in ("chance", "low", "high")] for each in group.band]
    for chance, low, high in bounds:
        figure.axes[0].vlines(chance, low, high, color=TODAY, alpha=0.3, linewidth=7)


def value(figure: Figure, tongue: Tongue, group: Group) -> None:
    """Value of acting on the chance, and on the rule, over the ratio of cost to loss."""
    curves = [
        _worth(tongue.say(*words), group.shape.get(name, {}))
        for name, words in (("value", ("概率", "chance")), ("value_threshold_rule", ("规则", "rule")))
    ]
    probability.value(figure, tongue, curves)


def _worth(label: str, found: Mapping[str, Any]) -> Curve:
    ratios = sorted(found, key=float)
    up = [plain(found[ratio]) for ratio in ratios]
    return Curve(label=label, across=[float(ratio) for ratio in ratios], up=up)
