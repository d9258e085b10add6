"""Charts: what is missing is a gap, and every line of the ladder carries its word."""

from __future__ import annotations

import xml.etree.ElementTree as xml
from datetime import UTC, datetime, timedelta
from math import nan
from typing import Any

import pytest

from pipeline.console.drawing.chart import NARROW, WIDE, Band, Limit, Line, Panel, chart, legend
from rules.level import Level

NOW = datetime(2022, 8, 15, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def panel(values: list[float], **parts: Any) -> Panel:
    """Observed values, an hour apart, that end now."""
    points = [(NOW + (number - len(values) + 1) * HOUR, value) for number, value in enumerate(values)]
    line = Line(kind="observed", points=points, label="实况")
    return Panel(**{"title": "气温（°C）", "lines": [line], **parts})


def paths(drawn: str, kind: str) -> list[str]:
    """Paths of a class."""
    root = xml.fromstring(drawn)
    return [str(part.get("d")) for part in root if kind in str(part.get("class")).split()]


def test_a_gap_is_a_gap():
    """Two stretches, and nothing between them."""
    drawn = chart([panel([1.0, 2.0, nan, 3.0, 4.0])], NOW, "zh")
    assert len(paths(drawn, "observed")) == 2


def test_a_value_between_gaps_is_a_dot():
    """A line needs two points."""
    drawn = chart([panel([nan, 2.0, nan, 3.0, 4.0])], NOW, "zh")
    assert drawn.count("<circle") == 1


@pytest.mark.parametrize("values", [[], [nan, nan]])
def test_nothing_known_draws_nothing(values: list[float]):
    """An empty axis would look like calm."""
    assert chart([panel(values)], NOW, "zh") == ""


@pytest.mark.parametrize("values", [[0.0], [5.0, 5.0], [-3.0, 1e6], [0.001, 0.002]])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_any_values_fit(values: list[float], width: int):
    """Flat, huge and tiny ones too; no figure is NaN."""
    drawn = chart([panel(values)], NOW, "en", width=width)
    assert "nan" not in drawn
    assert xml.fromstring(drawn).get("viewBox") == f"0 0 {width} {xml.fromstring(drawn).get('height')}"


def test_the_ladder_carries_its_words():
    """Beside the lines, which differ in more than their colour."""
    limits = [Limit(level=Level.RED, value=40.0, label="红色 40")]
    drawn = chart([panel([35.0, 41.0], limits=limits)], NOW, "zh")
    assert "红色 40" in drawn
    assert len(paths(drawn, "limit")) == 1


def test_only_near_limits_are_drawn_and_always_the_nearest():
    """A calm day is not pressed flat by a red far above, and shows how far it is from the first level."""
    limits = [Limit(level=Level(n), value=n * 50.0, label=f"{n}") for n in (1, 2, 4)]
    drawn = chart([panel([0.0, 1.0], limits=limits)], NOW, "zh")
    assert [f"{kind}" in drawn for kind in ("limit blue", "limit red")] == [True, False]


def test_a_band_leaves_out_what_one_source_alone_says():
    """NaN at an hour is a hole in the band."""
    points = [(NOW + n * HOUR, low, low + 1) for n, low in enumerate([1.0, 2.0, nan, 3.0, 4.0])]
    drawn = chart([panel([1.0], bands=[Band(points=points, label="范围")])], NOW, "zh")
    assert len(paths(drawn, "band")) == 2


def test_words_of_others_stay_text():
    """A name of a station cannot break out of its label."""
    drawn = chart([panel([1.0, 2.0], title="<script>")], NOW, "zh", caption='"><script>')
    assert "<script>" not in drawn


@pytest.mark.parametrize(
    ("tongue", "word", "shown"), [("zh", "", "现在"), ("en", "", "now"), ("zh", "当时", "当时")]
)
def test_the_line_between_past_and_future_is_named(tongue: str, word: str, shown: str):
    """A chart of a moment of the past does not say that it is now."""
    assert f">{shown}</text>" in chart([panel([1.0, 2.0])], NOW, tongue, word=word)


def test_the_legend_names_each_kind_once():
    """In the order in which they are drawn."""
    assert legend([panel([1.0]), panel([2.0]), panel([nan])]) == [("observed", "实况")]
