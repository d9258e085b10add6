"""The chance of a fire beside the simple attempt, split by split: `python tests/cases/fire_splits.py`.

Learned to the end of a year, asked for every day after it. The simple attempt is the best of three, chosen
for each split by the very days it is tested on: boosted trees on the weather of the day and the season, the
same with the year, and a logistic regression on weather and season. Ours is what `fengsui train forest_fire
--until` and `fengsui score-model forest_fire` give.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# The checkout, also where nothing is installed.
_ROOT = str(Path(__file__).resolve().parents[2])
sys.path[:0] = [] if _ROOT in sys.path else [_ROOT]

from pipeline.learn.chance_lesson import chain, learn  # noqa: E402
from pipeline.learn.chance_train import Cases  # noqa: E402
from pipeline.learn.fire_data import FireDays, read_fires  # noqa: E402
from pipeline.learn.fire_train import FIRES  # noqa: E402
from pipeline.learn.heat_train import one_thread  # noqa: E402
from pipeline.learn.merit import gain  # noqa: E402
from pipeline.learn.ranking import better_than_rule  # noqa: E402
from pipeline.learn.slide_data import day_of_year  # noqa: E402
from pipeline.learn.splits import weeks_of  # noqa: E402
from pipeline.verify.bootstrap import Figure  # noqa: E402
from rules.learned.fire_days import chance  # noqa: E402
from rules.learned.level import followed, raised  # noqa: E402
from rules.learned.logistic import season  # noqa: E402

Array = npt.NDArray[np.float64]
SET = "fire_california_1984_2014"
SPLITS: tuple[tuple[int, int | None], ...] = (*((year, None) for year in range(1999, 2013)), (2011, 2012))
"""Last year learned from, last year asked for (None: all there are)."""
EVEN = 0.5
"""Share of fire days to which the last columns weigh the tested days: precision grows with that share."""
HEADS = (
    "learned to", "asked to", "share of days", "simple attempt", "AP", "Brier skill", "ours, level left: AP",
    "Brier skill", "ours: AP", "Brier skill", "more AP", "more Brier skill", "AP at 1/2: simple", "ours",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Contest:
    """One split, both asked for the same days."""

    split: tuple[int, int | None]
    """One of `SPLITS`."""
    days: npt.NDArray[np.datetime64]
    """The days asked for, (case,)."""
    came: Array
    """1 on days a fire started, 0 without, (case,)."""
    best: str
    """Which simple attempt ranks these days best."""
    simple: Array
    """Its chances, (case,)."""
    plain: Array
    """Ours, at the level of training, (case,)."""
    ours: Array
    """Ours, each day at the level of the days before, (case,)."""

    @property
    def ranks(self) -> Figure:
        """Average precision of ours less that of the simple attempt, 90 % interval by weeks."""
        return better_than_rule(self.ours, self.simple, self.came, weeks_of(self.days)).gain

    @property
    def skills(self) -> Figure:
        """Brier skill of ours less that of the simple attempt, 90 % interval by weeks."""
        usual = (self.came - self.came.mean()) ** 2
        more = (self.simple - self.came) ** 2 - (self.ours - self.came) ** 2
        return gain(usual - more, usual, weeks_of(self.days))

    @property
    def row(self) -> tuple[str, ...]:
        """The line of the table."""
        until, last = self.split
        scores = [
            f"{score(chances, self.came):.3f}"
            for chances in (self.simple, self.plain, self.ours)
            for score in (precision, skill)
        ]
        even = [f"{precision(chances, self.came, EVEN):.3f}" for chances in (self.simple, self.ours)]
        shown = [f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})" for one in (self.ranks, self.skills)]
        known = (str(until), str(last or "end"), f"{self.came.mean():.2f}", self.best)
        return (*known, *scores, *shown, *even)


def contest(days: FireDays, split: tuple[int, int | None]) -> Contest:
    """Both learned to the end of a year and asked for the days after it."""
    cases, (until, last) = days.cases(), split
    known = np.isfinite(cases.happened)
    before = known & (cases.years <= until)
    after = known & (cases.years > until) & (cases.years <= (last or cases.years[-1]))
    came = cases.happened[after]
    attempts = _attempts(days, cases, before, after)
    best = max(attempts, key=lambda name: precision(attempts[name], came))
    plain, ours = _ours(cases, before, after)
    return Contest(
        split=split, days=cases.days[after], came=came, best=best, simple=attempts[best], plain=plain,
        ours=ours,
    )  # fmt: skip


def precision(chances: Array, came: Array, share: float | None = None) -> float:
    """Average precision, the days with a fire weighed to be `share` of all where that is given."""
    from sklearn.metrics import average_precision_score

    own = came.mean()
    odds = 1.0 if share is None else share / (1.0 - share) * (1.0 - own) / own
    return float(average_precision_score(came, chances, sample_weight=np.where(came == 1.0, odds, 1.0)))


def skill(chances: Array, came: Array) -> float:
    """Brier skill beside the share of fire days among the days asked for, which nobody knew beforehand."""
    return float(1.0 - ((chances - came) ** 2).mean() / came.var())


def _attempts(
    days: FireDays, cases: Cases, before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]
) -> Mapping[str, Array]:
    """Name -> chances of the days after, by what is learned from the days before."""
    turn = season(day_of_year(days.days), np.full(len(days.days), days.latitude))
    weather = np.column_stack([days.rain, days.maximum, days.minimum, days.wind, *turn])
    dated = np.column_stack([weather, cases.years])
    tables: Mapping[str, tuple[Callable[[], Any], Array]] = {
        "trees": (_trees, weather), "trees + year": (_trees, dated), "logistic": (_logistic, weather),
    }  # fmt: skip
    with one_thread():
        return {
            name: model().fit(table[before], cases.happened[before]).predict_proba(table[after])[:, 1]
            for name, (model, table) in tables.items()
        }


def _trees() -> Any:
    """Smaller steps and leaves than the defaults, which rank these days worse."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=150, max_leaf_nodes=15, min_samples_leaf=40, random_state=0
    )


def _logistic() -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=1000))


def _ours(
    cases: Cases, before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]
) -> tuple[Array, Array]:
    taught = cases.taken(before)
    plain = chance(learn(FIRES, taught), cases.table[after])
    level = chain(FIRES, taught)[1]
    added = followed(level, cases.days[after], plain, cases.happened[after])[0]
    return level.applied(plain), raised(plain, *added)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="The chance of a fire beside the simple attempt.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    days = read_fires(parser.parse_args().data / SET / "daily.csv.gz")
    lines = [HEADS, ("---",) * len(HEADS), *(contest(days, split).row for split in SPLITS)]
    sys.stdout.write("".join(f"| {' | '.join(line)} |\n" for line in lines))


if __name__ == "__main__":
    main()
