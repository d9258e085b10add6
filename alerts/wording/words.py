"""How moments, towns, levels and numbers are written in Chinese and English: template filters."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.event.transition import Transition
from ingest.places import District
from ingest.times import BEIJING
from rules.level import Level

SHOWN = 6
"""Towns named in a shortened list, beside those that are new in it."""

FILTERS = ("stamp", "hour", "period", "span", "amount", "towns", "by_level", "counts", "level")
"""Methods of `Words` that templates may use as filters."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = {"°C": "℃", "mm": "毫米", "m/s": "米/秒", "km/h": "公里/小时"}
_CHINESE = "\u3000-\u9fff\uff00-\uffef"


def known(number: float | None) -> bool:
    """Whether a number is there: neither None nor NaN."""
    return number is not None and not math.isnan(number)


def plain(value: float) -> str:
    """A number with at most one decimal, and none where it is whole; never a negative zero."""
    return f"{value:z.1f}".removesuffix(".0")


def tidy(text: str) -> str:
    """One line: blanks beside Chinese characters dropped, others folded into one."""
    line = re.sub(r"\s+", " ", text).strip()
    return re.sub(f"(?<=[{_CHINESE}]) | (?=[{_CHINESE}])", "", line)


@dataclass(frozen=True, kw_only=True)
class Words(ABC):
    """Filters of one language; moments are printed in Beijing time, with their date."""

    district: District
    """Whose towns are named, in the order of its configuration."""

    @abstractmethod
    def stamp(self, at: datetime) -> str:
        """Date and time to the minute."""

    @abstractmethod
    def hour(self, at: datetime) -> str:
        """Month, day and hour."""

    @abstractmethod
    def clock(self, at: datetime) -> str:
        """Hour alone, for the end of a period on the day it began."""

    @abstractmethod
    def between(self, start: str, end: str) -> str:
        """A period as part of a sentence."""

    @abstractmethod
    def span(self, length: timedelta) -> str:
        """A length of time in days, hours and minutes."""

    @abstractmethod
    def level(self, level: Level) -> str:
        """Name of a level; that of NONE says that a town was cleared."""

    @abstractmethod
    def amount(self, value: float, unit: str) -> str:
        """A value with its unit."""

    @abstractmethod
    def towns(self, places: Iterable[str], fresh: Collection[str] = ()) -> str:
        """Towns by name, shortened but for those in `fresh`, with their number."""

    @abstractmethod
    def by_level(self, places: Mapping[str, Level], fresh: Collection[str] = ()) -> str:
        """Towns by level, highest first."""

    @abstractmethod
    def counts(self, places: Mapping[str, Level]) -> str:
        """Number of towns by level, highest first."""

    def period(self, t: Transition) -> str:
        """From onset to end; empty where either is not known."""
        if t.onset is None or t.expires is None:
            return ""
        same_day = t.onset.astimezone(BEIJING).date() == t.expires.astimezone(BEIJING).date()
        end = self.clock(t.expires) if same_day else self.hour(t.expires)
        return self.between(self.hour(t.onset), end)

    def everywhere(self, places: Iterable[str]) -> bool:
        """Whether these are all towns of the district."""
        return set(places) == set(self.district.place_ids)

    def named(self, places: Iterable[str], names: Mapping[str, str]) -> list[str]:
        """Names in the order of the configuration; a code it no longer has stands for itself.

        A message must not be lost for want of a name.
        """
        order = {place: index for index, place in enumerate(self.district.place_ids)}
        ranked = sorted(places, key=lambda place: (order.get(place, len(order)), place))
        return [names.get(place, place) for place in ranked]

    def others(self, places: Collection[str]) -> list[str]:
        """The few towns not among these, where naming them instead is shorter and complete."""
        towns = self.district.place_ids
        others = [place for place in towns if place not in places]
        short = len(others) <= SHOWN // 2 and len(places) > SHOWN
        return others if short and len(places) + len(others) == len(towns) else []


def shown(places: Collection[str], fresh: Collection[str]) -> list[str]:
    """The towns a shortened list names: every fresh one, then others up to SHOWN."""
    new = [place for place in places if place in fresh]
    old = [place for place in places if place not in fresh]
    return new + old[: max(0, SHOWN - len(new))]


def groups(places: Mapping[str, Level]) -> list[tuple[Level, list[str]]]:
    """Towns by level, highest first."""
    levels = sorted(set(places.values()), reverse=True)
    return [(level, [p for p, its in places.items() if its == level]) for level in levels]


def pieces(length: timedelta, names: tuple[str, str, str]) -> list[tuple[int, str]]:
    """Days, hours and minutes of a length with their names, without those that are zero."""
    minutes = int(length.total_seconds() // 60)
    counts = (minutes // 1440, minutes // 60 % 24, minutes % 60)
    found = [(count, name) for count, name in zip(counts, names, strict=True) if count]
    return found or [(0, names[2])]


class Chinese(Words):
    """Chinese as official texts write it: 2022年8月9日08时05分, 41.3℃, 镇街."""

    def stamp(self, at: datetime) -> str:
        """``2022年8月9日08时05分``."""
        local = at.astimezone(BEIJING)
        return f"{local.year}年{local.month}月{local.day}日{local:%H}时{local:%M}分"

    def hour(self, at: datetime) -> str:
        """``8月9日14时``."""
        local = at.astimezone(BEIJING)
        return f"{local.month}月{local.day}日{self.clock(at)}"

    def clock(self, at: datetime) -> str:
        """``14时``, with minutes only where there are some."""
        local = at.astimezone(BEIJING)
        return f"{local:%H}时{local:%M}分" if local.minute else f"{local:%H}时"

    def between(self, start: str, end: str) -> str:
        """``8月9日14时至20时，``."""
        return f"{start}至{end}，"

    def span(self, length: timedelta) -> str:
        """``19天3小时``."""
        parts = pieces(length, ("天", "小时", "分钟"))
        return "".join(f"{count}{name}" for count, name in parts)

    def level(self, level: Level) -> str:
        """``红色``; ``解除`` for NONE."""
        return level.zh if level else "解除"

    def amount(self, value: float, unit: str) -> str:
        """``41.3℃``, ``4级``; the number alone where it has no dimension."""
        return plain(value) + _UNITS.get(unit, unit)

    def towns(self, places: Iterable[str], fresh: Collection[str] = ()) -> str:
        """``全区21个镇街``, ``除甲外的20个镇街``, ``甲、乙等2个镇街`` or the one name."""
        ids, names = list(places), {town.id: town.name for town in self.district.towns}
        if self.everywhere(ids):
            return f"全区{len(ids)}个镇街"
        if others := self.others(ids):
            return f"除{'、'.join(self.named(others, names))}外的{len(ids)}个镇街"
        listed = "、".join(self.named(shown(ids, fresh), names))
        return listed if len(ids) == 1 else f"{listed}等{len(ids)}个镇街"

    def by_level(self, places: Mapping[str, Level], fresh: Collection[str] = ()) -> str:
        """``红色：甲；橙色：乙、丙等2个镇街``."""
        found = groups(places)
        return "；".join(f"{self.level(level)}：{self.towns(ids, fresh)}" for level, ids in found)

    def counts(self, places: Mapping[str, Level]) -> str:
        """``红色8个镇街、橙色13个镇街``."""
        return "、".join(f"{self.level(level)}{len(ids)}个镇街" for level, ids in groups(places))


class English(Words):
    """Plain English: 9 Aug 2022 08:05 (Beijing time), 41.3 °C, towns."""

    def stamp(self, at: datetime) -> str:
        """``9 Aug 2022 08:05 (Beijing time)``."""
        local = at.astimezone(BEIJING)
        return f"{local.day} {_MONTHS[local.month - 1]} {local.year} {local:%H:%M} (Beijing time)"

    def hour(self, at: datetime) -> str:
        """``9 Aug 14:00``."""
        local = at.astimezone(BEIJING)
        return f"{local.day} {_MONTHS[local.month - 1]} {local:%H:%M}"

    def clock(self, at: datetime) -> str:
        """``14:00``."""
        return f"{at.astimezone(BEIJING):%H:%M}"

    def between(self, start: str, end: str) -> str:
        """``, 9 Aug 14:00 to 20:00``."""
        return f", {start} to {end}"

    def span(self, length: timedelta) -> str:
        """``19 days 3 hours``."""
        parts = pieces(length, ("day", "hour", "minute"))
        return " ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in parts)

    def level(self, level: Level) -> str:
        """``red``; ``cleared`` for NONE."""
        return level.key if level else "cleared"

    def amount(self, value: float, unit: str) -> str:
        """``41.3 °C``, ``level 4``; the number alone where it has no dimension."""
        return f"level {plain(value)}" if unit == "级" else f"{plain(value)} {unit}".rstrip()

    def towns(self, places: Iterable[str], fresh: Collection[str] = ()) -> str:
        """``all 21 towns``, ``20 towns (all but A)``, ``A, B and 5 more towns`` or names alone."""
        ids, names = list(places), {town.id: town.name_en for town in self.district.towns}
        if self.everywhere(ids):
            return f"all {len(ids)} towns"
        if others := self.others(ids):
            return f"{len(ids)} towns (all but {_listed(self.named(others, names))})"
        chosen = shown(ids, fresh)
        rest = [_towns(len(ids) - len(chosen), "more ")] if len(ids) > len(chosen) else []
        return _listed(self.named(chosen, names) + rest)

    def by_level(self, places: Mapping[str, Level], fresh: Collection[str] = ()) -> str:
        """``red: A; orange: B and C``."""
        found = groups(places)
        return "; ".join(f"{self.level(level)}: {self.towns(ids, fresh)}" for level, ids in found)

    def counts(self, places: Mapping[str, Level]) -> str:
        """``red in 8 towns, orange in 13 towns``."""
        found = groups(places)
        return ", ".join(f"{self.level(level)} in {_towns(len(ids))}" for level, ids in found)


def _towns(count: int, more: str = "") -> str:
    return f"{count} {more}town{'' if count == 1 else 's'}"


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or "no town"


LANGUAGES: Mapping[str, Callable[..., Words]] = {"zh": Chinese, "en": English}
"""Language -> its words; made with ``district=``."""
