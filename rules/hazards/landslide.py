"""Geological-hazard weather risk (地质灾害气象风险): rain of a 20-to-20 frame on ground that is wet already.

The frame and the four levels (red very high, orange high, yellow rather high, blue some risk) are those of
the joint notices of the planning and weather services. Effective rain Pe = P_0 + Σ K^i P_i with K about
0.6, the rain of the day first and its strongest hour as a correction, is the form of 《重庆地区降雨型滑坡
相关性分析及预报模型》, of which only the abstract was seen: every threshold here is the configuration's.
Other signs: intensity and duration after Caine (1980), and the antecedent index of LHASA (Kirschbaum and
Stanley 2018), see `rules.indices.landslide`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import xarray as xr

from rules.findings import Basis, Findings
from rules.hazard import Reach, Rule, hazard
from rules.indices.landslide import ARI_DAYS, CAINE, amount_threshold, ari7, effective_rain
from rules.ladder import Rising, check_ladder, reached
from rules.level import LevelName
from rules.rain_frames import DAY_RAIN, FRAME_H, RAIN, STEP, Frames
from rules.shared import values_of
from rules.sheet import Criterion, Gate, Sheet, Sky, observed_age, provenance
from rules.towns import of_towns
from rules.windows import Array, Bounds, Mask, ended_days

SENSITIVE_DECAY = 0.84
"""Share of rain that still counts a day later by another tradition (Bruce and Clark), shown beside K."""

Susceptibility = Literal["low", "moderate", "high"]

# Steps in which signs are compared: ratios in hundredths, and so rain of an hour.
_RESOLUTION = 0.01
# In place of infinity [mm].
_MOST = 1e9


@dataclass(frozen=True, kw_only=True)
class LandslideRung(Rising):
    """Effective rain [mm] on moderate ground; less of it is enough where a further sign comes with it."""

    hour: float | None = None
    """Rain of one hour [mm] that is such a sign."""
    id_ratio: float | None = None
    """Rain over some hours, as a multiple of the intensity-duration curve, that is such a sign [1]."""
    ari_ratio: float | None = None
    """ARI7 as a multiple of the town's 95th percentile that is such a sign [1]."""

    @property
    def signs(self) -> dict[str, float]:
        """The signs that are asked for: key -> threshold."""
        given = {key: getattr(self, key) for key in ("hour", "id_ratio", "ari_ratio")}
        return {key: value for key, value in given.items() if value is not None}

    def check(self) -> None:
        """Refuse thresholds that calm weather reaches."""
        super().check()
        for key, value in {"at_least": self.at_least, **self.signs}.items():
            if value <= 0:
                raise ValueError(f"{key} is {value:g}, which dry weather reaches; write more than 0")


@hazard("landslide")
@dataclass(frozen=True, kw_only=True)
class Landslide(Rule):
    """Effective rain [mm] in the frame (20 to 20 o'clock) under way or the next, the worse of the two.

    A level is reached by so much effective rain, or by the share `with_sign` of it together with a further
    sign in either frame: a strong hour, rain over some hours above the intensity-duration curve, a high
    antecedent index. Thresholds of effective rain are multiplied by the factor of the town's susceptibility.

    A missing hour of either frame may have held any amount; a missing day before them, at most `day_at_most`.
    What is known counts in full.
    """

    ladder: dict[LevelName, LandslideRung]
    """Thresholds, hold and keep per level."""
    decay: float = 0.6
    """K: share of the rain that still counts a day later [1]."""
    days: int = 7
    """Days of rain that count before a frame [d]."""
    with_sign: float = 0.5
    """Share of a rung's effective rain that is enough where a further sign is there [1]."""
    alpha: float = CAINE[0]
    """Intensity of one hour on the intensity-duration curve I = alpha D^-beta [mm/h]."""
    beta: float = CAINE[1]
    """Its exponent [1]."""
    durations: tuple[int, ...] = (3, 6, 12, 24)
    """Hours D over which rain is compared with the curve, up to 24 [h]."""
    factor: dict[Susceptibility, float] = field(
        default_factory=lambda: {"low": 1.3, "moderate": 1.0, "high": 0.8}
    )
    """Susceptibility -> factor on the effective rain of every rung [1]."""
    susceptibility: dict[str, Susceptibility] = field(default_factory=dict)
    """Code of a town -> how easily its slopes give way."""
    default_susceptibility: Susceptibility = "moderate"
    """For towns that are not named."""
    ari7_p95: dict[str, float] = field(default_factory=dict)
    """Code of a town -> 95th percentile of ARI7 on wet days [mm]; without it there is no such sign."""
    day_at_most: float = 400.0
    """Most rain that a missing day before the frames is believed to have had [mm]."""

    def __post_init__(self) -> None:
        check_ladder(self.ladder)
        for impossible, sentence in self._mistakes():
            if impossible:
                raise ValueError(sentence)

    def _mistakes(self) -> Iterator[tuple[bool, str]]:
        decay = 0.0 < self.decay <= 1.0 and self.days >= 1
        yield not decay, "decay: K is above 0 and at most 1, and days is 1 or more; correct them"
        yield not 0.0 < self.with_sign <= 1.0, "with_sign: a share is above 0 and at most 1; correct it"
        yield self.alpha <= 0.0, "alpha: intensity on the curve is above 0; correct it"
        hours = self.durations and all(1 <= hours <= FRAME_H for hours in self.durations)
        yield not hours, "durations: write one or more hours from 1 to 24"
        whole = set(self.factor) == {"low", "moderate", "high"} and min(self.factor.values()) > 0
        yield not whole, "factor: give low, moderate and high one factor above 0 each"
        normal = all(value > 0 for value in self.ari7_p95.values())
        yield not normal, "ari7_p95: write millimetres above 0, or leave the town out"
        yield self.day_at_most < 0, "day_at_most: rain is 0 or more; correct it"

    @property
    def quantities(self) -> tuple[str, ...]:
        """Hourly rain, and rain of the days before."""
        return (RAIN, DAY_RAIN)

    @property
    def reach(self) -> Reach:
        """The frame before, under way and next, and the days that count before them."""
        return Reach(hours_back=2 * FRAME_H, hours_ahead=2 * FRAME_H, days_back=self._days_back)

    @property
    def _days_back(self) -> int:
        return max(self.days, ARI_DAYS - 1)

    @property
    def towns(self) -> tuple[str, ...]:
        """Those with a susceptibility or a percentile of their own."""
        return tuple(dict.fromkeys((*self.susceptibility, *self.ari7_p95)))

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block with ``precipitation`` and ``precipitation_day_20`` [mm]."""
        sheet = Sheet.empty(block, STEP)
        frames = Frames.cut(block)
        past = _before(block, self._days_back)
        before = values_of(block, DAY_RAIN)[..., past]
        days = self._days(before, frames)
        known = frames.known | ~np.isnan(before).all(axis=-1)
        each = self._effective(days, known)
        worst = Bounds(low=_worst(each.low), high=_worst(each.high))
        factor = self._factors(block)
        signs = self._signs(block, frames, days)
        sheet.climb(slice(None), self._sky(_scaled(worst, factor), signs))
        _span(sheet, frames, each.low, factor)
        sheet.value[...] = _where(known, worst.low)
        sheet.threshold[...] = np.rint(sheet.threshold * factor / STEP) * STEP
        flags = values_of(block, f"flags_{DAY_RAIN}")[..., past]
        sheet.marks[...] = frames.marks | provenance(flags)
        extra = {
            "effective_rain": sheet.value,
            "effective_rain_084": _where(known, self._sensitive(days)),
            "hour_max": _where(frames.known, signs["hour"].low),
            "id_ratio": _where(frames.known, signs["id_ratio"].low),
            "ari7": _where(known, _worst(ari7(days.low))),
        }
        return sheet.findings(name, block, observed_age(block, RAIN), extra)

    def _days(self, before: Array, frames: Frames) -> Bounds:
        """Rain of the days before, the frame under way and the next, (now, place, day) [mm]."""
        # A day lies in a row of places, as in a block.
        low = np.moveaxis(np.zeros((self._days_back + 2, *before.shape[:2])), 0, -1)
        known = ~np.isnan(before)
        low[..., :-2] = np.where(known, before, 0.0)
        high = low.copy(order="K")
        high[..., :-2] = np.where(known, before, self.day_at_most)
        # The total of the last frame is archived half an hour after it ended; its hours are there before.
        last = frames.total(-1)
        low[..., -3] = np.maximum(low[..., -3], last.low)
        high[..., -3] = np.maximum(np.where(np.isfinite(last.high), 0.0, high[..., -3]), low[..., -3])
        for offset in (0, 1):
            frame = frames.total(offset)
            low[..., offset - 2], high[..., offset - 2] = frame.low, frame.high
        return Bounds(low=low, high=high if (low < high).any() else low)

    def _effective(self, days: Bounds, known: Mask) -> Bounds:
        """Effective rain of the frame under way and the next, (now, place, 2) [mm]."""
        low = effective_rain(days.low, decay=self.decay, days=self.days)[..., -2:]
        if days.high is days.low:
            return Bounds(low=low, high=low)
        high = effective_rain(days.high, decay=self.decay, days=self.days)[..., -2:]
        return Bounds(low=np.where(known[..., None], low, -np.inf), high=high)

    def _sensitive(self, days: Bounds) -> Array:
        return _worst(effective_rain(days.low, decay=SENSITIVE_DECAY, days=self.days))

    def _signs(self, block: xr.Dataset, frames: Frames, days: Bounds) -> dict[str, Bounds]:
        """What may stand for a part of the effective rain: key of the rung -> (now, place)."""
        curve = amount_threshold(self.durations, alpha=self.alpha, beta=self.beta).tolist()
        normal = of_towns(block, self.ari7_p95, np.inf)
        # An index without bound over a percentile without bound would be NaN, and is no sign.
        low, high = (np.minimum(_worst(ari7(rain)), _MOST) / normal for rain in (days.low, days.high))
        return {
            "hour": frames.strongest_hour(),
            "id_ratio": frames.strongest(zip(self.durations, curve, strict=True)),
            "ari_ratio": Bounds(low=low, high=high),
        }

    def _sky(self, metric: Bounds, signs: dict[str, Bounds]) -> Sky:
        sky = {}
        for level, rung in self.ladder.items():
            alone = Criterion(metric=metric, limit=rung.limit, clearing=rung.clearing)
            sky[level] = [alone, *self._helped(alone, rung, signs)]
        return sky

    def _helped(
        self, alone: Criterion, rung: LandslideRung, signs: dict[str, Bounds]
    ) -> Iterator[Criterion]:
        if rung.signs:
            yield replace(
                alone,
                limit=alone.limit * self.with_sign,
                clearing=alone.clearing * self.with_sign,
                gates=(_any_sign(rung, signs),),
            )

    def _factors(self, block: xr.Dataset) -> Array:
        named = {town: self.factor[ground] for town, ground in self.susceptibility.items()}
        return of_towns(block, named, self.factor[self.default_susceptibility])


def _before(block: xr.Dataset, days: int) -> slice:
    past = ended_days(block)
    return slice(past - days, past)


def _worst(series: Array) -> Array:
    """The higher of the frame under way and the next."""
    worst: Array = np.maximum(series[..., -2], series[..., -1])
    return worst


def _where(known: Mask, figure: Array) -> Array:
    return np.where(known, figure, np.nan)


def _scaled(rain: Bounds, factor: Array) -> Bounds:
    """Rain in reported steps, as moderate ground would count it."""
    low, high = (np.rint(side / STEP) * STEP / factor for side in (rain.low, rain.high))
    return Bounds(low=low, high=high)


def _any_sign(rung: LandslideRung, signs: dict[str, Bounds]) -> Gate:
    met = [
        [reached(side, limit, _RESOLUTION) for side in (signs[key].low, signs[key].high)]
        for key, limit in rung.signs.items()
    ]
    sure, possible = (np.any(side, axis=0) for side in zip(*met, strict=True))
    return Gate(sure=sure, possible=possible)


def _span(sheet: Sheet, frames: Frames, rain: Array, factor: Array) -> None:
    """Onset, expiry and basis: from the hour that reaches the threshold to the end of the frame that does."""
    begun = sheet.floor > 0
    if not begun.any():
        return
    limit = np.where(begun, sheet.threshold * factor, np.inf)
    now, next_one = (np.rint(rain[..., f] / STEP) >= np.rint(limit / STEP) for f in (0, 1))
    next_one |= ~now
    need = [limit - (rain[..., f] - frames.total(f).low) for f in (0, 1)]
    starts = [frames.when(f, need[f]) for f in (0, 1)]
    onset = np.where(now, starts[0], starts[1])
    sheet.onset_h[...] = np.where(begun, np.maximum(onset, 0), -1)
    sheet.expires_h[...] = np.where(begun, frames.end + FRAME_H * next_one, -1)
    seen = now & ((starts[0] < 0) | (need[0] <= 0.0))
    foretold = next_one | ~seen
    basis = seen * Basis.OBSERVED + foretold * Basis.FORECAST
    sheet.basis[...] = np.where(begun, basis, Basis.NOTHING)
