"""The font of the figures: one that has Chinese characters where the machine has one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
)
"""Families with simplified Chinese, the best first."""
FILES = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)
"""Where systems keep them. matplotlib remembers which fonts there were when it was first used, so one that
was installed since is found only by its file."""
LATIN = "DejaVu Sans"
"""Comes with matplotlib, and has every sign of the figures but Chinese characters."""


@cache
def chinese_font() -> str | None:
    """Family of a font with Chinese characters; None where the machine has none of those known."""
    from matplotlib.font_manager import fontManager

    found = _known()
    for file in FILES:
        if found is None and Path(file).is_file():
            fontManager.addfont(file)
            found = _known()
    return found


def _known() -> str | None:
    from matplotlib.font_manager import fontManager

    names = {font.name for font in fontManager.ttflist}
    return next((family for family in FAMILIES if family in names), None)
