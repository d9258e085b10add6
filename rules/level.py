"""The four levels of Chinese warning practice, and none."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from pydantic import PlainValidator

_ZH = ("无", "蓝色", "黄色", "橙色", "红色")
_GRADE = ("", "Ⅳ级/一般", "Ⅲ级/较重", "Ⅱ级/严重", "Ⅰ级/特别严重")


class Level(IntEnum):
    """Levels in rising order (CMA Order No. 16, 2007: Ⅳ blue to Ⅰ red)."""

    NONE = 0
    BLUE = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4

    @property
    def key(self) -> str:
        """Name in configuration and files: ``none`` to ``red``."""
        return self.name.lower()

    @property
    def zh(self) -> str:
        """Name in Chinese."""
        return _ZH[self]

    @property
    def grade(self) -> str:
        """Grade as official titles write it; empty for NONE."""
        return _GRADE[self]


def parse_level(text: object) -> Level:
    """Read a level by its name in configuration; ValueError lists the names."""
    if isinstance(text, Level):
        return text
    for level in Level:
        if level.key == text:
            return level
    raise ValueError(f"{text!r} is no level; write none, blue, yellow, orange or red")


LevelName = Annotated[Level, PlainValidator(parse_level)]
"""A level written by its name."""
