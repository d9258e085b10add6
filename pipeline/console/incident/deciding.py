"""What can be decided about an alert, kind by kind: a new one is one more entry of `KINDS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.event.orders import Kind, Order
from pipeline import ordering
from pipeline.config import Config
from pipeline.console.incident.facts import Head
from pipeline.ordering import Said
from rules.level import Level

HOURS = (3, 6, 12, 24)
"""For how long an order may be given [h]."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants done."""

    kind: str
    """Key of one of `KINDS`."""
    level: Level
    """Level to set; NONE where the kind sets none."""
    hours: int
    """For how long it counts [h]."""
    why: str
    """The reason, as those who are told will read it."""
    by: str
    """Id of the person of ``routes.yaml``."""
    at: datetime
    """When."""

    @property
    def said(self) -> Said:
        """The same, as orders take it."""
        return Said(by=self.by, at=self.at, why=self.why, lasts=timedelta(hours=self.hours))


@dataclass(frozen=True, kw_only=True)
class OrderKind:
    """One kind of order, as the page offers it."""

    zh: str
    """Name in Chinese."""
    en: str
    """Name in English."""
    does_zh: str
    """What it does, in Chinese."""
    does_en: str
    """What it does, in English."""
    offered: Callable[[Head], bool]
    """Whether it can be given now."""
    levels: Callable[[Head, Config], tuple[Level, ...]]
    """Levels to choose from; empty where it sets none."""
    timed: bool
    """Whether it counts for some hours."""
    grave: bool
    """Whether its button warns."""
    propose: Callable[[Connection, Config, Head, Wish], Order]
    """The order it would give, refused with UnknownName or ValueError where it cannot be given."""


def _correct(connection: Connection, config: Config, head: Head, wish: Wish) -> Order:
    return ordering.correction(connection, config, head.alert, wish.level, wish.said)


def _cancel(connection: Connection, config: Config, head: Head, wish: Wish) -> Order:
    return ordering.cancellation(connection, config, head.alert, wish.said)


def _raise(connection: Connection, config: Config, head: Head, wish: Wish) -> Order:
    return ordering.raising(connection, config, head.alert, wish.level, wish.said)


def _hold(connection: Connection, config: Config, head: Head, wish: Wish) -> Order:
    return ordering.holding(connection, config, head.alert, wish.said)


def _lift(connection: Connection, config: Config, head: Head, wish: Wish) -> Order:
    return ordering.lifting(connection, config, head.hazard, wish.said)


def _no_level(head: Head, config: Config) -> tuple[Level, ...]:
    return ()


def _up(head: Head, config: Config) -> tuple[Level, ...]:
    """The levels of the ladder above the one that stands, the lowest first."""
    ladder = config.hazards[head.hazard].rule.ladder if head.hazard in config.hazards else {}
    return tuple(sorted(level for level in ladder if level > head.level))


def _down(head: Head, config: Config) -> tuple[Level, ...]:
    """The levels of the ladder up to the one that stands, the highest first, and none."""
    ladder = config.hazards[head.hazard].rule.ladder if head.hazard in config.hazards else {}
    return (*sorted((level for level in ladder if level <= head.level), reverse=True), Level.NONE)


KINDS: Mapping[str, OrderKind] = {
    Kind.CORRECT.value: OrderKind(
        zh="更正",
        en="Correct",
        does_zh="把等级改低，或等级不变只更正文字；告知所有被告知过的人。",
        does_en="Set the level lower, or correct the words only; told to exactly those who were warned.",
        offered=lambda head: head.open,
        levels=_down,
        timed=True,
        grave=False,
        propose=_correct,
    ),
    Kind.RAISE.value: OrderKind(
        zh="升级",
        en="Raise",
        does_zh="把等级最高的镇街升到更高一级并保持；照升级叫应，照常审批。",
        does_en="Take the towns of the highest level higher for a while; people are called as for any rise.",
        offered=lambda head: head.open and head.level < Level.RED,
        levels=_up,
        timed=True,
        grave=False,
        propose=_raise,
    ),
    Kind.HOLD.value: OrderKind(
        zh="维持",
        en="Hold",
        does_zh="到期之前每个镇街不低于现在的等级；不通知任何人，数据升高照升。",
        does_en="No town falls below its level until then; nobody is told, and data may still raise it.",
        offered=lambda head: head.open,
        levels=_no_level,
        timed=True,
        grave=False,
        propose=_hold,
    ),
    Kind.CANCEL.value: OrderKind(
        zh="撤销",
        en="Cancel",
        does_zh="预警有误，予以撤销；告知所有被告知过的人。",
        does_en="It was a mistake: withdraw it; told to exactly those who were warned.",
        offered=lambda head: head.open,
        levels=_no_level,
        timed=True,
        grave=True,
        propose=_cancel,
    ),
    Kind.LIFT.value: OrderKind(
        zh="恢复按数据判定",
        en="Leave to the rules",
        does_zh="结束人工更正、升级或维持，等级重新由规则按数据判定。",
        does_en="End what a person ordered: the rules decide by the data again.",
        offered=lambda head: head.cap is not None or head.standing.stand is not None,
        levels=_no_level,
        timed=False,
        grave=False,
        propose=_lift,
    ),
}
"""Key, as in orders -> kind."""


def offered(head: Head) -> dict[str, OrderKind]:
    """The kinds that can be given now."""
    return {key: kind for key, kind in KINDS.items() if kind.offered(head)}
