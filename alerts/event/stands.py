"""What a person adds to a lifecycle: some towns keep at least a level for a while. Pure.

A forecaster sees what no figure shows: the next storm on the radar, a dam that is full. A stand never
lowers. It is gone when its time is over, when somebody lifts it, and when the alert is set lower or
cancelled; then the rules decide again, and tell it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np

from alerts.event.orders import Kind, Order
from alerts.event.state import Stand, State
from rules.findings import Levels

RAN_OUT = "人工升级或维持到期，恢复按数据判定 / what was upheld by hand ran out, the rules decide again"
"""Note of the change that followed when the time of a stand was over."""


def obey(state: State, order: Order) -> State:
    """The state with the stand an order makes; a rise also undoes what was set lower.

    A rise takes the towns of the highest level with it, a hold every town at its own.
    """
    if order.kind is Kind.RAISE:
        levels = np.where(state.topmost, np.int8(order.level), state.level)
    else:
        levels = state.level
    stand = Stand(
        levels={town: int(level) for town, level in zip(state.places, levels, strict=True) if level},
        until=order.until,
        by=order.by,
        why=order.why,
    )
    return replace(state, stand=stand, cap=None if order.kind is Kind.RAISE else state.cap)


def uphold(before: State, raw: State, now: datetime) -> tuple[State, str]:
    """The state with what is upheld, and what is to be noted where that ended.

    `raw` is the state with the levels that the rules alone give now; `before` the one before, as far as its
    clocks were set.
    """
    stand = raw.stand
    if stand is None:
        return raw, ""
    if now >= stand.until:
        return replace(raw, stand=None), RAN_OUT
    wanted = np.array([stand.levels.get(town, 0) for town in raw.places], np.int8)
    level: Levels = np.maximum(raw.level, wanted)
    if bool((level == before.level).all()):
        return replace(raw, level=before.level), ""
    return replace(raw, level=level), ""
