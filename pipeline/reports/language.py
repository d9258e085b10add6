"""What a report says, in one of its two languages: numbers, moments and spans as people write them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from ingest.times import BEIJING, HOUR
from rules.level import Level

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
"""Chinese first, as everywhere."""

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_UNKNOWN = "—"


class Named(Protocol):
    """Anything that has a name in both languages."""

    @property
    def name(self) -> str:
        """Name in Chinese."""
        ...

    @property
    def name_en(self) -> str:
        """Name in English."""
        ...


class Words(Protocol):
    """A sentence in both languages, such as an `Advice`."""

    @property
    def zh(self) -> str:
        """Chinese text."""
        ...

    @property
    def en(self) -> str:
        """English text."""
        ...


@dataclass(frozen=True, kw_only=True)
class Tongue:
    """One of the two languages; moments are shown in Beijing time, and NaN and None as a dash."""

    language: Language
    """Which."""

    def say(self, zh: str, en: str) -> str:
        """The one of two texts that is in this language."""
        return zh if self.language == "zh" else en

    def words(self, text: Words) -> str:
        """A text that exists in both."""
        return self.say(text.zh, text.en)

    def name(self, thing: Named) -> str:
        """Name of a hazard, a town, a subsystem."""
        return self.say(thing.name, thing.name_en)

    def level(self, level: Level) -> str:
        """Name of a level."""
        return self.say(level.zh, level.key)

    def initial(self, level: Level) -> str:
        """A sign of a level that fits into a narrow band."""
        return self.say(level.zh[0], level.key[0].upper())

    def day(self, moment: datetime, year: bool = False) -> str:
        """A day in Beijing."""
        local = moment.astimezone(BEIJING)
        if self.language == "zh":
            return f"{f'{local.year}年' if year else ''}{local.month}月{local.day}日"
        return f"{local.day} {_MONTHS[local.month - 1]}{f' {local.year}' if year else ''}"

    def month(self, moment: datetime) -> str:
        """A month in Beijing, January with its year."""
        local = moment.astimezone(BEIJING)
        if local.month == 1:
            return str(local.year)
        return self.say(f"{local.month}月", _MONTHS[local.month - 1])

    def clock(self, moment: datetime) -> str:
        """A time of day in Beijing."""
        return f"{moment.astimezone(BEIJING):%H:%M}"

    def moment(self, moment: datetime | None, year: bool = False) -> str:
        """Day and time in Beijing."""
        if moment is None:
            return _UNKNOWN
        return f"{self.day(moment, year)} {self.clock(moment)}"

    def span(self, span: timedelta | None) -> str:
        """A length of time in its two largest parts; before something it has a minus."""
        if span is None:
            return _UNKNOWN
        sign = "−" if span < timedelta(0) else ""
        minutes = round(abs(span) / timedelta(minutes=1))
        days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
        if days:
            rest = 0
        said = [
            f"{count}{self.say(zh, f' {en}')}"
            for count, zh, en in ((days, "天", "d"), (hours, "小时", "h"), (rest, "分", "min"))
            if count
        ]
        return sign + (self.say("", " ").join(said) or self.say("0分", "0 min"))

    def hours(self, span: timedelta) -> float:
        """A length of time [h]."""
        return span / HOUR

    def number(self, value: float | None, digits: int = 2) -> str:
        """A figure with at most so many decimals; a dash where there is none."""
        if value is None or not math.isfinite(value):
            return _UNKNOWN
        text = f"{value:,.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text.replace("-", "−") if text != "-0" else "0"

    def fixed(self, value: float | None, digits: int = 2) -> str:
        """A figure with exactly so many decimals, for columns; a dash where there is none."""
        if value is None or not math.isfinite(value):
            return _UNKNOWN
        return f"{value:.{digits}f}".replace("-", "−")

    def signed(self, value: float | None, digits: int = 1) -> str:
        """A difference with its sign."""
        text = self.number(value, digits)
        return f"+{text}" if value is not None and value > 0 and text != "0" else text

    def percent(self, share: float | None) -> str:
        """A share as whole percent."""
        if share is None or not math.isfinite(share):
            return _UNKNOWN
        return f"{share * 100:.0f}%"

    def interval(self, bounds: tuple[float, float] | None, digits: int = 2) -> str:
        """An interval; a dash where it is unknown."""
        if bounds is None or not all(map(math.isfinite, bounds)):
            return _UNKNOWN
        return f"{self.fixed(bounds[0], digits)}–{self.fixed(bounds[1], digits)}"


def tongue(language: str) -> Tongue:
    """A language by its name; ValueError names those there are."""
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is no language of a report; write zh or en")
    return Tongue(language=next(known for known in LANGUAGES if known == language))
