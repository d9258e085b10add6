"""The four levels of Chinese warning practice, and none."""

import pytest

from rules.level import Level, parse_level


def test_levels_rise_from_none_to_red():
    """Comparison is the order of danger."""
    assert sorted(Level) == [Level.NONE, Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED]


@pytest.mark.parametrize(
    ("level", "key", "zh", "grade"),
    [
        (Level.NONE, "none", "无", ""), (Level.BLUE, "blue", "蓝色", "Ⅳ级/一般"),
        (Level.YELLOW, "yellow", "黄色", "Ⅲ级/较重"), (Level.ORANGE, "orange", "橙色", "Ⅱ级/严重"),
        (Level.RED, "red", "红色", "Ⅰ级/特别严重"),
    ],
)
def test_a_level_has_its_names(level, key, zh, grade):
    """In configuration, in Chinese, and as official titles grade it."""
    assert (level.key, level.zh, level.grade) == (key, zh, grade)
    assert parse_level(key) is level
    assert parse_level(level) is level


@pytest.mark.parametrize("text", ["Red", "RED", "红色", "", "purple", 4, None, True, ["red"]])
def test_anything_else_is_no_level(text):
    """The message lists the words there are."""
    with pytest.raises(ValueError, match="is no level; write none, blue, yellow, orange or red"):
        parse_level(text)
