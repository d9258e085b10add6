"""Somebody who is in, by a session or by the key of a department, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """One kind of thing that can be done."""

    READ = "read"
    """Look at everything but accounts and keys."""
    ACKNOWLEDGE = "acknowledge"
    """Acknowledge for a subsystem."""
    REPORT = "report"
    """Report the three facts, and the closing report, of a subsystem."""
    DAMAGE = "damage"
    """Report what happened (灾情)."""
    VERDICT = "verdict"
    """Say afterwards whether an alert was right."""
    APPROVE = "approve"
    """Decide on releases, as the person of ``routes.yaml`` they are."""
    ORDER = "order"
    """Hold, raise, lower, correct and cancel alerts."""
    ARRANGE = "arrange"
    """Silence, and arrange who stands in for whom."""
    STUDY = "study"
    """Replay the past and try thresholds."""
    OPERATE = "operate"
    """Make accounts and keys."""


class Role(StrEnum):
    """What an account is; several may be one person's."""

    VIEWER = "viewer"
    REPORTER = "reporter"
    OFFICER = "officer"
    FORECASTER = "forecaster"
    APPROVER = "approver"
    OPERATOR = "operator"


ROLE_NAMES: Mapping[Role, tuple[str, str]] = {
    Role.VIEWER: ("查看", "viewer"),
    Role.REPORTER: ("镇街报告员", "town reporter"),
    Role.OFFICER: ("值班员", "duty officer"),
    Role.FORECASTER: ("预报员", "forecaster"),
    Role.APPROVER: ("审批人", "approver"),
    Role.OPERATOR: ("运维", "operator"),
}
"""Role -> its name in Chinese and in English."""

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.REPORTER: frozenset({Right.READ, Right.DAMAGE}),
    Role.OFFICER: frozenset(
        {Right.READ, Right.ACKNOWLEDGE, Right.REPORT, Right.DAMAGE, Right.VERDICT}
    ),
    Role.FORECASTER: frozenset(
        {Right.READ, Right.DAMAGE, Right.VERDICT, Right.ORDER, Right.STUDY}
    ),
    Role.APPROVER: frozenset({Right.READ, Right.APPROVE}),
    Role.OPERATOR: frozenset({Right.READ, Right.ARRANGE, Right.OPERATE}),
}
"""Role -> what it may do."""

OF_A_SUBSYSTEM = frozenset({Right.ACKNOWLEDGE, Right.REPORT})
"""Rights that count for the subsystems of an account or key alone."""


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody who is in."""

    account: str
    """Account, or ``key:`` and the id of a key."""
    title: str
    """Name of the person or department, as it stands under what they do."""
    rights: frozenset[Right]
    """What they may do."""
    subsystems: frozenset[str] = frozenset()
    """Subsystems they act for."""
    everywhere: bool = False
    """Whether they act for every subsystem, as officers of the command centre do."""
    person: str | None = None
    """Who they are in ``routes.yaml``; None where they are nobody there."""
    csrf: str = ""
    """What a form of theirs must bring back; empty for a key, which no browser sends by itself."""
    changing: bool = False
    """Whether they must choose a password of their own first."""

    @property
    def by_key(self) -> bool:
        """Whether they came with the key of a department."""
        return self.account.startswith("key:")

    def may(self, right: Right, subsystem: str = "") -> bool:
        """Whether they may do this, for a subsystem where one is named."""
        if right not in self.rights:
            return False
        mine = self.everywhere or not subsystem or subsystem in self.subsystems
        return mine or right not in OF_A_SUBSYSTEM
