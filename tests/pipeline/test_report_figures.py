"""Figures: what they are given is what they show, in every state that weather and data can be in."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from pipeline.reports import drawing, fonts
from pipeline.reports.drawing import Draw, Sketch, svg
from pipeline.reports.figures import leads, load, pareto, performance, probability, timeline
from pipeline.reports.figures.nights import nights, of_day
from pipeline.reports.figures.style import LEVELS, ON_LEVEL, PROPOSAL, QUIET, TODAY
from pipeline.reports.figures.ticks import marks
from pipeline.reports.figures.timeline import Course, Panel, apart, bent, stretches, thinned
from pipeline.reports.language import LANGUAGES, Language, Tongue, tongue
from rules.level import Level

START = datetime(2022, 8, 9, 16, tzinfo=UTC)
"""Midnight in Beijing."""
NAN = math.nan
ZH, EN = Tongue(language="zh"), Tongue(language="en")
LIMITS = {Level.YELLOW: 35.0, Level.ORANGE: 37.0, Level.RED: 40.0}
STEPS = [(0.0, Level.NONE), (10.0, Level.YELLOW), (30.0, Level.RED), (60.0, Level.NONE)]
COURSE = Course(limits=LIMITS, steps=STEPS, pages=[(10.0, True), (30.0, True), (60.0, False)])


def panel(value: list[float], unknown: list[float], **parts: Any) -> Panel:
    """Three days of heat, judged as often as there are values."""
    changes = [(1, 10.0), (2, 30.0)]
    made: dict[str, Any] = {"measure": "T", "falling": False, "today": COURSE, "changes": changes}
    hours = np.linspace(0, 71, len(value)) if value else np.zeros(0)
    made["certain"] = np.array([sum(one >= limit for limit in LIMITS.values()) for one in value], np.int8)
    return Panel(
        period=(START, START + timedelta(hours=72)), hours=hours, value=np.array(value, float),
        unknown=np.array(unknown, float), **{**made, **parts},
    )  # fmt: skip


MOVED = Course(limits={**LIMITS, Level.ORANGE: 36.5}, steps=STEPS[:2], pages=[])
CURVE = probability.Curve(label="a", across=[0, 0.2, 1], up=[0, 0.8, 1], bounds=([0, 0.6, 1], [0, 0.9, 1]))
POINT = performance.Point(label="a", success=0.7, pod=0.9, success_bounds=(0.5, 0.9), pod_bounds=(0.6, 1))
CLOUD = pareto.Cloud(
    across="a", up="b", others=[(3, 0.4)], front=[(1, 0.5), (2, 0.7)], today=(3, 0.6), proposal=(2, 0.7)
)
BARE = pareto.Cloud(across="a", up="b", others=[], front=[(1, 0.5)], today=None, proposal=None)
DRAWN: dict[str, Draw] = {
    "timeline": partial(timeline.draw, panel=panel([30, 36, 38, 41], [0, 0, 0, 0])),
    "narrow": partial(timeline.draw, panel=panel([30, 36, 38, 41], [0, 0, 0, 0]), narrow=True),
    "moved": partial(timeline.draw, panel=panel([30, 36, 38, 41], [0, 0, 0, 0], proposal=MOVED)),
    "blind": partial(timeline.draw, panel=panel([30, NAN, NAN, 41], [0, 1, 0.3, 0])),
    "nothing known": partial(timeline.draw, panel=panel([NAN, NAN], [1, 1])),
    "no metric": partial(timeline.draw, panel=panel([], [])),
    "falling": partial(timeline.draw, panel=panel([30, 36, 38], [0, 0, 0], falling=True)),
    "load": partial(load.draw, today=([0] * 24, [1] * 24), night=(22.0, 6.0)),
    "load twice": partial(load.draw, today=([0] * 24, [1] * 24), night=(0.0, 6.0), proposal=[2] * 24),
    "performance": partial(performance.draw, points=[POINT]),
    "no bounds": partial(performance.draw, points=[performance.Point(label="b", success=1.0, pod=1.0)]),
    "roc": partial(probability.roc, curves=[CURVE]),
    "value": partial(probability.value, curves=[CURVE], stakes=[("卫生", 0.1)]),
    "reliability": partial(probability.reliability, curve=CURVE, counts=[3, 2, 1], climate=0.2),
    "pareto": partial(pareto.draw, cloud=CLOUD),
    "bare pareto": partial(pareto.draw, cloud=BARE),
    "leads": partial(leads.draw, today=[3.0, -2.0], proposal=[5.0]),
    "leads in days": partial(leads.draw, today=[300.0]),
    "no leads": partial(leads.draw, today=[]),
}


def sketch(draw: Draw, name: str = "a") -> Sketch:
    """A small figure."""
    own = isinstance(draw, partial) and draw.func is timeline.draw
    return Sketch(name=name, alt="<what>", draw=draw, width=400, height=300, fixed=own)


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_drawn_without_a_warning(name: str):
    """In Chinese, whatever is missing from its data."""
    drawn = svg(sketch(DRAWN[name]), ZH)
    assert drawn.startswith("<svg")
    assert drawn.endswith("</svg>")


@pytest.mark.parametrize("name", ["timeline", "blind", "performance"])
def test_a_figure_has_the_same_bytes_every_time(name: str):
    """No date, no random identifier."""
    assert svg(sketch(DRAWN[name]), ZH) == svg(sketch(DRAWN[name]), ZH)


def test_figures_share_no_identifier():
    """Two figures of a page cannot take each other's clips, hatches and letters."""
    ids = [set(re.findall(r'\bid="([^"]+)"', svg(sketch(DRAWN["blind"], name), ZH))) for name in "ab"]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_every_reference_of_a_figure_leads_into_it():
    """What is used is defined in the same figure."""
    drawn = svg(sketch(DRAWN["blind"]), ZH)
    used = re.findall(r'(?:href="#|url\(#)([^")]+)', drawn)
    assert used
    assert set(used) <= set(re.findall(r'\bid="([^"]+)"', drawn))


def test_a_figure_says_what_is_to_be_seen():
    """To those who do not see it, with nothing that could end the attribute."""
    assert 'role="img" aria-label="&lt;what&gt;"' in svg(sketch(DRAWN["load"]), ZH)


def test_without_a_chinese_font_the_figure_speaks_english(monkeypatch: pytest.MonkeyPatch):
    """Boxes in place of letters would be worse."""
    heard: list[Language] = []
    monkeypatch.setattr(drawing, "chinese_font", lambda: None)
    svg(sketch(lambda _figure, spoken: heard.append(spoken.language)), ZH)
    assert heard == ["en"]


def test_the_font_found_has_chinese_letters():
    """A family of the list, where the machine has one."""
    family = fonts.chinese_font()
    if family is None:
        pytest.skip("no font with Chinese characters: install fonts-noto-cjk")
    assert family in fonts.FAMILIES


@pytest.mark.parametrize(
    ("hours", "most", "count"), [(6, 9, 7), (48, 4, 5), (24 * 47, 9, 5), (24 * 365, 4, 4), (24 * 3653, 9, 5)]
)
def test_marks_are_few_and_even(hours: int, most: int, count: int):
    """Whole hours, days, months or years of Beijing, about as many as there is room for."""
    found = marks(START, START + timedelta(hours=hours), most)
    assert len(found) == count
    assert all(one < other for one, other in pairwise(found))
    assert all(moment.minute == 0 for moment in found)


@pytest.mark.parametrize(
    ("night", "expected"),
    [((22.0, 6.0), [(0, 6), (22, 30), (46, 48)]), ((0.0, 6.0), [(0, 6), (24, 30)])],
)
def test_nights_are_cut_at_the_ends(night: tuple[float, float], expected: list[tuple[float, float]]):
    """Of two days from midnight to midnight."""
    assert nights(START, START + timedelta(hours=48), night) == expected


def test_a_night_over_midnight_is_two_pieces_of_a_day():
    """And one before morning is one."""
    assert (of_day((22.0, 6.0)), of_day((1.0, 5.0))) == ([(0.0, 6.0), (22.0, 24.0)], [(1.0, 5.0)])


def test_blindness_lasts_until_the_next_look():
    """The last until the end of the period; the darkest share of a stretch is told."""
    hours, share = np.arange(5.0), np.array([0, 0.5, 1, 0, 0.2])
    assert stretches(hours, share, 9.0) == [(1.0, 3.0, 1.0), (4.0, 9.0, 0.2)]


@pytest.mark.parametrize(("falling", "worst"), [(False, 7.0), (True, -7.0)])
def test_thinning_keeps_the_worst(falling: bool, worst: float):
    """One hour among thousands is still seen, and unknown stays unknown."""
    value = np.zeros(10 * timeline.MOST_POINTS)
    value[12_345], value[:20] = worst, NAN
    hours, kept = thinned(np.arange(value.size, dtype=np.float64), value, falling)
    assert hours.size == kept.size <= timeline.MOST_POINTS
    assert (worst in kept, math.isnan(kept[0])) == (True, True)


def test_level_stretches_need_only_their_ends():
    """The line looks the same."""
    hours, value = bent(np.arange(7.0), np.array([1, 1, 1, 2, NAN, NAN, NAN]))
    assert hours.tolist() == [0, 2, 3, 4, 6]
    np.testing.assert_array_equal(value, [1, 1, 2, NAN, NAN])


@pytest.mark.parametrize("places", [[0.1, 0.11, 0.9], [0.5, 0.5, 0.5], [0.2]])
def test_labels_have_room(places: list[float]):
    """And keep their order."""
    assert all(other - one >= 0.1 - 1e-3 for one, other in pairwise(apart(places, 0.1)))


@pytest.mark.parametrize("hours", [[], [0.0], [3.0, -2.0], [700.0, 1.0], [5000.0]])
def test_classes_of_lead_time_hold_every_event(hours: list[float]):
    """With a border at the onset, and few enough to be told apart."""
    found = leads.edges(hours)
    assert 0 in found
    assert len(found) <= 17
    assert all(found[0] <= hour < found[-1] for hour in hours)


def luminance(colour: str) -> float:
    """Relative luminance of a colour (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Contrast of two colours (WCAG 2.2), 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("level", Level)
def test_the_name_of_a_level_can_be_read_on_its_colour(level: Level):
    """Contrast of AA."""
    assert contrast(LEVELS[level], ON_LEVEL[level]) >= 4.5


@pytest.mark.parametrize("colour", [QUIET, TODAY, PROPOSAL])
def test_words_can_be_read_on_white(colour: str):
    """Contrast of AA."""
    assert contrast(colour, "#ffffff") >= 4.5


@pytest.mark.parametrize(
    ("span", "zh", "en"),
    [
        (timedelta(0), "0分", "0 min"), (timedelta(days=3, hours=12), "3天12小时", "3 d 12 h"),
        (timedelta(hours=-2, minutes=-5), "−2小时5分", "−2 h 5 min"), (None, "—", "—"),
        (timedelta(days=2, minutes=5), "2天", "2 d"), (timedelta(seconds=3599), "1小时", "1 h"),
    ],
)  # fmt: skip
def test_a_span_is_said_in_two_parts(span: timedelta | None, zh: str, en: str):
    """Its largest."""
    assert (ZH.span(span), EN.span(span)) == (zh, en)


@pytest.mark.parametrize(
    ("value", "said"),
    [(NAN, "—"), (None, "—"), (1.5, "1.5"), (-0.001, "0"), (12345.0, "12,345"), (-2.0, "−2")],
)
def test_a_number_is_short(value: float | None, said: str):
    """Unknown is a dash, and never zero."""
    assert EN.number(value) == said


def test_a_moment_is_said_in_beijing_time():
    """As people there write it."""
    assert (ZH.moment(START, year=True), EN.moment(START)) == ("2022年8月10日 00:00", "10 Aug 00:00")


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_language_is_known_by_its_name(name: str):
    """And another one is refused with those there are."""
    assert tongue(name).language == name
    with pytest.raises(ValueError, match="write zh or en"):
        tongue("fr")
