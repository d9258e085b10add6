"""The seat belt: where a model may not speak, why, and what the operator is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection

from alerts.record import shadows
from alerts.record.shadows import Turn
from alerts.record.troubles import Symptom
from ingest.times import beijing_day
from pipeline.config import Config
from pipeline.learn.inputs import Inputs
from pipeline.learn.kinds import Chances, Kind, kind_behind
from pipeline.ports import Judging
from pipeline.view import LEARNED
from rules.learned.drift import FEWEST, Reliability, limit, psi, reliability, strangers
from rules.learned.manifest import Array, Manifest

MISSING, STRANGE, DRIFT, UNRELIABLE = "missing", "out of range", "drift", "unreliable"
"""Why a model does not speak of a town."""
NO_SOURCES = "the sources it reads are not in the archive"
"""What a turn says that had nothing to ask about."""
LATEST = timedelta(hours=36)
"""A turn older than this says nothing any more: what was foretold then is stale."""
CASES_D = 90
"""Days of chances that are held against what came [d]."""
# Of 150 spells of 60 days in seasons that a heat model was not trained on, one had more than a fifth of its
# features beyond their limit, and seven more than a tenth.
_MOST_DRIFTING = 0.2

Silent = Mapping[str, str]
"""Town -> why the model does not speak of it."""


@dataclass(frozen=True, kw_only=True)
class Belt:
    """What was found of a model's inputs and of its past chances."""

    drifting: Mapping[str, float]
    """Feature -> population stability index, of those beyond their limit."""
    watched: int
    """Number of features that could be watched."""
    kept: Mapping[str, Reliability] = field(default_factory=dict)
    """Chance -> whether it came true as often as it said."""

    @property
    def drifted(self) -> bool:
        """More than one in five features is another one now."""
        return bool(self.watched) and len(self.drifting) > _MOST_DRIFTING * self.watched

    @property
    def reason(self) -> str | None:
        """Why the model speaks of no town at all; None where it may."""
        if self.drifted:
            return DRIFT
        return None if all(one.inside for one in self.kept.values()) else UNRELIABLE


def fastened(manifest: Manifest, inputs: Inputs, now: datetime) -> Belt:
    """Look for drift: the features of the days before against the training of that time of the year."""
    days, month = len(inputs.past), beijing_day(now).month
    indices = {
        feature.name: psi(feature, inputs.past[..., column], month)
        for column, feature in enumerate(manifest.features)
        if days * inputs.past.shape[1] >= FEWEST
    }
    far = {feature.name: limit(feature, days) for feature in manifest.features}
    known = {name: index for name, index in indices.items() if np.isfinite(index)}
    return Belt(
        drifting={name: index for name, index in known.items() if index > far[name]},
        watched=len(known),
    )


def held(
    connection: Connection, now: datetime, judging: Judging, kind: Kind
) -> dict[str, Reliability]:
    """Chance -> what was said on the evening before each of the last days, against what came."""
    found = {}
    for name, (quantity, least) in kind.came.items():
        view = replace(
            judging.view, quantities=(name, quantity), hours_back=1, hours_ahead=0, days_back=1,
            days_ahead=1, sources=tuple(dict.fromkeys((*judging.view.sources, LEARNED))),
            remembering=tuple(dict.fromkeys((*judging.view.remembering, LEARNED))),
        )  # fmt: skip
        moments = [now - timedelta(days=age) for age in range(CASES_D, -1, -1)]
        block = judging.archive.block(connection, moments, view)
        # Day 0 is the one under way: its chance was said before it began, and it has ended a day later.
        said = block.variables[name].values[:-1, :, 1]
        came = block.variables[quantity].values[1:, :, 0]
        happened = np.where(np.isnan(came), np.nan, came >= least)
        days = np.repeat(np.arange(len(said)), said.shape[1])
        found[name] = reliability(said.ravel(), happened.ravel(), days)
    return found


def silenced(
    chances: Chances, manifest: Manifest, inputs: Inputs, belt: Belt, places: tuple[str, ...]
) -> tuple[dict[str, Array], dict[str, str]]:
    """The chances with NaN where the model may not speak, and town -> why."""
    missing = np.any(np.isnan(list(chances.values())), axis=0)
    strange = np.any(strangers(manifest.features, inputs.table), axis=1)
    all_of_them = belt.reason
    why: dict[str, str] = {}
    for row, place in enumerate(places):
        reason = MISSING if missing[row] else STRANGE if strange[row] else all_of_them
        if reason is not None:
            why[place] = reason
    quiet = np.array([place in why for place in places])
    return {name: np.where(quiet, np.nan, values) for name, values in chances.items()}, why


def symptoms(
    connection: Connection, config: Config, now: datetime
) -> Iterator[tuple[str, Symptom]]:
    """What the operator is told: models that speak in the place of a rule and have fallen back on it.

    One symptom per model, whatever the reason and the number of towns: told once when it begins and once when
    it is over. Shadows are nobody's trouble.
    """
    for name, block in config.aside.items():
        kind = kind_behind(block)
        if kind is None or block.conduct.shadow or not block.conduct.enabled:
            continue
        turn = shadows.last_turn(connection, kind.name)
        why = fallen_back(turn, now)
        if why:
            rule = block.conduct.instead_of
            words = f"{name}在部分或全部镇街不可用，已改用{rule} / the physical rule speaks there: {why}"
            yield f"model {name}", Symptom(text=words)


def unfit(connection: Connection, config: Config) -> tuple[str, ...]:
    """Why a model that only watches was refused, a sentence each; sources that are not there are no fault."""
    found = []
    for name, block in config.aside.items():
        kind = kind_behind(block)
        if kind is not None and block.conduct.shadow and block.conduct.enabled:
            turn = shadows.last_turn(connection, kind.name)
            if turn is not None and turn.why not in ("", NO_SOURCES):
                found.append(f"{name}：影子模型不可用 / its model is not used: {turn.why}")
    return tuple(found)


def fallen_back(turn: Turn | None, now: datetime) -> str:
    """Why a model does not speak everywhere, in words; empty where it does."""
    if turn is None:
        return "it has never been asked"
    if turn.why:
        return turn.why
    if now - turn.at > LATEST:
        return f"it was last asked {turn.at:%Y-%m-%dT%H:%MZ}"
    reasons = sorted(set(turn.silent.values()))
    counts = {reason: list(turn.silent.values()).count(reason) for reason in reasons}
    return ", ".join(f"{reason} in {count} towns" for reason, count in counts.items())
