"""Evidence cards, made once for each hazard, town and moment, with what is drawn of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from sqlalchemy import Connection

from alerts.wording.words import plain
from ingest.places import Place
from ingest.times import HOUR
from pipeline.config import HazardBlock
from pipeline.console.drawing.chart import Band, Limit, Line, Panel
from pipeline.explain import Card, Look, Verdicts, because_of, card_of, find_town, look
from pipeline.learn.because import Because
from pipeline.learn.shelf import Shelf
from pipeline.ports import Ports
from pipeline.verify.catalogue import Occurrence, load_catalogue
from rules.findings import Verdict
from rules.level import Level

_KEPT = 48
_JUDGED_BACK = 24
# Kinds whose thresholds are values of the very quantity that is drawn, hour by hour or day by day.
_SAME = frozenset({"heat", "low_temperature", "gale", "chance"})
_Key = tuple[str, str, datetime, datetime | None]


@dataclass(frozen=True, kw_only=True)
class Source:
    """One source that foretells the quantity of a card."""

    name: str
    """Name of the source."""
    issued_at: datetime
    """Its newest run."""
    values: tuple[float, ...]
    """What it foretells, hour by hour or day by day after what was observed; NaN where nothing."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A card, and what further belongs to it."""

    card: Card
    """What the rule sees of the town."""
    learned: Mapping[str, Because]
    """Block that learned -> what moved its chance for the town."""
    sources: tuple[Source, ...]
    """Every source that foretells the main quantity, the most trusted first."""
    judged: tuple[tuple[datetime, float], ...]
    """What the rule made of the town at earlier moments, from what was known then."""

    @property
    def unit(self) -> str:
        """Unit of the metric; empty where it has none."""
        return "" if self.card.hazard.conduct.unit == "1" else self.card.hazard.conduct.unit

    def panels(self, tongue: str) -> list[Panel]:
        """What is drawn: the quantity, and above it the metric where that is another thing."""
        limits = self._limits(tongue)
        if self.card.hazard.conduct.kind in _SAME:
            return [self._measured(tongue, limits)]
        conduct = self.card.hazard.conduct
        name = conduct.measure if tongue == "zh" else conduct.measure_en
        words = "各时刻研判值" if tongue == "zh" else "as judged at each moment"
        judged = Line(kind="judged", points=self.judged, label=words)
        return [
            Panel(title=_titled(name, self.unit), lines=[judged], limits=limits),
            self._measured(tongue, ()),
        ]

    def _limits(self, tongue: str) -> tuple[Limit, ...]:
        return tuple(
            Limit(
                level=step.level,
                value=step.limit,
                label=f"{step.level.zh if tongue == 'zh' else step.level.key.title()} {plain(step.limit)}",
            )
            for step in self.card.steps
            if np.isfinite(step.limit)
        )

    def _measured(self, tongue: str, limits: tuple[Limit, ...]) -> Panel:
        card, zh = self.card, tongue == "zh"
        points = list(zip(card.times, card.series.tolist(), strict=True))
        lines = [
            Line(kind="observed", points=points[: card.observed], label="实况" if zh else "observed"),
            Line(kind="forecast", points=points[card.observed :], label="预报" if zh else "forecast"),
        ]
        name = card.measured.zh if zh else card.measured.name.replace("_", " ")
        unit = "" if card.measured.unit == "1" else card.measured.unit
        return Panel(title=_titled(name, unit), lines=lines, bands=self._bands(zh), limits=limits)

    def _bands(self, zh: bool) -> list[Band]:
        if len(self.sources) < 2:
            return []
        table = np.array([source.values for source in self.sources])
        enough = np.isfinite(table).sum(axis=0) > 1
        low = np.where(enough, np.nan_to_num(table, nan=np.inf).min(axis=0), np.nan)
        high = np.where(enough, np.nan_to_num(table, nan=-np.inf).max(axis=0), np.nan)
        times = self.card.times[self.card.observed :]
        points = list(zip(times, low.tolist(), high.tolist(), strict=True))
        number = len(self.sources)
        label = f"{number}个预报来源的范围" if zh else f"range of {number} forecasting sources"
        return [Band(points=points, label=label)]


def _titled(name: str, unit: str) -> str:
    return f"{name}（{unit}）" if unit else name


class Cards:
    """The evidence of an instance; what was made of one moment is kept for a while, and threads share it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._shelf = Shelf(data=ports.folder)
        self._made: OrderedDict[_Key, Evidence] = OrderedDict()
        self._guard = threading.Lock()

    @cached_property
    def catalogue(self) -> tuple[Occurrence, ...]:
        """What really happened, by the files of the configuration."""
        return load_catalogue(self._ports.config.folder)

    def evidence(
        self, connection: Connection, hazard: str, town: str | None, at: datetime
    ) -> Evidence:
        """The evidence of a town (code or name), or of the worst one; UnknownName where it is none."""
        district = self._ports.config.district
        place = None if town is None else find_town(district, town)
        newest = self._ports.archive.newest(connection)
        key = (hazard, "" if place is None else place.id, at, newest)
        with self._guard:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        made = self._make(connection, look(connection, self._ports, hazard, at), place)
        with self._guard:
            self._made[key] = made
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
        return made

    def _make(
        self, connection: Connection, looked: Look, place: Place | None
    ) -> Evidence:
        district = self._ports.config.district
        town = place or worst_town(looked.verdicts(district), looked.block.rule.falling)
        card = card_of(looked, district, town)
        return Evidence(
            card=card,
            learned=self._learned(connection, looked, town),
            sources=self._sources(connection, card),
            judged=self._judged(connection, card),
        )

    def _learned(
        self, connection: Connection, looked: Look, town: Place
    ) -> dict[str, Because]:
        config = self._ports.config
        names = (looked.block.name, *looked.beside)
        blocks = {name: (config.hazards | config.aside)[name] for name in names}
        told = {name: self._because(connection, block, town, looked.at) for name, block in blocks.items()}
        return {name: because for name, because in told.items() if because is not None}

    def _because(
        self, connection: Connection, block: HazardBlock, town: Place, at: datetime
    ) -> Because | None:
        return because_of(connection, self._ports, (block, town), at, self._shelf)

    def _sources(self, connection: Connection, card: Card) -> tuple[Source, ...]:
        """What each source alone foretells."""
        view, row = self._ports.view, self._ports.config.district.place_ids.index(card.asked.town.id)
        runs = {told.source: told.issued_at for told in card.statements if told.kind == "forecast"}
        found = []
        for name in (name for name in view.sources if name in runs):
            alone = replace(view, sources=(name,), quantities=(card.measured.name,))
            seen = self._ports.archive.block(connection, [card.at], alone)
            ahead = len(card.series) - card.observed
            series = seen[card.measured.name]
            first = int(np.searchsorted(seen[series.dims[2]].values, 1 if series.dims[2] == "hour" else 0))
            values = series.values[0, row, first : first + ahead]
            if np.isfinite(values).any():
                found.append(Source(name=name, issued_at=runs[name], values=tuple(values.tolist())))
        return tuple(found)

    def _judged(
        self, connection: Connection, card: Card
    ) -> tuple[tuple[datetime, float], ...]:
        step = timedelta(days=1) if card.measured.meaning == "day" else 2 * HOUR
        nows = [card.at - back * step for back in range(_JUDGED_BACK, -1, -1)]
        rule = card.hazard.rule
        view = replace(self._ports.view, quantities=rule.quantities)
        block = self._ports.archive.block(connection, nows, view)
        row = self._ports.config.district.place_ids.index(card.asked.town.id)
        values = rule.assess(card.hazard.name, block).value[:, row]
        return tuple(zip(nows, values.tolist(), strict=True))


def worst_town(towns: tuple[Verdicts, ...], falling: bool) -> Place:
    """The town with the highest certain level, of those the one with the most severe value."""
    sign = -1.0 if falling else 1.0

    def weight(one: Verdicts) -> tuple[Level, Level, float]:
        return one.floor, one.reach, float("-inf") if one.value is None else sign * one.value

    return max(towns, key=weight).town


def verdict_words(verdict: Verdict, tongue: str) -> str:
    """A verdict in a word; what is not known is neither calm nor danger."""
    if verdict is Verdict.UNKNOWN:
        return "未知" if tongue == "zh" else "Unknown"
    level = Level(int(verdict))
    return level.zh if tongue == "zh" else level.key.title()
