"""The timeline of one hazard as a part of a page, under the rules of today and maybe a proposal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from pipeline.config import Config
from pipeline.replay.result import Replay
from pipeline.reports import courses
from pipeline.reports import sheet as common
from pipeline.reports.drawing import Sketch
from pipeline.reports.figures import timeline
from pipeline.reports.language import Tongue
from pipeline.reports.sheet import Drawing
from rules.level import Level

_WIDE, _SLIM = 900, 380
_HIGH, _HIGHER = 330, 400


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One period, replayed once or twice."""

    today: Replay
    """Under the rules of today."""
    proposal: Replay | None
    """Under the proposal, where there is one."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One hazard of the timeline."""

    name: str
    """Name of the hazard."""
    peak: Level
    """Highest level it had under either."""
    drawing: Drawing
    """Its panel."""


def part(hazard: str, pair: Pair, config: Config, tongue: Tongue, paper: bool) -> Part:
    """The panel of a hazard, with a narrow one for phones unless it is for print."""
    name = tongue.name(config.hazards[hazard].conduct)
    panel = courses.panel(hazard, pair.today, pair.proposal, config, tongue)
    alt = tongue.say(f"{name}：指标、阈值、等级和信息", f"{name}: metric, thresholds, levels, messages")
    wide, slim = (
        Sketch(
            name=f"{kind}-{hazard}",
            alt=alt,
            width=width,
            height=_HIGH if pair.proposal is None else _HIGHER,
            draw=partial(timeline.draw, panel=panel, narrow=kind == "slim"),
            fixed=True,
        )
        for kind, width in (("wide", _WIDE), ("slim", _SLIM))
    )
    steps = [*panel.today.steps, *(panel.proposal.steps if panel.proposal else ())]
    return Part(
        name=name,
        peak=max(level for _, level in steps),
        drawing=common.drawing(wide, tongue, _caption(panel, tongue), None if paper else slim),
    )


def _caption(panel: timeline.Panel, tongue: Tongue) -> str:
    said = []
    if panel.hours.size > timeline.MOST_POINTS:
        said.append(tongue.say("曲线取各时段最不利值。", "The line shows the worst value of each stretch."))
    if panel.unknown.any():
        said.append(tongue.say(
            "斜线：有镇街无法判断，密的是全部无法判断。",
            "Hatched: some town could not be judged, densely where none could.",
        ))  # fmt: skip
    return tongue.say("", " ").join(said)
