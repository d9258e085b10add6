"""Names of things that only reports name, Chinese and English."""

from __future__ import annotations

from alerts.event.transition import Reason
from alerts.record.verdicts import Certainty
from pipeline.verify.catalogue import Kind
from pipeline.verify.result import Fate

REASONS: dict[Reason, tuple[str, str]] = {
    Reason.OPENED: ("发布", "opened"),
    Reason.RAISED: ("升级", "raised"),
    Reason.SPREAD: ("扩大", "spread"),
    Reason.LOWERED: ("降级", "lowered"),
    Reason.NARROWED: ("缩小", "narrowed"),
    Reason.EXTENDED: ("延长", "extended"),
    Reason.ENDED: ("解除", "ended"),
    Reason.CORRECTED: ("更正", "corrected"),
    Reason.CANCELLED: ("撤销", "withdrawn"),
    Reason.DATA_LOST: ("数据中断", "data lost"),
    Reason.DATA_FOUND: ("数据恢复", "data found"),
}
"""What a change is called."""
FATES: dict[Fate, tuple[str, str, str]] = {
    "hit": ("✓", "命中", "hits"),
    "late": ("→", "迟报", "late"),
    "near": ("≈", "接近", "near hits"),
    "miss": ("✗", "漏报", "misses"),
}
"""What became of an event: sign, Chinese, English."""
KINDS: dict[Kind, tuple[str, str]] = {
    "event": ("事件目录", "catalogue"),
    "damage": ("灾情报告", "damage report"),
    "verdict": ("值班员判定", "verdict"),
}
"""Where an event is known from."""
CERTAINTIES: dict[Certainty, tuple[str, str]] = {
    "certain": ("确定", "certain"),
    "likely": ("很可能", "likely"),
    "doubtful": ("存疑", "doubtful"),
}
"""How sure it is."""
BLOCKS: dict[str, tuple[str, str]] = {
    "day": ("日", "days"),
    "week": ("周", "weeks"),
    "season": ("季", "seasons"),
    "year": ("年", "years"),
}
"""What a bootstrap draws as one."""
