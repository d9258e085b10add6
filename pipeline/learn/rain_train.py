"""Training and scoring of the calibrated rain ensemble, by contiguous stretches of days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.errors import FengsuiError
from pipeline.learn.chance_lesson import fingerprint_of
from pipeline.learn.chance_score import plain
from pipeline.learn.lesson import Lesson, Material
from pipeline.learn.merit import average_precision, brier_skill, gain, mean_error, shape_of
from pipeline.learn.rain_data import RainCases, blocks_of, read_rain
from rules.learned.manifest import Feature, Manifest
from rules.learned.rain_members import THRESHOLDS, UNITS, Array, chance, counted, crps, gamma

SCORED = (5.0, 10.0, 15.0, 20.0, *THRESHOLDS)
"""Amounts that are scored [mm]; the published set never reaches the last three."""
FOLDS, GAP_D = 5, 10
"""Stretches of days, and days left out between those learned from and those foretold [d]."""
_SEED = 0
_USE_ZH = "由集合预报成员给出24小时雨量达到25、50、100毫米的校准概率，供预报员与成员计数对照参考。"
_USE_EN = (
    "Calibrated chances that 24 hours of rain reach 25, 50 and 100 mm, from the members of an ensemble, as"
    " advice to the forecaster beside the count of members."
)
_LIMITS_ZH = (
    "未按荣昌区校准：用荣昌以外的集合预报训练，训练资料最大日雨量{most:g}毫米，超过它的概率是外推；"
    "只供参考，不得单独触发预警。"
)
_LIMITS_EN = (
    "Not calibrated for Rongchang: trained on an ensemble over another region. No rain above {most:g} mm a"
    " day was seen in training: chances beyond are extrapolated. Advisory only, never the sole reason of a"
    " warning."
)
_START = (1.5, 1.0, -1.0, 0.0, 0.0, 0.5, 0.2, 0.2)
_FEWEST = 100
_WEEK = 7


def teach(material: Material) -> Lesson:
    """Read, test and train; FengsuiError where the data cannot be read or are too few.

    The days bear no date, so that none can be cut off at one: `until` is refused. Nothing is drawn at random.
    """
    if material.until is not None:
        raise FengsuiError("rain cases bear no date to end the training at; leave --until away")
    cases = read_rain(material.path)
    parts, table = learn(cases), cases.table
    manifest = Manifest(
        name="rain",
        hazard="rain",
        targets=("chance_rain_25", "chance_rain_50", "chance_rain_100"),
        features=tuple(
            Feature.seen(name, unit, table[:, column])
            for column, (name, unit) in enumerate(UNITS.items())
        ),
        trained_to=date.min,
        data=material.about or material.path.name,
        data_hash=fingerprint_of(material),
        libraries={},
        seed=_SEED if material.seed is None else material.seed,
        calibrated_for="elsewhere",
        intended_use_zh=_USE_ZH,
        intended_use_en=_USE_EN,
        limits_zh=_LIMITS_ZH.format(most=parts["most"]),
        limits_en=_LIMITS_EN.format(most=parts["most"]),
        metrics={"stretches": honest(cases)},
    )
    return Lesson(parts=parts, manifest=manifest)


def learn(cases: RainCases) -> dict[str, Any]:
    """Coefficients with the least mean ranked probability score, and how often each amount was reached."""
    from scipy.optimize import minimize

    from pipeline.learn.heat_train import one_thread

    table, observed = cases.table, cases.observed
    known = np.isfinite(table).all(axis=1) & np.isfinite(observed)
    if known.sum() < _FEWEST:
        raise FengsuiError(
            f"{int(known.sum())} cases with members and observation are too few to learn from;"
            f" give at least {_FEWEST}"
        )
    rows, came = table[known], observed[known]

    def loss(coefficients: Array) -> float:
        score = crps(*gamma(coefficients, rows), came)
        return float(np.where(np.isfinite(score), score, 1e3).mean())

    with one_thread():
        found = minimize(loss, np.array(_START), method="L-BFGS-B", bounds=[(-6.0, 6.0)] * len(_START))
    return {
        "coefficients": np.asarray(found.x, float),
        "amounts": np.array(SCORED),
        "rates": np.array([float((came >= amount).mean()) for amount in SCORED]),
        "most": float(came.max()),
    }


def honest(cases: RainCases) -> dict[str, Any]:
    """Figures of merit of stretches of days that were not learned from."""
    said = np.full((len(SCORED), len(cases.made)), np.nan)
    climate, ranked = said.copy(), np.full(len(cases.made), np.nan)
    for learned, own in blocks_of(cases, FOLDS, GAP_D):
        model, part = learn(cases.taken(learned)), cases.taken(own)
        said[:, own] = chance(model, part.table, SCORED)
        climate[:, own] = model["rates"][:, None]
        ranked[own] = crps(*gamma(model["coefficients"], part.table), part.observed)
    return _scored(cases, said, climate, ranked)


def score_file(parts: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Score a saved model on a file that `read_rain` knows; without dates, all of it is scored."""
    cases = read_rain(path)
    said = chance(parts, cases.table, SCORED)
    climate = np.broadcast_to(np.asarray(parts["rates"])[:, None], said.shape)
    ranked = crps(*gamma(np.asarray(parts["coefficients"]), cases.table), cases.observed)
    return {"hazard": "rain", **_scored(cases, said, climate, ranked)}


def crps_members(members: Array, observed: Array) -> Array:
    """Ranked probability score of the members as they are, (case,) [mm]; NaN where a member is missing.

    Mean distance to what came, less half the mean distance between members (Gneiting and Raftery 2007,
    https://doi.org/10.1198/016214506000001437, equation 21).
    """
    ranked = np.sort(members, axis=1)
    size = members.shape[1]
    weight = (2.0 * np.arange(1, size + 1) - size - 1.0) / size**2
    return np.asarray(np.abs(members - observed[:, None]).mean(axis=1) - ranked @ weight)


def _scored(cases: RainCases, said: Array, climate: Array, ranked: Array) -> dict[str, Any]:
    raw = counted(cases.members, SCORED)
    members = crps_members(cases.members, cases.observed)
    # The reports of a day are foretold ten times, so leads of one week are drawn together.
    weeks = cases.valid // _WEEK
    known = np.isfinite(ranked) & np.isfinite(members) & np.isfinite(said).all(axis=0)
    figures = {
        "crps": mean_error(ranked[known], weeks[known]),
        "crps_members": mean_error(members[known], weeks[known]),
        "crps_under_members": gain(ranked[known], members[known], weeks[known]),
    }
    amounts = {}
    for row, amount in enumerate(SCORED):
        came = (cases.observed[known] >= amount).astype(float)
        ours, theirs, usual = (each[row][known] for each in (said, raw, climate))
        amounts[f"{amount:g}"] = _of_amount((ours, theirs, usual), came, weeks[known])
    most = float(cases.observed[known].max(initial=0.0))
    return {**plain(figures), "amounts": amounts, "n": int(known.sum()), "largest_observed": most}


def _of_amount(
    chances: tuple[Array, Array, Array], came: Array, weeks: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """Skill of a chance, beside members counted and climate; without an event there is nothing to score."""
    said, raw, climate = chances
    events = int(came.sum())
    if not events:
        return {"events": 0, "highest_chance": float(said.max()), "highest_count": float(raw.max())}
    figures = {
        "brier_skill": brier_skill(said, climate, came, weeks),
        "brier_skill_members": brier_skill(raw, climate, came, weeks),
        "brier_skill_beside_members": brier_skill(said, raw, came, weeks),
        "ap": average_precision(said, came, weeks),
        "ap_members": average_precision(raw, came, weeks),
    }
    return {**plain(figures), **shape_of(said, came, (raw >= 0.5).astype(float)), "events": events}
