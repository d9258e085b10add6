"""The chance of a fire beside the simple attempt: what is compared, and what the documents tell of it."""

import re
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from cases.fire_splits import SET, SPLITS, Contest, contest, precision, skill
from house_rules import ROOT
from simulators.real_weather import DATA, needs

from pipeline.learn.fire_data import read_fires
from pipeline.learn.fire_train import score_file, teach
from pipeline.learn.lesson import Material

pytest.importorskip("sklearn")
pytest.importorskip("scores")
FILE = DATA / SET / "daily.csv.gz"
PAGES = [ROOT / "docs" / "learning.md", ROOT / "docs" / "learning.en.md"]
LINE = re.compile(r"^\| (\d{4})(?:[^|]*(2012))?[^|]*\| (0\.\d\d) \|(.*)\|$", re.MULTILINE)
CHOSEN = ((2009, None), (2012, None))
needs_fires: pytest.MarkDecorator = needs(SET)


@cache
def of(split: tuple[int, int | None]) -> Contest:
    """One split of the real days."""
    return contest(read_fires(FILE), split)


def told(page: Path) -> dict[tuple[int, int | None], list[float]]:
    """Split -> the figures of its line in a document, without signs of typography."""
    lines = LINE.findall(page.read_text("utf-8"))
    return {
        (int(until), int(last) if last else None): [
            float(number) for number in re.findall(r"[+-]?\d\.\d+", f"{share} {rest}".replace("−", "-"))
        ]
        for until, last, share, rest in lines
    }


def measured(split: tuple[int, int | None]) -> list[float]:
    """The figures of a split in the order of the documents."""
    one = of(split)
    pairs = [score(chances, one.came) for chances in (one.simple, one.plain, one.ours)
             for score in (precision, skill)]  # fmt: skip
    more = [bound for gain in (one.ranks, one.skills) for bound in (gain.value, gain.low, gain.high)]
    even = [precision(chances, one.came, 0.5) for chances in (one.simple, one.ours)]
    return [one.came.mean(), *pairs, *more, *even]


def test_weighing_the_days_with_a_fire_is_the_same_as_having_more_of_them():
    """A chance that ranks no better than chance has the share of fire days for its precision."""
    draw = np.random.default_rng(3)
    chances, came = draw.random(4000), (draw.random(4000) < 0.3).astype(float)
    assert precision(chances, came, 0.5) == pytest.approx(0.5, abs=0.03)
    twice = np.append(came, came[came == 1.0]), np.append(chances, chances[came == 1.0])
    share = twice[0].mean()
    assert precision(chances, came, share) == pytest.approx(precision(twice[1], twice[0]))


def test_the_share_of_the_days_themselves_has_no_skill():
    """Brier skill is told beside a frequency that nobody knew beforehand."""
    came = np.array([1.0, 0.0, 0.0, 0.0])
    assert skill(np.full(4, 0.25), came) == pytest.approx(0.0)
    assert skill(came, came) == 1.0


@pytest.mark.parametrize("page", PAGES, ids=["zh", "en"])
def test_both_documents_tell_of_the_same_splits(page: Path):
    """Each line is one that the program prints, among them the one without a gain."""
    assert set(told(page)) <= set(SPLITS)
    assert set(CHOSEN) <= set(told(page))
    assert told(page) == told(PAGES[0])


@needs_fires
def test_the_documents_tell_what_is_measured():
    """A figure of the table is what a run gives; trees may differ in the third decimal elsewhere."""
    assert told(PAGES[0])[CHOSEN[0]] == pytest.approx(measured(CHOSEN[0]), abs=0.008)


@needs_fires
@pytest.mark.soak
@pytest.mark.parametrize("split", SPLITS, ids=str)
def test_every_line_of_the_documents_is_measured(split):
    """Splits that the documents leave out are held to what they say of them: never worse."""
    if split in told(PAGES[0]):
        assert told(PAGES[0])[split] == pytest.approx(measured(split), abs=0.008)
    assert of(split).ranks.value > 0.0
    assert of(split).skills.value > 0.0


@needs_fires
def test_with_years_to_learn_from_and_to_test_on_ours_ranks_surely_better():
    """The whole intervals of both gains lie above zero, against the best of three attempts."""
    assert of((2009, None)).ranks.low > 0.0
    assert of((2009, None)).skills.low > 0.0


@needs_fires
@pytest.mark.soak
def test_ours_is_what_the_commands_give():
    """Train to a year, score the file: the same figures to the last digit."""
    lesson = teach(Material(path=FILE, until=date(2009, 12, 31), seed=None, about=""))
    found, one = score_file(lesson.parts, FILE), of((2009, None))
    assert found["ap"] == pytest.approx(precision(one.ours, one.came), abs=1e-6)
    assert found["brier_skill"] == pytest.approx(skill(one.ours, one.came), abs=1e-6)
