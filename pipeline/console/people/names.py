"""What rights and deeds are called, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.console.people.visitor import Right

RIGHT_NAMES: Mapping[Right, tuple[str, str]] = {
    Right.READ: ("查看", "look"),
    Right.ACKNOWLEDGE: ("确认叫应", "acknowledge"),
    Right.REPORT: ("回报三要素", "report the three facts"),
    Right.DAMAGE: ("报灾情", "report damage"),
    Right.VERDICT: ("事后评定", "judge afterwards"),
    Right.APPROVE: ("审批发布", "approve releases"),
    Right.ORDER: ("调整、解除预警", "order alerts"),
    Right.ARRANGE: ("静默、顶班", "silence, arrange stand-ins"),
    Right.STUDY: ("回放、试阈值", "replay, try thresholds"),
    Right.OPERATE: ("管账号和密钥", "make accounts and keys"),
}
"""Right -> its name."""

DEED_NAMES: Mapping[str, tuple[str, str]] = {
    "sign_in": ("登录", "signed in"),
    "sign_out": ("退出", "signed out"),
    "locked": ("口令错误次数过多，已锁定", "locked after wrong passwords"),
    "password": ("换了自己的口令", "changed their password"),
    "password_given": ("重设口令", "gave a new password"),
    "account_made": ("新建账号", "made an account"),
    "account_closed": ("停用账号", "closed an account"),
    "account_reopened": ("恢复账号", "reopened an account"),
    "unlocked": ("解锁", "unlocked an account"),
    "roles": ("改角色", "changed roles"),
    "key_made": ("新建密钥", "made a key"),
    "key_ended": ("停用密钥", "ended a key"),
}
"""What somebody did -> in words; what is not here stands for itself."""
