"""The map of the district: cells of towns, colours with words, and "no data" with a sign of its own."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np
import pytest
from stage import district

from pipeline.console.drawing.cells import plane_of
from pipeline.console.drawing.district_map import Mark, Shade, district_map, short
from rules.level import Level

CONFIG = district()
TOWNS = CONFIG.district.towns
FIRST = TOWNS[0].id


def drawn(shade: Shade | None = None, tongue: Any = "zh", **more: Any) -> str:
    """The map with one town shaded, and the others unknown."""
    shades = {} if shade is None else {FIRST: shade}
    return str(district_map(CONFIG, shades, tongue, **more))


def area(ring: np.ndarray) -> float:
    """Area of a polygon."""
    x, y = ring[:, 0], ring[:, 1]
    return abs(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2)


def test_the_map_is_well_formed():
    """A browser, and whoever exports it, can read it as XML."""
    assert ElementTree.fromstring(drawn()).tag == "svg"


def test_cells_fill_the_district():
    """Every piece of the district belongs to one town."""
    plane = plane_of(CONFIG.folder, CONFIG.district)
    cells = sum(area(cell.ring) for cell in plane.cells)
    assert cells == pytest.approx(sum(area(ring) for ring in plane.outline), rel=0.002)


def test_every_town_has_a_cell():
    """None of the 21 is lost between its neighbours."""
    plane = plane_of(CONFIG.folder, CONFIG.district)
    assert {cell.place for cell in plane.cells if area(cell.ring) > 100} == {town.id for town in TOWNS}


def test_all_neighbours_are_drawn():
    """The six districts around stand in grey, with their names."""
    assert all(one.name in drawn() for one in CONFIG.district.neighbours)


@pytest.mark.parametrize("level", [level for level in Level if level])
@pytest.mark.parametrize("tongue", ["zh", "en"])
def test_a_level_stands_in_words_beside_its_colour(level: Level, tongue: str):
    """Whoever cannot tell the colours apart reads them."""
    word = level.zh[:-1] if tongue == "zh" else level.key.capitalize()
    assert f">{word}</tspan>" in drawn(Shade(level=level, title="x"), tongue)


def test_a_town_nobody_spoke_of_is_unknown():
    """No data is not green."""
    assert drawn().count('class="town unknown"') == len(TOWNS)


def test_unknown_is_hatched_and_has_a_sign():
    """It has a pattern and a word of its own, not only a colour."""
    text = drawn(Shade(level=None, title="无资料"))
    assert text.count('fill="url(#hatch)"') == len(TOWNS)
    assert text.count(">？</tspan>") == len(TOWNS)


def test_a_level_with_gaps_is_hatched_over_its_colour():
    """A red with missing data stays red and shows that data is missing."""
    text = drawn(Shade(level=Level.RED, title="x", unsure=True))
    assert 'class="town red"' in text
    assert 'fill="url(#hatch-over)"' in text


def test_a_town_links_to_its_evidence():
    """It can be pressed, and says where to by name."""
    text = drawn(Shade(level=Level.RED, title="昌元：红"), links={FIRST: "/alerts/a?x=1&y=2"})
    assert 'href="/alerts/a?x=1&amp;y=2" aria-label="昌元：红"' in text


def test_what_people_wrote_stays_text():
    """A title, a name or a mark cannot become markup."""
    evil = '"><script>alert(1)</script>'
    mark = Mark(lat=29.4, lon=105.6, sort="fire", title=evil, text=evil)
    assert "<script" not in drawn(Shade(level=Level.RED, title=evil), links={FIRST: evil}, marks=[mark])


@pytest.mark.parametrize("sort", ["fire", "station"])
def test_marks_stand_where_they_are(sort: Literal["fire", "station"]):
    """The place of a mark is that of its coordinates on the same plane."""
    plane = plane_of(CONFIG.folder, CONFIG.district)
    town = TOWNS[0]
    x, y = plane.point(town.lon, town.lat)
    text = drawn(marks=[Mark(lat=town.lat, lon=town.lon, sort=sort, title="x")])
    assert f'class="mark-{sort}" transform="translate({x:.0f} {y:.0f})"' in text


@pytest.mark.parametrize(
    ("name", "wanted"), [("昌元街道", "昌元"), ("荣隆镇", "荣隆"), ("某乡", "某"), ("中心", "中心")]
)
def test_names_are_short_enough_for_their_cells(name: str, wanted: str):
    """What every town has in its name is left out."""
    assert short(replace(TOWNS[0], name=name), "zh") == wanted


def test_a_district_without_neighbours_is_drawn(tmp_path: Path):
    """The file of neighbours is not needed."""
    shutil.copy(CONFIG.folder / CONFIG.district.boundary, tmp_path)
    assert "neighbour" not in district_map(replace(CONFIG, folder=tmp_path), {}, "zh")
